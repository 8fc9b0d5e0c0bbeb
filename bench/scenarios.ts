import { launch } from '../lib/app/launch.ts';
import { offer } from '../lib/app/offer.ts';
import { getCluster, waitForAddresses } from '../lib/app/read-clusters.ts';
import { reportsOf } from '../lib/app/read-reports.ts';
import type { ClusterId } from '../lib/core/base/names.ts';
import { hours, plus as later, minutes, seconds } from '../lib/core/base/units.ts';
import { ENDED_KEPT } from '../lib/core/cluster/record.ts';
import { assumed } from './assumed.ts';
import { itemBytes } from './capacity.ts';
import { Counter, type Counts, minus, times } from './counts.ts';
import { aWorld, type World } from './world.ts';

/** The counts of an hour without clusters and requests. */
export async function anIdleHour(): Promise<Counts> {
  const world = await aWorld({ reapAt: seconds(10), sweepAt: seconds(20), hasDashboard: true });
  try {
    // In the first hour the functions get warm.
    await world.runUntil(hours(1));
    world.counter.clear();
    await world.runUntil(hours(2));
    return world.counter.counts;
  } finally {
    await world.close();
  }
}

export interface Life {
  /** The counts of the hours of the life, less the counts of as many idle hours. */
  readonly counts: Counts;
  readonly nodes: number;
  readonly hours: number;
  readonly billedUsd: number;
}

const NANODES = {
  nodes: 10,
  vcpus: 1,
  memoryMb: 1_024,
  region: 'us-east',
  image: 'Ubuntu 24.04 LTS',
  budgetUsd: 1,
};
/** By then the functions of each tick are warm. */
const LAUNCH_AT = minutes(30);
/** The cluster lives and ends in this time. */
const HOURS = 14;

/**
 * The life of the README's cluster: a quote, a launch that waits for the addresses, a GET of the
 * cluster after 3 minutes and then each hour, and the calls of its nodes' agents. `sweepAt`: how long after the start the sweeper's
 * first tick comes; it decides how long the sweeper waits for the cluster's end.
 */
export async function aLife(
  idleHour: Counts,
  { sweepAt, hasDashboard }: { readonly sweepAt: number; readonly hasDashboard: boolean },
): Promise<Life> {
  const world = await aWorld({ reapAt: sweepAt % minutes(1), sweepAt, hasDashboard });
  try {
    let id: ClusterId | null = null;
    const look = (at: number) =>
      world.request(LAUNCH_AT + at, async (deps) =>
        reportsOf(deps, await getCluster(deps, 'ann', id ?? '')),
      );
    world.request(LAUNCH_AT + seconds(1), (deps, { by }) => offer(deps, NANODES, by));
    world.request(LAUNCH_AT + seconds(30), async (deps, { by }) => {
      const request = { owner: 'ann', input: NANODES, idempotencyKey: null, schedule: null, by };
      const { record } = await launch(deps, request);
      id = record.id;
      await waitForAddresses(deps, record, later(deps.clock.now(), seconds(15)));
      await reportsOf(deps, record);
    });
    world.startAgents(LAUNCH_AT + minutes(1));
    look(minutes(3));
    for (let hour = 1; hour <= HOURS - 1; hour += 1) look(hours(hour));

    await world.runUntil(LAUNCH_AT);
    world.counter.clear();
    await world.runUntil(LAUNCH_AT + hours(HOURS));
    const counts = minus(world.counter.counts, times(idleHour, HOURS));
    return { ...checked(world, id), counts: new Map([...counts, ...kept(world, id)]) };
  } finally {
    await world.close();
  }
}

/** Throws if the cluster or one of its Linodes is not gone: the counts would then be wrong. */
function checked(world: World, id: ClusterId | null) {
  const item = id === null ? undefined : world.items.get(id);
  if (item?.phase?.S !== 'deleted') throw new Error(`the cluster is ${item?.phase?.S}`);
  if (world.left() > 0) throw new Error(`${world.left()} Linodes are left`);
  return { nodes: NANODES.nodes, hours: 13, billedUsd: world.billed() / 1e6 };
}

/** The storage of the cluster's record and of its agents' reports, from the cluster's end until the record expires. */
function kept(world: World, id: ClusterId | null): Counts {
  const item = world.items.get(id ?? '') ?? {};
  const reports = world.items.get(`agents-${id}`);
  if (reports === undefined) throw new Error('no agent has reported');
  const months = ENDED_KEPT / hours(assumed.hoursOfMonth);
  const counter = new Counter();
  const table = itemBytes(item) + ENTRY_BYTES + itemBytes(reports);
  const copies = { table, byOwner: itemBytes(item), byTime: itemBytes(item) };
  for (const bytes of Object.values(copies)) {
    counter.add('DynamoDB storage', 'tableByteMonth', (bytes + ENTRY_BYTES) * months);
  }
  counter.add('DynamoDB point-in-time recovery', 'backupByteMonth', copies.table * months);
  return counter.counts;
}

/** The bytes that DynamoDB bills for each stored or indexed item beside the item's own. */
const ENTRY_BYTES = 100;
