import { createClusterStore } from '../../lib/adapters/dynamodb/clusters.ts';
import { createLedgerStore } from '../../lib/adapters/dynamodb/ledger.ts';
import { createScheduleStore } from '../../lib/adapters/dynamodb/schedules.ts';
import { createTransport } from '../../lib/adapters/linode/axios-transport.ts';
import { createLinodeApi } from '../../lib/adapters/linode/client.ts';
import { type CapsKeeper, createCaps } from '../../lib/app/caps-keeper.ts';
import { type CatalogueCache, createCatalogueCache } from '../../lib/app/catalogue-cache.ts';
import { changeCluster } from '../../lib/app/change-cluster.ts';
import { changeSchedule } from '../../lib/app/change-schedule.ts';
import { createSchedule, type ScheduleCreation } from '../../lib/app/create-schedule.ts';
import { destroyCluster } from '../../lib/app/destroy-cluster.ts';
import { type LaunchRequest, launch } from '../../lib/app/launch.ts';
import { reap } from '../../lib/app/reap.ts';
import { reconcile } from '../../lib/app/reconcile.ts';
import { runSchedule } from '../../lib/app/run-schedule.ts';
import { sweep } from '../../lib/app/sweep.ts';
import { microUsd } from '../../lib/core/base/money.ts';
import { type ClusterId, ownershipTag, type ScheduleId } from '../../lib/core/base/names.ts';
import {
  type DurationMs,
  type EpochMs,
  epochMs,
  latest,
  minutes,
  plus,
  seconds,
} from '../../lib/core/base/units.ts';
import type { MetricValues } from '../../lib/core/cluster/metrics.ts';
import type { ClusterRecord } from '../../lib/core/cluster/record.ts';
import type { Notice } from '../../lib/core/notices/notices.ts';
import type { ScheduleRecord } from '../../lib/core/schedule/schedule.ts';
import type {
  ClusterStore,
  LedgerStore,
  Log,
  Notifier,
  Nudge,
  ScheduleStore,
  Secrets,
} from '../../lib/ports.ts';
import type { Settings } from '../../lib/settings.ts';
import { localDynamoDbClient, startDynamoDb } from '../../simulators/aws/dynamodb.ts';
import { createMemoryTable } from '../../simulators/aws/memory-table.ts';
import {
  type LinodeSimulator,
  type SettingsChange,
  startLinodeSimulator,
} from '../../simulators/linode/simulator.ts';
import { aClock, someMetrics, type TestClock } from './doubles.ts';
import { TABLE } from './table.ts';

export const STAGE = 'test';
export const TOKEN = 'token-of-the-account';
export const START = epochMs(Date.parse('2026-03-10T12:00:00Z'));
const NEVER = Number.MAX_SAFE_INTEGER;
const LAMBDA = { by: minutes(5), reserveMs: seconds(20), noticesMs: seconds(5) };

export interface Entry {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * The whole of Onebuck in one process, over real HTTP to the simulated Linode and a real embedded
 * DynamoDB, with time in the test's hands. Nudges are kept until `run` makes the passes.
 */
export interface World {
  readonly clock: TestClock;
  readonly linode: LinodeSimulator;
  readonly store: ClusterStore;
  readonly schedules: ScheduleStore;
  readonly ledger: LedgerStore;
  readonly caps: CapsKeeper;
  readonly log: Entry[];
  /** What was counted, in order. */
  readonly emitted: MetricValues[];
  /** What people were told. */
  readonly notices: Notice[];
  /** Clusters that were nudged and have not had their pass. */
  readonly nudged: Set<ClusterId>;
  /** Schedules, likewise. */
  readonly nudgedSchedules: Set<ScheduleId>;
  /** As `ann`, by no schedule, unless told otherwise. */
  launch(
    spec?: Readonly<Record<string, unknown>>,
    key?: string,
    who?: Partial<Pick<LaunchRequest, 'owner' | 'schedule'>>,
  ): Promise<ClusterRecord>;
  destroy(id: ClusterId): Promise<ClusterRecord>;
  change(id: ClusterId, change: Readonly<Record<string, unknown>>): Promise<ClusterRecord>;
  /** One invocation of reconcile, errors told and not thrown. */
  reconcile(id: ClusterId): Promise<unknown>;
  requestSchedule(request: Omit<ScheduleCreation, 'by'>): ReturnType<typeof createSchedule>;
  schedule(body: Readonly<Record<string, unknown>>): Promise<ScheduleRecord>;
  pause(id: ScheduleId): Promise<ScheduleRecord>;
  resume(id: ScheduleId): Promise<ScheduleRecord>;
  /** One invocation of the schedule function, errors told and not thrown. */
  runSchedule(id: ScheduleId): Promise<unknown>;
  /** The reaper's tick, then the passes over schedules that it asked for. */
  tick(): Promise<void>;
  /** The same, then the passes over clusters. */
  reap(): Promise<void>;
  sweep(): Promise<unknown>;
  /** A reaper's tick in each minute, but for those in which nothing is due before the next. */
  reapUntil(end: EpochMs): Promise<void>;
  record(id: ClusterId): Promise<ClusterRecord>;
  /** What Linode bills for the cluster, by its own reckoning. */
  billed(id: ClusterId): number;
  /** Linodes of the cluster that exist. */
  left(id: ClusterId): number;
  close(): Promise<void>;
}

export const NANODES = {
  nodes: 10,
  type: 'g6-nanode-1',
  region: 'us-east',
  image: 'linode/debian12',
  budgetUsd: 1,
};

export async function aWorld(
  options: {
    readonly linode?: SettingsChange;
    readonly settings?: Partial<Settings>;
    /** Without DynamoDB, for a test of many lives or passes that is not about the table. */
    readonly inMemory?: boolean;
    /** Stands between the use cases and the real store. */
    readonly around?: (store: ClusterStore) => ClusterStore;
    readonly aroundSchedules?: (schedules: ScheduleStore) => ScheduleStore;
    readonly aroundLedger?: (ledger: LedgerStore) => LedgerStore;
    readonly aroundCatalogue?: (catalogue: CatalogueCache) => CatalogueCache;
    readonly aroundNotifier?: (notifier: Notifier) => Notifier;
  } = {},
): Promise<World> {
  const clock = aClock(START);
  const linode = await startLinodeSimulator({
    now: clock.now,
    tokens: { [TOKEN]: '*' },
    ...(options.linode ? { settings: options.linode } : {}),
  });
  const table = options.inMemory === true ? aMemoryTable() : await aDynamoDbTable();
  const around = options.around ?? ((store: ClusterStore) => store);
  const store = around(table.clusters);
  const { aroundSchedules = (schedules: ScheduleStore) => schedules } = options;
  const schedules = aroundSchedules(table.schedules);
  const aroundLedger = options.aroundLedger ?? ((ledger: LedgerStore) => ledger);
  const ledger = aroundLedger(table.ledger);
  const log: Entry[] = [];
  const metrics = someMetrics();
  const note =
    (level: Entry['level']): Log['info'] =>
    (message, details = {}) => {
      log.push({ level, message, details });
    };
  const logger = { info: note('info'), warn: note('warn'), error: note('error') };
  const api = createLinodeApi({
    transport: createTransport(linode.url),
    clock,
    token: async () => TOKEN,
    log: logger,
  });
  const secrets: Secrets = {
    linodeToken: async () => TOKEN,
    apiTokens: async () => ({}),
    passwordKey: async () => 'a key of the deployment',
    webhookKey: async () => null,
  };
  const notices: Notice[] = [];
  const { aroundNotifier = (notifier: Notifier) => notifier } = options;
  const notifier = aroundNotifier({ send: async (notice) => void notices.push(notice) });
  const nudged = new Set<ClusterId>();
  const nudgedSchedules = new Set<ScheduleId>();
  const launched = new Set<ClusterId>();
  const nudge: Nudge = {
    async reconcile(id) {
      launched.add(id);
      nudged.add(id);
    },
    runSchedule: async (id) => void nudgedSchedules.add(id),
  };
  const settings = {
    stage: STAGE,
    marginMs: minutes(3),
    provisionMs: minutes(20),
    nodesMax: 100,
    budgetMax: microUsd(100_000_000),
    openBudgetMax: null,
    openBudgetPerOwnerMax: null,
    monthlySpendPerOwnerMax: null,
    ...options.settings,
  };
  const { aroundCatalogue = (catalogue: CatalogueCache) => catalogue } = options;
  const catalogue = aroundCatalogue(createCatalogueCache(api, clock, logger));
  const caps = createCaps({ clock, ledger, settings: () => settings, random: Math.random });
  const deps = {
    caps,
    catalogue,
    clock,
    linode: api,
    log: logger,
    metrics,
    notifier,
    nudge,
    schedules,
    secrets,
    settings,
    store,
  };
  const nextDue = async () => {
    const records = [...(await store.getMany([...launched])), ...(await schedules.list(null))];
    return Math.min(...records.map((one) => ('dueAt' in one && one.dueAt) || NEVER));
  };
  const limits = (length: DurationMs) => ({ ...LAMBDA, by: plus(clock.now(), length) });

  const world: World = {
    clock,
    linode,
    store,
    schedules,
    ledger,
    caps,
    log,
    emitted: metrics.emitted,
    notices,
    nudged,
    nudgedSchedules,
    async launch(spec = {}, key, who = {}) {
      const { record } = await launch(deps, {
        owner: 'ann',
        schedule: null,
        ...who,
        input: { ...NANODES, ...spec },
        idempotencyKey: key ?? null,
        by: plus(clock.now(), seconds(25)),
      });
      launched.add(record.id);
      return record;
    },
    destroy: (id) => destroyCluster(deps, 'ann', id),
    change: (id, input) =>
      changeCluster(deps, { owner: 'ann', id, input, by: plus(clock.now(), seconds(25)) }),
    reconcile: (id) => {
      nudged.delete(id);
      return reconcile(deps, id, limits(minutes(5))).catch((error: unknown) => error);
    },
    requestSchedule: (request) =>
      createSchedule(deps, { ...request, by: plus(clock.now(), seconds(25)) }),
    async schedule(body) {
      const request = { owner: 'ann', input: body, idempotencyKey: null };
      return (await world.requestSchedule(request)).schedule;
    },
    pause: (id) => changeSchedule(deps, 'ann', id, { enabled: false }),
    resume: (id) => changeSchedule(deps, 'ann', id, { enabled: true }),
    runSchedule: (id) => {
      nudgedSchedules.delete(id);
      return runSchedule(deps, id, limits(minutes(3))).catch((error: unknown) => error);
    },
    async tick() {
      await reap(deps);
      for (const id of nudgedSchedules) await world.runSchedule(id);
    },
    async reap() {
      await world.tick();
      for (const id of nudged) await world.reconcile(id);
    },
    sweep: () =>
      sweep({ ...deps, stage: STAGE }, limits(minutes(7))).catch((error: unknown) => error),
    async reapUntil(end) {
      while (clock.now() < end) {
        const tick = plus(clock.now(), minutes(1));
        await world.reap();
        const idleUntil = epochMs(Math.min(end, (await nextDue()) - minutes(2)));
        clock.set(latest(clock.now(), tick, idleUntil));
      }
    },
    async record(id) {
      const found = await store.get(id);
      if (found === 'notFound') throw new Error(`there is no record of ${id}`);
      return found;
    },
    billed: (id) => linode.bill(`onebuck=${id}`).totalMicroUsd,
    left: (id) => linode.instances(`onebuck=${id}`).filter((one) => one.deleted === null).length,
    async close() {
      await Promise.all([table.close(), linode.close()]);
    },
  };
  return world;
}

const aMemoryTable = () => ({ ...createMemoryTable(), close: async () => {} });

async function aDynamoDbTable() {
  const dynamodb = await startDynamoDb(null, TABLE);
  const client = localDynamoDbClient(dynamodb.url);
  return {
    clusters: createClusterStore(client, TABLE.TableName),
    schedules: createScheduleStore(client, TABLE.TableName),
    ledger: createLedgerStore(client, TABLE.TableName),
    close() {
      client.destroy();
      return dynamodb.close();
    },
  };
}

/** Creates a Linode that is not ours: without tags, or with those of another deployment. */
export async function createStranger(world: World, label: string, tags: string[]): Promise<number> {
  const response = await fetch(`${world.linode.url}/linode/instances`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ label, type: 'g6-nanode-1', region: 'us-east', tags }),
  });
  return ((await response.json()) as { id: number }).id;
}

export const ourTag = ownershipTag(STAGE);
