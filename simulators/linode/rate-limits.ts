import type { Bucket, RateLimit } from './settings.ts';

export interface RateState {
  readonly limit: number;
  readonly remaining: number;
  /** Epoch seconds at which the window ends. */
  readonly reset: number;
  /** Seconds until the window ends; every answer has them, throttled or not. */
  readonly retryAfter: number;
}

interface Window {
  readonly start: number;
  readonly count: number;
}

/**
 * Counts calls per token and bucket, in windows that open with the first call. When the clock is
 * set back before the start of a window, the window is over.
 */
export class RateLimits {
  readonly #windows = new Map<string, Window>();

  /** Counts one call, unless the window is full; then `refused`. */
  take(token: string, bucket: Bucket, limit: RateLimit, now: number) {
    const window = this.#window(token, bucket, limit, now);
    const refused = window.count >= limit.count;
    const counted = refused ? window : { start: window.start, count: window.count + 1 };
    this.#windows.set(`${bucket} ${token}`, counted);
    return { refused, state: stateOf(counted, limit, now) };
  }

  /** The state without a call, for the headers of answers that the limits don't count. */
  peek(token: string, bucket: Bucket, limit: RateLimit, now: number): RateState {
    return stateOf(this.#window(token, bucket, limit, now), limit, now);
  }

  #window(token: string, bucket: Bucket, limit: RateLimit, now: number): Window {
    const window = this.#windows.get(`${bucket} ${token}`);
    const open =
      window !== undefined && window.start <= now && now < window.start + limit.seconds * 1000;
    return open ? window : { start: now, count: 0 };
  }
}

function stateOf(window: Window, limit: RateLimit, now: number): RateState {
  const end = window.start + limit.seconds * 1000;
  return {
    limit: limit.count,
    remaining: Math.max(0, limit.count - window.count),
    reset: Math.ceil(end / 1000),
    retryAfter: Math.ceil((end - now) / 1000),
  };
}
