import type { ClusterId } from '../base/names.ts';
import {
  durationMs,
  type EpochMs,
  earliest,
  epochMs,
  minus,
  plus,
  seconds,
} from '../base/units.ts';
import { lifeOf } from '../cluster/life.ts';
import type { LiveRecord } from '../cluster/record.ts';

/** A request for passes over a cluster. */
export interface PassRequest {
  readonly clusterId: ClusterId;
  /**
   * When to begin the teardown, a little before the teardown time, because many clusters are due at
   * once. Absent: at the teardown time.
   */
  readonly beginAt?: EpochMs;
  /** The passes measure no transfer, as others do so in this minute. */
  readonly unmeasured?: true;
}

/** The passes that one function makes together, the most urgent first. */
export type Batch = readonly PassRequest[];

/** The period of the reaper's ticks. A tick asks for the passes that are due before the next. */
export const TICK = seconds(60);
/** How far ahead the reaper looks for more teardowns than fit into the safety margin. */
export const LOOKAHEAD = seconds(15 * 60);

/**
 * How many calls, of the 1,600 that Linode takes from an account in a minute
 * (docs/linode.md#rate-limits), the passes of one tick may make. People and the sweeper need some.
 */
const CALLS_PER_TICK = 1_200;
/**
 * How many nodes the passes of one tick may measure beside those calls. With more, the measures of
 * the others are left to a later look, and what their nodes may have sent until then is expected.
 */
const MEASURES_PER_TICK = 300;
/** How long a deletion occupies its share of those calls: 50 ms. */
const CALL_TIME = durationMs(TICK / CALLS_PER_TICK);
/**
 * The part of the safety margin that deletions may wait for their turn. The rest is for trouble: an
 * outage of Linode, a function that dies, a tick that comes late.
 */
const QUEUE_SHARE = 1 / 3;
/** The calls of a pass that deletes nothing: it may remove a tag. */
const CALLS_OF_A_LOOK = 1;

/**
 * How many functions a tick starts for each kind of work, so that a deployment with ten functions
 * has some left for requests, the sweeper and the next tick.
 */
const BATCHES_MAX = { teardowns: 5, launches: 1, looks: 2 } as const;
/** How many clusters a function takes before another function is worth its start. */
const BATCH_SIZE = 40;
/**
 * With more teardowns than this in a tick, they begin together at whole multiples of `GRID`, since
 * each beginning takes a list, and Linode takes 200 lists a minute (docs/linode.md#rate-limits).
 */
export const ALONE_MAX = 12;
const GRID = seconds(15);

/**
 * The batches that the reaper asks for at `now`: of all clusters that are due before the next tick,
 * and of those whose teardown must begin by then, because Linode could not delete all that is due
 * later in time. `records`: the live clusters that are due within `LOOKAHEAD`.
 *
 * The most urgent teardowns come first. Passes that would make more calls than Linode takes are
 * left to the next tick: looks first, then the teardowns with the latest deadlines. Deletions that
 * are repeated, since Linode has not accepted them, leave half of the calls to others.
 */
export function planBatches(records: readonly LiveRecord[], now: EpochMs): Batch[] {
  const horizon = plus(now, TICK);
  const work = latestStarts(records.map((record) => workOf(record, now)));
  let calls = 0;
  const fits = (added: number) => {
    const isFirst = calls === 0;
    if (!isFirst && calls + added > CALLS_PER_TICK) return false;
    calls += added;
    return true;
  };
  let repeated = 0;
  const leavesRoom = ({ record, deletions }: Started) => {
    if (record.phase !== 'deleting') return true;
    repeated += deletions;
    return repeated <= CALLS_PER_TICK / 2;
  };
  const isDue = ({ record }: Started) => record.dueAt <= horizon;
  // A teardown that another function has begun is left to it until it is due again.
  const isTeardown = (item: Started) =>
    item.deletions > 0 &&
    item.startsAt <= horizon &&
    (item.record.phase !== 'deleting' || isDue(item));
  const teardowns = work
    .filter(isTeardown)
    .filter(leavesRoom)
    .filter(({ deletions }) => fits(deletions));
  const rest = work
    .filter((item) => isDue(item) && !isTeardown(item))
    .toSorted((a, b) => a.record.dueAt - b.record.dueAt);
  const launches = rest.filter(({ record }) => record.phase === 'provisioning');
  const looks = rest
    .filter(({ record }) => record.phase !== 'provisioning')
    .filter(() => fits(CALLS_OF_A_LOOK));
  const requests = teardowns.map(teardownRequest({ onGrid: teardowns.length > ALONE_MAX }));
  const measured = measureAtMost(CALLS_PER_TICK + MEASURES_PER_TICK - calls);
  return [
    ...split(measured(teardowns, requests), BATCHES_MAX.teardowns),
    ...split(launches.map(lookRequest), BATCHES_MAX.launches),
    ...split(measured(looks, looks.map(lookRequest)), BATCHES_MAX.looks),
  ];
}

/**
 * Lets the first passes measure the transfer of their nodes, as long as these are at most
 * `MEASURES_PER_TICK` together; one larger cluster alone only if the tick has `callsLeft` for it.
 */
function measureAtMost(callsLeft: number) {
  let nodes = 0;
  return (work: readonly Work[], requests: readonly PassRequest[]): PassRequest[] =>
    requests.map((request, row) => {
      const record = work[row]?.record;
      const count = record?.bought.transfer === undefined ? 0 : undeletedIn(record);
      const most = nodes === 0 ? callsLeft : Math.min(callsLeft, MEASURES_PER_TICK);
      if (nodes + count > most) return { ...request, unmeasured: true };
      nodes += count;
      return request;
    });
}

/** What a cluster needs until it is gone. */
interface Work {
  readonly record: LiveRecord;
  readonly teardownAt: EpochMs;
  /** When its last deletion must have been sent. */
  readonly deadline: EpochMs;
  /** How many of its Linodes are still to be deleted, or may be. */
  readonly deletions: number;
}

interface Started extends Work {
  /** The latest instant at which its deletions may start. */
  readonly startsAt: EpochMs;
}

/** How many nodes may exist whose deletion Linode has not accepted. */
export const undeletedIn = ({ nodes }: LiveRecord): number =>
  nodes.filter(({ state }) => state === 'created' || state === 'creating').length;

function workOf(record: LiveRecord, now: EpochMs): Work {
  const teardownAt =
    record.phase === 'deleting' ? record.deletingSince : lifeOf(record, now).teardownAt;
  const wait = durationMs(Math.floor(record.marginMs * QUEUE_SHARE));
  const deadline = plus(teardownAt, wait);
  return { record, teardownAt, deadline, deletions: undeletedIn(record) };
}

/**
 * The work by its deadlines, each with the latest instant at which its deletions may start so that
 * these and all that come after them are in time, one after the other.
 */
function latestStarts(work: readonly Work[]): Started[] {
  const byDeadline = work.toSorted((a, b) => a.deadline - b.deadline);
  const started: Started[] = [];
  let next = epochMs(Number.MAX_SAFE_INTEGER);
  for (const item of byDeadline.toReversed()) {
    next = minus(earliest(item.deadline, next), durationMs(item.deletions * CALL_TIME));
    started.unshift({ ...item, startsAt: earliest(item.teardownAt, next) });
  }
  return started;
}

const teardownRequest =
  ({ onGrid }: { readonly onGrid: boolean }) =>
  ({ record, teardownAt, startsAt }: Started): PassRequest => {
    const { id: clusterId, phase } = record;
    if (phase === 'deleting') return { clusterId };
    const beginAt = onGrid ? epochMs(startsAt - (startsAt % GRID)) : startsAt;
    return beginAt < teardownAt ? { clusterId, beginAt } : { clusterId };
  };

const lookRequest = ({ record }: Started): PassRequest => ({ clusterId: record.id });

/** Splits the items, in order, into as few parts of about the same size as are worth it. */
function split<T>(items: readonly T[], partsMax: number): T[][] {
  const parts = Math.min(partsMax, Math.ceil(items.length / BATCH_SIZE));
  return Array.from({ length: parts }, (_, part) =>
    items.filter((_item, index) => index % parts === part),
  );
}

/** Batches for clusters whose records can't be read, in the order of their ids. */
export const batchesOfIds = (ids: readonly ClusterId[]): Batch[] =>
  split(
    ids.map((clusterId) => ({ clusterId })),
    BATCHES_MAX.teardowns,
  );
