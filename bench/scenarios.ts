import { launch } from '../lib/app/launch.ts';
import { offer } from '../lib/app/offer.ts';
import { getCluster, waitForAddresses } from '../lib/app/read-clusters.ts';
import type { ClusterId } from '../lib/core/base/names.ts';
import { hours, plus as later, minutes, seconds } from '../lib/core/base/units.ts';
import { ENDED_KEPT } from '../lib/core/cluster/record.ts';
import { assumed } from './assumed.ts';
import { itemBytes } from './capacity.ts';
import { Counter, type Counts, minus, times } from './counts.ts';
import { aWorld, type World } from './world.ts';

/** What an hour costs in which there is nothing to do. */
export async function anIdleHour(): Promise<Counts> {
  const world = await aWorld({ reapAt: seconds(10), sweepAt: seconds(20), hasDashboard: true });
  try {
    // So that what is counted is warm.
    await world.runUntil(hours(1));
    world.counter.clear();
    await world.runUntil(hours(2));
    return world.counter.counts;
  } finally {
    await world.close();
  }
}

export interface Life {
  /** Beside what the same hours cost without it. */
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
/** When the functions of each tick are warm. */
const LAUNCH_AT = minutes(30);
/** In which the cluster lives and ends. */
const HOURS = 14;

/**
 * The README's cluster: a quote, the launch that waits for its addresses, an inventory, and a look
 * each hour until it has ended. `sweepAt`: how long after the start the sweeper's first tick comes,
 * which decides for how long it waits at the end.
 */
export async function aLife(
  idleHour: Counts,
  { sweepAt, hasDashboard }: { readonly sweepAt: number; readonly hasDashboard: boolean },
): Promise<Life> {
  const world = await aWorld({ reapAt: sweepAt % minutes(1), sweepAt, hasDashboard });
  try {
    let id: ClusterId | null = null;
    const look = (at: number) =>
      world.request(LAUNCH_AT + at, (deps) => getCluster(deps, 'ann', id ?? ''));
    world.request(LAUNCH_AT + seconds(1), (deps, { by }) => offer(deps, NANODES, by));
    world.request(LAUNCH_AT + seconds(30), async (deps, { by }) => {
      const request = { owner: 'ann', input: NANODES, idempotencyKey: null, schedule: null, by };
      const { record } = await launch(deps, request);
      id = record.id;
      await waitForAddresses(deps, record, later(deps.clock.now(), seconds(15)));
    });
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

/** A life that did not go as it should says nothing of costs. */
function checked(world: World, id: ClusterId | null) {
  const item = id === null ? undefined : world.items.get(id);
  if (item?.phase?.S !== 'deleted') throw new Error(`the cluster is ${item?.phase?.S}`);
  if (world.left() > 0) throw new Error(`${world.left()} Linodes are left`);
  return { nodes: NANODES.nodes, hours: 13, billedUsd: world.billed() / 1e6 };
}

/** What the record of an ended cluster takes until it expires, in the table and its indexes. */
function kept(world: World, id: ClusterId | null): Counts {
  const item = world.items.get(id ?? '') ?? {};
  const months = ENDED_KEPT / hours(assumed.hoursOfMonth);
  const counter = new Counter();
  const copies = { table: itemBytes(item), byOwner: itemBytes(item), byTime: itemBytes(item) };
  for (const bytes of Object.values(copies)) {
    counter.add('DynamoDB storage', 'tableByteMonth', (bytes + ENTRY_BYTES) * months);
  }
  counter.add('DynamoDB point-in-time recovery', 'backupByteMonth', copies.table * months);
  return counter.counts;
}

/** What DynamoDB adds to each item that it stores or indexes. */
const ENTRY_BYTES = 100;
