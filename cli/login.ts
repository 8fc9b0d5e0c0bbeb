import { type Api, createApi, Refusal } from '../client/api.ts';
import { listNewest } from '../client/clusters.ts';
import { readServerTime } from '../client/server-clock.ts';
import { keepLogin, parseUrl } from './config.ts';
import { type Context, show } from './context.ts';
import { CliError } from './errors.ts';

const LOCAL_URL = 'http://127.0.0.1:3000';

/**
 * The token is taken from the environment, the input, or whoever types it: never from arguments.
 */
export async function login(context: Context, options: { readonly url?: string }): Promise<void> {
  const { env, terminal } = context;
  const url = parseUrl(options.url ?? env.ONEBUCK_URL ?? (await askUrl(context)));
  const token = env.ONEBUCK_TOKEN || (await readToken(context));
  if (token === '') {
    const ways = 'Type it in a terminal, pipe it in, or set ONEBUCK_TOKEN.';
    throw new CliError('usage', `There is no token on the input. ${ways}`);
  }
  if (!/^[\x21-\x7e]{1,512}$/.test(token)) {
    throw new CliError('usage', 'The token must be printable characters without blanks.');
  }
  if (url.startsWith('http:') && !isLoopback(url)) {
    terminal.note(`${url} is not encrypted: whoever is on the way can read the token.`);
  }
  const api = createApi({ url, token });
  await assertOnebuck(api, url);
  await listNewest(api, 1);
  const file = keepLogin(env, { url, token });
  show(context, { url }, () => `Logged in to ${url}. The token is kept in ${file}.`);
}

/** Most of a path comes from an address that a browser shows, or from an example of a request. */
async function assertOnebuck(api: Api, url: string): Promise<void> {
  const { origin, pathname } = new URL(url);
  try {
    await readServerTime(api);
  } catch (error) {
    if (pathname === '/' || !(error instanceof Refusal)) throw error;
    const message = `Onebuck does not answer at ${url}: give the address without its path, ${origin}.`;
    throw new CliError('usage', message);
  }
}

async function askUrl({ terminal }: Context): Promise<string> {
  if (!terminal.canAsk) throw new CliError('usage', 'Give --url, or set ONEBUCK_URL.');
  return (await terminal.ask(`Address of the API [${LOCAL_URL}]: `)) || LOCAL_URL;
}

async function readToken({ terminal }: Context): Promise<string> {
  if (terminal.canAsk) return terminal.askHidden('Token (not shown): ');
  return (await terminal.inputToEnd()).trim();
}

const isLoopback = (url: string) =>
  ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);
