import { setTimeout as delay } from 'node:timers/promises';
import { type EpochMs, epochMs } from '../lib/core/base/units.ts';
import type { Clock } from '../lib/ports.ts';

/** The machine's clock, which `forwardTo` and skipped sleeps set forward between measurements. */
export class BenchClock implements Clock {
  #aheadMs = 0;
  /** Whether `sleep` sets the clock forward instead of waiting. */
  skipsSleeps = true;

  now(): EpochMs {
    return epochMs(Date.now() + this.#aheadMs);
  }

  async sleep(until: EpochMs): Promise<void> {
    if (this.skipsSleeps) this.forwardTo(until);
    await delay(Math.max(0, until - this.now()));
  }

  forwardTo(until: EpochMs): void {
    this.#aheadMs += Math.max(0, until - this.now());
  }
}
