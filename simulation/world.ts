import { createLinodeApi } from '../lib/adapters/linode/client.ts';
import { changeCluster } from '../lib/app/change-cluster.ts';
import { deleteSchedule } from '../lib/app/change-schedule.ts';
import { createSchedule } from '../lib/app/create-schedule.ts';
import { destroyCluster } from '../lib/app/destroy-cluster.ts';
import { keyedClusterId, launch } from '../lib/app/launch.ts';
import { reap } from '../lib/app/reap.ts';
import { reconcile } from '../lib/app/reconcile.ts';
import { reconcileInvoices } from '../lib/app/reconcile-invoices.ts';
import { runSchedule } from '../lib/app/run-schedule.ts';
import { stopJob } from '../lib/app/stop-job.ts';
import { sweep } from '../lib/app/sweep.ts';
import { microUsd, toUsd } from '../lib/core/base/money.ts';
import { type ClusterId, clusterOfTags, clusterTag, nodeLabel } from '../lib/core/base/names.ts';
import { epochMs, seconds, toIso } from '../lib/core/base/units.ts';
import { lifeOf } from '../lib/core/cluster/life.ts';
import type { MetricName, MetricValues } from '../lib/core/cluster/metrics.ts';
import { type ClusterRecord, ENDED_KEPT, isLive } from '../lib/core/cluster/record.ts';
import { uploadKey } from '../lib/core/job/keys.ts';
import type { InvoiceNotice } from '../lib/core/notices/invoices.ts';
import type { Message } from '../lib/core/notices/message.ts';
import type { Notice } from '../lib/core/notices/notices.ts';
import type { Batch } from '../lib/core/pass/batches.ts';
import { clusterOfVlan } from '../lib/core/room/network.ts';
import { AppError } from '../lib/errors.ts';
import type { ClusterStore, LedgerStore, Log } from '../lib/ports.ts';
import type { Settings } from '../lib/settings.ts';
import { createMemoryFiles } from '../simulators/aws/memory-files.ts';
import { createMemoryTable, type MemoryTable } from '../simulators/aws/memory-table.ts';
import { defaultSettings } from '../simulators/aws/settings.ts';
import { timesFactor, types } from '../simulators/linode/catalogue.ts';
import { isObject } from '../simulators/linode/json.ts';
import { Agents } from './agents.ts';
import { Chance } from './chance.ts';
import { DelayLimit } from './delay-limit.ts';
import { type Deps, Functions, type Limits, PASSWORD_KEY } from './functions.ts';
import { Invariants } from './invariants.ts';
import type { Ending, FunctionName } from './lambda.ts';
import { SimulatedLinode } from './linode.ts';
import type { Options } from './options.ts';
import { HOUR, MINUTE, SECOND, VirtualTime } from './time.ts';
import { type WindowCaps, windowCapsOf } from './windows.ts';

const STAGE = 'simulated';
const OWNERS = ['ann', 'bob'] as const;
const OUR_TAG = `onebuck-${STAGE}`;
/** All launches but those of the schedule come within this time from the start. */
const LAUNCHES_MS = 95 * MINUTE;
/** The most deletions of one Linode in ten minutes that have no effect. */
const STRIKES_MAX = 30;
/** Passes look at a running cluster at least as often. */
const UNSEEN_MS = 32 * MINUTE;
/** When the listed prices change, from the start; no cluster is coming up then. */
const REPRICED_MS = 60 * MINUTE;

export interface Request {
  readonly key: string;
  readonly owner: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/**
 * One simulated world: Onebuck's own use cases and Linode client on virtual time, with the faults
 * of the world's options. `simulation/run.ts` runs the world and checks its end.
 */
export class World {
  readonly options: Options;
  readonly chance: Chance;
  readonly time: VirtualTime;
  readonly start: number;
  readonly linode: SimulatedLinode;
  readonly table: MemoryTable;
  readonly invariants: Invariants;
  readonly functions: Functions;
  readonly agents: Agents;
  readonly files = createMemoryFiles();
  readonly faults: Record<string, number> = {};
  readonly requests: readonly Request[];
  readonly trace: string[] | null;
  /** Faults strike only before this time. */
  readonly faultsEndAt: number;
  /** The ids of the strangers' Linodes. */
  readonly strangers: number[] = [];
  injectsFaults = true;
  overspendsLogged = 0;
  /** The notices about Linode's invoice. */
  readonly invoiceNotices: InvoiceNotice[] = [];
  /** The sum of each metric. */
  readonly emitted: Partial<Record<MetricName, number>> = {};
  /** How many Linodes existed when the killers died or the table was lost. */
  aliveAtLoss = 0;
  /** When the reaper was started. */
  readonly reaperRuns: number[] = [];
  /** When killers die or the table is lost; infinite: neither happens. */
  readonly lossAt: number;
  readonly #noticeChance: Chance;
  readonly #poisonChance: Chance;
  /** Since when the records of clusters are unreadable. */
  readonly #unreadableSince = new Map<ClusterId, number>();
  readonly #extensionChance: Chance;
  readonly #laterChance: Chance;
  readonly #unlimitingChance: Chance;
  readonly #losingChance: Chance;
  /** When somebody last resized or migrated each Linode, by its id. */
  readonly #resizedAt = new Map<number, number>();
  #token = 'token-1';
  #tableIsDown = false;
  readonly #delayLimit: DelayLimit;
  /** The outages in which Linode refuses all calls for longer than the margin. */
  readonly #longOutages: { readonly from: number; readonly to: number }[] = [];

  constructor(seed: number, options: Options, trace: boolean) {
    this.options = options;
    this.chance = new Chance(seed).for('world');
    this.#noticeChance = this.chance.for('notices');
    this.#poisonChance = this.chance.for('poison');
    this.#extensionChance = this.chance.for('extensions');
    this.#laterChance = this.chance.for('later faults');
    this.#unlimitingChance = this.chance.for('unlimiting');
    this.#losingChance = this.chance.for('lost counters');
    this.trace = trace ? [] : null;
    const { chance } = this;
    // A quarter of the worlds start near the end of a month: an hour that touches two months is
    // billed in both.
    const monthEnd = Date.UTC(2026, chance.whole(0, 11) + 1) - chance.whole(0, 15) * HOUR;
    const anyTime = Date.UTC(2026, 0) + chance.whole(0, 364 * 24 * 60) * MINUTE;
    this.start = (chance.happens(0.25) ? monthEnd : anyTime) + chance.whole(0, MINUTE - 1);
    this.time = new VirtualTime(this.start);
    this.faultsEndAt = this.start + LAUNCHES_MS + options.hoursMax * HOUR;
    const isLoss = this.#hasNoReaper() || options.tableLoss !== 'none';
    this.lossAt = isLoss ? this.start + chance.whole(45, 120) * MINUTE : Number.POSITIVE_INFINITY;
    const now = () => this.time.now();
    this.#delayLimit = new DelayLimit(this.#delayLimitMs(), now);
    this.requests = Array.from({ length: options.clusters }, (_, index) => this.#requestOf(index));
    const indexChance = chance.for('index');
    this.table = createMemoryTable({
      now,
      indexLag: () => (this.injectsFaults ? indexChance.whole(0, options.indexLagMsMax) : 0),
    });
    this.invariants = this.#watch();
    this.linode = new SimulatedLinode({
      time: this.time,
      chance: chance.for('linode'),
      options,
      watcher: this.invariants,
      countFault: (fault) => this.countFault(fault),
    });
    this.linode.accept(this.#token);
    this.functions = this.#functions();
    this.agents = new Agents({
      time: this.time,
      chance: this.chance.for('agents'),
      options,
      injectsFaults: () => this.injectsFaults,
      find: (id) => this.linode.find(id),
      allow: (id, allowance) => this.linode.allow(id, allowance),
      alive: () => this.invariants.alive(),
      records: () => this.invariants.records,
      reports: this.table.reports,
      files: this.files,
      jobOver: (id) => this.invariants.jobTold(id),
      answered: (...answer) => this.invariants.allowed(...answer),
      api: (work) => this.api(work),
      countFault: (fault) => this.countFault(fault),
      violated: (promise, detail) => this.invariants.report(promise, detail),
    });
  }

  note(text: () => string): void {
    this.trace?.push(`${toIso(epochMs(this.time.now()))} ${text()}`);
  }

  countFault(fault: string): void {
    this.faults[fault] = (this.faults[fault] ?? 0) + 1;
    this.note(() => `fault: ${fault}`);
  }

  // The functions' work, as their handlers do it.

  async api(work: (deps: Deps, limits: Limits) => Promise<unknown>): Promise<Ending> {
    return this.functions.run('api', work);
  }

  async reconcile(batch: Batch): Promise<void> {
    if (this.isReaperDead() && this.options.killers !== 'agents') return;
    await this.#run('reconcile', (deps, limits) => reconcile(deps, batch, limits));
  }

  reap(): Promise<Ending> {
    this.reaperRuns.push(this.time.now());
    return this.#run('reap', (deps) => reap(deps));
  }

  sweep(): Promise<Ending> {
    return this.#run('sweep', (deps, limits) => sweep(deps, limits));
  }

  /** The function `invoices` at a time when the world is over. */
  async reconcileInvoices(now: number): Promise<void> {
    const { time, table, linode: server } = this;
    const clock = { now: () => epochMs(now), sleep: async () => {} };
    const log: Log = { info() {}, warn() {}, error: (...args) => this.#log('error', args[0], {}) };
    const token = async () => this.#token;
    const api = createLinodeApi({ clock, log, token, transport: server.transport });
    let isOver = false;
    const work = reconcileInvoices(
      {
        ...{ clock, log, linode: api, stage: STAGE, endedKept: ENDED_KEPT },
        ...{ store: table.clusters, invoices: table.invoices },
        metrics: { emit: (measure) => this.#addMetrics(measure()) },
        notifier: { send: (notice) => this.#notify(notice) },
      },
      { by: epochMs(now + HOUR), noticesMs: seconds(5) },
    ).finally(() => {
      isOver = true;
    });
    while (!isOver) await time.runUntil(time.now() + SECOND);
    await work;
    // Its clock stands still, so that it does not wait for its notices.
    await time.runUntil(time.now() + SECOND);
  }

  // People's requests.

  async launch(request: Request): Promise<void> {
    const { key, owner, input } = request;
    this.#upload(request);
    for (let tries = 1; tries <= 6; tries += 1) {
      let isRefused = false;
      const ending = await this.api(async (deps, { by }) => {
        const wish = { owner, input, idempotencyKey: key, schedule: null, by };
        const { record } = await launch(deps, wish).catch((error: unknown) => {
          isRefused = error instanceof AppError && ['refused', 'invalid'].includes(error.code);
          this.note(() => `launch ${key}: ${error}`);
          throw error;
        });
        this.#checkAnswer(request, record);
      });
      if (ending === 'done' || isRefused) return;
      await this.time.delay(this.chance.whole(5, 30) * SECOND);
    }
  }

  /** People put the inputs of a job to their URLs, or something goes wrong with them. */
  #upload({ owner, input: { job } }: Request): void {
    for (const upload of (job as { inputs?: string[] } | undefined)?.inputs ?? []) {
      const file = uploadKey(owner, upload);
      this.files.stored.set(file, Buffer.from(upload));
      const chance = this.chance.for(`upload ${upload}`);
      if (!chance.happens(this.options.filesLost)) continue;
      this.time.at(this.time.now() + chance.whole(0, 3 * MINUTE), () => {
        if (this.injectsFaults && this.files.stored.delete(file)) this.countFault('upload lost');
      });
    }
  }

  async stopJob({ owner, key, input }: Request): Promise<void> {
    if (input.job === undefined) return;
    const id = keyedClusterId(owner, key);
    const ending = await this.api((deps) => stopJob(deps, owner, id));
    this.note(() => `stop of the job of ${id}: ${ending}`);
  }

  async change(request: Request, change: Readonly<Record<string, unknown>>): Promise<void> {
    const { owner } = request;
    const id = keyedClusterId(owner, request.key);
    const ending = await this.api((deps, { by }) =>
      changeCluster(deps, { owner, id, input: change, by }),
    );
    this.note(() => `change of ${id} ${JSON.stringify(change)}: ${ending}`);
  }

  /** The owner reads the notice that the teardown is near, and extends the cluster or does not. */
  #readNotice({ kind, clusterId, owner }: Notice): void {
    const chance = this.#extensionChance;
    if (kind !== 'teardownSoon' || !chance.happens(this.options.extensions)) return;
    const hours = chance.whole(1, 3);
    this.time.at(this.time.now() + chance.whole(20, 240) * SECOND, () => {
      void this.#extend(owner, clusterId, hours);
    });
  }

  async #extend(owner: string, id: ClusterId, hours: number): Promise<void> {
    const record = this.invariants.records.find((candidate) => candidate.id === id);
    if (record === undefined || !isLive(record)) return;
    const { budget, maxHours, bought, nodes } = record;
    const cost = bought.price.hourly * nodes.length * hours;
    const input = {
      budgetUsd: toUsd(microUsd(budget + cost)),
      ...(maxHours === null ? {} : { maxHours: maxHours + hours }),
    };
    const ending = await this.api((deps, { by }) => changeCluster(deps, { owner, id, input, by }));
    this.note(() => `extension of ${id} ${JSON.stringify(input)}: ${ending}`);
  }

  async destroy({ owner, key }: Request): Promise<void> {
    await this.#destroy(owner, keyedClusterId(owner, key));
  }

  async destroyAll(): Promise<void> {
    for (const { owner, id } of this.invariants.records) await this.#destroy(owner, id);
  }

  async #destroy(owner: string, id: ClusterId): Promise<void> {
    const ending = await this.api((deps) => destroyCluster(deps, owner, id));
    this.note(() => `DELETE of ${id}: ${ending}`);
  }

  async createSchedule(input: Readonly<Record<string, unknown>>): Promise<void> {
    const creation = { owner: 'cron', input, idempotencyKey: 'the schedule' };
    await this.api((deps, { by }) => createSchedule(deps, { ...creation, by }));
  }

  async deleteSchedules(): Promise<void> {
    for (const { id, owner } of await this.table.schedules.list(null)) {
      await this.api((deps) => deleteSchedule(deps, owner, id));
    }
  }

  // Faults.

  /** Ends all faults but `tableLoss` and the deaths of killers, which last. */
  endFaults(): void {
    this.injectsFaults = false;
    this.linode.injectsFaults = false;
    this.linode.outage = null;
    this.linode.refusesCreates = false;
    if (this.options.tableLoss !== 'unreachable') this.#tableIsDown = false;
  }

  isReaperDead = (): boolean => this.#hasNoReaper() && this.#isLost();

  isSweeperDead(): boolean {
    const { killers } = this.options;
    return killers === 'reaper' || (['agents', 'none'].includes(killers) && this.#isLost());
  }

  lose(): void {
    this.aliveAtLoss = this.invariants.alive().length;
    this.note(() => `killers from now on: ${this.options.killers}`);
    if (this.options.tableLoss !== 'none') this.#loseTable();
  }

  #hasNoReaper = (): boolean => ['sweeper', 'agents', 'none'].includes(this.options.killers);

  #loseTable(): void {
    this.countFault(`table ${this.options.tableLoss} for good`);
    if (this.options.tableLoss === 'emptied') this.table.clear();
    else this.#tableIsDown = true;
  }

  /** When records become unreadable. */
  poisonTimes(): number[] {
    const { start, options } = this;
    const until = LAUNCHES_MS + options.hoursMax * HOUR;
    const times = Array.from({ length: options.poisonedRecords }, () =>
      this.#poisonChance.whole(0, until),
    );
    return times.map((ms) => start + ms);
  }

  /** The record of a live cluster is replaced by one that the functions can't read. */
  poisonRecord(): void {
    const live = this.invariants.records.filter(
      (record) => isLive(record) && this.isReadable(record),
    );
    const [first, ...rest] = live;
    if (first === undefined) return;
    const { id } = this.#poisonChance.oneOf([first, ...rest]);
    this.countFault('record unreadable');
    this.note(() => `the record of ${id} is unreadable`);
    this.#unreadableSince.set(id, this.time.now());
    this.table.poison(id);
  }

  isReadable = ({ id }: ClusterRecord): boolean => !this.#unreadableSince.has(id);

  /** Whether the sweeper is the only killer of some Linodes. */
  isSweeperNeeded(): boolean {
    const { killers } = this.options;
    return killers === 'sweeper' || this.#isLost() || this.#unreadableSince.size > 0;
  }

  async tableOutage(): Promise<void> {
    const ms = this.chance.whole(1, 40) * SECOND;
    if (this.#tableIsDown || !this.#delayLimit.take(ms + MINUTE)) return;
    this.#tableIsDown = true;
    await this.time.delay(ms);
    if (this.options.tableLoss !== 'unreachable' || this.time.now() < this.lossAt) {
      this.#tableIsDown = false;
    }
  }

  async outage(): Promise<void> {
    const { chance, time, options } = this;
    const isLong = options.outages === 'long' && chance.happens(0.5);
    const ms = isLong ? chance.whole(4, 40) * MINUTE : chance.whole(2, 90) * SECOND;
    const kind = chance.oneOf(OUTAGES);
    if (!isLong && !this.#delayLimit.take(ms + (kind === 'maintenance503' ? 65 : 15) * SECOND))
      return;
    const from = time.now();
    if (isLong) this.#longOutages.push({ from, to: from + ms });
    this.note(() => `outage ${kind} for ${ms / SECOND} s`);
    this.linode.outage = kind;
    await time.delay(ms);
    this.linode.outage = null;
  }

  /** Prices change an hour after the start. By then, no cluster may be coming up. */
  async refuseCreates(): Promise<void> {
    const chance = this.chance.for('refusals');
    this.linode.refusesCreates = true;
    await this.time.delay(chance.whole(10, 55) * MINUTE);
    this.linode.refusesCreates = false;
  }

  /** In half of the rotations, the old token is revoked before the secret has the new token. */
  async rotateToken(): Promise<void> {
    const { time, chance } = this;
    const gapMs = chance.happens(0.5) ? chance.whole(1, 20) * SECOND : 0;
    if (gapMs > 0 && !this.#delayLimit.take(gapMs + MINUTE)) return;
    const oldToken = this.#token;
    const newToken = `token-${Number(oldToken.slice(6)) + 1}`;
    this.countFault('token rotated');
    this.linode.accept(newToken);
    if (gapMs === 0) this.#token = newToken;
    this.linode.revoke(oldToken);
    await time.delay(gapMs);
    this.#token = newToken;
  }

  nudge(work: () => Promise<unknown>): void {
    const { chance, options, time } = this;
    const mayFail = this.injectsFaults;
    if (mayFail && chance.happens(options.nudgesLost) && this.#isBearable(MINUTE)) {
      this.countFault('nudge lost');
      return;
    }
    const delayMs = () => (mayFail ? chance.whole(0, options.nudgeDelayMsMax) : 0);
    time.at(time.now() + 20 + delayMs(), () => void work());
    if (!mayFail || !chance.happens(options.nudgesDoubled)) return;
    this.countFault('nudge doubled');
    time.at(time.now() + 20 + delayMs(), () => void work());
  }

  /** Whether Onebuck can keep its promise despite a fault that delays a teardown by `costMs`. */
  #isBearable(costMs: number): boolean {
    return !this.#isCritical() || this.#delayLimit.take(costMs);
  }

  /** Whether a teardown is under way, or so near that a fault now may delay it. */
  #isCritical(): boolean {
    const soon = epochMs(this.time.now() + 150 * SECOND);
    return this.invariants.records.some(
      (record) =>
        isLive(record) &&
        this.#isAliveIn(record) &&
        (record.phase === 'deleting' || lifeOf(record, soon).teardownAt <= soon),
    );
  }

  /** false: the record will never end, because it is unreadable, and no Linode is left. */
  #isAliveIn(record: ClusterRecord): boolean {
    if (this.isReadable(record)) return true;
    return this.invariants.linodesOf(record.id).some(({ deleted }) => deleted === null);
  }

  isSkipped(): boolean {
    const skipped = this.injectsFaults && this.chance.happens(this.options.ticksSkipped);
    if (!skipped || !this.#isBearable(MINUTE)) return false;
    this.countFault('tick skipped');
    return true;
  }

  /** Whether a killer or a record is lost, so that one more fault would be too many. */
  #isSpared = (): boolean => Number.isFinite(this.lossAt) || this.options.poisonedRecords > 0;

  /** For a while, Linode does not delete one of the Linodes. */
  async makeStubborn(): Promise<void> {
    const chance = this.#laterChance;
    const { stubborn: kind } = this.options;
    const [first, ...rest] = this.invariants.alive();
    // Nothing keeps a budget if the only killer left works in vain.
    if (kind === 'none' || first === undefined || this.#isSpared()) return;
    const { id, label, tags } = chance.oneOf([first, ...rest]);
    const cluster = clusterOfTags(tags);
    if (cluster === null) return;
    const until = this.time.now() + chance.whole(5, 240) * MINUTE;
    this.note(() => `${label} (${id}) can't be deleted until ${toIso(epochMs(until))}: ${kind}`);
    this.invariants.noteStubborn(cluster);
    this.linode.stubborn.set(id, { kind, until, strikes: [] });
  }

  /** A person makes another type of a running Linode, or takes it to another region. */
  async resizeByHand(): Promise<void> {
    const chance = this.#laterChance;
    const now = this.time.now();
    const isUp = ({ runningAt }: { runningAt: number | null }) =>
      runningAt !== null && runningAt <= now;
    const [first, ...rest] = this.invariants.alive().filter(isUp);
    if (first === undefined || this.#isSpared()) return;
    const { id, label, tags } = chance.oneOf([first, ...rest]);
    const cluster = clusterOfTags(tags);
    if (cluster === null) return;
    // No list shows a change that somebody undoes between two looks at the cluster.
    if (now - (this.#resizedAt.get(id) ?? 0) < UNSEEN_MS) return;
    this.#resizedAt.set(id, now);
    this.invariants.noteResize(cluster);
    const isResize = chance.happens(0.7);
    const kind = isResize
      ? { type: chance.oneOf<string>(['g6-standard-2', 'g6-nanode-1']) }
      : { region: 'br-gru' };
    this.countFault(`by hand: ${isResize ? 'resize' : 'migrate'}`);
    this.note(() => `${label} (${id}) becomes ${JSON.stringify(kind)}`);
    this.linode.become(id, kind);
  }

  /** A person takes away the table of a node's firewall that limits what the node sends. */
  unlimitByHand(): void {
    const chance = this.#unlimitingChance;
    const limited = this.invariants.alive().filter(({ limit }) => limit?.goneAt === null);
    const [first, ...rest] = limited;
    if (first === undefined) return;
    const { id, label } = chance.oneOf([first, ...rest]);
    this.countFault('by hand: limit taken away');
    this.note(() => `${label} (${id}) sends what it wants to`);
    this.linode.unlimit(id);
  }

  /** A node's firewall counts from 0 what the node sends, as when somebody rebuilds it. */
  loseCounter(): void {
    const limited = this.invariants.alive().filter(({ limit }) => limit?.goneAt === null);
    const [first, ...rest] = limited;
    if (first === undefined) return;
    const { id, label } = this.#losingChance.oneOf([first, ...rest]);
    this.countFault('counter lost');
    this.note(() => `${label} (${id}) loses its counter`);
    this.linode.loseCounter(id);
    this.invariants.noteCounterLost(id);
    this.agents.restart(id);
  }

  changePrices(): void {
    const { priceFactor } = this.options;
    this.countFault(priceFactor > 1 ? 'prices raised' : 'prices lowered');
    this.note(() => `Linode multiplies its prices by ${priceFactor}`);
    if (priceFactor < 1) {
      this.linode.update({ priceFactor });
    } else {
      this.invariants.noteRise();
      this.linode.raisePrices(priceFactor);
    }
  }

  /**
   * A person deletes a tag, at a moment when all Linodes are in the records: nobody could tell the
   * Linode of a create without an answer from a stranger's, if it had no tag.
   */
  async deleteTag(): Promise<void> {
    const { untagging } = this.options;
    const { stubborn } = this.options;
    if (untagging === 'none' || stubborn === 'ignored' || this.#isSpared()) return;
    const areKnown = ({ nodes }: ClusterRecord) =>
      nodes.every(({ state }) => state !== 'planned' && state !== 'creating');
    const all = this.invariants.records.filter(isLive);
    const known = all.filter(areKnown);
    const [first, ...rest] = known;
    const isTime = untagging === 'cluster' ? first !== undefined : known.length === all.length;
    if (first === undefined || !isTime) return;
    const { id } = this.#laterChance.oneOf([first, ...rest]);
    const tag = untagging === 'cluster' ? clusterTag(id) : OUR_TAG;
    this.countFault(`by hand: the tag of ${untagging === 'cluster' ? 'a cluster' : 'all'} deleted`);
    if (untagging === 'ownership') this.invariants.strangelyNamedBelongToPeople();
    const path = `/tags/${encodeURIComponent(tag)}`;
    await this.linode.byPerson({ method: 'DELETE', path });
  }

  /** Nobody asks for a deletion in a hot loop that Linode goes on refusing or ignoring. */
  checkPace(): void {
    for (const [id, { strikes }] of this.linode.stubborn) {
      const lately = strikes.filter((at) => at > this.time.now() - 10 * MINUTE).length;
      if (lately > STRIKES_MAX) {
        this.invariants.report('pace', `Linode ${id}: ${lately} deletions in 10 minutes`);
      }
    }
  }

  /** A person changes, deletes or copies a Linode of this deployment in Linode's console. */
  async changeByHand(): Promise<void> {
    const { chance, linode: api, invariants } = this;
    if (chance.happens(0.3)) return this.#copyByHand();
    const [first, ...rest] = invariants.alive();
    if (first === undefined) return;
    const linode = chance.oneOf([first, ...rest]);
    const cluster = clusterOfTags(linode.tags);
    if (cluster !== null) invariants.noteChangeByHand(cluster);
    const path = `/linode/instances/${linode.id}`;
    const change = chance.oneOf(['delete', 'delete', 'relabel', 'tag', 'strip'] as const);
    this.countFault(`by hand: ${change}`);
    this.note(() => `${change} of ${linode.label} (${linode.id})`);
    switch (change) {
      case 'delete':
        await api.byPerson({ method: 'DELETE', path });
        return;
      case 'relabel':
        // Without its tag and with another label, nobody can tell it from a stranger's.
        if (!linode.tags.includes(OUR_TAG)) invariants.belongsToPeople(linode.id);
        await api.byPerson({ method: 'PUT', path, body: { label: `mine-${linode.id}` } });
        return;
      case 'tag':
        await api.byPerson({ method: 'PUT', path, body: { tags: [...linode.tags, 'mine'] } });
        return;
      case 'strip': {
        invariants.belongsToPeople(linode.id);
        const tags = linode.tags.filter((tag) => tag !== OUR_TAG);
        await api.byPerson({ method: 'PUT', path, body: { tags } });
      }
    }
  }

  /** A person creates a Linode with all tags of one of our Linodes, living or deleted. */
  async #copyByHand(): Promise<void> {
    const ours = this.linode
      .instances()
      .filter(({ tagsAtCreation }) => tagsAtCreation.includes(OUR_TAG));
    const [first, ...rest] = ours;
    // Only the sweeper finds a copy that is created after its cluster has ended.
    if (first === undefined || this.isSweeperDead()) return;
    const { id, label, tagsAtCreation } = this.chance.oneOf([first, ...rest]);
    this.countFault('by hand: copy');
    this.note(() => `copy of ${label} (${id})`);
    await this.createByHand(`copy-of-${id}-${this.time.now()}`, tagsAtCreation);
  }

  async createByHand(
    label: string,
    tags: readonly string[],
    more: object = {},
  ): Promise<number | null> {
    const body = { type: 'g6-nanode-1', region: 'us-east', label, tags, ...more };
    const call = { method: 'POST', path: '/linode/instances', body } as const;
    const created = await this.linode.byPerson(call);
    if (!isObject(created) || typeof created.id !== 'number') return null;
    this.invariants.belongsToPeople(created.id);
    return created.id;
  }

  /** Creates Linodes of strangers; some have labels or tags like ours, none the ownership tag. */
  async createStrangers(): Promise<void> {
    const similarTags = ['onebuck=cabcdefg234', 'reap=20200101T0000Z'];
    const ids = [
      await this.createByHand('web-1', []),
      await this.createByHand('onebuck-cabcdefg234-0', ['onebuck-other', ...similarTags]),
      await this.createByHand('onebuck-cabcdefg234-1', similarTags),
    ];
    for (const { owner, key } of this.requests) {
      const id = keyedClusterId(owner, key);
      ids.push(await this.createByHand(`monitor-of-${id}`, [clusterTag(id), 'mine']));
      if (!this.chance.happens(this.options.meddling / 8)) continue;
      ids.push(await this.createByHand(nodeLabel(id, 0), []));
    }
    this.strangers.push(...ids.filter((id) => id !== null));
  }

  #requestOf(index: number): Request {
    const { chance, options } = this;
    const { nodesMax, hoursMax, priceFactor } = options;
    const type = chance.oneOf(['g6-nanode-1', 'g6-nanode-1', 'g6-standard-1', 'g6-dedicated-2']);
    const nodes = chance.mostlySmall(1, nodesMax);
    const hourly = timesFactor(types.get(type)?.price ?? { hourly: 0, monthly: 0 }, priceFactor);
    const afforded = chance.whole(1, hoursMax) + chance.random() * 0.9;
    const budget = Math.round(nodes * (hourly.hourly ?? 0) * 1e6 * afforded);
    const input = {
      type,
      nodes,
      region: chance.oneOf(['us-east', 'us-east', 'br-gru', 'eu-central']),
      image: 'linode/debian12',
      budgetUsd: toUsd(microUsd(budget)),
      ...(chance.happens(0.2) ? { maxHours: chance.whole(1, hoursMax) } : {}),
      ...(chance.happens(0.3) ? { onPartial: 'keep' } : {}),
      ...(chance.happens(0.3) ? { tags: ['team-a'] } : {}),
      ...this.#networkOf(index),
      ...this.#jobOf(index),
    };
    return { key: `key ${index}`, owner: chance.oneOf(OWNERS), input };
  }

  #networkOf(index: number): { network?: string } {
    if (!this.options.networks) return {};
    const chance = this.chance.for(`network ${index}`);
    const network = chance.oneOf([null, 'private', 'isolated', 'isolated', 'none'] as const);
    return network === null ? {} : { network };
  }

  #jobOf(index: number): { job?: object } {
    const chance = this.chance.for(`job ${index}`);
    if (!this.options.jobs || chance.happens(0.25)) return {};
    const on = chance.oneOf(['head', 'head', 'all'] as const);
    const minutes = chance.mostlySmall(0, on === 'all' ? 70 : 200);
    const code = chance.oneOf([0, 0, 0, 1, 137]);
    const job = {
      ...{ command: `sleep ${minutes}m; exit ${code}`, on },
      inputs: chance.happens(0.5) ? [`u${'abcdefghij'[index % 10]}aaaaaaaaa`] : [],
      results: chance.happens(0.6) ? ['out/'] : [],
      onDone: chance.oneOf(['destroy', 'destroy', 'destroy', 'keep'] as const),
      onFailure: chance.oneOf(['keepPaidHour', 'keepPaidHour', 'destroy', 'keep'] as const),
      gracePeriodSeconds: chance.oneOf([10, 120, 600]),
    };
    return { job };
  }

  /** A person's Linodes make VLANs in a region, up to all that Linode allows there. */
  async createVlans(): Promise<void> {
    for (let index = 0; index < this.options.othersVlans; index += 1) {
      this.countFault('VLAN of others');
      const interfaces = [{ purpose: 'public' }, { purpose: 'vlan', label: `theirs-${index}` }];
      const id = await this.createByHand(`lab-${index}`, [], { interfaces });
      if (id !== null) this.strangers.push(id);
    }
  }

  /** The empty VLANs of isolated clusters that have ended; a person may use one of the others. */
  vlansLeft(): string[] {
    const ended = this.invariants.ended.filter(this.isReadable);
    const labels = new Set(ended.flatMap(({ network }) => network?.vlan ?? []));
    const inUse = new Set(
      this.linode
        .instances()
        .filter(({ deleted }) => deleted === null)
        .flatMap(({ interfaces }) => interfaces)
        .flatMap((one) => (one.purpose === 'vlan' ? one.label : [])),
    );
    return this.linode
      .vlans()
      .filter((label) => clusterOfVlan(label) && labels.has(label) && !inUse.has(label));
  }

  launchAt(): number {
    const { chance, options, start } = this;
    if (options.priceFactor === 1) return start + chance.whole(MINUTE, LAUNCHES_MS);
    // Half of the clusters are up before the prices change; the other half is launched when no
    // function has the old prices any more.
    const isBefore = chance.happens(0.5);
    const [from, to] = isBefore ? [MINUTE, 25 * MINUTE] : [REPRICED_MS + 90_000, LAUNCHES_MS];
    return start + chance.whole(from, to);
  }

  repriceAt = (): number => this.start + REPRICED_MS;

  /** How long faults may delay all killers in any ten minutes; the work needs the other time. */
  #delayLimitMs(): number {
    const { marginSeconds, killers } = this.options;
    // The sweeper destroys a cluster only a minute after the reaper would have.
    const reserved = killers === 'sweeper' ? 160 : 100;
    return Math.max(0, marginSeconds - reserved) * SECOND;
  }

  async #run(name: FunctionName, work: (deps: Deps, limits: Limits) => Promise<unknown>) {
    this.note(() => `${name} starts`);
    const ending = await this.functions.run(name, work);
    this.note(() => `${name} ${ending}`);
    return ending;
  }

  #watch(): Invariants {
    const { options } = this;
    return new Invariants({
      stage: STAGE,
      now: () => this.time.now(),
      instances: () => this.linode.instances(),
      instance: (id) => this.linode.find(id),
      openBudgetMax: options.tableLoss === 'none' ? this.#openBudgetMax() : null,
      windowCaps: options.tableLoss === 'none' ? this.windowCaps() : null,
      lostAt: () => (options.tableLoss === 'none' || !this.#isLost() ? null : this.lossAt),
      unreadableSince: (id) => this.#unreadableSince.get(id) ?? null,
      isExcused: (at) => {
        const from = at - 2 * MINUTE - options.marginSeconds * SECOND;
        return this.#longOutages.some((outage) => outage.from <= at && outage.to >= from);
      },
      clockErrorMsMax: options.clockErrorMsMax,
      marginMs: options.marginSeconds * SECOND,
      hasFaults: () => Object.keys(this.faults).length > 0,
      jobsEndInTime: options.killers === 'all',
      listsAreTrue: options.truncatedLists === 0 && options.staleLists === 0,
      pricesAreRead: ['all', 'reaper'].includes(options.killers) && options.outages !== 'long',
      recordsCanBeRead: options.tableErrors === 0 && !options.tableOutages,
      transfer: options.transfer,
      bootMs: options.bootSecondsMax * SECOND,
    });
  }

  /** null: no cap. */
  #openBudgetMax() {
    return this.options.capped ? microUsd(Math.round(this.#budgetsUsd() * 0.6 * 1e6)) : null;
  }

  /** The caps of a day or a week; null: there are none. */
  windowCaps(): WindowCaps | null {
    return windowCapsOf(this.options, this.#budgetsUsd());
  }

  /** All requests together. */
  #budgetsUsd(): number {
    return this.requests.reduce((sum, { input }) => sum + Number(input.budgetUsd), 0);
  }

  #isLost = (): boolean => this.time.now() >= this.lossAt;

  #functions(): Functions {
    const { time, options } = this;
    return new Functions({
      time,
      chance: this.chance.for('functions'),
      options,
      linode: this.linode,
      table: {
        ...this.table,
        clusters: this.#watched(this.table.clusters),
        ledger: this.#watchedLedger(this.table.ledger),
      },
      files: options.jobs ? this.files : null,
      settings: this.#settings(),
      nudge: {
        reconcile: async (batch) => this.nudge(() => this.reconcile(batch)),
        runSchedule: async (id) =>
          this.nudge(() => this.#run('schedule', (deps, limits) => runSchedule(deps, id, limits))),
      },
      notifier: { send: (notice) => this.#notify(notice) },
      metrics: { emit: (measure) => this.#addMetrics(measure()) },
      token: () => this.#token,
      log: (level, message, details) => this.#log(level, message, details),
      tableIsDown: () => this.#tableIsDown,
      countFault: (fault) => this.countFault(fault),
      injectsFaults: () => this.injectsFaults,
      mayDie: (name) => this.#mayDie(name),
    });
  }

  /** The topic of notices hangs and fails as often as Linode's API. */
  async #notify(notice: Message): Promise<void> {
    if (notice.kind === 'digest') throw new Error('no function of a world sends digests');
    const { options, time, injectsFaults } = this;
    const chance = this.#noticeChance;
    await time.delay(chance.whole(20, 300));
    if (injectsFaults && chance.happens(options.hangs)) {
      this.countFault('notice without an answer');
      await time.delay(2 * MINUTE);
    }
    if (injectsFaults && chance.happens(options.flaky)) {
      this.countFault('notice refused');
      throw new Error('the topic answered 500');
    }
    if (notice.kind === 'invoiceDiffers') return void this.invoiceNotices.push(notice);
    if ('scheduleId' in notice) {
      this.note(() => `notice ${notice.kind} of ${notice.scheduleId}`);
      return this.invariants.runNoticeArrives(notice);
    }
    this.note(() => `notice ${notice.kind} of ${notice.clusterId}`);
    this.invariants.noticeArrives(notice);
    this.#readNotice(notice);
  }

  #addMetrics(values: MetricValues): void {
    for (const [name, value] of Object.entries(values) as [MetricName, number][]) {
      this.emitted[name] = (this.emitted[name] ?? 0) + value;
    }
  }

  #mayDie(name: FunctionName): boolean {
    if (name === 'api' || name === 'schedule') return true;
    // The sweeper may die only while other killers work: its next tick is minutes away.
    if (name === 'sweep') return this.options.killers === 'all' && !this.isSweeperNeeded();
    return this.#isBearable(65 * SECOND);
  }

  #watched(store: ClusterStore): ClusterStore {
    return {
      ...store,
      insert: async (record) => {
        const inserted = await store.insert(record);
        if (inserted === 'inserted') this.#saved(record);
        return inserted;
      },
      save: async (record) => {
        const saved = await store.save(record);
        if (saved !== 'conflict') this.#saved(saved);
        return saved;
      },
    };
  }

  #watchedLedger(store: LedgerStore): LedgerStore {
    return {
      read: () => store.read(),
      save: async (ledger) => {
        const saved = await store.save(ledger);
        if (saved === 'saved') this.invariants.ledgerSaved(ledger);
        return saved;
      },
    };
  }

  #saved(record: ClusterRecord): void {
    this.note(() => {
      const nodes = record.nodes.map(({ state }) => state[0]).join('');
      return `${record.id} revision ${record.revision} ${record.phase} ${nodes}`;
    });
    this.invariants.saved(record);
  }

  #log(level: keyof Log, message: string, details: object): void {
    if (level === 'error' && message === 'cluster overspent its budget') {
      this.overspendsLogged += 1;
    }
    const text = `${message} ${JSON.stringify(details)}`;
    this.note(() => `${level}: ${text}`);
    if (/token-\d|oba_/.test(text) || text.includes(PASSWORD_KEY)) {
      this.invariants.report('secrets', `logged: ${text}`);
    }
  }

  #checkAnswer({ key, owner }: Request, record: ClusterRecord): void {
    const expected = keyedClusterId(owner, key);
    if (record.id !== expected) {
      this.invariants.report('sameRequest', `${key} launched ${record.id}, not ${expected}`);
    }
  }

  #settings(): Settings {
    const caps = this.windowCaps();
    const ofOwner = caps && microUsd(caps.owner);
    return {
      ...defaultSettings(STAGE),
      marginMs: seconds(this.options.marginSeconds),
      budgetMax: microUsd(1_000_000_000),
      openBudgetMax: this.#openBudgetMax(),
      dailySpendPerOwnerMax: caps?.period === 'day' ? ofOwner : null,
      weeklySpendPerOwnerMax: caps?.period === 'week' ? ofOwner : null,
      publicUrl: this.options.agents ? 'https://onebuck.example.com' : null,
    };
  }
}

const OUTAGES = [
  'status500',
  'html502',
  'status503',
  'maintenance503',
  'html200',
  'dropBefore',
  'hang',
] as const;
