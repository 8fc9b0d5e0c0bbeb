import { durationMs, type EpochMs, latest, plus } from '../../core/base/units.ts';
import type { Clock } from '../../ports.ts';

/** Keeps calls of one kind from being more than Linode answers. */
export interface Gate {
  /**
   * Waits for a turn until `by` at most. Calls with fewer attempts before come first, so that calls
   * that fail again and again hold up no others; then the calls have their order. `late`: no turn
   * came, and the call must not be made. Whoever has a turn must end it with `leave`.
   */
  enter(by: EpochMs, attempts: number): Promise<'entered' | 'late'>;
  leave(result: Result): void;
}

/** `refused`: Linode takes no further call before `until`. `failed`: it gave no useful answer. */
export type Result =
  | { readonly kind: 'answered' }
  | { readonly kind: 'failed' }
  | { readonly kind: 'refused'; readonly until: EpochMs };

interface Waiter {
  readonly by: EpochMs;
  readonly attempts: number;
  readonly end: (how: 'entered' | 'late') => void;
}

const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 8_000;
/** How many calls in a row must fail before the gate takes it for an outage. */
const FAILURES_MAX = 5;

/**
 * A gate for at most `most` calls at once. In an outage it lets through a single call after each
 * pause, and the pauses grow: so hundreds of waiting calls do not use up Linode's rate limit before
 * the outage ends. From then on, each answer lets one more call through.
 */
export function createGate(clock: Clock, most: number): Gate {
  let allowed = most;
  let inside = 0;
  let opensAt: EpochMs | null = null;
  let pauseMs = PAUSE_MIN_MS;
  let failures = 0;
  let isWaking = false;
  let waiting: Waiter[] = [];

  /** Ends the waits that can end now: those that get a turn, and those whose time is up. */
  function admit(): void {
    const opens = latest(clock.now(), opensAt ?? clock.now());
    for (const { end } of waiting.filter(({ by }) => by < opens)) end('late');
    waiting = waiting.filter(({ by }) => by >= opens);
    if (waiting.length === 0) return;
    if (clock.now() < opens) return void admitAt(opens);
    for (const { end } of waiting.splice(0, Math.max(0, allowed - inside))) {
      inside += 1;
      end('entered');
    }
  }

  /** The calls that were under way when the pause began do not make it longer. */
  function beginPause(): void {
    const now = clock.now();
    allowed = 1;
    if (opensAt !== null && now < opensAt) return;
    opensAt = plus(now, durationMs(pauseMs));
    pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * 2);
  }

  async function admitAt(instant: EpochMs): Promise<void> {
    if (isWaking) return;
    isWaking = true;
    await clock.sleep(instant);
    isWaking = false;
    admit();
  }

  return {
    enter(by, attempts) {
      const isOpen = opensAt === null || clock.now() >= opensAt;
      if (isOpen && inside < allowed && waiting.length === 0) {
        inside += 1;
        return Promise.resolve('entered');
      }
      return new Promise((resolve) => {
        waiting.push({ by, attempts, end: resolve });
        waiting.sort((a, b) => a.attempts - b.attempts);
        admit();
      });
    },

    leave(result) {
      inside -= 1;
      if (result.kind === 'answered') {
        allowed = Math.min(most, allowed + 1);
        pauseMs = PAUSE_MIN_MS;
        failures = 0;
      } else if (result.kind === 'failed') {
        failures += 1;
        if (failures >= FAILURES_MAX) beginPause();
      } else {
        opensAt = latest(result.until, opensAt ?? result.until);
      }
      admit();
    },
  };
}
