import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as realDelay, setImmediate as turn } from 'node:timers/promises';
import { type EpochMs, epochMs, seconds } from '../lib/core/base/units.ts';
import type { Clock } from '../lib/ports.ts';
import { openCalls } from './open-calls.mjs';

/**
 * A clock that waits for the work. It stands still while this process or the process of the
 * functions has work to do. Then it steps to the next instant until which any code sleeps, at most
 * `rate` times as fast as the real time. A busy machine thus makes a run longer, but not different.
 */
export interface PatientTime extends Clock {
  /** Variables for the environment of the functions' process. */
  readonly env: Readonly<Record<string, string>>;
  /** The URL of a module that the functions' process must load first. */
  readonly preload: string;
  /** Starts the clock, here and in the process of the functions. */
  start(functions: ChildProcess): void;
  /** Rejects if one of the processes has had work to do for a real minute, so that time stands. */
  readonly stuck: Promise<never>;
  close(): void;
}

/** The message of the functions' process when it has no more work to do. */
interface AtRest {
  /** How many requests the process has received and not yet answered. */
  readonly served: number;
  /** The earliest instant until which code in the process sleeps. */
  readonly next: number;
}

/**
 * The longest step of the clock. A process may seem to be at rest though it still has work to do;
 * the time of that work must then not be far behind.
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
  stuck.catch(() => {}); // callers may ignore `stuck`: its rejection must not end the process

  function stepTo(time: EpochMs): void {
    now = time;
    const due = sleepers.filter(({ until }) => until <= now);
    sleepers = sleepers.filter(({ until }) => until > now);
    for (const { wake } of due) wake();
  }

  /**
   * Waits until both processes are at rest. If this process has more open calls than the functions
   * serve, a request or an answer is still on its way.
   */
  async function untilAtRest(functions: ChildProcess): Promise<AtRest> {
    for (;;) {
      functions.send({ patientTime: now });
      const signal = AbortSignal.timeout(REST_REAL_MS_MAX);
      const [atRest] = (await once(functions, 'message', { signal })) as [AtRest];
      await turn();
      if (openCalls() <= atRest.served) return atRest;
    }
  }

  async function run(functions: ChildProcess): Promise<void> {
    for (let steppedAtMs = Date.now(); isOpen; ) {
      const { next } = await untilAtRest(functions);
      const wakeTimes = sleepers.map((sleeper) => sleeper.until);
      const until = epochMs(Math.min(next, now + STEP_MAX, ...wakeTimes));
      const earlyMs = steppedAtMs + (until - now) / rate - Date.now();
      if (earlyMs > 0) {
        // A request may arrive during the delay, so both processes must come to rest again.
        await realDelay(earlyMs);
        continue;
      }
      steppedAtMs = Date.now();
      stepTo(until);
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
      run(functions).catch((error: unknown) => {
        if (isOpen) fail(error);
      });
    },
    stuck,
    close() {
      isOpen = false;
    },
  };
}
