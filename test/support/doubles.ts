import { type EpochMs, latest } from '../../lib/core/base/units.ts';
import type { MetricValues } from '../../lib/core/cluster/metrics.ts';
import type { Clock, Log, Metrics } from '../../lib/ports.ts';

/** A clock that stands still, but for those who sleep. */
export function aClock(start: EpochMs): Clock & { set(time: EpochMs): void } {
  let time = start;
  return {
    now: () => time,
    async sleep(until) {
      time = latest(time, until);
      // A sleeper lets the others on, as a real one does.
      await new Promise((resolve) => setImmediate(resolve));
    },
    set(to) {
      time = to;
    },
  };
}

export const quiet: Log = { info() {}, warn() {}, error() {} };

/** What was counted, in order. */
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
