import type fc from 'fast-check';
import { beforeEach, vi } from 'vitest';
import { changeCluster } from '../../lib/app/change-cluster.ts';
import { destroyCluster } from '../../lib/app/destroy-cluster.ts';
import { type Launched, type LaunchRequest, launch } from '../../lib/app/launch.ts';
import { reap } from '../../lib/app/reap.ts';
import { reconcile } from '../../lib/app/reconcile.ts';
import { sweep } from '../../lib/app/sweep.ts';
import { type MicroUsd, sum } from '../../lib/core/base/money.ts';
import { type ClusterId, clusterOfTags, clusterTag } from '../../lib/core/base/names.ts';
import {
  type DurationMs,
  type EpochMs,
  minutes,
  plus,
  seconds,
} from '../../lib/core/base/units.ts';
import { EMPTY_LEDGER, type Ledger } from '../../lib/core/caps/ledger.ts';
import type { Linode } from '../../lib/core/cluster/linode.ts';
import { type ClusterRecord, type EndedRecord, isLive } from '../../lib/core/cluster/record.ts';
import type { ClusterStore, LedgerStore, Log, Nudge, ScheduleStore } from '../../lib/ports.ts';
import type { Settings } from '../../lib/settings.ts';
import { createMemoryTable } from '../../simulators/aws/memory-table.ts';
import { aBody, aSettings, LAUNCH, OUR_TAG, teardownOf } from '../support/builders.ts';
import { collect } from '../support/cluster-store-contract.ts';
import { depsWith } from '../support/deps.ts';
import { aSecret, silentLog } from '../support/doubles.ts';
import { Account, linodeApi } from './account.ts';
import { Actor, type Fault, Race } from './race.ts';

/** Call once in a file of races: fixes the random pauses, so that a replay draws the same. */
export const fixRandomPauses = () =>
  beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0.5));

export type Outcome<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'threw'; readonly error: unknown }
  /** The actor's process died, or the race is not over. */
  | { readonly kind: 'silent' };

export interface Attempt<T> {
  readonly actor: string;
  outcome: Outcome<T>;
}

export type Deps = ReturnType<World['depsOf']>;

/**
 * Onebuck in one process: the real use cases, each in an actor of its own as on AWS, over a table
 * and a Linode account in memory. Each call to them is a step of the race. At each effect the world
 * checks the promises, and adds a sentence to `violations` for each that is broken.
 */
export class World {
  readonly race: Race;
  readonly account: Account;
  readonly table = createMemoryTable();
  readonly violations: string[] = [];
  /** The messages that were logged as errors. */
  readonly errors: string[] = [];
  readonly attempts: Attempt<unknown>[] = [];
  /** Every revision of a cluster's record that was written, in order. */
  readonly written: ClusterRecord[] = [];
  readonly settings: Settings;
  readonly #nudges: boolean;
  ledger: Ledger = EMPTY_LEDGER;

  constructor(
    scheduler: fc.Scheduler,
    options: {
      readonly faults?: readonly Fault[];
      readonly now?: EpochMs;
      readonly createMax?: DurationMs;
      readonly settings?: Partial<Settings>;
      /** Whether nudges start passes, by default true; false: every nudge is lost. */
      readonly nudges?: boolean;
    } = {},
  ) {
    this.race = new Race(scheduler, options.faults ?? [], options.now ?? LAUNCH);
    this.account = new Account(() => this.race.now, options.createMax);
    this.settings = aSettings(options.settings);
    this.#nudges = options.nudges ?? true;
  }

  /** Adds a cluster that was launched before the race, with its Linodes and its open budget. */
  async putCluster(record: ClusterRecord, linodes: readonly Linode[] = []): Promise<void> {
    const { id, owner, scheduleId, budget, createdAt } = record;
    const times = { openedAt: createdAt, changedAt: createdAt, createFrom: createdAt };
    const entry = { owner, scheduleId, budget, ...times };
    await this.#saveLedger({ ...this.ledger, open: new Map(this.ledger.open).set(id, entry) });
    await this.#insert(record);
    for (const linode of linodes) this.account.put(linode);
  }

  /** Starts an actor that does `work`: at `at`, or when the scheduler draws its first turn. */
  start<T>(name: string, work: (deps: Deps) => Promise<T>, at: EpochMs | null = null): Attempt<T> {
    const actor = new Actor(name, this.race);
    const attempt: Attempt<T> = { actor: name, outcome: { kind: 'silent' } };
    this.attempts.push(attempt);
    const run = async () => {
      await (at === null ? actor.begin() : actor.sleep(at));
      return work(this.depsOf(actor));
    };
    run().then(
      (value) => {
        attempt.outcome = { kind: 'answered', value };
      },
      (error: unknown) => {
        attempt.outcome = { kind: 'threw', error };
      },
    );
    return attempt;
  }

  startPass(name: string, id: ClusterId, at: EpochMs | null = null): Attempt<void> {
    return this.start(name, (deps) => reconcile(deps, [{ clusterId: id }], limits(deps, PASS)), at);
  }

  startLaunch(name: string, input: KeyedInput): Attempt<Launched> {
    return this.start(name, (deps) => launch(deps, launchRequest(deps, input)));
  }

  startChange(name: string, id: ClusterId, input: unknown, at: EpochMs | null = null) {
    const request = (deps: Deps) => ({ owner: 'ann', id, input, by: limits(deps, REQUEST).by });
    return this.start(name, (deps) => changeCluster(deps, request(deps)), at);
  }

  startDelete(name: string, id: ClusterId, at: EpochMs | null = null) {
    return this.start(name, (deps) => destroyCluster(deps, 'ann', id), at);
  }

  startSweep(name = 'sweeper', at: EpochMs | null = null) {
    return this.start(name, (deps) => sweep(deps, limits(deps, SWEEP)), at);
  }

  startReaper(name = 'reaper', at: EpochMs | null = null) {
    // `getMany` is no call of the race: the reaper reads the records only for a metric, and as a
    // call it would only multiply the orders.
    const { getMany } = this.table.clusters;
    return this.start(
      name,
      (deps) => reap({ ...deps, store: { due: deps.store.due, getMany } }),
      at,
    );
  }

  run(): Promise<void> {
    return this.race.run();
  }

  /** Waits until the audit takes no request to be on its way, then runs the sweeper. */
  async audit(): Promise<void> {
    this.race.now = plus(this.race.now, minutes(3));
    this.startSweep('last sweeper');
    await this.run();
  }

  /** Runs the reaper every minute for `length`. */
  async runReaper(length: DurationMs): Promise<void> {
    for (const until = plus(this.race.now, length); this.race.now < until; ) {
      this.startReaper('later reaper');
      await this.run();
      this.race.now = plus(this.race.now, minutes(1));
    }
  }

  /** The newest revision of the cluster's record. */
  recordOf(id: ClusterId): ClusterRecord {
    const found = this.written.findLast((record) => record.id === id);
    if (found === undefined) throw new Error(`there is no record of ${id}`);
    return found;
  }

  /** The newest revision of each cluster's record. */
  get records(): ClusterRecord[] {
    const ids = new Set(this.written.map(({ id }) => id));
    return [...ids].map((id) => this.recordOf(id));
  }

  /** The Linodes that exist and bear the cluster's tag. */
  linodesOf(id: ClusterId): Linode[] {
    return this.account.existing.filter(({ tags }) => clusterOfTags(tags) === id);
  }

  /** The budgets that the ledger counts as open. */
  get openBudgets(): Record<ClusterId, MicroUsd> {
    return Object.fromEntries([...this.ledger.open].map(([id, { budget }]) => [id, budget]));
  }

  /** The budgets in the records of live clusters. */
  get liveBudgets(): Record<ClusterId, MicroUsd> {
    const live = this.records.filter(isLive);
    return Object.fromEntries(live.map(({ id, budget }) => [id, budget]));
  }

  /** `actor: error` for each actor that threw. */
  get thrown(): string[] {
    return this.attempts.flatMap(({ actor, outcome }) =>
      outcome.kind === 'threw' ? [`${actor}: ${outcome.error}`] : [],
    );
  }

  depsOf(actor: Actor) {
    const error = (message: string) => void this.errors.push(message);
    const log: Log = { ...silentLog, error };
    const ledger: LedgerStore = {
      read: () => actor.call('ledger.read', () => this.table.ledger.read()),
      save: (next) => actor.call('ledger.save', () => this.#saveLedger(next)),
    };
    const nudge: Nudge = {
      reconcile: (batch) =>
        actor.call('nudge', () => {
          if (!this.#nudges) return;
          for (const { clusterId } of batch) this.startPass(`pass of ${actor.name}`, clusterId);
        }),
      runSchedule: () => actor.call('nudge', () => {}),
    };
    return depsWith({
      clock: actor,
      linode: linodeApi(this.account, actor, log, {
        created: (linode, actor) => this.#checkCreated(linode, actor),
        deleted: (linode, actor) => this.#checkDeleted(linode, actor),
      }),
      ledger,
      log,
      nudge,
      schedules: this.#schedules(actor),
      secrets: aSecret({
        passwordKey: () => actor.call('secrets.passwordKey', () => 'a key'),
      }),
      settings: this.settings,
      store: this.#store(actor),
    });
  }

  #store(actor: Actor): ClusterStore {
    const { clusters } = this.table;
    return {
      insert: (record) => actor.call('store.insert', () => this.#insert(record)),
      get: (id) => actor.call('store.get', () => clusters.get(id)),
      getMany: (ids) => actor.call('store.getMany', () => clusters.getMany(ids)),
      save: (record) => actor.call(`store.save ${record.phase}`, () => this.#save(record)),
      async *due(until) {
        yield* await actor.call('store.due', () => collect(clusters.due(until)));
      },
      list: (query) => clusters.list(query),
      livedIn: (query) => clusters.livedIn(query),
    };
  }

  #schedules(actor: Actor): ScheduleStore {
    const { schedules } = this.table;
    return {
      insert: (record) => actor.call('schedules.insert', () => schedules.insert(record)),
      get: (id) => actor.call('schedules.get', () => schedules.get(id)),
      save: (record) => actor.call('schedules.save', () => schedules.save(record)),
      delete: (id) => actor.call('schedules.delete', () => schedules.delete(id)),
      list: (owner) => schedules.list(owner),
      page: (query) => schedules.page(query),
    };
  }

  async #insert(record: ClusterRecord): Promise<'inserted' | 'exists'> {
    const answer = await this.table.clusters.insert(record);
    if (answer === 'inserted') this.#noteWritten(record);
    return answer;
  }

  async #save(record: ClusterRecord): Promise<ClusterRecord | 'conflict'> {
    const saved = await this.table.clusters.save(record);
    if (saved !== 'conflict') this.#noteWritten(saved);
    return saved;
  }

  async #saveLedger(next: Ledger): Promise<'saved' | 'conflict'> {
    const answer = await this.table.ledger.save(next);
    this.ledger = await this.table.ledger.read();
    this.#checkLedger();
    return answer;
  }

  #noteWritten(record: ClusterRecord): void {
    const before = this.written.findLast(({ id }) => id === record.id);
    if (before !== undefined && !isLive(before))
      this.violations.push(`${record.id} was written after its end`);
    this.written.push(record);
    if (!isLive(record)) this.#checkEnded(record);
    this.#checkLedger();
  }

  #checkEnded({ id, phase, spent, budget }: EndedRecord): void {
    if (this.linodesOf(id).length > 0)
      this.violations.push(`${id} is ${phase}, but its Linodes exist`);
    const bill = this.account.bill(clusterTag(id));
    if (bill > spent) this.violations.push(`${id} cost ${bill}, but its record says ${spent}`);
    if (bill > budget) this.violations.push(`${id} cost ${bill} of a budget of ${budget}`);
  }

  /** The ledger counts a budget before its cluster can cost anything, and until it has ended. */
  #checkLedger(): void {
    for (const { id, budget } of this.records.filter(isLive)) {
      if ((this.ledger.open.get(id)?.budget ?? 0) < budget) {
        this.violations.push(`the ledger counts less for ${id} than its budget of ${budget}`);
      }
    }
    const open = sum([...this.ledger.open.values()].map(({ budget }) => budget));
    const { openBudgetMax } = this.settings;
    if (openBudgetMax !== null && open > openBudgetMax) {
      this.violations.push(`the open budgets of ${open} exceed the cap`);
    }
  }

  #checkCreated({ label, tags }: Linode, actor: string): void {
    const id = clusterOfTags(tags);
    const record = this.records.find((candidate) => candidate.id === id);
    const node = record?.nodes.find((candidate) => candidate.label === label);
    if (record === undefined || !isLive(record) || node === undefined) {
      this.violations.push(`${actor} created ${label} for no live cluster`);
    } else if (node.state === 'planned' || node.state === 'neverCreated') {
      this.violations.push(`${actor} created ${label}, which was ${node.state}`);
    }
  }

  #checkDeleted({ label, tags }: Linode, actor: string): void {
    if (!tags.includes(OUR_TAG)) this.violations.push(`${actor} deleted the stranger ${label}`);
    const record = this.records.find(({ id }) => id === clusterOfTags(tags));
    if (!actor.includes('sweeper') || record === undefined || !isLive(record)) return;
    const { now } = this.race;
    if (record.phase !== 'deleting' && now < teardownOf(record, now)) {
      this.violations.push(`${actor} deleted ${label}, which a live record protects`);
    }
  }
}

const REQUEST = seconds(25);
const PASS = minutes(5);
const SWEEP = minutes(7);
const limits = ({ clock }: Deps, length: DurationMs) => ({
  by: plus(clock.now(), length),
  reserveMs: seconds(20),
  noticesMs: seconds(5),
});

type KeyedInput = { readonly key: string } & Readonly<Record<string, unknown>>;

export const launchRequest = (deps: Deps, { key, ...spec }: KeyedInput): LaunchRequest => ({
  owner: 'ann',
  input: aBody(spec),
  idempotencyKey: key,
  schedule: null,
  by: limits(deps, REQUEST).by,
});
