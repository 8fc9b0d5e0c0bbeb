import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClockSettings } from '../lib/adapters/clock.ts';
import { isRealLinode } from '../lib/adapters/linode/client.ts';
import { defaultDataDir, type StackOptions } from './stack.ts';

/** The Linode token for the simulator, if LINODE_TOKEN is not set. */
const SIMULATED_TOKEN = 'simulated-linode-token';
const LOCAL_API_TOKEN = 'onebuck-local';
/** Signs notices in a trial. Anybody can read this key here, so it proves nothing. */
const LOCAL_WEBHOOK_KEY = 'onebuck-local-webhook-key';

export interface LocalSettings extends Omit<StackOptions, 'onLog'> {
  readonly clock: ClockSettings;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings of `npm start` from the environment, and keeps some of them in DATA_DIR.
 * Throws an error that says what to do if a setting is wrong.
 */
export function localSettings(env: Env): LocalSettings {
  const dataDir = env.DATA_DIR || defaultDataDir;
  const linodeUrl = env.LINODE_API_URL?.replace(/\/$/, '') || null;
  const linodeToken = env.LINODE_TOKEN || (linodeUrl === null ? SIMULATED_TOKEN : '');
  if (linodeUrl !== null && !/^https?:\/\/.+\/v4(beta)?$/.test(linodeUrl)) {
    throw new Error(`LINODE_API_URL must be a URL that ends in /v4, not ${linodeUrl}.`);
  }
  if (linodeToken === '') {
    throw new Error('With LINODE_API_URL, set LINODE_TOKEN to a token that this server accepts.');
  }
  const kept = keptSettings(dataDir);
  const clock = clockSettings(env, kept.clock);
  const isReal = linodeUrl !== null && isRealLinode(linodeUrl);
  if (clock.rate !== 1 && isReal) {
    throw new Error('CLOCK_RATE must be 1 with the real Linode, whose bill runs at rate 1.');
  }
  keep(dataDir, { ...kept, clock });
  const localToken = linodeUrl === null ? LOCAL_API_TOKEN : kept.apiToken;
  return {
    port: wholeNumber(env, 'PORT', 3000, 65_535),
    dataDir,
    clock,
    linodeUrl,
    linodeToken,
    apiToken: env.ONEBUCK_TOKEN || localToken,
    passwordKey: kept.passwordKey,
    webhookKey: env.NOTICE_WEBHOOK_KEY || LOCAL_WEBHOOK_KEY,
    // Simulated Linodes cost nothing, so a trial should not run into a cap.
    openBudgetMax: env.MAX_OPEN_BUDGET_USD || (isReal ? null : 'none'),
  };
}

/**
 * The settings in DATA_DIR/settings.json. With them, the clock of the next start does not run back,
 * and root passwords stay the same.
 */
interface Kept {
  readonly clock: ClockSettings | null;
  readonly passwordKey: string;
  readonly apiToken: string;
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
  return { rate, originMs: wholeNumber(env, 'CLOCK_ORIGIN', 0, Number.MAX_SAFE_INTEGER) };
}

function wholeNumber(env: Env, name: string, fallback: number, max: number): number {
  const value = Number(env[name] || fallback);
  if (Number.isSafeInteger(value) && value >= 0 && value <= max) return value;
  throw new Error(`${name} must be a whole number from 0 to ${max}, not ${env[name]}.`);
}
