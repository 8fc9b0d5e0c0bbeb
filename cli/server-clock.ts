/**
 * What the server's clock shows, from what it said and how long ago. Its pace is measured, since
 * that of a stack on a virtual clock is not this machine's.
 */
export class ServerClock {
  #first: Reading | null = null;
  #last: Reading | null = null;

  observe(reading: Reading): void {
    this.#first ??= reading;
    this.#last = reading;
  }

  get rate(): number {
    if (this.#first === null || this.#last === null) return 1;
    const localMs = this.#last.localMs - this.#first.localMs;
    const serverMs = this.#last.serverMs - this.#first.serverMs;
    if (localMs < SPAN_MS_MIN) return 1;
    const rate = serverMs / localMs;
    // Within what an answer's way may take, it is a clock like any.
    return Math.abs(serverMs - localMs) <= JITTER_MS ? 1 : Math.max(0, rate);
  }

  now(localMs: number): number {
    if (this.#last === null) return localMs;
    return this.#last.serverMs + (localMs - this.#last.localMs) * this.rate;
  }
}

export interface Reading {
  readonly serverMs: number;
  readonly localMs: number;
}

const SPAN_MS_MIN = 200;
const JITTER_MS = 1_500;
