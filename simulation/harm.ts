/** The stretch of time in which harm adds up. */
const WINDOW_MS = 600_000;

/**
 * Bounds what goes wrong at once, so that the promise can be kept: in any ten minutes the faults
 * that keep every function from destroying anything cost less than the safety margin. Each says
 * how long it may keep them from it. Where the bound is infinite, anything goes.
 */
export class Harm {
  readonly #boundMs: number;
  readonly #now: () => number;
  #done: { readonly until: number; readonly ms: number }[] = [];

  constructor(boundMs: number, now: () => number) {
    this.#boundMs = boundMs;
    this.#now = now;
  }

  /** Whether there is room for it, which is then taken. */
  allows(ms: number): boolean {
    const now = this.#now();
    this.#done = this.#done.filter(({ until }) => until > now);
    const total = this.#done.reduce((sum, one) => sum + one.ms, 0);
    if (total + ms > this.#boundMs) return false;
    this.#done.push({ until: now + ms + WINDOW_MS, ms });
    return true;
  }
}
