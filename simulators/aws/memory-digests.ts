import type { EpochMs } from '../../lib/core/base/units.ts';
import type { DigestProgress, DigestStore } from '../../lib/ports.ts';

interface Claim {
  readonly until: EpochMs | null;
  readonly isSent: boolean;
}

/** What was read and sent of digests, in memory; lib/ports.ts has its contract. */
export function createMemoryDigests(): DigestStore & { clear(): void } {
  const progressOf = new Map<string, DigestProgress>();
  const claims = new Map<string, Claim>();
  return {
    read: async (period) => progressOf.get(period) ?? null,

    async save(period, progress) {
      if ((progressOf.get(period)?.revision ?? 0) !== progress.revision) return 'conflict';
      const next = { ...progress, revision: progress.revision + 1 };
      progressOf.set(period, next);
      return next;
    },

    async claim(message, { now, until }) {
      const { until: claimedUntil = null, isSent = false } = claims.get(message) ?? {};
      if (isSent) return 'sent';
      if (claimedUntil !== null && claimedUntil > now) return 'taken';
      claims.set(message, { until, isSent });
      return 'claimed';
    },

    async release(message) {
      claims.set(message, { isSent: false, ...claims.get(message), until: null });
    },

    async sent(message) {
      claims.set(message, { until: null, isSent: true });
    },

    clear() {
      progressOf.clear();
      claims.clear();
    },
  };
}
