import { setTimeout as delay } from 'node:timers/promises';
import { type EpochMs, epochMs } from '../lib/core/base/units.ts';
import type { Clock } from '../lib/ports.ts';

/** Runs as the machine's does, and is put forward where nobody measures. */
export class BenchClock implements Clock {
  #aheadMs = 0;
  /** Whether sleeps are left out, by putting the clock forward. */
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
