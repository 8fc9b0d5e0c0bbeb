import { clusterOfTags } from '../lib/core/base/names.ts';
import type { MetricValues } from '../lib/core/cluster/metrics.ts';
import { isLive } from '../lib/core/cluster/record.ts';
import type { Violation } from './invariants.ts';
import { drawOptions, NO_FAULTS, type Options } from './options.ts';
import { billUntil, shownCreation } from './oracle.ts';
import { HOUR, MINUTE, SECOND } from './time.ts';
import { World } from './world.ts';

const SWEEP_EVERY = 5 * MINUTE;
/** How long after that people wait for what lasts longer, such as the few of many that came up. */
const PATIENCE_MS = 30 * HOUR;
/** How long after all faults have ended everything is in order again. */
const SETTLED_MS = 45 * MINUTE;

export interface Outcome {
  readonly seed: number;
  readonly options: Options;
  readonly violation: Violation | null;
  /** Clusters that were launched. */
  readonly lives: number;
  /** How often each fault struck. */
  readonly faults: Readonly<Record<string, number>>;
  readonly clusterHours: number;
  /** Of clusters that lived their full time in a world without faults, with the default margin. */
  readonly delivered: readonly Delivered[];
  /** Micro-dollars beyond budgets, in outages longer than the margin; and how it was recorded. */
  readonly overspent: {
    readonly clusters: number;
    readonly microUsd: number;
    readonly recordedMicroUsd: number;
  };
  readonly accounts: { readonly exact: number; readonly within: number };
  /** Linodes of ours that existed at the end. */
  readonly orphans: number;
  readonly overspendsLogged: number;
  /** What was counted, all in all. */
  readonly emitted: MetricValues;
  /** Linodes of ours that existed when the killers died, or the table was lost. */
  readonly aliveAtLoss: number;
  readonly lossAt: number;
  /** When the reaper was started, and when the world ended. */
  readonly reaperRuns: readonly number[];
  readonly endedAt: number;
  readonly trace: readonly string[];
}

export interface Delivered {
  readonly affordedHours: number;
  /** The mean of its nodes, from creation to deletion. */
  readonly deliveredMs: number;
}

/** Lets the world of that seed live to its end, or to the first violation. */
export async function simulate(
  seed: number,
  { forced = {}, trace = false }: { forced?: Partial<Options>; trace?: boolean } = {},
): Promise<Outcome> {
  const options = { ...drawOptions(seed), ...forced };
  const world = new World(seed, options, trace);
  const { invariants, time } = world;
  const goesOn = () => invariants.violation === null;
  await populate(world);
  await time.runUntil(world.calmAt, goesOn);
  world.calm();
  void world.deleteSchedules();
  await time.runUntil(world.calmAt + SETTLED_MS, goesOn);
  checkSettled(world);
  time.at(world.calmAt + PATIENCE_MS, () => void world.destroyAll());
  while (goesOn() && !isOver(world)) {
    if (time.now() > world.calmAt + PATIENCE_MS + SETTLED_MS) {
      invariants.violate('settled', `${left(world)} when all should have ended`);
    }
    await time.runUntil(time.now() + 10 * MINUTE, goesOn);
  }
  // Two more sweeps for the caps.
  await time.runUntil(time.now() + 2 * SWEEP_EVERY + MINUTE, goesOn);
  const accounts = goesOn() ? await checkEnd(world) : { exact: 0, within: 0 };
  return outcomeOf(world, seed, accounts);
}

/** Everything that will happen, with its times. */
async function populate(world: World): Promise<void> {
  const { chance, options, time, calmAt } = world;
  await world.createStrangers();
  for (const request of world.requests) {
    const at = world.launchAt();
    time.at(at, () => void world.launch(request));
    if (options.changes) planChanges(world, request, at);
  }
  if (options.schedule && options.priceFactor === 1) planSchedule(world);
  planTicks(world);
  const nowAndThen = (everyMs: number, event: () => Promise<void>) => {
    const next = () => {
      const at = time.now() + chance.whole(everyMs / 4, 2 * everyMs);
      if (at < calmAt) time.at(at, () => void event().then(next));
    };
    next();
  };
  if (options.outages !== 'none') nowAndThen(90 * MINUTE, () => world.outage());
  if (options.tableOutages) nowAndThen(60 * MINUTE, () => world.tableOutage());
  if (options.rotations) nowAndThen(2 * HOUR, () => world.rotateToken());
  if (options.meddling > 0) {
    nowAndThen(40 * MINUTE, async () => {
      if (chance.happens(options.meddling)) await world.meddle();
    });
  }
  if (Number.isFinite(world.lossAt)) time.at(world.lossAt, () => world.lose());
  if (options.priceFactor !== 1) {
    time.at(world.repriceAt(), () => {
      world.count('price changed');
      world.linode.update({ priceFactor: options.priceFactor });
    });
  }
}

function planChanges(world: World, request: (typeof world.requests)[number], at: number): void {
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

function planSchedule(world: World): void {
  const { chance, time, start } = world;
  const cron = `${chance.whole(0, 59)} */${chance.whole(2, 4)} * * *`;
  const spec = {
    nodes: 2,
    type: 'g6-nanode-1',
    region: 'us-east',
    image: 'linode/debian12',
    budgetUsd: 0.05,
  };
  time.at(start + 5 * MINUTE, () => void world.createSchedule({ cron, timezone: 'UTC', spec }));
}

function planTicks(world: World): void {
  const { chance, options, time, start } = world;
  const every = (ms: number, tick: () => void) => {
    const next = (at: number) =>
      time.at(at, () => {
        tick();
        next(at + ms);
      });
    next(start + chance.whole(0, ms - 1));
  };
  const delayMs = () => (world.isTroubled ? chance.whole(0, options.tickDelayMsMax) : 0);
  const invoke = (run: () => Promise<unknown>) => {
    if (world.isSkipped()) return;
    time.at(time.now() + delayMs(), () => void run());
    if (!world.isTroubled || !chance.happens(options.ticksDoubled)) return;
    world.count('tick doubled');
    time.at(time.now() + delayMs(), () => void run());
  };
  every(MINUTE, () => {
    if (!world.isReaperDead()) invoke(() => world.reap());
  });
  every(SWEEP_EVERY, () => {
    if (!world.isSweeperDead()) sweepOnce(world, invoke);
  });
  every(MINUTE, () => world.invariants.tick());
}

/** Where the sweeper is all there is, it runs; Lambda runs it again if it fails. */
function sweepOnce(world: World, invoke: (run: () => Promise<unknown>) => void): void {
  const { options, time, lossAt } = world;
  const run = async () => {
    for (let tries = 1; tries <= 3; tries += 1) {
      if ((await world.sweep()) === 'done') return;
      await time.delay(MINUTE);
    }
  };
  const isAlone = options.killers === 'sweeper' || time.now() >= lossAt;
  if (isAlone) void run();
  else invoke(run);
}

/** With the faults over: no Linode is without a live cluster, and the caps count the live ones. */
function checkSettled(world: World): void {
  const { invariants, options } = world;
  if (invariants.violation !== null || options.tableLoss !== 'none') return;
  const byId = new Map(invariants.records.map((record) => [record.id, record]));
  for (const record of byId.values()) {
    // With the reaper dead, nobody makes passes.
    if (world.isReaperDead() || !isLive(record)) continue;
    if (record.phase === 'provisioning') {
      invariants.violate('settled', `${record.id} is still ${record.phase}`);
    }
    if (record.dueAt < world.time.now() - 5 * MINUTE) {
      invariants.violate('settled', `${record.id} is overdue`);
    }
  }
  if (options.killers === 'reaper') return;
  for (const entry of invariants.alive()) {
    const id = clusterOfTags(entry.tags);
    const record = id === null ? undefined : byId.get(id);
    if (record !== undefined && isLive(record)) continue;
    invariants.violate('settled', `${entry.label} is left of ${record?.phase ?? 'nothing'}`);
  }
}

function isOver(world: World): boolean {
  const { invariants, options } = world;
  if (invariants.alive().length > 0) return false;
  // With the table or the reaper gone, nobody ends the records.
  if (options.tableLoss !== 'none' || options.killers === 'sweeper') return true;
  return !invariants.records.some(isLive);
}

const left = (world: World): string =>
  `${world.invariants.alive().length} Linodes and ${world.invariants.records.filter(isLive).length} clusters live`;

async function checkEnd(world: World) {
  const { invariants, options } = world;
  for (const id of world.strangers) {
    if (world.linode.find(id)?.deleted === null) continue;
    invariants.violate('strangers', `Linode ${id} is gone, which was not ours`);
  }
  const isRecorded = options.tableLoss === 'none' && options.killers !== 'sweeper';
  if (!isRecorded) return { exact: 0, within: 0 };
  if (options.killers === 'all') await checkCaps(world);
  checkSeen(world);
  if (Object.keys(world.faults).length === 0) invariants.checkTold();
  return invariants.checkAccounts();
}

async function checkCaps({ table, invariants }: World): Promise<void> {
  const ledger = await table.ledger.read();
  if (ledger.open.size > 0) {
    invariants.violate('caps', `${[...ledger.open.keys()]} are counted as open`);
  }
  for (const owner of new Set(invariants.records.map((record) => record.owner))) {
    const months = Object.values(ledger.spent.get(`owner:${owner}`) ?? {});
    const counted = months.reduce((total, spent) => total + spent, 0);
    const theirs = invariants.ended.filter((record) => record.owner === owner);
    const recorded = theirs.reduce((sum, { spent }) => sum + spent, 0);
    if (counted !== recorded) {
      invariants.violate('caps', `${owner} has spent ${recorded}, and ${counted} is counted`);
    }
  }
}

/** What was overspent is recorded, and told. */
function checkSeen(world: World): void {
  const { invariants } = world;
  const recorded = invariants.ended.filter(({ overspent }) => overspent > 0).length;
  const told = world.overspendsLogged;
  if (told < recorded) {
    invariants.violate('failuresSeen', `${recorded} clusters overspent, and ${told} were logged`);
  }
}

function outcomeOf(world: World, seed: number, accounts: Outcome['accounts']): Outcome {
  const { invariants, options } = world;
  const ms = invariants.records
    .flatMap(({ id }) => invariants.entriesOf(id))
    .reduce((total, { created, deleted }) => total + (deleted ?? world.time.now()) - created, 0);
  return {
    seed,
    options,
    violation: invariants.violation,
    lives: invariants.records.length,
    faults: world.faults,
    clusterHours: ms / HOUR,
    delivered: isOrdinary(world) ? deliveredBy(world) : [],
    overspent: {
      clusters: invariants.overspentCount(),
      microUsd: invariants.overspentTotal(),
      recordedMicroUsd: invariants.ended.reduce((sum, { overspent }) => sum + overspent, 0),
    },
    accounts,
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

/** Without faults, and with the default safety margin. */
const isOrdinary = ({ faults, options }: World): boolean =>
  Object.keys(faults).length === 0 && options.marginSeconds === NO_FAULTS.marginSeconds;

function deliveredBy({ invariants }: World): Delivered[] {
  return invariants.ended.flatMap((record): Delivered[] => {
    if (!['budget', 'maxHours'].includes(record.endReason)) return [];
    const entries = invariants.entriesOf(record.id);
    const costOf = (hours: number) =>
      entries.reduce((sum, one) => sum + billUntil(one, shownCreation(one) + hours * HOUR), 0);
    const most = record.maxHours ?? Number.POSITIVE_INFINITY;
    let affordedHours = 0;
    while (affordedHours < most && costOf(affordedHours + 1) <= record.budget) affordedHours += 1;
    const lived = entries.map(({ created, deleted }) => (deleted ?? 0) - created);
    const deliveredMs = lived.reduce((sum, one) => sum + one, 0) / lived.length;
    return [{ affordedHours, deliveredMs }];
  });
}
