import type { ClusterId } from '../lib/core/base/names.ts';
import { epochMs } from '../lib/core/base/units.ts';
import type { Ledger } from '../lib/core/caps/ledger.ts';
import { isLive } from '../lib/core/cluster/record.ts';
import { defaultSettings } from '../simulators/linode/settings.ts';
import type { SimulatedLinode } from './linode.ts';
import { NO_FAULTS } from './options.ts';
import { shownCreation } from './oracle.ts';
import { queueTicks } from './run.ts';
import { HOUR, MINUTE, SECOND } from './time.ts';
import { World } from './world.ts';

/** Many clusters that fall due together. */
export interface DueStorm {
  readonly clusters: number;
  readonly nodes: number;
  /** How many invocations Lambda runs at once. */
  readonly functionsMax: number;
  /** How long, from the first teardown time, Linode answers no call; 0: no outage. */
  readonly outageSeconds: number;
}

export interface DueOutcome {
  /** How many clusters were launched. */
  readonly clusters: number;
  /** Seconds from the first to the last of their hour marks. */
  readonly dueWithin: number;
  readonly overspent: number;
  /** How many Linodes, and how many clusters, are left half an hour after the hour mark. */
  readonly left: { readonly linodes: number; readonly clusters: number };
  /**
   * Seconds from the deletion of a cluster's last node to its last affordable instant: of the
   * earliest and of the latest cluster. Negative: after that instant.
   */
  readonly lead: { readonly most: number; readonly least: number };
  /** How many invocations Lambda started while its limit held, and the most at once. */
  readonly invocations: { readonly started: number; readonly peak: number };
  /** How many calls Linode got while its limits held. */
  readonly calls: { readonly lists: number; readonly deletions: number; readonly others: number };
}

const LIFE_HOURS = 2;
/** A seed whose world starts far from a month's end. */
const SEED = 2;

/**
 * Launches the clusters within ten seconds, without limits, and lets them fall due together under
 * Linode's rate limits and Lambda's limit of functions. The sweeper, which would save the clusters
 * that the reaper neglects, does not run.
 */
export async function dueStorm(storm: DueStorm): Promise<DueOutcome> {
  const options = { ...NO_FAULTS, clusters: 0, hoursMax: LIFE_HOURS, killers: 'reaper' as const };
  const world = new World(SEED, options, false);
  const { time, linode, functions, start, invariants } = world;
  functions.limit = Number.POSITIVE_INFINITY;
  // The headers, by which Onebuck paces its calls, have the limits even where none is in force.
  const none = { count: 100_000, seconds: 15 };
  const { collections, others } = defaultSettings.rateLimits;
  linode.update({
    rateLimited: false,
    rateLimits: { createInstance: none, collections: none, others: none },
  });
  letAllLaunchAtOnce(world);
  queueTicks(world);
  queueLaunches(world, storm, 10 * SECOND);
  await time.runUntil(start + 20 * MINUTE);

  linode.update({ rateLimited: true, rateLimits: { collections, others } });
  functions.limit = storm.functionsMax;
  functions.peak = 0;
  const before = { invocations: functions.invocations, calls: callsTo(linode) };
  const marks = marksOf(world);
  const sorted = [...marks.values()].sort((a, b) => a - b);
  const firstMark = sorted[0] ?? start;
  if (storm.outageSeconds > 0) queueOutage(world, firstMark, storm);
  await time.runUntil(start + LIFE_HOURS * HOUR + 30 * MINUTE);

  const leads = [...marks].map(([id, mark]) => (mark - lastDeletionOf(world, id)) / SECOND);
  const calls = callsTo(linode);
  return {
    clusters: marks.size,
    dueWithin: ((sorted.at(-1) ?? firstMark) - firstMark) / SECOND,
    overspent: invariants.overspentCount(),
    left: {
      linodes: invariants.alive().length,
      clusters: invariants.records.filter(isLive).length,
    },
    lead: {
      most: leads.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
      least: leads.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    },
    invocations: { started: functions.invocations - before.invocations, peak: functions.peak },
    calls: {
      lists: calls.lists - before.calls.lists,
      deletions: calls.deletions - before.calls.deletions,
      others: calls.others - before.calls.others,
    },
  };
}

/**
 * Without this, launches would write the ledger one after the other, and Onebuck would create the
 * nodes of one cluster after those of another.
 */
function letAllLaunchAtOnce({ table }: World): void {
  const { ledger } = table;
  const [read, save] = [ledger.read.bind(ledger), ledger.save.bind(ledger)];
  Object.assign(ledger, {
    read: async () => ({ ...(await read()), createsUntil: epochMs(0) }),
    save: async (next: Ledger) => save({ ...next, revision: (await read()).revision }),
  });
}

/** Queues the launches, a minute after the start, evenly over `withinMs`. */
function queueLaunches(
  world: World,
  { clusters, nodes }: Pick<DueStorm, 'clusters' | 'nodes'>,
  withinMs: number,
): void {
  const input = {
    type: 'g6-nanode-1',
    nodes,
    region: 'us-east',
    image: 'linode/debian12',
    budgetUsd: Math.round(nodes * 7_500 * LIFE_HOURS) / 1e6,
  };
  for (let index = 0; index < clusters; index += 1) {
    const at = world.start + MINUTE + Math.floor((index * withinMs) / clusters);
    const request = { key: `storm ${index}`, owner: 'ann', input };
    world.time.at(at, () => void world.launch(request));
  }
}

/** The last affordable instant of each cluster that has nodes. */
const marksOf = ({ invariants }: World): ReadonlyMap<ClusterId, number> =>
  new Map(
    invariants.records.flatMap(({ id }) => {
      const [first, ...rest] = invariants.linodesOf(id).map(shownCreation);
      return first === undefined ? [] : [[id, Math.min(first, ...rest) + LIFE_HOURS * HOUR]];
    }),
  );

/** Linode answers no call for a while, from 15 seconds after the first teardown time. */
function queueOutage({ time, linode }: World, firstMark: number, { outageSeconds }: DueStorm) {
  const firstTeardown = firstMark - NO_FAULTS.marginSeconds * SECOND;
  time.at(firstTeardown + 15 * SECOND, async () => {
    linode.outage = 'status503';
    await time.delay(outageSeconds * SECOND);
    linode.outage = null;
  });
}

/** Infinite while a Linode of the cluster exists. */
const lastDeletionOf = ({ invariants }: World, id: ClusterId): number =>
  Math.max(...invariants.linodesOf(id).map(({ deleted }) => deleted ?? Number.POSITIVE_INFINITY));

function callsTo({ calls }: SimulatedLinode): DueOutcome['calls'] {
  const sumOf = (isCounted: (kind: string) => boolean) =>
    Object.entries(calls).reduce((sum, [kind, count]) => sum + (isCounted(kind) ? count : 0), 0);
  const isList = (kind: string) => kind === 'GET /linode/instances';
  const isDeletion = (kind: string) => kind === 'DELETE /linode/instances/id';
  return {
    lists: sumOf(isList),
    deletions: sumOf(isDeletion),
    others: sumOf((kind) => !isList(kind) && !isDeletion(kind)),
  };
}

/** Many clusters that are launched together. */
export interface LaunchStorm {
  readonly clusters: number;
  readonly nodes: number;
  readonly functionsMax: number;
}

export interface LaunchOutcome {
  readonly launched: number;
  /** How many launches failed, and what Linode billed for them in US dollars. */
  readonly failed: { readonly clusters: number; readonly usd: number };
  /** Seconds from the first launch until all nodes of the launched clusters were created. */
  readonly lastNodeAfter: number;
  /** The same, by Linode's rate limit of 20 creates in 15 s, and its ratio to that. */
  readonly floor: number;
  readonly ratio: number;
  readonly invocations: { readonly started: number; readonly peak: number };
}

/** Launches the clusters within a second, under Linode's limits and Lambda's limit of functions. */
export async function launchStorm(storm: LaunchStorm): Promise<LaunchOutcome> {
  const { clusters, nodes, functionsMax } = storm;
  const options = { ...NO_FAULTS, clusters: 0, hoursMax: LIFE_HOURS, functionsMax };
  const world = new World(SEED, options, false);
  const { time, functions, start, invariants } = world;
  queueTicks(world);
  queueLaunches(world, storm, SECOND);
  const from = start + MINUTE;
  await time.runUntil(start + 90 * MINUTE);
  const { records } = invariants;
  const failed = records.filter((record) => record.phase === 'failed');
  const created = records.flatMap(({ id }) => invariants.linodesOf(id).map((one) => one.created));
  const lastNodeAfter = (created.reduce((a, b) => Math.max(a, b), from) - from) / SECOND;
  const floor = (Math.ceil((clusters * nodes) / 20) - 1) * 15;
  return {
    launched: records.length,
    failed: {
      clusters: failed.length,
      usd: failed.reduce((sum, record) => sum + ('spent' in record ? record.spent : 0), 0) / 1e6,
    },
    lastNodeAfter,
    floor,
    ratio: lastNodeAfter / floor,
    invocations: { started: functions.invocations, peak: functions.peak },
  };
}
