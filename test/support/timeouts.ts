import { onTestFinished, vi } from 'vitest';
import { durationMs, type EpochMs, latest, plus } from '../../lib/core/base/units.ts';
import { onExchange } from '../../simulators/linode/exchange.ts';

interface SetClock {
  now(): EpochMs;
  set(now: EpochMs): void;
}

/** The time-outs of HTTP requests, on a test's clock instead of the machine's. */
export interface Timeouts {
  /** The length of each time-out in milliseconds, in the order of the requests. */
  readonly lengthsMs: readonly number[];
  /** Sets the clock to the instant at which the newest time-out passes, and aborts its request. */
  pass(): void;
}

/**
 * Puts the time-outs of requests on the test's clock until the test ends. A time-out passes as soon
 * as the simulated Linode has taken the request and hangs, so that no test depends on how fast a
 * request travels.
 */
export function timeoutsOn(clock: SetClock): Timeouts {
  const lengthsMs: number[] = [];
  const open: { readonly at: EpochMs; readonly controller: AbortController }[] = [];
  const spy = vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const controller = new AbortController();
    lengthsMs.push(ms);
    open.push({ at: plus(clock.now(), durationMs(ms)), controller });
    return controller.signal;
  });
  onTestFinished(() => {
    spy.mockRestore();
    current = null;
  });
  current = {
    lengthsMs,
    pass() {
      const last = open.pop();
      if (last === undefined) return;
      clock.set(latest(clock.now(), last.at));
      last.controller.abort();
    },
  };
  return current;
}

let current: Timeouts | null = null;
onExchange(({ reply, replacedBy }) => {
  if (reply === 'hang' && replacedBy !== 'test') current?.pass();
});
