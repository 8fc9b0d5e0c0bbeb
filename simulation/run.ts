import { clusterOfTags, reapTimeOfTags } from '../lib/core/base/names.ts';
import type { MetricValues } from '../lib/core/cluster/metrics.ts';
import { isLive } from '../lib/core/cluster/record.ts';
import type { JobOutcome } from '../lib/core/job/progress.ts';
import type { Accounts, Violation } from './invariants.ts';
import { checkInvoices, type InvoiceCounts, NO_INVOICES } from './invoices.ts';
import { drawOptions, NO_FAULTS, type Options } from './options.ts';
import { affordedHours } from './oracle.ts';
import { HOUR, MINUTE, SECOND } from './time.ts';
import { SCHEDULED_BUDGET, scheduleCaps } from './windows.ts';
import { type Request, World } from './world.ts';

const SWEEP_EVERY = 5 * MINUTE;
/**
 * How long after the last fault people destroy the clusters that are still live. A cluster of which
 * only a few nodes came up may live long, as its budget affords these nodes many hours.
 */
const PATIENCE_MS = 30 * HOUR;
/** Onebuck must have everything in order this long after the last fault. */
const RECOVERY_MS = 45 * MINUTE;

export interface Outcome {
  readonly seed: number;
  readonly options: Options;
  readonly violation: Violation | null;
  /** How many clusters were launched. */
  readonly clusters: number;
  /** How often each fault struck. */
  readonly faults: Readonly<Record<string, number>>;
  /** Hours that the clusters' Linodes existed, all together. */
  readonly clusterHours: number;
  /**
   * The clusters that lived until their teardown time. Empty if the world had faults or another
   * safety margin than the default.
   */
  readonly delivered: readonly Delivered[];
  readonly overspent: {
    readonly clusters: number;
    /** Micro-dollars beyond the budgets by the bill. */
    readonly microUsd: number;
    /** Micro-dollars beyond the budgets as Onebuck recorded them. */
    readonly recordedMicroUsd: number;
  };
  /** How many jobs ended how. */
  readonly jobs: Readonly<Record<JobOutcome['state'], number>>;
  /** How many clusters have exactly the bill as their spend, and how many one within the possible. */
  readonly accounts: { readonly exact: number; readonly within: number };
  readonly invoices: InvoiceCounts;
  /** How many Linodes with the ownership tag existed at the end. */
  readonly orphans: number;
  readonly overspendsLogged: number;
  /** The sum of each metric. */
  readonly emitted: MetricValues;
  /** How many Linodes existed when the killers died or the table was lost. */
  readonly aliveAtLoss: number;
  /** When the killers died or the table was lost; infinite: neither happened. */
  readonly lossAt: number;
  /** When the reaper was started. */
  readonly reaperRuns: readonly number[];
  readonly endedAt: number;
  readonly trace: readonly string[];
}

export interface Delivered {
  /** How many started hours of all nodes the budget afforded, `maxHours` at most. */
  readonly affordedHours: number;
  /** The mean time of the nodes from creation to deletion. */
  readonly deliveredMs: number;
}

/** Runs the world of this seed to its end, or to the first violation. */
export async function simulate(
  seed: number,
  { forced = {}, trace = false }: { forced?: Partial<Options>; trace?: boolean } = {},
): Promise<Outcome> {
  const options = { ...drawOptions(seed), ...forced };
  const world = new World(seed, options, trace);
  const { invariants, time } = world;
  const goesOn = () => invariants.violation === null;
  await queueEvents(world);
  await time.runUntil(world.faultsEndAt, goesOn);
  world.endFaults();
  void world.deleteSchedules();
  await time.runUntil(world.faultsEndAt + RECOVERY_MS, goesOn);
  checkRecovered(world);
  time.at(world.faultsEndAt + PATIENCE_MS, () => void world.destroyAll());
  while (goesOn() && !isOver(world)) {
    if (time.now() > overBy(world)) {
      const left = `${liveText(world)}, with VLANs [${world.vlansLeft()}]`;
      invariants.report('recovered', `${left} long after the last fault`);
    }
    await time.runUntil(time.now() + 10 * MINUTE, goesOn);
  }
  // The sweeper's audit needs two more ticks to clear drift of the caps.
  await time.runUntil(time.now() + 2 * SWEEP_EVERY + MINUTE, goesOn);
  const accounts = goesOn() ? await checkEnd(world) : NO_ACCOUNTS;
  const invoices = goesOn() ? await checkInvoices(world, accounts.exact) : NO_INVOICES;
  return outcomeOf(world, seed, accounts, invoices);
}

/** Queues all events of the world: requests, ticks, outages and changes by hand. */
async function queueEvents(world: World): Promise<void> {
  const { chance, options, time, faultsEndAt } = world;
  await world.createStrangers();
  await world.createVlans();
  for (const request of world.requests) {
    const at = world.launchAt();
    time.at(at, () => void world.launch(request));
    if (options.changes) queueChanges(world, request, at);
    if (options.jobs) queueStop(world, request, at);
  }
  if (options.schedule && options.priceFactor === 1) queueSchedule(world);
  queueTicks(world);
  const atRandomTimes = (everyMs: number, event: () => Promise<void>, from = chance) => {
    const next = () => {
      const at = time.now() + from.whole(everyMs / 4, 2 * everyMs);
      if (at < faultsEndAt) time.at(at, () => void event().then(next));
    };
    next();
  };
  if (options.outages !== 'none') atRandomTimes(90 * MINUTE, () => world.outage());
  if (options.createsRefused !== 'none' && options.priceFactor === 1) {
    time.at(world.start + MINUTE, () => void world.refuseCreates());
  }
  if (options.tableOutages) atRandomTimes(60 * MINUTE, () => world.tableOutage());
  if (options.rotations) atRandomTimes(2 * HOUR, () => world.rotateToken());
  if (options.meddling > 0) {
    atRandomTimes(40 * MINUTE, async () => {
      if (chance.happens(options.meddling)) await world.changeByHand();
    });
  }
  const later = chance.for('times of later faults');
  if (options.stubborn !== 'none') {
    atRandomTimes(45 * MINUTE, () => world.makeStubborn(), later);
  }
  if (options.untagging !== 'none') {
    atRandomTimes(60 * MINUTE, () => world.deleteTag(), later);
  }
  if (options.unlimiting) {
    const own = chance.for('times of limits taken away');
    atRandomTimes(90 * MINUTE, async () => world.unlimitByHand(), own);
  }
  if (options.losingCounters) {
    const own = chance.for('times of lost counters');
    atRandomTimes(30 * MINUTE, async () => world.loseCounter(), own);
  }
  if (options.resizing) atRandomTimes(45 * MINUTE, () => world.resizeByHand(), later);
  if (Number.isFinite(world.lossAt)) time.at(world.lossAt, () => world.lose());
  for (const at of world.poisonTimes()) time.at(at, () => world.poisonRecord());
  if (options.priceFactor !== 1) {
    time.at(world.repriceAt(), () => world.changePrices());
  }
}

function queueChanges(world: World, request: (typeof world.requests)[number], at: number): void {
  const { chance, options, time } = world;
  if (chance.happens(0.3))
    time.at(at + chance.whole(0, 2 * SECOND), () => void world.launch(request));
  const budget = request.input.budgetUsd as number;
  const events = chance.whole(0, 3);
  for (let n = 0; n < events; n += 1) {
    const when = at + chance.whole(SECOND, options.hoursMax * HOUR);
    const kind = chance.oneOf(['raise', 'lower', 'hours', 'delete'] as const);
    const factor = kind === 'raise' ? 1 + chance.random() * 0.5 : 0.3 + chance.random() * 0.7;
    const change =
      kind === 'hours'
        ? { maxHours: chance.whole(1, options.hoursMax) }
        : { budgetUsd: Math.max(1, Math.round(budget * factor * 1e6)) / 1e6 };
    time.at(when, () => {
      void (kind === 'delete' ? world.destroy(request) : world.change(request, change));
    });
  }
}

/** Some owners stop their job, at any time. */
function queueStop(world: World, request: Request, at: number): void {
  const own = world.chance.for(`stop ${request.key}`);
  if (!own.happens(0.15)) return;
  world.time.at(at + own.whole(SECOND, 2 * HOUR), () => void world.stopJob(request));
}

function queueSchedule(world: World): void {
  const { chance, time, start } = world;
  const cron = `${chance.whole(0, 59)} */${chance.whole(2, 4)} * * *`;
  const spec = {
    nodes: 2,
    type: 'g6-nanode-1',
    region: 'us-east',
    image: 'linode/debian12',
    budgetUsd: SCHEDULED_BUDGET / 1e6,
  };
  const retry = world.options.retries ? { forMinutes: 90, everyMinutes: 5 } : null;
  const schedule = { cron, timezone: 'UTC', spec, retry, ...scheduleCaps(world.windowCaps()) };
  time.at(start + 5 * MINUTE, () => void world.createSchedule(schedule));
}

/** Queues the ticks of the reaper and the sweeper, and the looks at the promises. */
export function queueTicks(world: World): void {
  const { chance, options, time, start } = world;
  const every = (ms: number, tick: () => void) => {
    const next = (at: number) =>
      time.at(at, () => {
        tick();
        next(at + ms);
      });
    next(start + chance.whole(0, ms - 1));
  };
  const delayMs = () => (world.injectsFaults ? chance.whole(0, options.tickDelayMsMax) : 0);
  const invoke = (run: () => Promise<unknown>) => {
    if (world.isSkipped()) return;
    time.at(time.now() + delayMs(), () => void run());
    if (!world.injectsFaults || !chance.happens(options.ticksDoubled)) return;
    world.countFault('tick doubled');
    time.at(time.now() + delayMs(), () => void run());
  };
  every(MINUTE, () => {
    if (!world.isReaperDead()) invoke(() => world.reap());
  });
  every(SWEEP_EVERY, () => {
    if (!world.isSweeperDead()) sweepOnce(world, invoke);
  });
  every(MINUTE, () => {
    world.invariants.tick();
    if (options.agents) world.agents.tick();
    world.checkPace();
  });
}

/**
 * One tick of the sweeper. Lambda invokes it up to three times if it fails. If the sweeper is the
 * only killer left, its tick is neither skipped nor delayed.
 */
function sweepOnce(world: World, invoke: (run: () => Promise<unknown>) => void): void {
  const { time } = world;
  const run = async () => {
    for (let tries = 1; tries <= 3; tries += 1) {
      if ((await world.sweep()) === 'done') return;
      await time.delay(MINUTE);
    }
  };
  if (world.isSweeperNeeded()) void run();
  else invoke(run);
}

/** Some time after the last fault no cluster is late, and each Linode has a live cluster. */
function checkRecovered(world: World): void {
  const { invariants, options } = world;
  if (invariants.violation !== null || options.tableLoss !== 'none') return;
  const byId = new Map(invariants.records.map((record) => [record.id, record]));
  for (const record of byId.values()) {
    // Without the reaper there are no passes.
    if (world.isReaperDead() || !isLive(record) || !world.isReadable(record)) continue;
    if (record.phase === 'provisioning') {
      invariants.report('recovered', `${record.id} is still ${record.phase}`);
    }
    if (record.dueAt < world.time.now() - 5 * MINUTE) {
      invariants.report('recovered', `${record.id} is overdue`);
    }
  }
  if (options.killers === 'reaper') return;
  for (const instance of invariants.alive()) {
    const id = clusterOfTags(instance.tags);
    const record = id === null ? undefined : byId.get(id);
    if (record !== undefined && isLive(record)) continue;
    const state = record === undefined ? 'has no record' : `is ${record.phase}`;
    invariants.report('recovered', `${instance.label} exists, and its cluster ${state}`);
  }
}

function isOver(world: World): boolean {
  const { invariants, options } = world;
  if (invariants.alive().length > 0) return false;
  // Without the table or the reaper the records never end: the last nodes nudge no pass any more.
  if (options.tableLoss !== 'none' || ['sweeper', 'agents'].includes(options.killers)) return true;
  if (invariants.records.some((record) => isLive(record) && world.isReadable(record))) return false;
  return options.killers !== 'all' || world.vlansLeft().length === 0;
}

/**
 * When the last Linode must be gone. People can't destroy a cluster whose record is lost or
 * unreadable: the sweeper spares its Linodes until the time in their `reap` tags.
 */
function overBy({ invariants, options, faultsEndAt, isReadable }: World): number {
  const unreadable = invariants.records.filter((record) => !isReadable(record));
  const spared = invariants.alive().filter(({ tags }) => {
    const cluster = clusterOfTags(tags);
    return options.tableLoss !== 'none' || unreadable.some(({ id }) => id === cluster);
  });
  const reapTimes = spared.map(({ tags }) => reapTimeOfTags(tags) ?? 0);
  return Math.max(faultsEndAt + PATIENCE_MS, ...reapTimes) + RECOVERY_MS;
}

const liveText = ({ invariants }: World): string =>
  `${invariants.alive().length} Linodes and ` +
  `${invariants.records.filter(isLive).length} clusters are live`;

const NO_ACCOUNTS: Accounts = { exact: [], within: 0 };

async function checkEnd(world: World): Promise<Accounts> {
  const { invariants, options } = world;
  for (const id of world.strangers) {
    if (world.linode.find(id)?.deleted === null) continue;
    invariants.report('strangers', `Linode ${id}, a stranger's, is gone`);
  }
  const isRecorded =
    options.tableLoss === 'none' && !['sweeper', 'agents'].includes(options.killers);
  if (!isRecorded) return NO_ACCOUNTS;
  if (options.killers === 'all') await checkCaps(world);
  await checkUnreadable(world);
  checkOverspendsLogged(world);
  if (Object.keys(world.faults).length === 0) {
    invariants.checkEndsNoticed();
    invariants.checkTeardownsWarned();
  }
  return invariants.checkAccounts();
}

/**
 * A record that is unreadable is alarmed, and hides no other cluster from lists and reports.
 */
async function checkUnreadable(world: World): Promise<void> {
  const { invariants, emitted, table } = world;
  const readable = invariants.records.filter(world.isReadable);
  if (readable.length === invariants.records.length) return;
  if ((emitted.UnreadableRecords ?? 0) === 0) {
    invariants.report('failuresSeen', 'a record is unreadable, and no metric says so');
  }
  const query = { owner: null, status: null, month: null, limit: 100, cursor: null };
  const listed = await table.clusters.list(query).catch(() => null);
  if (listed?.records.length === readable.length) return;
  const text = `a list shows ${listed?.records.length} of ${readable.length} readable records`;
  invariants.report('failuresSeen', text);
}

async function checkCaps(world: World): Promise<void> {
  const { table, invariants } = world;
  const ledger = await table.ledger.read();
  const unreadable = invariants.records.filter((record) => !world.isReadable(record));
  const expected = unreadable.map(({ id }) => id).toSorted();
  const open = [...ledger.open.keys()].toSorted();
  if (`${open}` !== `${expected}`) {
    invariants.report('caps', `the ledger has open budgets of [${open}], not [${expected}]`);
  }
  for (const owner of new Set(invariants.records.map((record) => record.owner))) {
    const months = Object.values(ledger.spent.get(`owner:${owner}`) ?? {});
    const inLedger = months.reduce((total, spent) => total + spent, 0);
    const theirs = invariants.ended.filter((record) => record.owner === owner);
    const recorded = theirs.reduce((sum, { spent }) => sum + spent, 0);
    if (inLedger !== recorded) {
      const text = `the records of ${owner} have a spend of ${recorded}, the ledger ${inLedger}`;
      invariants.report('caps', text);
    }
  }
}

/** Each recorded overspend is logged as an error, since an alarm watches the log. */
function checkOverspendsLogged(world: World): void {
  const { invariants } = world;
  const recorded = invariants.ended.filter(({ overspent }) => overspent > 0).length;
  const logged = world.overspendsLogged;
  if (logged < recorded) {
    invariants.report('failuresSeen', `${recorded} clusters overspent, and ${logged} were logged`);
  }
}

function outcomeOf(
  world: World,
  seed: number,
  { exact, within }: Accounts,
  invoices: InvoiceCounts,
): Outcome {
  const { invariants, options } = world;
  const ms = invariants.records
    .flatMap(({ id }) => invariants.linodesOf(id))
    .reduce((total, { created, deleted }) => total + (deleted ?? world.time.now()) - created, 0);
  return {
    seed,
    options,
    violation: invariants.violation,
    clusters: invariants.records.length,
    faults: world.faults,
    clusterHours: ms / HOUR,
    delivered: isOrdinary(world) ? deliveredBy(world) : [],
    overspent: {
      clusters: invariants.overspentCount(),
      microUsd: invariants.overspentTotal(),
      recordedMicroUsd: invariants.ended.reduce((sum, { overspent }) => sum + overspent, 0),
    },
    jobs: jobsBy(world),
    accounts: { exact: exact.length, within },
    invoices,
    orphans: invariants.alive().length,
    overspendsLogged: world.overspendsLogged,
    emitted: world.emitted,
    aliveAtLoss: world.aliveAtLoss,
    lossAt: world.lossAt,
    reaperRuns: world.reaperRuns,
    endedAt: world.time.now(),
    trace: world.trace ?? [],
  };
}

function jobsBy({ invariants }: World): Outcome['jobs'] {
  const states = invariants.records.map(({ jobEnd }) => jobEnd?.state);
  const count = (state: JobOutcome['state']) => states.filter((one) => one === state).length;
  return { done: count('done'), failed: count('failed'), stopped: count('stopped') };
}

/** Whether the world had no fault and no transfer, and has the default safety margin. */
const isOrdinary = ({ faults, options }: World): boolean =>
  Object.keys(faults).length === 0 &&
  options.transfer === 'none' &&
  options.marginSeconds === NO_FAULTS.marginSeconds;

function deliveredBy({ invariants }: World): Delivered[] {
  return invariants.ended.flatMap((record): Delivered[] => {
    if (!['budget', 'maxHours'].includes(record.endReason)) return [];
    const linodes = invariants.linodesOf(record.id);
    const hours = affordedHours(linodes, record);
    const lives = linodes.map(({ created, deleted }) => (deleted ?? 0) - created);
    const deliveredMs = lives.reduce((sum, ms) => sum + ms, 0) / lives.length;
    return [{ affordedHours: hours, deliveredMs }];
  });
}
