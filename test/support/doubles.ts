import type { CatalogueCache } from '../../lib/app/catalogue-cache.ts';
import { type EpochMs, latest } from '../../lib/core/base/units.ts';
import type { MetricValues } from '../../lib/core/cluster/metrics.ts';
import { AppError } from '../../lib/errors.ts';
import type { AccountSettings, Clock, LinodeApi, Log, Metrics, Secrets } from '../../lib/ports.ts';
import { LAUNCH, price, usd } from './builders.ts';

export interface TestClock extends Clock {
  /** The length of each sleep in milliseconds, in order. */
  readonly sleptMs: readonly number[];
  /** Sets the clock to any time, also to an earlier one. */
  set(time: EpochMs): void;
  /** Calls `ring` when the clock reaches `at`: by `set`, or because somebody sleeps. */
  alarm(at: EpochMs, ring: () => void): void;
}

/**
 * A clock that stands still until the test sets it or somebody sleeps. A sleep first awaits
 * `whileAsleep`, by default one turn of the event loop, and then sets the clock to its end.
 */
export function aClock(
  start: EpochMs = LAUNCH,
  whileAsleep = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve)),
): TestClock {
  let now = start;
  let alarms: { readonly at: EpochMs; readonly ring: () => void }[] = [];
  const sleptMs: number[] = [];
  const set = (time: EpochMs) => {
    now = time;
    const due = alarms.filter(({ at }) => at <= time);
    alarms = alarms.filter(({ at }) => at > time);
    for (const { ring } of due) ring();
  };
  return {
    sleptMs,
    set,
    now: () => now,
    alarm: (at, ring) => void alarms.push({ at, ring }),
    async sleep(until) {
      sleptMs.push(until - now);
      await whileAsleep();
      set(latest(now, until));
    },
  };
}

export const silentLog: Log = { info() {}, warn() {}, error() {} };

export interface LogEntry {
  readonly level: keyof Log;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** A log that keeps its entries, in order. */
export function aRecordingLog(): Log & { readonly entries: LogEntry[] } {
  const entries: LogEntry[] = [];
  const keep =
    (level: keyof Log): Log['info'] =>
    (message, details = {}) =>
      void entries.push({ level, message, details });
  return { entries, info: keep('info'), warn: keep('warn'), error: keep('error') };
}

/** Metrics that keep the values that use cases emit, in order. */
export function recordingMetrics(): Metrics & { readonly emitted: MetricValues[] } {
  const emitted: MetricValues[] = [];
  return {
    emitted,
    emit(measure) {
      const values = measure();
      if (Object.keys(values).length > 0) emitted.push(values);
    },
  };
}

export const LINODE_TOKEN = 'token-of-the-account';

/** The secret of a deployment: without API tokens and without a key for a webhook. */
export const aSecret = (overrides: Partial<Secrets> = {}): Secrets => ({
  linodeToken: async () => LINODE_TOKEN,
  apiTokens: async () => ({}),
  passwordKey: async () => 'a key of the deployment',
  webhookKey: async () => null,
  ...overrides,
});

/** The settings of an account that costs nothing extra, and takes either kind of interfaces. */
export const anAccount = (overrides: Partial<AccountSettings> = {}): AccountSettings => ({
  backupsForced: false,
  managed: false,
  networkHelper: true,
  interfaces: 'legacy_config',
  ...overrides,
});

/** A catalogue of one type, one region and one image; nothing is sold out, no backups forced. */
export const aCatalogue = (overrides: Partial<CatalogueCache> = {}): CatalogueCache => ({
  types: async () => [
    {
      ...{ id: 'g6-nanode-1', label: 'Nanode 1GB', class: 'nanode' },
      ...{ vcpus: 1, memoryMb: 1_024, diskMb: 25_600, gpus: 0, transferGb: 1_000 },
      price: { ...price(0.0075, 5), byRegion: {} },
      backupsPrice: { ...price(0.003, 2), byRegion: {} },
    },
  ],
  regions: async () => [
    {
      ...{ id: 'us-east', label: 'Newark, NJ', country: 'us', siteType: 'core' },
      capabilities: ['Linodes', 'Metadata', 'Vlans'],
    },
  ],
  transferPrices: async () => ({ gb: usd(0.005), byRegion: {} }),
  images: async () => [
    {
      ...{ id: 'linode/debian12', label: 'Debian 12', deprecated: false, status: 'available' },
      ...{ capabilities: ['cloud-init'], diskMb: 1_800 },
      ...{ vendor: 'Debian', isRecovery: false },
    },
  ],
  recoveryImages: async () => [],
  backups: async () => false,
  account: async () => anAccount(),
  defaultFirewall: async () => null,
  soldOut: async () => new Set(),
  vlans: async () => [],
  ...overrides,
});

const failCall = async (): Promise<never> => {
  throw new AppError('linodeUnavailable', 'the test expects no call of this method');
};
/** A LinodeApi whose every method fails; a test replaces the methods that it expects. */
export const noLinode: LinodeApi = {
  types: failCall,
  regions: failCall,
  images: failCall,
  recoveryImages: failCall,
  availability: failCall,
  transferPrices: failCall,
  accountSettings: failCall,
  defaultFirewalls: failCall,
  vlans: failCall,
  deleteVlan: failCall,
  listByTag: failCall,
  get: failCall,
  bytesSent: failCall,
  findByLabel: failCall,
  create: failCall,
  delete: failCall,
  setTags: failCall,
  deleteTag: failCall,
  invoices: failCall,
  invoiceItems: failCall,
};
