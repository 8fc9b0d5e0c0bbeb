import type { Health } from './answers.ts';
import type { Api } from './api.ts';

/*
 * The server's clock, by the server's answers. This machine's clock may be wrong, and a server that
 * is run locally may have a clock that runs faster: two readings show how fast.
 */

/** The server's time and this machine's at one instant, both in epoch milliseconds. */
export interface Reading {
  readonly serverMs: number;
  readonly localMs: number;
}

/** A clock that shows the server's time. */
export interface ServerClock {
  /** Milliseconds of the server in one millisecond of this machine; more than 0. */
  readonly rate: number;
  /** Epoch milliseconds. `localMs` is this machine's time, by default the present. */
  now(localMs?: number): number;
}

/** Readings closer together than this show no rate. */
const SPAN_MS_MIN = 200;
/** A difference as small as this may come from the time that an answer takes. */
const JITTER_MS = 1_500;
/** A rate as near to 1 as this may come from a correction of this machine's clock. */
const RATE_TOLERANCE = 0.05;

/** The clock by two readings. By one reading, the clock runs as fast as this machine's. */
export function clockFrom(first: Reading, last: Reading = first): ServerClock {
  const rate = rateOf(last.localMs - first.localMs, last.serverMs - first.serverMs);
  return {
    rate,
    now: (localMs = Date.now()) => last.serverMs + (localMs - last.localMs) * rate,
  };
}

/** The rate is 1 for a server's clock that was set back, or that stands still. */
function rateOf(localMs: number, serverMs: number): number {
  if (localMs < SPAN_MS_MIN || serverMs <= 0) return 1;
  const isJitter = Math.abs(serverMs - localMs) <= JITTER_MS;
  const rate = serverMs / localMs;
  return isJitter || Math.abs(rate - 1) < RATE_TOLERANCE ? 1 : rate;
}

/**
 * Asks the server for its time, and takes this to be the time halfway between request and answer.
 * The reading is off by at most half the time that the answer took.
 */
export async function readServerTime(api: Api): Promise<Reading> {
  const askedMs = Date.now();
  const { time } = await api.json<Health>('/health');
  return { serverMs: Date.parse(time), localMs: (askedMs + Date.now()) / 2 };
}
