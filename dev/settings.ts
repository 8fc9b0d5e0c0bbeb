import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClockSettings } from '../lib/adapters/clock.ts';
import { isRealLinode } from '../lib/adapters/linode/client.ts';
import { reasonOf } from '../lib/errors.ts';
import { LOCAL_STAGE, settingsOf } from '../ops/settings.ts';
import { lockFolder } from './lock.ts';
import { defaultDataDir, type StackOptions } from './stack.ts';

/** The Linode token for the simulator, if LINODE_TOKEN is not set. */
const SIMULATED_TOKEN = 'simulated-linode-token';
const LOCAL_API_TOKEN = 'onebuck-local';
/** Signs notices in a trial. Anybody can read this key here, so it proves nothing. */
const LOCAL_WEBHOOK_KEY = 'onebuck-local-webhook-key';

export interface LocalSettings extends Omit<StackOptions, 'onLog' | 'machines'> {
  readonly clock: ClockSettings;
}

type Env = Readonly<Record<string, string | undefined>>;

const dataDirOf = (env: Env): string => env.DATA_DIR || defaultDataDir;

/**
 * Takes DATA_DIR for this process, until the process ends. Throws an error that says what to do if
 * another process has it, or if it can't be written.
 */
export async function takeDataDir(env: Env): Promise<void> {
  const dataDir = dataDirOf(env);
  let isOurs: boolean;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    isOurs = await lockFolder(dataDir);
  } catch (error) {
    throw new Error(`DATA_DIR ${dataDir} can't be used: ${reasonOf(error)}.`);
  }
  if (isOurs) return;
  const { port } = keptSettings(dataDir);
  const where = port === undefined ? '' : ` at http://127.0.0.1:${port}`;
  throw new Error(
    `Another npm start runs${where} on ${dataDir}, and was left alone: ` +
      'use that one, or set DATA_DIR and PORT to others.',
  );
}

/**
 * Reads the settings of `npm start` from the environment, and keeps some of them in DATA_DIR.
 * Throws an error that says what to do if a setting is wrong.
 */
export function localSettings(env: Env): LocalSettings {
  // The functions read the settings of a deployment from the environment, too.
  settingsOf(LOCAL_STAGE, { folder: '', env });
  const dataDir = dataDirOf(env);
  const port = wholeNumber(env, 'PORT', 3000, [1, 65_535]);
  const apiToken = apiTokenIn(env);
  const linodeUrl = env.LINODE_API_URL?.replace(/\/$/, '') || null;
  const linodeToken = env.LINODE_TOKEN || (linodeUrl === null ? SIMULATED_TOKEN : '');
  if (linodeToken === '') {
    throw new Error('With LINODE_API_URL, set LINODE_TOKEN to a token that this server accepts.');
  }
  const kept = keptSettings(dataDir);
  const clock = clockSettings(env, kept.clock);
  const isReal = linodeUrl !== null && isRealLinode(linodeUrl);
  if (clock.rate !== 1 && isReal) {
    throw new Error('CLOCK_RATE must be 1 with the real Linode, whose bill runs at rate 1.');
  }
  keep(dataDir, { ...kept, clock, port });
  const localToken = linodeUrl === null ? LOCAL_API_TOKEN : kept.apiToken;
  return {
    port,
    dataDir,
    clock,
    linodeUrl,
    linodeToken,
    apiToken: apiToken || localToken,
    passwordKey: kept.passwordKey,
    webhookKey: env.NOTICE_WEBHOOK_KEY || LOCAL_WEBHOOK_KEY,
    // Simulated Linodes cost nothing, so a trial should not run into a cap.
    openBudgetMax: env.MAX_OPEN_BUDGET_USD || (isReal ? null : 'none'),
    // Real Linodes can't reach this machine's files.
    leadToFiles: isReal ? null : stayOnThisMachine,
    publicUrl: env.PUBLIC_URL || (isReal ? null : `http://127.0.0.1:${port}`),
  };
}

const stayOnThisMachine = async () => '127.0.0.1';

/**
 * The settings in DATA_DIR/settings.json. With them, the clock of the next start does not run back,
 * and root passwords stay the same.
 */
interface Kept {
  readonly clock: ClockSettings | null;
  readonly passwordKey: string;
  readonly apiToken: string;
  /** The port of the last start; undefined: there was none. */
  readonly port?: number;
}

function keptSettings(dataDir: string): Kept {
  try {
    return JSON.parse(readFileSync(join(dataDir, 'settings.json'), 'utf8')) as Kept;
  } catch {
    const key = () => randomBytes(24).toString('base64url');
    return { clock: null, passwordKey: key(), apiToken: key() };
  }
}

function keep(dataDir: string, kept: Kept): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(join(dataDir, 'settings.json'), JSON.stringify(kept), { mode: 0o600 });
}

/** Without CLOCK_ORIGIN, the clock of the last start goes on, if its rate was the same. */
function clockSettings(env: Env, kept: ClockSettings | null): ClockSettings {
  const rate = Number(env.CLOCK_RATE || 1);
  if (!(rate > 0 && rate <= 100_000)) {
    throw new Error(`CLOCK_RATE must be above 0 and at most 100000, not ${env.CLOCK_RATE}.`);
  }
  const origin = env.CLOCK_ORIGIN;
  if (!origin) return kept?.rate === rate ? kept : { rate, originMs: Date.now() };
  return { rate, originMs: wholeNumber(env, 'CLOCK_ORIGIN', 0, [0, Number.MAX_SAFE_INTEGER]) };
}

function wholeNumber(
  env: Env,
  name: string,
  fallback: number,
  [min, max]: readonly [number, number],
): number {
  const value = Number(env[name] || fallback);
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new Error(`${name} must be a whole number from ${min} to ${max}, not ${env[name]}.`);
}

/** A client sends the token in a header, as a word. */
function apiTokenIn(env: Env): string {
  const token = env.ONEBUCK_TOKEN || '';
  if (/^[\x21-\x7e]{0,512}$/.test(token)) return token;
  throw new Error('ONEBUCK_TOKEN must be printable characters without blanks.');
}
