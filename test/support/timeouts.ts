import { onTestFinished, vi } from 'vitest';
import { durationMs, type EpochMs, latest, plus } from '../../lib/core/base/units.ts';
import { onExchange } from '../../simulators/linode/exchange.ts';

interface SetClock {
  now(): EpochMs;
  set(now: EpochMs): void;
}

/** Time-outs of requests, on a test's clock instead of the machine's. */
export interface Timeouts {
  /** How many milliseconds each is for, in the order of the requests. */
  readonly askedMs: readonly number[];
  /** Has the last one pass, and sets the clock to when it does. */
  pass(): void;
}

/**
 * Takes the time-outs of requests in hand until the test ends. One passes as soon as the simulated
 * Linode has taken a request and hangs, so that no test is about how fast a request gets there.
 */
export function timeoutsOn(clock: SetClock): Timeouts {
  const askedMs: number[] = [];
  const open: { readonly at: EpochMs; readonly controller: AbortController }[] = [];
  const asking = vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const controller = new AbortController();
    askedMs.push(ms);
    open.push({ at: plus(clock.now(), durationMs(ms)), controller });
    return controller.signal;
  });
  onTestFinished(() => {
    asking.mockRestore();
    current = null;
  });
  current = {
    askedMs,
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
