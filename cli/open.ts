import { spawn } from 'node:child_process';
import { readLogin } from './config.ts';
import { type Context, show } from './context.ts';

/** The program that opens an address in the browser, by platform. */
const OPENERS: Readonly<Record<string, readonly string[]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** Opens the console in the browser of $BROWSER, or of the desktop; prints its address anyway. */
export async function openConsole(context: Context): Promise<void> {
  const { env } = context;
  const { url } = readLogin(env);
  const [opener = '', ...args] = env.BROWSER
    ? [env.BROWSER]
    : (OPENERS[process.platform] ?? ['xdg-open']);
  const isOpening = await starts(opener, [...args, `${url}/`]);
  show(context, { url: `${url}/` }, () =>
    isOpening
      ? `The console is at ${url}/, and opens in the browser.`
      : `The console is at ${url}/: open it in a browser.`,
  );
}

function starts(file: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(file, args, { stdio: 'ignore', detached: true });
  child.unref();
  return new Promise((resolve) => {
    child.once('spawn', () => resolve(true));
    child.once('error', () => resolve(false));
  });
}
