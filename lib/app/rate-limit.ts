import { type DurationMs, type EpochMs, latest, plus } from '../core/base/units.ts';
import type { Clock } from '../ports.ts';

export interface RateLimit {
  /** Whether the subject may do it once more now; if so, that counts. */
  take(subject: string): boolean;
}

/** The most subjects that are remembered. The one that came first is forgotten, and starts anew. */
const SUBJECTS_MAX = 10_000;

/**
 * How often each subject may do something: `burst` times at once, and once more in each `every`
 * after that. It counts in this process only, so that what all processes let through together has
 * to be bounded elsewhere.
 */
export function createRateLimit(
  clock: Pick<Clock, 'now'>,
  { burst, every }: { readonly burst: number; readonly every: DurationMs },
): RateLimit {
  /** For each subject, the instant at which it will have its whole burst again. */
  const wholeAt = new Map<string, EpochMs>();
  const span = burst * every;
  return {
    take(subject) {
      const now = clock.now();
      const known = wholeAt.get(subject) ?? now;
      // No use makes an instant so late: the clock was set back.
      const from = known - now > span ? now : latest(known, now);
      if (from - now + every > span) return false;
      wholeAt.delete(subject);
      wholeAt.set(subject, plus(from, every));
      const [oldest] = wholeAt.keys();
      if (wholeAt.size > SUBJECTS_MAX && oldest !== undefined) wholeAt.delete(oldest);
      return true;
    },
  };
}
