import { createLinodeApi } from '../lib/adapters/linode/client.ts';
import { type CapsKeeper, createCaps } from '../lib/app/caps-keeper.ts';
import { type CatalogueCache, createCatalogueCache } from '../lib/app/catalogue-cache.ts';
import { type AgentLimits, createAgentLimits } from '../lib/app/hear-agent.ts';
import type { ReconcileLimits } from '../lib/app/reconcile.ts';
import { type EpochMs, epochMs, plus, seconds } from '../lib/core/base/units.ts';
import type {
  AgentReports,
  Allowances,
  Clock,
  ClusterStore,
  JobFiles,
  JobReports,
  LedgerStore,
  LinodeApi,
  Log,
  Metrics,
  Notifier,
  Nudge,
  ScheduleStore,
  Secrets,
} from '../lib/ports.ts';
import type { Settings } from '../lib/settings.ts';
import type { MemoryTable } from '../simulators/aws/memory-table.ts';
import type { Chance } from './chance.ts';
import { type Ending, type FunctionName, Invocation, timeoutMsOf } from './lambda.ts';
import type { SimulatedLinode } from './linode.ts';
import type { Options } from './options.ts';
import type { VirtualTime } from './time.ts';

/** The dependencies of a use case, which lib/wire.ts builds for a function. */
export interface Deps {
  readonly clock: Clock;
  readonly linode: LinodeApi;
  readonly store: ClusterStore;
  readonly schedules: ScheduleStore;
  readonly caps: CapsKeeper;
  readonly catalogue: CatalogueCache;
  readonly secrets: Secrets;
  readonly nudge: Nudge;
  readonly notifier: Notifier;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly settings: Settings;
  readonly stage: string;
  readonly publicUrl: () => string | null;
  readonly reports: AgentReports;
  readonly allowances: Allowances;
  readonly jobs: JobReports;
  readonly files: JobFiles | null;
  readonly agentLimits: AgentLimits;
}

export type Limits = ReconcileLimits;

/** The parts of a world that all functions share. */
export interface Outside {
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly options: Options;
  readonly linode: SimulatedLinode;
  readonly table: MemoryTable;
  /** Where jobs keep their files; null: nowhere. */
  readonly files: JobFiles | null;
  readonly settings: Settings;
  readonly nudge: Nudge;
  readonly notifier: Notifier;
  readonly metrics: Metrics;
  /** The Linode token that Secrets Manager holds now. */
  readonly token: () => string;
  readonly log: (level: keyof Log, message: string, details: object) => void;
  readonly tableIsDown: () => boolean;
  readonly countFault: (fault: string) => void;
  readonly injectsFaults: () => boolean;
  /** Whether the promise can be kept if an invocation of the function dies now. */
  readonly mayDie: (name: FunctionName) => boolean;
}

/**
 * How long Lambda waits before it tries again to start an event that it could not start, in seconds.
 * After the last wait it drops the event: serverless.yml allows an age of 120 s.
 */
const THROTTLED_WAITS_S = [1, 2, 4, 8, 16, 32];

/**
 * Runs the functions in environments. Like Lambda, it uses a warm environment again, and drops the
 * environment of an invocation that died or timed out.
 */
export class Functions {
  readonly #outside: Outside;
  readonly #warm = new Map<FunctionName, Environment[]>();
  #running = 0;
  /** How many invocations Lambda runs at once, of all functions together. */
  limit: number;
  /** How many invocations were started. */
  invocations = 0;
  /** The most that ran at once. */
  peak = 0;

  constructor(outside: Outside) {
    this.#outside = outside;
    this.limit = outside.options.functionsMax;
  }

  async run(
    name: FunctionName,
    work: (deps: Deps, limits: Limits) => Promise<unknown>,
  ): Promise<Ending> {
    const { time, chance, options, injectsFaults, mayDie } = this.#outside;
    if (!(await this.#started(name))) return 'throttled';
    const warm = this.#warm.get(name) ?? [];
    this.#warm.set(name, warm);
    const isCold = warm.length === 0;
    const environment = warm.pop() ?? new Environment(this.#outside);
    if (isCold) await time.delay(chance.whole(100, 1_500));
    const deaths = injectsFaults() ? options.deaths : 0;
    const allowed = () => mayDie(name);
    const invocation = new Invocation({ name, time, chance, deaths, mayDie: allowed });
    environment.begin(invocation);
    const { clock } = environment.deps;
    const by = plus(clock.now(), seconds(timeoutMsOf(name) / 1_000 - 5));
    const limits = { by, reserveMs: seconds(20), noticesMs: seconds(5) };
    const ending = await invocation.run(() => work(environment.deps, limits));
    if (ending === 'died' || ending === 'timedOut') this.#outside.countFault(`function ${ending}`);
    else warm.push(environment);
    this.#running -= 1;
    return ending;
  }

  /** Waits as an event does while too many invocations run. false: Lambda dropped the event. */
  async #started(name: FunctionName): Promise<boolean> {
    const { time, countFault } = this.#outside;
    const waits = name === 'api' ? [] : [...THROTTLED_WAITS_S];
    while (this.#running >= this.limit) {
      countFault('function throttled');
      const wait = waits.shift();
      if (wait === undefined) return false;
      await time.delay(wait * 1_000);
    }
    this.#running += 1;
    this.invocations += 1;
    this.peak = Math.max(this.peak, this.#running);
    return true;
  }
}

/**
 * A function's environment: its adapters, whose calls go through the current invocation. The
 * environment keeps the Linode token and the catalogue from one invocation to the next.
 */
class Environment {
  readonly deps: Deps;
  readonly #outside: Outside;
  #invocation: Invocation | null = null;
  #clockError = 0;
  #token: string | null = null;

  constructor(outside: Outside) {
    this.#outside = outside;
    const { chance, linode, settings, nudge, notifier, metrics, table } = outside;
    const clock: Clock = {
      now: () => this.#now(),
      sleep: (until) => this.#current.sleep(() => until - this.#now()),
    };
    const log = this.#log();
    const secrets = this.#secrets();
    const api = createLinodeApi({
      clock,
      log,
      token: (options) => secrets.linodeToken(options),
      transport: (call, token, timeoutMs) =>
        this.#current.call(() => linode.transport(call, token, timeoutMs)),
    });
    const { random } = chance;
    const ledger = this.#ledger(table.ledger);
    this.deps = {
      clock,
      log,
      secrets,
      settings,
      linode: api,
      stage: settings.stage,
      publicUrl: () => settings.publicUrl,
      reports: this.#reports(table.reports),
      allowances: this.#allowances(table.allowances),
      jobs: this.#jobs(table.jobs),
      files: outside.files && this.#files(outside.files),
      agentLimits: createAgentLimits(clock),
      store: this.#clusters(table.clusters),
      schedules: this.#schedules(table.schedules),
      caps: createCaps({
        ...{ clock, ledger, owners: table.owners, store: table.clusters },
        ...{ settings: () => settings, random },
      }),
      catalogue: createCatalogueCache(api, clock, log),
      nudge: {
        reconcile: (batch) => this.#current.call(() => nudge.reconcile(batch)),
        runSchedule: (id) => this.#current.call(() => nudge.runSchedule(id)),
      },
      notifier: { send: (notice) => this.#current.call(() => notifier.send(notice)) },
      metrics: { emit: (measure) => this.#current.isAlive && metrics.emit(measure) },
    };
  }

  begin(invocation: Invocation): void {
    const { chance, options, injectsFaults } = this.#outside;
    const most = injectsFaults() ? options.clockErrorMsMax : 0;
    this.#clockError = chance.whole(-most, most);
    this.#invocation = invocation;
  }

  get #current(): Invocation {
    if (this.#invocation === null) throw new Error('an adapter was called outside an invocation');
    return this.#invocation;
  }

  #now(): EpochMs {
    return epochMs(this.#outside.time.now() + this.#clockError);
  }

  #log(): Log {
    const { log } = this.#outside;
    const write =
      (level: keyof Log) =>
      (message: string, details: object = {}) => {
        if (this.#current.isAlive) log(level, message, details);
      };
    return { info: write('info'), warn: write('warn'), error: write('error') };
  }

  #secrets(): Secrets {
    const { time, token } = this.#outside;
    return {
      linodeToken: ({ fresh }) => {
        if (!fresh && this.#token !== null) return Promise.resolve(this.#token);
        return this.#current.call(async () => {
          await time.delay(20);
          this.#token = token();
          return this.#token;
        });
      },
      apiTokens: async () => ({}),
      passwordKey: async () => PASSWORD_KEY,
      webhookKey: async () => null,
    };
  }

  /** A call to the table. A fault may refuse the call, or lose its answer after it took effect. */
  #table<T>(effect: () => Promise<T>): Promise<T> {
    const { time, chance, options, tableIsDown, countFault, injectsFaults } = this.#outside;
    return this.#current.call(async () => {
      await time.delay(chance.whole(1, 6));
      if (tableIsDown()) {
        countFault('table unreachable');
        await time.delay(chance.whole(0, 3_000));
        throw new Error('TimeoutError: the table did not answer');
      }
      const fails = injectsFaults() && chance.happens(options.tableErrors);
      const isLate = fails && chance.happens(0.5);
      if (fails) countFault(isLate ? 'table answer lost' : 'table call refused');
      if (fails && !isLate) throw new Error('ProvisionedThroughputExceededException');
      const result = await effect();
      if (!isLate) return result;
      await time.delay(chance.whole(100, 5_000));
      // AWS's client may repeat a call without an answer. The repeated write then meets the change
      // that the first write made.
      if (chance.happens(0.5)) return effect();
      throw new Error('TimeoutError: socket hang up');
    });
  }

  #clusters(store: ClusterStore): ClusterStore {
    return {
      insert: (record) => this.#table(() => store.insert(record)),
      get: (id) => this.#table(() => store.get(id)),
      getMany: (ids) => this.#table(() => store.getMany(ids)),
      save: (record) => this.#table(() => store.save(record)),
      due: (until) => this.#each(() => store.due(until)),
      list: (query) => this.#table(() => store.list(query)),
      livedIn: (query) => this.#each(() => store.livedIn(query)),
    };
  }

  async *#each<T>(items: () => AsyncIterable<T>): AsyncGenerator<T> {
    yield* await this.#table(async () => {
      const all: T[] = [];
      for await (const item of items()) all.push(item);
      return all;
    });
  }

  #schedules(store: ScheduleStore): ScheduleStore {
    return {
      insert: (record) => this.#table(() => store.insert(record)),
      get: (id) => this.#table(() => store.get(id)),
      save: (record) => this.#table(() => store.save(record)),
      delete: (id) => this.#table(() => store.delete(id)),
      list: (owner) => this.#table(() => store.list(owner)),
      page: (query) => this.#table(() => store.page(query)),
    };
  }

  #allowances(store: Allowances): Allowances {
    return {
      read: (id) => this.#table(() => store.read(id)),
      grant: (...grant) => this.#table(() => store.grant(...grant)),
    };
  }

  #reports(store: AgentReports): AgentReports {
    return {
      report: (...report) => this.#table(() => store.report(...report)),
      read: (ids) => this.#table(() => store.read(ids)),
    };
  }

  #jobs(store: JobReports): JobReports {
    return {
      tell: (...news) => this.#table(() => store.tell(...news)),
      read: (ids) => this.#table(() => store.read(ids)),
      readRanks: (...which) => this.#table(() => store.readRanks(...which)),
    };
  }

  /** A call to the files of jobs. Signing a URL is no call, and never fails. */
  #file<T>(effect: () => Promise<T>): Promise<T> {
    const { time, chance, options, countFault, injectsFaults } = this.#outside;
    return this.#current.call(async () => {
      await time.delay(chance.whole(10, 60));
      if (injectsFaults() && chance.happens(options.filesFail)) {
        countFault('file refused');
        throw new Error('SlowDown: reduce your request rate');
      }
      return effect();
    });
  }

  #files(files: JobFiles): JobFiles {
    return {
      uploadUrl: (...upload) => files.uploadUrl(...upload),
      downloadUrl: (...download) => files.downloadUrl(...download),
      size: (key) => this.#file(() => files.size(key)),
      put: (...file) => this.#file(() => files.put(...file)),
      get: (key) => this.#file(() => files.get(key)),
      copy: (...keys) => this.#file(() => files.copy(...keys)),
      delete: (key) => this.#file(() => files.delete(key)),
    };
  }

  #ledger(store: LedgerStore): LedgerStore {
    return {
      read: () => this.#table(() => store.read()),
      save: (ledger) => this.#table(() => store.save(ledger)),
    };
  }
}

export const PASSWORD_KEY = 'key-of-the-root-passwords';
