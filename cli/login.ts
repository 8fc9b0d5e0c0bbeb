import { createApi } from '../client/api.ts';
import { listNewest } from '../client/clusters.ts';
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
  if (!/^[\x21-\x7e]{1,512}$/.test(token)) {
    throw new CliError('usage', 'The token must be printable characters without blanks.');
  }
  if (url.startsWith('http:') && !isLoopback(url)) {
    terminal.note(`${url} is not encrypted: whoever is on the way can read the token.`);
  }
  await listNewest(createApi({ url, token }), 1);
  const file = keepLogin(env, { url, token });
  show(context, { url }, () => `Logged in to ${url}. The token is kept in ${file}.`);
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
