import { setTimeout as delay } from 'node:timers/promises';
import { type EpochMs, epochMs } from '../core/base/units.ts';
import type { Clock } from '../ports.ts';

/**
 * The machine's clock (`rate` 1), or a clock that runs `rate` times as fast from `originMs` (epoch
 * ms) on: now = origin + (real now − origin) × rate.
 */
export interface ClockSettings {
  readonly originMs: number;
  readonly rate: number;
}

export interface SystemClock extends Clock {
  /** The instant on this clock when `realMs` of the machine's time will have passed. */
  inRealMs(realMs: number): EpochMs;
}

/** The longest delay of a timer. A longer sleep takes several timers. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export function createClock({ originMs, rate }: ClockSettings): SystemClock {
  if (!Number.isFinite(rate) || rate <= 0) throw new RangeError(`a clock can't run at ${rate}`);
  const now = () => epochMs(Math.floor(originMs + (Date.now() - originMs) * rate));
  return {
    now,
    inRealMs: (realMs) => epochMs(Math.floor(now() + realMs * rate)),
    async sleep(until) {
      for (let left = until - now(); left > 0; left = until - now()) {
        await delay(Math.min(Math.ceil(left / rate), TIMER_MS_MAX));
      }
    },
  };
}
