import type { Cluster } from './answers.ts';

/*
 * A budget as a fuse: its length is the hours that the budget affords, and it burns from the first
 * node's creation on. Terminal and console both draw a fuse by the places that this module finds.
 */

const HOUR_MS = 3_600_000;

/** The lifespan that a budget affords a cluster. Instants are epoch milliseconds. */
export interface Lifespan {
  /** When the first node began to be billed; null: none has, so that nothing burns yet. */
  readonly from: number | null;
  /** Whole hours, at least 0. */
  readonly hours: number;
  readonly teardownAt: number;
}

/** Places on a fuse, in hours from its start; none lies beyond its length. */
export interface Fuse {
  readonly hours: number;
  /** The place of the spark: all before the spark has burnt. */
  readonly burnt: number;
  /** The end of the started hour: Linode bills all hours before that end in any case. */
  readonly paid: number;
  /** The place at which the teardown cuts the fuse. */
  readonly cut: number;
}

/** The lifespan of a cluster by the API's answer; null: the cluster is being destroyed, or gone. */
export function lifespanOf({ affordableHours, teardownAt, nodes }: Cluster): Lifespan | null {
  if (affordableHours === null || teardownAt === null) return null;
  const created = nodes.flatMap(({ createdAt }) => (createdAt === null ? [] : [createdAt]));
  return {
    from: created.length === 0 ? null : Math.min(...created.map((iso) => Date.parse(iso))),
    hours: affordableHours,
    teardownAt: Date.parse(teardownAt),
  };
}

/** The fuse at `now`. */
export function fuseOf({ from, hours, teardownAt }: Lifespan, now: number): Fuse {
  if (from === null) return { hours, burnt: 0, paid: 0, cut: hours };
  const within = (place: number) => Math.min(hours, Math.max(0, place));
  const burnt = (now - from) / HOUR_MS;
  return {
    hours,
    burnt: within(burnt),
    paid: within(startedHours(burnt)),
    cut: within((teardownAt - from) / HOUR_MS),
  };
}

/** When the next hour begins to be billed, by the oldest node; null: none is billed yet. */
export const nextMark = ({ from }: Lifespan, now: number): number | null =>
  from === null ? null : from + startedHours((now - from) / HOUR_MS) * HOUR_MS;

/** Started hours, at least one; at an hour mark, the hour that begins there has not started. */
const startedHours = (hours: number): number => Math.max(1, Math.ceil(hours));

const STEPS = [1, 2, 3, 4, 6, 12, 24, 48, 72, 168, 336, 720, 2_160, 8_760];

/**
 * The hours from one mark to the next: the fewest that `fits` accepts, or else the whole length.
 */
export const markStep = (hours: number, fits: (step: number) => boolean): number =>
  STEPS.find(fits) ?? hours;
