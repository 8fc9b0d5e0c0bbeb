import { defaultInvoices, type InvoiceSettings, labelForms } from './invoice-settings.ts';
import { isObject } from './json.ts';

export interface RateLimit {
  readonly count: number;
  readonly seconds: number;
}

/** A group of calls that share a rate limit (docs/linode.md#rate-limits). */
export type Bucket = 'createInstance' | 'images' | 'collections' | 'others';

/** The normal behaviour of the simulated API, without faults. All seconds are virtual. */
export interface SimulatorSettings {
  /** From the creation of a Linode without an image until it is `offline`. */
  readonly emptySeconds: number;
  /** From the creation with an image until the Linode is `booting`, or `offline` if not booted. */
  readonly imageSeconds: number;
  /** From `booting` to `running`. */
  readonly bootSeconds: number;
  /** From `running` until the agent on the node says that cloud-init is done. */
  readonly readySeconds: number;
  /** Regular expressions: the agent on a Linode with a matching label says that cloud-init failed. */
  readonly unreadyLabels: readonly string[];
  /** How long the event `linode_shutdown` of a deletion takes. */
  readonly shutdownSeconds: number;
  /** Regular expressions: a Linode with a matching label stays `provisioning` for ever. */
  readonly stuckLabels: readonly string[];
  /** How long the API still shows a deleted Linode, as `deleting`. */
  readonly lingerDeletingSeconds: number;
  /** Real milliseconds that each answer takes. */
  readonly latencyMs: number;
  /** Whether calls beyond `rateLimits` are refused. The headers have the figures either way. */
  readonly rateLimited: boolean;
  readonly rateLimits: Readonly<Record<Bucket, RateLimit>>;
  /** Whether the account's setting adds backups, and their price, to every new Linode. */
  readonly backupsForced: boolean;
  /** Whether Linode manages the account, for a price on top of each Linode's. */
  readonly managed: boolean;
  /** The account's setting of the same name: `linode_only` refuses what the others create. */
  readonly interfacesForNewLinodes: string;
  readonly networkHelper: boolean;
  /** The id of the account's default firewall, which lets no ssh in; null: it has none. */
  readonly defaultFirewall: number | null;
  /** How many Linodes the account may have at a time; null: any number. */
  readonly accountLimit: number | null;
  /** Types that the API refuses to create in a region for lack of capacity. */
  readonly soldOut: readonly { readonly type: string; readonly region: string }[];
  /**
   * For each capability, the regions that lack it: without `Metadata` they refuse user data, without
   * `Vlans` VLANs, without `Linode Interfaces` that generation.
   */
  readonly regionsWithout: Readonly<Record<string, readonly string[]>>;
  /** The images of the account. Linode makes an automatic one of a Linode that it deletes. */
  readonly privateImages: readonly PrivateImage[];
  /**
   * Multiplies the listed prices and the prices of Linodes created under this setting. Those that
   * exist keep theirs: see `raisePrices` of the simulator.
   */
  readonly priceFactor: number;
  /** How invoices are made from now on. */
  readonly invoices: InvoiceSettings;
  /**
   * What Linodes created under this setting want to send to the internet: each Linode all that has a
   * `label`, a regular expression, that matches its label.
   */
  readonly sends: readonly (Sending & { readonly label: string })[];
  /** Whether it has the routes about transfer, which other servers than Linode may lack. */
  readonly transferKnown: boolean;
  /** The seed of the random numbers by which a fault with a `probability` strikes or not. */
  readonly seed: number;
}

/**
 * What a Linode sends to the internet, as long as it exists and its firewall lets it. Seconds count
 * from its creation.
 */
export interface Sending {
  readonly fromSeconds: number;
  /** null: it goes on until the Linode is deleted. */
  readonly untilSeconds: number | null;
  readonly bytesPerSecond: number;
}

export interface PrivateImage {
  /** Such as `private/7`. */
  readonly id: string;
  readonly label: string;
  /** The MB of disk that it needs. */
  readonly size: number;
  readonly type: 'manual' | 'automatic';
}

export type SettingsChange = Partial<Omit<SimulatorSettings, 'rateLimits' | 'invoices'>> & {
  readonly invoices?: Partial<InvoiceSettings>;
  readonly rateLimits?: Partial<SimulatorSettings['rateLimits']>;
};

/**
 * The rate limits are the real API's (docs/linode.md#rate-limits); the times are as in recorded
 * answers of the real API.
 */
export const defaultSettings: SimulatorSettings = {
  emptySeconds: 5,
  imageSeconds: 45,
  bootSeconds: 15,
  readySeconds: 10,
  unreadyLabels: [],
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
  managed: false,
  interfacesForNewLinodes: 'legacy_config_default_but_linode_allowed',
  networkHelper: true,
  defaultFirewall: null,
  accountLimit: null,
  soldOut: [],
  regionsWithout: {},
  privateImages: [],
  priceFactor: 1,
  invoices: defaultInvoices,
  sends: [],
  transferKnown: true,
  seed: 1,
};

/** Returns the settings with the change. Throws a TypeError that names a setting it can't have. */
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
  return {
    ...settings,
    ...change,
    rateLimits: { ...settings.rateLimits, ...change.rateLimits },
    invoices: { ...settings.invoices, ...change.invoices },
  };
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
  readySeconds: isAmount,
  unreadyLabels: (value) => isListOf(value, isPattern),
  shutdownSeconds: isAmount,
  stuckLabels: (value) => isListOf(value, isPattern),
  lingerDeletingSeconds: isAmount,
  latencyMs: isAmount,
  rateLimited: isBoolean,
  rateLimits: (value) => isObject(value) && Object.entries(value).every(isNamedLimit),
  backupsForced: isBoolean,
  managed: isBoolean,
  interfacesForNewLinodes: isText,
  networkHelper: isBoolean,
  defaultFirewall: (value) => value === null || isCount(value),
  accountLimit: (value) => value === null || isCount(value),
  soldOut: (value) =>
    isListOf(value, (pair) => isObject(pair) && isText(pair.type) && isText(pair.region)),
  regionsWithout: (value) =>
    isObject(value) && Object.values(value).every((ids) => isListOf(ids, isText)),
  privateImages: (value) => isListOf(value, isPrivateImage),
  priceFactor: (value) => isAmount(value) && value !== 0,
  invoices: (value) => isObject(value) && Object.entries(value).every(isInvoiceSetting),
  sends: (value) => isListOf(value, isSending),
  transferKnown: isBoolean,
  seed: isCount,
};

const invoiceChecks: Record<keyof InvoiceSettings, (value: unknown) => boolean> = {
  monthEndHour: (value) => value === 'once' || value === 'both',
  cents: isBoolean,
  labelForm: (value) => labelForms.some((form) => form === value),
  decimalComma: isBoolean,
  taxPercent: isAmount,
  differences: (value) => isListOf(value, (one) => isObject(one) && isPattern(one.labels)),
  extraItems: (value) =>
    isListOf(value, (one) => isObject(one) && isText(one.label) && isAmount(one.unitPrice)),
  overageGb: isCount,
};

const isInvoiceSetting = ([name, value]: [string, unknown]): boolean =>
  Object.hasOwn(invoiceChecks, name) && invoiceChecks[name as keyof InvoiceSettings](value);

const isPrivateImage = (value: unknown): boolean =>
  isObject(value) &&
  isText(value.id) &&
  /^private\/\d+$/.test(value.id) &&
  isText(value.label) &&
  isCount(value.size) &&
  ['manual', 'automatic'].includes(`${value.type}`);

const isSending = (value: unknown): boolean =>
  isObject(value) &&
  isPattern(value.label) &&
  isAmount(value.fromSeconds) &&
  (value.untilSeconds === null || isAmount(value.untilSeconds)) &&
  isAmount(value.bytesPerSecond);

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
