import { createClusterStore } from '../../lib/adapters/dynamodb/clusters.ts';
import { createLedgerStore } from '../../lib/adapters/dynamodb/ledger.ts';
import { createScheduleStore } from '../../lib/adapters/dynamodb/schedules.ts';
import { createTransport } from '../../lib/adapters/linode/axios-transport.ts';
import { createLinodeApi } from '../../lib/adapters/linode/client.ts';
import { type CatalogueCache, createCatalogueCache } from '../../lib/app/catalogue-cache.ts';
import { changeCluster } from '../../lib/app/change-cluster.ts';
import { changeSchedule } from '../../lib/app/change-schedule.ts';
import { createSchedule, type ScheduleCreation } from '../../lib/app/create-schedule.ts';
import { destroyCluster } from '../../lib/app/destroy-cluster.ts';
import { type LaunchRequest, launch as launchCluster } from '../../lib/app/launch.ts';
import { reap as reapOnce } from '../../lib/app/reap.ts';
import { reconcile as reconcileOnce } from '../../lib/app/reconcile.ts';
import { runSchedule as runOnce } from '../../lib/app/run-schedule.ts';
import { sweep as sweepOnce } from '../../lib/app/sweep.ts';
import { type ClusterId, clusterTag, type ScheduleId } from '../../lib/core/base/names.ts';
import {
  type DurationMs,
  type EpochMs,
  epochMs,
  latest,
  minutes,
  plus,
  seconds,
} from '../../lib/core/base/units.ts';
import type { ClusterRecord } from '../../lib/core/cluster/record.ts';
import type { Notice } from '../../lib/core/notices/notices.ts';
import type { ClusterStore, LedgerStore, Notifier, ScheduleStore } from '../../lib/ports.ts';
import type { Settings } from '../../lib/settings.ts';
import { createMemoryTable } from '../../simulators/aws/memory-table.ts';
import type { SettingsChange } from '../../simulators/linode/simulator.ts';
import { aBody, aSettings, at } from './builders.ts';
import { someDeps } from './deps.ts';
import { aClock, aLog, LINODE_TOKEN, someMetrics } from './doubles.ts';
import { callLinode, startSimulator } from './simulated-linode.ts';
import { startTable, TABLE } from './table.ts';

export const START = at('2026-03-10T12:00:00Z');
const NEVER = Number.MAX_SAFE_INTEGER;
const LAMBDA = { reserveMs: seconds(20), noticesMs: seconds(5) };

/** The methods of a real store, or the like, that a test replaces. */
type Around<T> = (real: T) => Partial<T>;

interface Options {
  readonly linode?: SettingsChange;
  readonly settings?: Partial<Settings>;
  /** Without DynamoDB, for a test of many lives or passes that is not about the table. */
  readonly inMemory?: boolean;
  readonly around?: Around<ClusterStore>;
  readonly aroundSchedules?: Around<ScheduleStore>;
  readonly aroundLedger?: Around<LedgerStore>;
  readonly aroundCatalogue?: Around<CatalogueCache>;
  readonly notifier?: Notifier;
}

export type World = Awaited<ReturnType<typeof aWorld>>;

/**
 * The whole of Onebuck in one process, over real HTTP to the simulated Linode and a real embedded
 * DynamoDB, with time in the test's hands, until the test ends. Nudges are kept until `reap` makes
 * the passes.
 */
export async function aWorld(options: Options = {}) {
  const clock = aClock(START);
  const linode = await startSimulator({ now: clock.now, settings: options.linode ?? {} });
  const table = options.inMemory === true ? createMemoryTable() : await dynamoDbTable();
  const store = surrounded(table.clusters, options.around);
  const schedules = surrounded(table.schedules, options.aroundSchedules);
  const ledger = surrounded(table.ledger, options.aroundLedger);
  const log = aLog();
  const transport = createTransport(linode.url);
  const api = createLinodeApi({ transport, clock, token: async () => LINODE_TOKEN, log });
  const metrics = someMetrics();
  const notices: Notice[] = [];
  const nudged = new Set<ClusterId>();
  const nudgedSchedules = new Set<ScheduleId>();
  const launched = new Set<ClusterId>();
  const deps = someDeps({
    catalogue: surrounded(createCatalogueCache(api, clock, log), options.aroundCatalogue),
    clock,
    ledger,
    linode: api,
    log,
    metrics,
    notifier: options.notifier ?? { send: async (notice) => void notices.push(notice) },
    nudge: {
      async reconcile(id) {
        launched.add(id);
        nudged.add(id);
      },
      runSchedule: async (id) => void nudgedSchedules.add(id),
    },
    schedules,
    settings: aSettings(options.settings),
    store,
  });
  const soon = () => plus(clock.now(), seconds(25));
  const limits = (length: DurationMs) => ({ ...LAMBDA, by: plus(clock.now(), length) });

  /** As `ann`, by no schedule, unless `who` says otherwise. */
  async function launch(
    spec: Readonly<Record<string, unknown>> = {},
    key: string | null = null,
    who: Partial<Pick<LaunchRequest, 'owner' | 'schedule'>> = {},
  ) {
    const request = { owner: 'ann', schedule: null, ...who, idempotencyKey: key, by: soon() };
    const { record } = await launchCluster(deps, { ...request, input: { ...NANODES, ...spec } });
    launched.add(record.id);
    return record;
  }

  const change = (id: ClusterId, input: Readonly<Record<string, unknown>>) =>
    changeCluster(deps, { owner: 'ann', id, input, by: soon() });

  /** One invocation of reconcile; returns an error in place of throwing the error. */
  async function reconcile(id: ClusterId): Promise<unknown> {
    nudged.delete(id);
    return reconcileOnce(deps, id, limits(minutes(5))).catch((error: unknown) => error);
  }

  const requestSchedule = (request: Omit<ScheduleCreation, 'by'>) =>
    createSchedule(deps, { ...request, by: soon() });

  async function schedule(input: Readonly<Record<string, unknown>>) {
    return (await requestSchedule({ owner: 'ann', input, idempotencyKey: null })).schedule;
  }

  /** One invocation of the schedule function; returns an error, as `reconcile` does. */
  async function runSchedule(id: ScheduleId): Promise<unknown> {
    nudgedSchedules.delete(id);
    return runOnce(deps, id, limits(minutes(3))).catch((error: unknown) => error);
  }

  /** The reaper's tick, then the passes over schedules that it asked for. */
  async function tick() {
    await reapOnce(deps);
    for (const id of nudgedSchedules) await runSchedule(id);
  }

  /** A tick, then the passes over clusters that are asked for. */
  async function reap() {
    await tick();
    for (const id of nudged) await reconcile(id);
  }

  /** A reaper's tick in each minute, but for those in which nothing is due before the next. */
  async function reapUntil(end: EpochMs) {
    while (clock.now() < end) {
      const next = plus(clock.now(), minutes(1));
      await reap();
      const idleUntil = epochMs(Math.min(end, (await nextDue()) - minutes(2)));
      clock.set(latest(clock.now(), next, idleUntil));
    }
  }

  async function nextDue() {
    const records = [...(await store.getMany([...launched])), ...(await schedules.list(null))];
    return Math.min(...records.map((one) => ('dueAt' in one && one.dueAt) || NEVER));
  }

  /** One invocation of the sweeper; returns an error, as `reconcile` does. */
  const sweep = (): Promise<unknown> =>
    sweepOnce(deps, limits(minutes(7))).catch((error: unknown) => error);

  /** The sweeper's tick every five minutes, as if the reaper were dead. */
  async function sweepUntil(end: EpochMs) {
    while (clock.now() < end) {
      const next = plus(clock.now(), minutes(5));
      await sweep();
      clock.set(latest(clock.now(), next));
    }
  }

  async function record(id: ClusterId): Promise<ClusterRecord> {
    const found = await store.get(id);
    if (found === 'notFound') throw new Error(`there is no record of ${id}`);
    return found;
  }

  /** The Linodes that exist: the cluster's, or all. */
  const alive = (id?: ClusterId) =>
    linode
      .instances(id === undefined ? undefined : clusterTag(id))
      .filter(({ deleted }) => deleted === null);

  return {
    ...deps,
    linode,
    log: log.entries,
    /** The details of each log entry with this message. */
    logged: (message: string) =>
      log.entries.filter((entry) => entry.message === message).map(({ details }) => details),
    /** The values that were counted, in order. */
    emitted: metrics.emitted,
    /** The notices that were sent. */
    notices,
    /** Clusters that were nudged and have not had their pass. */
    nudged,
    /** Schedules, likewise. */
    nudgedSchedules,
    launch,
    destroy: (id: ClusterId) => destroyCluster(deps, 'ann', id),
    change,
    reconcile,
    requestSchedule,
    schedule,
    pause: (id: ScheduleId) => changeSchedule(deps, 'ann', id, { enabled: false }),
    resume: (id: ScheduleId) => changeSchedule(deps, 'ann', id, { enabled: true }),
    runSchedule,
    tick,
    reap,
    reapUntil,
    sweep,
    sweepUntil,
    record,
    alive,
    /** How many Linodes of the cluster exist. */
    left: (id: ClusterId) => alive(id).length,
    /** What Linode bills for the cluster, by its own reckoning. */
    billed: (id: ClusterId) => linode.bill(clusterTag(id)).totalMicroUsd,
    /** A call to Linode by a person and not by Onebuck; returns the JSON of the answer. */
    byHand: async (method: string, path: string, body?: object) =>
      (await callLinode(linode, method, path, { body })).json,
  };
}

async function dynamoDbTable() {
  const { client } = await startTable();
  return {
    clusters: createClusterStore(client, TABLE.TableName),
    schedules: createScheduleStore(client, TABLE.TableName),
    ledger: createLedgerStore(client, TABLE.TableName),
  };
}

export const NANODES = aBody({ nodes: 10 });

/** Creates a Linode that is not ours: without tags, or with those of another deployment. */
export async function createStranger(world: World, label: string, tags: string[]): Promise<number> {
  const body = { label, type: 'g6-nanode-1', region: 'us-east', tags };
  return (await world.byHand('POST', '/linode/instances', body)).id;
}

const surrounded = <T extends object>(real: T, around: Around<T> = () => ({})): T => ({
  ...real,
  ...around(real),
});
