import type { Health } from '../../client/answers.ts';
import type { Api } from '../../client/api.ts';

/*
 * What time it is for the API. A browser's clock may be wrong, and a local run's may be made to run
 * faster: so two samples of /health tell where the API's clock stands, and how fast it runs.
 */

export interface Sample {
  /** The browser's clock, halfway between request and answer. */
  readonly local: number;
  readonly server: number;
}

export interface ServerClock {
  readonly rate: number;
  now(local?: number): number;
}

/** Slower than that differs from 1 by what two answers took. */
const RATE_NOTABLE = 0.2;

export function clockFrom(first: Sample, second: Sample = first): ServerClock {
  const localMs = second.local - first.local;
  const measured = localMs <= 0 ? 1 : (second.server - first.server) / localMs;
  const rate = Math.abs(measured - 1) < RATE_NOTABLE || measured <= 0 ? 1 : measured;
  return {
    rate,
    now: (local = Date.now()) => second.server + (local - second.local) * rate,
  };
}

export async function sampleTime(api: Api): Promise<Sample> {
  const before = Date.now();
  const { time } = await api.json<Health>('/health');
  return { local: (before + Date.now()) / 2, server: Date.parse(time) };
}
