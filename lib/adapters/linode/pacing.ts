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

/** Keeps creates within Linode's rate limit, which the whole account shares. */
export interface Pacer {
  /** Takes a slot, waiting for it until `until` at most. */
  take(until: EpochMs): Promise<'taken' | { readonly retryAt: EpochMs }>;
  /** Takes account of the rate limit in the headers of an answer. */
  learn(header: (name: string) => string | null): void;
  /** Gives no slot before `until`, because Linode refused a create for its rate. */
  pause(until: EpochMs): void;
}

/**
 * The limit as documented (docs/linode.md#rate-limits), until the headers of an answer give
 * another.
 */
const LIMIT = 20;
const WINDOW = seconds(15);

/** Linode gives the reset in whole seconds, by its own clock. */
const RESET_LATE_MAX = seconds(1);
/** A reset farther ahead is from another clock, or garbage: -1 has been seen. */
const RESET_AHEAD_MAX = minutes(1);
const STEP = seconds(1);

/**
 * Paces creates by Linode's own windows: `limit` slots, which all come back at the reset. The first
 * create opens an assumed window, until an answer gives the true reset.
 */
export function createPacer(clock: Clock): Pacer {
  let limit = LIMIT;
  let remaining = LIMIT;
  /** When the slots come back; null: there was no create in this window yet. */
  let opensAt: EpochMs | null = null;
  /** The reset that the headers gave for this window; null: none yet. */
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
      // Sleep in short steps, because an answer under way may give an earlier reset.
      await clock.sleep(earliest(retryAt, plus(now, STEP)));
    }
  }

  function learn(header: (name: string) => string | null): void {
    const now = clock.now();
    startWindowIfDue(now);
    const limitGiven = parseCount(header('x-ratelimit-limit'));
    if (limitGiven !== null && limitGiven > 0) limit = limitGiven;

    const reset = parseReset(header('x-ratelimit-reset'), now);
    if (reset !== null) {
      // Answers may arrive out of order: ignore an answer of an earlier window.
      if (resetGiven !== null && reset < resetGiven) return;
      if (reset !== resetGiven) opensAt = plus(reset, RESET_LATE_MAX);
      resetGiven = reset;
    }
    const remainingGiven = parseCount(header('x-ratelimit-remaining'));
    if (remainingGiven === limit - 1) learnThatWindowOpened(now);
    if (remainingGiven === null || remainingGiven >= remaining) return;
    remaining = remainingGiven;
    opensAt ??= plus(plus(now, WINDOW), RESET_LATE_MAX);
  }

  /**
   * The answered call opened the window before `now`, so the window is over WINDOW from now,
   * whatever Linode's clock shows. If it is longer than documented, the reset says so.
   */
  function learnThatWindowOpened(now: EpochMs): void {
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

function parseCount(text: string | null): number | null {
  return text !== null && /^\d{1,6}$/.test(text.trim()) ? Number(text) : null;
}

function parseReset(text: string | null, now: EpochMs): EpochMs | null {
  if (text === null || !/^\d{1,12}$/.test(text.trim())) return null;
  const reset = epochMs(Number(text) * 1_000);
  const ahead = between(now, reset);
  return ahead >= -RESET_LATE_MAX && ahead <= RESET_AHEAD_MAX ? reset : null;
}
