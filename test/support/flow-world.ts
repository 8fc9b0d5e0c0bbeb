import { createAgentReports } from '../../lib/adapters/dynamodb/agent-reports.ts';
import { createAllowances } from '../../lib/adapters/dynamodb/allowances.ts';
import { createClusterStore } from '../../lib/adapters/dynamodb/clusters.ts';
import { createDigestStore } from '../../lib/adapters/dynamodb/digests.ts';
import { createInvoiceStore } from '../../lib/adapters/dynamodb/invoices.ts';
import { createJobReports } from '../../lib/adapters/dynamodb/job-reports.ts';
import { createLedgerStore } from '../../lib/adapters/dynamodb/ledger.ts';
import { createOwnerStore } from '../../lib/adapters/dynamodb/owners.ts';
import { createScheduleStore } from '../../lib/adapters/dynamodb/schedules.ts';
import { createTransport } from '../../lib/adapters/linode/axios-transport.ts';
import { createLinodeApi } from '../../lib/adapters/linode/client.ts';
import { authorizeAgent } from '../../lib/app/authorize-agent.ts';
import { type CatalogueCache, createCatalogueCache } from '../../lib/app/catalogue-cache.ts';
import { changeCluster } from '../../lib/app/change-cluster.ts';
import { changeSchedule } from '../../lib/app/change-schedule.ts';
import { createSchedule, type ScheduleCreation } from '../../lib/app/create-schedule.ts';
import { destroyCluster } from '../../lib/app/destroy-cluster.ts';
import { createAgentLimits, hearAgent } from '../../lib/app/hear-agent.ts';
import { type LaunchRequest, launch as launchCluster } from '../../lib/app/launch.ts';
import { reap as reapOnce } from '../../lib/app/reap.ts';
import { reconcile as reconcileOnce } from '../../lib/app/reconcile.ts';
import { reconcileInvoices } from '../../lib/app/reconcile-invoices.ts';
import { runSchedule as runOnce } from '../../lib/app/run-schedule.ts';
import { sendDigests as sendOnce } from '../../lib/app/send-digests.ts';
import { sweep as sweepOnce } from '../../lib/app/sweep.ts';
import { type ClusterId, clusterTag, type ScheduleId } from '../../lib/core/base/names.ts';
import {
  type DurationMs,
  type EpochMs,
  earliest,
  epochMs,
  latest,
  minutes,
  plus,
  seconds,
  toIso,
} from '../../lib/core/base/units.ts';
import { type ClusterRecord, ENDED_KEPT } from '../../lib/core/cluster/record.ts';
import type { Digest } from '../../lib/core/notices/digest/digest.ts';
import type { Every } from '../../lib/core/notices/digest/period.ts';
import type { InvoiceNotice } from '../../lib/core/notices/invoices.ts';
import type { Notice } from '../../lib/core/notices/notices.ts';
import type { RunNotice } from '../../lib/core/notices/runs.ts';
import { AppError } from '../../lib/errors.ts';
import type {
  Channel,
  ClusterStore,
  DigestStore,
  JobFiles,
  LedgerStore,
  Notifier,
  ScheduleStore,
} from '../../lib/ports.ts';
import type { Settings } from '../../lib/settings.ts';
import { createMemoryTable } from '../../simulators/aws/memory-table.ts';
import { SimulatedAgent } from '../../simulators/linode/agent.ts';
import type { AgentCall } from '../../simulators/linode/agent-call.ts';
import { agentFilesIn } from '../../simulators/linode/agent-files.ts';
import { moveFile } from '../../simulators/linode/job.ts';
import type { Instance, SettingsChange } from '../../simulators/linode/simulator.ts';
import { aBody, aSettings, at } from './builders.ts';
import { depsWith } from './deps.ts';
import { aClock, aRecordingLog, LINODE_TOKEN, recordingMetrics } from './doubles.ts';
import { callLinode, startSimulator } from './simulated-linode.ts';
import { startTable, TABLE } from './table.ts';

export const START = at('2026-03-10T12:00:00Z');
const NEVER = Number.MAX_SAFE_INTEGER;
const LAMBDA = { reserveMs: seconds(20), noticesMs: seconds(5) };

/** Returns the methods by which a test replaces those of the real object. */
type Replace<T> = (real: T) => Partial<T>;

interface Options {
  readonly linode?: SettingsChange;
  readonly settings?: Partial<Settings>;
  /** Whether the table is in memory instead of in DynamoDB: faster, for tests of many passes. */
  readonly inMemory?: boolean;
  readonly replaceStore?: Replace<ClusterStore>;
  readonly replaceSchedules?: Replace<ScheduleStore>;
  readonly replaceLedger?: Replace<LedgerStore>;
  readonly replaceCatalogue?: Replace<CatalogueCache>;
  readonly notifier?: Notifier;
  /** By which digests go out; by default by one, which keeps them in `digestsSent`. */
  readonly channels?: readonly Channel[];
  readonly replaceDigests?: Replace<DigestStore>;
  /** Where jobs keep their files; by default there is no such place. */
  readonly files?: JobFiles;
  /** Whether a nudge at that time is lost. */
  readonly isNudgeLost?: (now: EpochMs) => boolean;
}

export type World = Awaited<ReturnType<typeof aWorld>>;

/**
 * The whole of Onebuck in one process until the test ends: it calls the simulated Linode over real
 * HTTP and a real embedded DynamoDB, on a clock that the test sets. Nudges are kept until
 * `tickAndPass` makes the passes.
 */
export async function aWorld(options: Options = {}) {
  const clock = aClock(START);
  const linode = await startSimulator({ now: clock.now, settings: options.linode ?? {} });
  const table = options.inMemory === true ? createMemoryTable() : await dynamoDbTable();
  const store = withReplaced(table.clusters, options.replaceStore);
  const schedules = withReplaced(table.schedules, options.replaceSchedules);
  const ledger = withReplaced(table.ledger, options.replaceLedger);
  const log = aRecordingLog();
  const transport = createTransport(linode.url);
  const api = createLinodeApi({ transport, clock, token: async () => LINODE_TOKEN, log });
  const metrics = recordingMetrics();
  const notices: Notice[] = [];
  const runNotices: RunNotice[] = [];
  const invoiceNotices: InvoiceNotice[] = [];
  const digestsSent: Digest[] = [];
  const keepNotice: Notifier = {
    async send(notice) {
      if (notice.kind === 'invoiceDiffers') invoiceNotices.push(notice);
      else if (notice.kind === 'digest') digestsSent.push(notice);
      else if ('scheduleId' in notice) runNotices.push(notice);
      else notices.push(notice);
    },
  };
  const nudged = new Set<ClusterId>();
  const nudgedSchedules = new Set<ScheduleId>();
  const launched = new Set<ClusterId>();
  const deps = depsWith({
    catalogue: withReplaced(createCatalogueCache(api, clock, log), options.replaceCatalogue),
    clock,
    ledger,
    owners: table.owners,
    linode: api,
    log,
    metrics,
    notifier: options.notifier ?? keepNotice,
    nudge: {
      async reconcile(batch) {
        if (options.isNudgeLost?.(clock.now())) throw new Error('Lambda throttles');
        for (const { clusterId } of batch) {
          launched.add(clusterId);
          nudged.add(clusterId);
        }
      },
      runSchedule: async (id) => void nudgedSchedules.add(id),
    },
    reports: table.reports,
    allowances: table.allowances,
    jobs: table.jobs,
    digests: withReplaced(table.digests, options.replaceDigests),
    files: options.files ?? null,
    schedules,
    settings: aSettings(options.settings),
    store,
  });
  const requestDeadline = () => plus(clock.now(), seconds(25));
  const limits = (length: DurationMs) => ({ ...LAMBDA, by: plus(clock.now(), length) });

  /** Launches ten nanodes for ann without a schedule, unless `spec` or `who` say otherwise. */
  async function launch(
    spec: Readonly<Record<string, unknown>> = {},
    key: string | null = null,
    who: Partial<Pick<LaunchRequest, 'owner' | 'schedule'>> = {},
  ) {
    const request = {
      owner: 'ann',
      schedule: null,
      ...who,
      idempotencyKey: key,
      by: requestDeadline(),
    };
    const { record } = await launchCluster(deps, { ...request, input: { ...NANODES, ...spec } });
    launched.add(record.id);
    return record;
  }

  const change = (id: ClusterId, input: Readonly<Record<string, unknown>>) =>
    changeCluster(deps, { owner: 'ann', id, input, by: requestDeadline() });

  /** One invocation of reconcile; returns its error instead of throwing it. */
  async function reconcile(id: ClusterId): Promise<unknown> {
    nudged.delete(id);
    return reconcileOnce(deps, [{ clusterId: id }], limits(minutes(5))).catch(
      (error: unknown) => error,
    );
  }

  const requestSchedule = (request: Omit<ScheduleCreation, 'by'>) =>
    createSchedule(deps, { ...request, by: requestDeadline() });

  async function schedule(input: Readonly<Record<string, unknown>>) {
    return (await requestSchedule({ owner: 'ann', input, idempotencyKey: null })).schedule;
  }

  /** A PATCH of the schedule by ann, or by somebody else. */
  const requestChange = (id: string, input: unknown, owner = 'ann') =>
    changeSchedule(deps, { owner, id, input, by: requestDeadline() });

  /** One invocation of the schedule function; returns its error instead of throwing it. */
  async function runSchedule(id: ScheduleId): Promise<unknown> {
    nudgedSchedules.delete(id);
    return runOnce(deps, id, limits(minutes(3))).catch((error: unknown) => error);
  }

  /** The reaper's tick, then the passes over schedules that the reaper asks for. */
  async function reaperTick() {
    await reapOnce(deps);
    for (const id of nudgedSchedules) await runSchedule(id);
  }

  /** The reaper's tick, then the passes over schedules and clusters that somebody has asked for. */
  async function tickAndPass() {
    await reaperTick();
    for (const id of nudged) await reconcile(id);
  }

  /** Runs the reaper every minute until `end`; skips the minutes in which nothing is due. */
  async function reapUntil(end: EpochMs) {
    while (clock.now() < end) {
      const next = plus(clock.now(), minutes(1));
      await tickAndPass();
      const idleUntil = epochMs(Math.min(end, (await nextDue()) - minutes(2)));
      clock.set(latest(clock.now(), next, idleUntil));
    }
  }

  async function nextDue() {
    const { records: clusters } = await store.getMany([...launched]);
    const records = [...clusters, ...(await schedules.list(null))];
    return Math.min(...records.map((record) => ('dueAt' in record && record.dueAt) || NEVER));
  }

  /** One invocation of the sweeper; returns its error instead of throwing it. */
  const sweep = (): Promise<unknown> =>
    sweepOnce(deps, limits(minutes(7))).catch((error: unknown) => error);

  /** One invocation of the function `digest`; returns its error instead of throwing it. */
  const sendDigests = (every: Every | null = 'weekly'): Promise<unknown> => {
    const channels = options.channels ?? [{ name: 'topic', open: () => keepNotice }];
    const { stage, monthlySpendPerOwnerMax: monthlyCap } = deps.settings;
    const own = { ...deps, stage, channels, every, monthlyCap };
    return sendOnce(own, limits(minutes(5))).catch((error: unknown) => error);
  };

  /** One invocation of the function that reads Linode's invoices. */
  const readInvoices = (): Promise<void> =>
    reconcileInvoices(
      { ...deps, invoices: table.invoices, endedKept: ENDED_KEPT },
      limits(minutes(5)),
    );

  /** Runs the sweeper every five minutes until `end`, and no reaper, as if the reaper were dead. */
  async function sweepUntil(end: EpochMs) {
    while (clock.now() < end) {
      const next = plus(clock.now(), minutes(5));
      await sweep();
      clock.set(latest(clock.now(), next));
    }
  }

  const agents = new Map<number, SimulatedAgent>();
  const agentLimits = createAgentLimits(clock);

  /** What the agent on a node that runs would do; null: none runs there. */
  function agentOn(instance: Instance): SimulatedAgent | null {
    const { id, runningAt, userData } = instance;
    if (runningAt === null || clock.now() < runningAt) return null;
    const files = agentFilesIn(userData);
    if (files === null) return null;
    const node = {
      instance: () => linode.instances().find((one) => one.id === id) ?? instance,
      allow: (allowance: { month: string; bytes: number }) => linode.allow(id, allowance),
    };
    const doneAt = plus(epochMs(runningAt), seconds(10));
    const agent = agents.get(id) ?? new SimulatedAgent(files, doneAt, null, node);
    agents.set(id, agent);
    return agent;
  }

  /** What the API answers to an agent's call; null: it refused the call. */
  async function callOf(agent: SimulatedAgent, call: AgentCall): Promise<unknown> {
    const [rank = '', id = ''] = agent.url.split('/').toReversed();
    try {
      const claim = await authorizeAgent(deps, `Bearer ${agent.token}`, { id, rank });
      const own = { ...deps, limits: agentLimits, endedKept: ENDED_KEPT };
      const heard = await hearAgent(own, claim, call);
      return { ...heard, teardownAt: toIso(heard.teardownAt) };
    } catch (error) {
      if (error instanceof AppError) return null;
      throw error;
    }
  }

  /** Has the agents on nodes do what they have to do by now; returns when there is more to do. */
  async function agentsAct(speaks: (linode: Instance) => boolean): Promise<EpochMs> {
    const waiting = existingLinodes().filter(speaks);
    const running = waiting.flatMap((linode) => {
      const agent = agentOn(linode);
      return agent === null ? [] : [{ id: linode.id, agent }];
    });
    for (const { id, agent } of running) {
      await agent.act({
        now: clock.now,
        isGone: () => existingLinodes().every((linode) => linode.id !== id),
        post: (call) => callOf(agent, call),
        move: (transfer) => moveFile(transfer, AbortSignal.timeout(5_000)),
      });
    }
    for (const id of nudged) await reconcile(id);
    const booting = waiting.map(({ runningAt }) => runningAt ?? NEVER);
    const times = [...booting, ...running.map(({ agent }) => agent.nextAt())];
    return epochMs(Math.min(NEVER, ...times.filter((time) => time > clock.now())));
  }

  /**
   * Has the agents on nodes that `speaks` lets speak call at their times until `end`, and makes the
   * passes that they nudge. Neither reaper nor sweeper runs, as if no clock of AWS ran.
   */
  async function agentsUntil(end: EpochMs, speaks: (linode: Instance) => boolean = () => true) {
    while (clock.now() < end) {
      const next = await agentsAct(speaks);
      clock.set(latest(clock.now(), earliest(end, next)));
    }
  }

  /** The same with the reaper, which ticks each minute in which something is due. */
  async function liveUntil(end: EpochMs, speaks: (linode: Instance) => boolean = () => true) {
    let tickAt = clock.now();
    while (clock.now() < end) {
      if (clock.now() >= tickAt) {
        await tickAndPass();
        tickAt = plus(clock.now(), minutes(1));
      }
      const next = await agentsAct(speaks);
      tickAt = latest(tickAt, epochMs(Math.min(NEVER, (await nextDue()) - minutes(2))));
      clock.set(latest(clock.now(), earliest(end, next, tickAt)));
    }
  }

  async function record(id: ClusterId): Promise<ClusterRecord> {
    const found = await store.get(id);
    if (found === 'notFound') throw new Error(`there is no record of ${id}`);
    return found;
  }

  /** The Linodes that exist: those of the cluster, or all without an id. */
  const existingLinodes = (id?: ClusterId) =>
    linode
      .instances(id === undefined ? undefined : clusterTag(id))
      .filter(({ deleted }) => deleted === null);

  return {
    ...deps,
    linode,
    log: log.entries,
    /** The details of each log entry with the message. */
    logDetails: (message: string) =>
      log.entries.filter((entry) => entry.message === message).map(({ details }) => details),
    /** The values of metrics that use cases emitted, in order. */
    emitted: metrics.emitted,
    /** The notices about clusters that were sent. */
    notices,
    /** The notices about runs of schedules that were sent. */
    runNotices,
    invoiceNotices,
    invoices: table.invoices,
    /** The digests that were sent. */
    digestsSent,

    readInvoices,
    /** The clusters that were nudged and have not yet had their pass. */
    nudged,
    /** The schedules that were nudged and have not yet had their pass. */
    nudgedSchedules,
    launch,
    destroy: (id: ClusterId) => destroyCluster(deps, 'ann', id),
    change,
    reconcile,
    requestSchedule,
    schedule,
    changeSchedule: requestChange,
    pause: (id: ScheduleId) => requestChange(id, { enabled: false }),
    resume: (id: ScheduleId) => requestChange(id, { enabled: true }),
    runSchedule,
    reaperTick,
    tickAndPass,
    reapUntil,
    sweep,
    sendDigests,
    sweepUntil,
    agentsUntil,
    liveUntil,
    record,
    existingLinodes,
    /** The number of the cluster's Linodes that exist. */
    linodeCount: (id: ClusterId) => existingLinodes(id).length,
    /** The simulated Linode's bill for the cluster until now, in micro-dollars. */
    billed: (id: ClusterId) => linode.bill(clusterTag(id)).totalMicroUsd,
    /** A call to Linode by a person instead of by Onebuck; returns the JSON of the answer. */
    callByHand: async (method: string, path: string, body?: object) =>
      (await callLinode(linode, method, path, { body })).json,
  };
}

async function dynamoDbTable() {
  const { client } = await startTable();
  return {
    clusters: createClusterStore(client, TABLE.TableName),
    schedules: createScheduleStore(client, TABLE.TableName),
    ledger: createLedgerStore(client, TABLE.TableName),
    owners: createOwnerStore(client, TABLE.TableName),
    reports: createAgentReports(client, TABLE.TableName),
    allowances: createAllowances(client, TABLE.TableName),
    jobs: createJobReports(client, TABLE.TableName),
    invoices: createInvoiceStore(client, TABLE.TableName),
    digests: createDigestStore(client, TABLE.TableName),
  };
}

export const NANODES = aBody({ nodes: 10 });

/** Creates a Linode by hand, for which no cluster has a record; returns its id. */
export async function createStranger(world: World, label: string, tags: string[]): Promise<number> {
  const body = { label, type: 'g6-nanode-1', region: 'us-east', tags };
  return (await world.callByHand('POST', '/linode/instances', body)).id;
}

const withReplaced = <T extends object>(real: T, replace: Replace<T> = () => ({})): T => ({
  ...real,
  ...replace(real),
});
