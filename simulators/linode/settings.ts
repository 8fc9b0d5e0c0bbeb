import { isObject } from './json.ts';

export interface RateLimit {
  readonly count: number;
  readonly seconds: number;
}

/** The API's classes of calls. */
export type Bucket = 'createInstance' | 'images' | 'collections' | 'others';

/** How the simulated API behaves, by design; faults are what goes wrong with it. */
export interface SimulatorSettings {
  /** From creation to `offline`, without an image. */
  readonly emptySeconds: number;
  /** From creation to `booting`, with an image; to `offline` if it is not to boot. */
  readonly imageSeconds: number;
  /** From `booting` to `running`. */
  readonly bootSeconds: number;
  /** How long the shutdown that a deletion causes takes, as its event shows. */
  readonly shutdownSeconds: number;
  /** Regular expressions: a Linode created under such a label stays `provisioning` for ever. */
  readonly stuckLabels: readonly string[];
  /** For how long a deleted Linode is still shown, as `deleting`. */
  readonly lingerDeletingSeconds: number;
  /** Real milliseconds that each answer takes. */
  readonly latencyMs: number;
  /** Whether calls beyond `rateLimits` are refused. The headers tell the figures either way. */
  readonly rateLimited: boolean;
  readonly rateLimits: Readonly<Record<Bucket, RateLimit>>;
  /** The account's setting that adds backups, and their price, to every new Linode. */
  readonly backupsForced: boolean;
  /** How many Linodes the account may have at a time; null: any number. */
  readonly accountLimit: number | null;
  readonly soldOut: readonly { readonly type: string; readonly region: string }[];
  /** Regions that lack the capability `Metadata`, so that they refuse user data. */
  readonly regionsWithoutMetadata: readonly string[];
  /** Multiplies the listed prices, and those of Linodes created from then on. */
  readonly priceFactor: number;
  /** Of the random numbers that faults with a `probability` draw. */
  readonly seed: number;
}

export type SettingsChange = Partial<Omit<SimulatorSettings, 'rateLimits'>> & {
  readonly rateLimits?: Partial<SimulatorSettings['rateLimits']>;
};

/**
 * Measured or documented for the real API, as far as anything is known: docs/linode.md#rate-limits,
 * and times as in answers that were recorded.
 */
export const defaultSettings: SimulatorSettings = {
  emptySeconds: 5,
  imageSeconds: 45,
  bootSeconds: 15,
  shutdownSeconds: 28,
  stuckLabels: [],
  lingerDeletingSeconds: 0,
  latencyMs: 0,
  rateLimited: true,
  rateLimits: {
    createInstance: { count: 20, seconds: 15 },
    images: { count: 20, seconds: 60 },
    collections: { count: 200, seconds: 60 },
    others: { count: 1600, seconds: 60 },
  },
  backupsForced: false,
  accountLimit: null,
  soldOut: [],
  regionsWithoutMetadata: [],
  priceFactor: 1,
  seed: 1,
};

/** The settings with the change made. Throws, naming what is wrong, on anything it can't be. */
export function changedSettings(
  settings: SimulatorSettings,
  change: SettingsChange,
): SimulatorSettings {
  for (const [name, value] of Object.entries(change)) {
    if (!Object.hasOwn(checks, name)) throw new TypeError(`There is no setting ${name}`);
    if (!checks[name as keyof SimulatorSettings](value)) {
      throw new TypeError(`The setting ${name} can't be ${JSON.stringify(value)}`);
    }
  }
  return { ...settings, ...change, rateLimits: { ...settings.rateLimits, ...change.rateLimits } };
}

const isAmount = (value: unknown): boolean => Number.isFinite(value) && (value as number) >= 0;
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const isText = (value: unknown): value is string => typeof value === 'string';
const isListOf = (value: unknown, isItem: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(isItem);

const checks: Record<keyof SimulatorSettings, (value: unknown) => boolean> = {
  emptySeconds: isAmount,
  imageSeconds: isAmount,
  bootSeconds: isAmount,
  shutdownSeconds: isAmount,
  stuckLabels: (value) => isListOf(value, isPattern),
  lingerDeletingSeconds: isAmount,
  latencyMs: isAmount,
  rateLimited: isBoolean,
  rateLimits: (value) => isObject(value) && Object.entries(value).every(isNamedLimit),
  backupsForced: isBoolean,
  accountLimit: (value) => value === null || isCount(value),
  soldOut: (value) =>
    isListOf(value, (pair) => isObject(pair) && isText(pair.type) && isText(pair.region)),
  regionsWithoutMetadata: (value) => isListOf(value, isText),
  priceFactor: (value) => isAmount(value) && value !== 0,
  seed: isCount,
};

const isNamedLimit = ([name, limit]: [string, unknown]): boolean =>
  Object.hasOwn(defaultSettings.rateLimits, name) &&
  isObject(limit) &&
  isCount(limit.count) &&
  isAmount(limit.seconds) &&
  limit.seconds !== 0;

export function isPattern(value: unknown): value is string {
  if (!isText(value)) return false;
  try {
    new RegExp(value);
    return true;
  } catch {
    return false;
  }
}
