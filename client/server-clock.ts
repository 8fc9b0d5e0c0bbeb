import type { Health } from './answers.ts';
import type { Api } from './api.ts';

/*
 * The server's clock, as far as its answers tell. A local clock may be wrong, and a local run's
 * server may have one that runs faster: two readings tell how fast.
 */

/** The server's time as an answer had it, and the local time then; both epoch milliseconds. */
export interface Reading {
  readonly serverMs: number;
  readonly localMs: number;
}

export interface ServerClock {
  /** Milliseconds of the server in one of this machine; more than 0. */
  readonly rate: number;
  /** Epoch milliseconds. `localMs` is now unless given. */
  now(localMs?: number): number;
}

/** Readings closer together than this tell nothing of a rate. */
const SPAN_MS_MIN = 200;
/** What an answer's way may take is no other rate. */
const JITTER_MS = 1_500;
/** Nor is what a correction of the local clock may come to. */
const RATE_TOLERANCE = 0.05;

/** The clock by its first reading and its last one; by one reading only, it runs as the local one. */
export function clockFrom(first: Reading, last: Reading = first): ServerClock {
  const rate = rateOf(last.localMs - first.localMs, last.serverMs - first.serverMs);
  return {
    rate,
    now: (localMs = Date.now()) => last.serverMs + (localMs - last.localMs) * rate,
  };
}

/** A server's clock that has been set back, or stands, is taken to run on from there. */
function rateOf(localMs: number, serverMs: number): number {
  if (localMs < SPAN_MS_MIN || serverMs <= 0) return 1;
  const isJitter = Math.abs(serverMs - localMs) <= JITTER_MS;
  const rate = serverMs / localMs;
  return isJitter || Math.abs(rate - 1) < RATE_TOLERANCE ? 1 : rate;
}

/**
 * Asks the server for its time, and takes it to be that of halfway between request and answer: off
 * by half of what the answer took at most.
 */
export async function readServerTime(api: Api): Promise<Reading> {
  const askedMs = Date.now();
  const { time } = await api.json<Health>('/health');
  return { serverMs: Date.parse(time), localMs: (askedMs + Date.now()) / 2 };
}
