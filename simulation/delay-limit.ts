/** The delays within this time add up. */
const WINDOW_MS = 600_000;

/**
 * Bounds the faults that keep all functions from destroying Linodes, since Onebuck promises to keep
 * a budget only while these faults are shorter than the safety margin. In any ten minutes, the
 * delays by these faults add up to at most `maxMs`.
 */
export class DelayLimit {
  readonly #maxMs: number;
  readonly #now: () => number;
  #delays: { readonly until: number; readonly ms: number }[] = [];

  constructor(maxMs: number, now: () => number) {
    this.#maxMs = maxMs;
    this.#now = now;
  }

  /** Reserves a delay for a fault. Returns false, and reserves nothing, beyond the limit. */
  take(ms: number): boolean {
    const now = this.#now();
    this.#delays = this.#delays.filter(({ until }) => until > now);
    const total = this.#delays.reduce((sum, delay) => sum + delay.ms, 0);
    if (total + ms > this.#maxMs) return false;
    this.#delays.push({ until: now + ms + WINDOW_MS, ms });
    return true;
  }
}
