import type { CatalogueCache } from '../../lib/app/catalogue-cache.ts';
import { type EpochMs, latest } from '../../lib/core/base/units.ts';
import type { MetricValues } from '../../lib/core/cluster/metrics.ts';
import { AppError } from '../../lib/errors.ts';
import type { Clock, LinodeApi, Log, Metrics, Secrets } from '../../lib/ports.ts';
import { LAUNCH, price } from './builders.ts';

export interface TestClock extends Clock {
  /** How long each sleep was. */
  readonly slept: readonly number[];
  /** To any time, also an earlier one. */
  set(time: EpochMs): void;
  /** Calls `ring` when the clock comes to `at`, whoever sets the clock. */
  alarm(at: EpochMs, ring: () => void): void;
}

/** A clock that stands still until the test sets it or somebody sleeps, which lets `others` on. */
export function aClock(
  start: EpochMs = LAUNCH,
  others = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve)),
): TestClock {
  let now = start;
  let alarms: { readonly at: EpochMs; readonly ring: () => void }[] = [];
  const slept: number[] = [];
  const set = (time: EpochMs) => {
    now = time;
    const due = alarms.filter(({ at }) => at <= time);
    alarms = alarms.filter(({ at }) => at > time);
    for (const { ring } of due) ring();
  };
  return {
    slept,
    set,
    now: () => now,
    alarm: (at, ring) => void alarms.push({ at, ring }),
    async sleep(until) {
      slept.push(until - now);
      await others();
      set(latest(now, until));
    },
  };
}

export const quiet: Log = { info() {}, warn() {}, error() {} };

export interface Entry {
  readonly level: keyof Log;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** A log that keeps its entries, in order. */
export function aLog(): Log & { readonly entries: Entry[] } {
  const entries: Entry[] = [];
  const note =
    (level: keyof Log): Log['info'] =>
    (message, details = {}) =>
      void entries.push({ level, message, details });
  return { entries, info: note('info'), warn: note('warn'), error: note('error') };
}

/** Metrics that keep the values they were given, in order. */
export function someMetrics(): Metrics & { readonly emitted: MetricValues[] } {
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

/** The secret of a deployment, without API tokens and without a key for a webhook. */
export const someSecrets = (overrides: Partial<Secrets> = {}): Secrets => ({
  linodeToken: async () => LINODE_TOKEN,
  apiTokens: async () => ({}),
  passwordKey: async () => 'a key of the deployment',
  webhookKey: async () => null,
  ...overrides,
});

/** A catalogue of one type, one region and one image, with nothing sold out. */
export const aCatalogue = (overrides: Partial<CatalogueCache> = {}): CatalogueCache => ({
  types: async () => [
    {
      ...{ id: 'g6-nanode-1', label: 'Nanode 1GB', class: 'nanode' },
      ...{ vcpus: 1, memoryMb: 1_024, diskMb: 25_600, gpus: 0 },
      price: { ...price(0.0075, 5), byRegion: {} },
      backupsPrice: { ...price(0.003, 2), byRegion: {} },
    },
  ],
  regions: async () => [
    {
      ...{ id: 'us-east', label: 'Newark, NJ', country: 'us', siteType: 'core' },
      capabilities: ['Linodes', 'Metadata'],
    },
  ],
  images: async () => [
    {
      ...{ id: 'linode/debian12', label: 'Debian 12', deprecated: false, status: 'available' },
      capabilities: ['cloud-init'],
    },
  ],
  backups: async () => false,
  soldOut: async () => new Set(),
  ...overrides,
});

const notAsked = async (): Promise<never> => {
  throw new AppError('linodeUnavailable', 'this test answers no such call');
};
/** Linode's API, of which every call fails; a test replaces the calls that it is about. */
export const noLinode: LinodeApi = {
  types: notAsked,
  regions: notAsked,
  images: notAsked,
  availability: notAsked,
  backupsForced: notAsked,
  listByTag: notAsked,
  get: notAsked,
  findByLabel: notAsked,
  create: notAsked,
  delete: notAsked,
  setTags: notAsked,
  deleteTag: notAsked,
};
