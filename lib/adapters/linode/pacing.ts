import {
  between,
  type EpochMs,
  earliest,
  epochMs,
  latest,
  minus,
  minutes,
  plus,
  seconds,
} from '../../core/base/units.ts';
import type { Clock } from '../../ports.ts';

/** Keeps creates within Linode's rate limit, which a whole account shares. */
export interface Pacer {
  /** Takes a slot, or waits for one until `until`. */
  take(until: EpochMs): Promise<'taken' | { readonly retryAt: EpochMs }>;
  /** Takes up what an answer's headers say of the limit. */
  learn(header: (name: string) => string | null): void;
  /** No slot before `until`: a create was refused for the rate. */
  pause(until: EpochMs): void;
}

/** As documented (docs/linode.md#rate-limits), until the headers of an answer say otherwise. */
const LIMIT = 20;
const WINDOW = seconds(15);

/** Linode tells the reset in whole seconds, and its clock is not ours. */
const RESET_LATE_MAX = seconds(1);
/** Resets outside of this are another clock's, or garbage: -1 has been seen. */
const RESET_AHEAD_MAX = minutes(1);
const STEP = seconds(1);

/**
 * Counts creates in Linode's own windows: `limit` slots that all come back at the reset. The first
 * create opens an assumed window, which the reset in its answer replaces.
 */
export function createPacer(clock: Clock): Pacer {
  let limit = LIMIT;
  let remaining = LIMIT;
  /** When the slots come back; null: no create yet in this window. */
  let opensAt: EpochMs | null = null;
  /** The reset that the headers told for this window; null: none yet. */
  let resetGiven: EpochMs | null = null;

  function startWindowIfDue(now: EpochMs): void {
    if (opensAt === null || now < opensAt) return;
    remaining = limit;
    opensAt = null;
    resetGiven = null;
  }

  async function take(until: EpochMs): Promise<'taken' | { readonly retryAt: EpochMs }> {
    for (;;) {
      const now = clock.now();
      startWindowIfDue(now);
      if (remaining > 0) {
        remaining -= 1;
        opensAt ??= plus(plus(now, WINDOW), RESET_LATE_MAX);
        return 'taken';
      }
      const retryAt = opensAt ?? now;
      if (retryAt > until) return { retryAt };
      // In short steps, because an answer that is on its way may tell an earlier reset.
      await clock.sleep(earliest(retryAt, plus(now, STEP)));
    }
  }

  function learn(header: (name: string) => string | null): void {
    const now = clock.now();
    startWindowIfDue(now);
    const limitGiven = count(header('x-ratelimit-limit'));
    if (limitGiven !== null && limitGiven > 0) limit = limitGiven;

    const reset = parseReset(header('x-ratelimit-reset'), now);
    if (reset !== null) {
      // Of answers that arrive out of order, those of an earlier window no longer count.
      if (resetGiven !== null && reset < resetGiven) return;
      if (reset !== resetGiven) opensAt = plus(reset, RESET_LATE_MAX);
      resetGiven = reset;
    }
    const remainingGiven = count(header('x-ratelimit-remaining'));
    if (remainingGiven === limit - 1) learnThatItOpened(now);
    if (remainingGiven === null || remainingGiven >= remaining) return;
    remaining = remainingGiven;
    opensAt ??= plus(plus(now, WINDOW), RESET_LATE_MAX);
  }

  /**
   * The call that was answered opened the window, before `now`, so that it is over by then whatever
   * Linode's clock shows. If it is longer than documented, the reset says so.
   */
  function learnThatItOpened(now: EpochMs): void {
    const end = plus(now, WINDOW);
    if (opensAt === null || resetGiven === null || end < minus(resetGiven, RESET_LATE_MAX)) return;
    opensAt = earliest(opensAt, latest(end, resetGiven));
  }

  function pause(until: EpochMs): void {
    remaining = 0;
    opensAt = opensAt === null ? until : latest(opensAt, until);
  }

  return { take, learn, pause };
}

function count(text: string | null): number | null {
  return text !== null && /^\d{1,6}$/.test(text.trim()) ? Number(text) : null;
}

function parseReset(text: string | null, now: EpochMs): EpochMs | null {
  if (text === null || !/^\d{1,12}$/.test(text.trim())) return null;
  const reset = epochMs(Number(text) * 1_000);
  const ahead = between(now, reset);
  return ahead >= -RESET_LATE_MAX && ahead <= RESET_AHEAD_MAX ? reset : null;
}
