import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as realDelay, setImmediate as turn } from 'node:timers/promises';
import { type EpochMs, epochMs, seconds } from '../lib/core/base/units.ts';
import type { Clock } from '../lib/ports.ts';
import { openCalls } from './open-calls.mjs';

/**
 * Time that waits for the work: it stands still while this process or the functions' has anything
 * to do, then goes on to the next instant that somebody sleeps until, at most `rate` times as fast
 * as the machine's. So a busy machine makes a run longer, and changes nothing of what happens in it.
 */
export interface PatientTime extends Clock {
  /** For the process of the functions: its environment, and what it must preload. */
  readonly env: Readonly<Record<string, string>>;
  readonly preload: string;
  /** Begins to pass, with the functions' process in step. */
  start(functions: ChildProcess): void;
  /** Rejects when time can't go on: one of the processes has not come to rest for a minute. */
  readonly stuck: Promise<never>;
  close(): void;
}

/** What the functions' process answers once it is at rest. */
interface AtRest {
  /** Requests that it has taken and not answered. */
  readonly served: number;
  /** The earliest instant that anybody in it sleeps until. */
  readonly next: number;
}

/**
 * How far time goes at once. Whether a process is at rest can't be known for sure: who is taken to
 * be, and is not, must not be far behind.
 */
const STEP_MAX = seconds(15);
const REST_REAL_MS_MAX = 60_000;

export function createPatientTime(options: { startMs: number; rate: number }): PatientTime {
  const { startMs, rate } = options;
  let now = epochMs(startMs);
  let isOpen = true;
  let sleepers: { readonly until: EpochMs; readonly wake: () => void }[] = [];
  let fail: (error: unknown) => void = () => {};
  const stuck = new Promise<never>((_, reject) => {
    fail = reject;
  });
  stuck.catch(() => {}); // whoever does not ask need not be told

  function moveTo(time: EpochMs): void {
    now = time;
    const due = sleepers.filter(({ until }) => until <= now);
    sleepers = sleepers.filter(({ until }) => until > now);
    for (const { wake } of due) wake();
  }

  /** A call that is not being served yet, or whose answer is on its way, is work under way, too. */
  async function rest(functions: ChildProcess): Promise<AtRest> {
    for (;;) {
      functions.send({ patientTime: now });
      const signal = AbortSignal.timeout(REST_REAL_MS_MAX);
      const [atRest] = (await once(functions, 'message', { signal })) as [AtRest];
      await turn();
      if (openCalls() <= atRest.served) return atRest;
    }
  }

  async function pass(functions: ChildProcess): Promise<void> {
    for (let movedAtMs = Date.now(); isOpen; ) {
      const { next } = await rest(functions);
      const until = epochMs(Math.min(next, now + STEP_MAX, ...sleepers.map((one) => one.until)));
      const earlyMs = movedAtMs + (until - now) / rate - Date.now();
      if (earlyMs > 0) {
        // Then all is looked at again, since a request may come from outside meanwhile.
        await realDelay(earlyMs);
        continue;
      }
      movedAtMs = Date.now();
      moveTo(until);
    }
  }

  return {
    now: () => now,
    sleep: (until) =>
      until <= now
        ? Promise.resolve()
        : new Promise((wake) => {
            sleepers.push({ until, wake });
          }),
    env: { PATIENT_TIME_START: `${startMs}` },
    preload: new URL('./patient-functions.mjs', import.meta.url).href,
    start(functions) {
      pass(functions).catch((error: unknown) => {
        if (isOpen) fail(error);
      });
    },
    stuck,
    close() {
      isOpen = false;
    },
  };
}
