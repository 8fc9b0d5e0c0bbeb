import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CliError } from './errors.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Where Onebuck is, and who asks. */
export interface Login {
  readonly url: string;
  readonly token: string;
}

const configFile = (env: Env) =>
  join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'onebuck', 'config.json');

const stateFolder = (env: Env) =>
  join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'onebuck');

/** A cluster's own: addresses are used again soon, by machines with other host keys. */
export const knownHostsFile = (env: Env, clusterId: string) =>
  join(stateFolder(env), 'known_hosts', clusterId);

/** Launches that wait for a clear answer. */
export const runsFolder = (env: Env) => join(stateFolder(env), 'runs');

export function readLogin(env: Env): Login {
  const kept = readKept(configFile(env));
  const url = env.ONEBUCK_URL ? parseUrl(env.ONEBUCK_URL) : kept?.url;
  // A token is for the place that it was made for, and must not be shown to another.
  const token = env.ONEBUCK_TOKEN || (kept !== null && kept.url === url ? kept.token : undefined);
  if (url !== undefined && token !== undefined) return { url, token };
  const lacking = url === undefined ? 'Nobody is logged in' : `There is no token for ${url}`;
  throw new CliError(
    'notLoggedIn',
    `${lacking}. Run "onebuck login", or set ONEBUCK_URL and ONEBUCK_TOKEN.`,
  );
}

/** Returns where it is kept. Nobody but its owner can read it at any time. */
export function keepLogin(env: Env, login: Login): string {
  const file = configFile(env);
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify(login, null, 2)}\n`, { mode: 0o600 });
  chmodSync(fresh, 0o600);
  renameSync(fresh, file);
  return file;
}

/** Without slashes at the end. */
export function parseUrl(text: string): string {
  try {
    const url = new URL(text.trim());
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError();
    return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  } catch {
    throw new CliError(
      'usage',
      `"${text}" is no address: give one such as https://abc.execute-api.us-east-1.amazonaws.com.`,
    );
  }
}

function readKept(file: string): Login | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return null;
  }
  try {
    const { url, token } = JSON.parse(text) as Partial<Login>;
    if (typeof url === 'string' && typeof token === 'string') return { url, token };
  } catch {}
  throw new CliError('notLoggedIn', `${file} cannot be read. Run "onebuck login" again.`);
}
