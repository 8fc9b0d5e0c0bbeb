import { type EpochMs, latest } from '../../lib/core/base/units.ts';
import type { MetricValues } from '../../lib/core/cluster/metrics.ts';
import type { Clock, Log, Metrics } from '../../lib/ports.ts';
import { LAUNCH } from './builders.ts';

export interface TestClock extends Clock {
  /** How long each sleep was. */
  readonly slept: readonly number[];
  /** To any time, also an earlier one. */
  set(time: EpochMs): void;
  /** Has something happen in the world when the time comes, whoever sets the clock. */
  alarm(at: EpochMs, ring: () => void): void;
}

/** A clock that stands still until the test sets it, or a sleeper, who lets `others` on first. */
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
