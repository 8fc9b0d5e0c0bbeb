import { Account, emptyAccount } from './account.ts';
import { ApiError, invalidToken, missingScope, tooManyRequests } from './api-error.ts';
import { type Bill, billOf, bore } from './bill.ts';
import type { Call } from './call.ts';
import { publishExchange } from './exchange.ts';
import { faultReply } from './fault-replies.ts';
import { type FaultRule, type FaultState, Faults, isAfter, isBefore } from './faults.ts';
import type { LedgerEntry } from './instance.ts';
import { isObject, pythonJson } from './json.ts';
import type { Incoming, Reply } from './messages.ts';
import { RateLimits, type RateState } from './rate-limits.ts';
import { type Target, targetOf } from './routes.ts';
import {
  changedSettings,
  defaultSettings,
  type SettingsChange,
  type SimulatorSettings,
} from './settings.ts';
import { readState, StateFile } from './state-file.ts';

export interface SimulatorOptions {
  /** Virtual epoch milliseconds: the simulator moves only with this clock. */
  readonly now: () => number;
  /** 0, the default: any that is free. */
  readonly port?: number;
  /** The scopes of each token: `*`, or a list such as `linodes:read_write events:read_only`. */
  readonly tokens: Readonly<Record<string, string>>;
  /** Keeps the account here, so that a second start finds the Linodes of the first. */
  readonly stateFile?: string;
  readonly settings?: SettingsChange;
  readonly faults?: readonly FaultRule[];
}

/** How often a route was called; `drop` and `hang` count as statuses. */
export interface RequestCount {
  total: number;
  readonly byStatus: Record<string, number>;
}

interface Caller {
  /** null: none was given, or one that is unknown. */
  readonly token: string | null;
  readonly scopes: string | null;
  /** Whether one was given. */
  readonly isGiven: boolean;
}

/** One request on its way to its reply. */
interface Passage extends Target {
  readonly incoming: Incoming;
  readonly caller: Caller;
  readonly beta: boolean;
  readonly now: number;
  readonly rule: FaultRule | null;
}

/** The simulated API behind its HTTP server: one account, and all that it answers. */
export class SimulatedApi {
  readonly #options: SimulatorOptions;
  readonly #account: Account;
  readonly #stateFile: StateFile | null;
  readonly #faults: Faults;
  readonly #rates = new RateLimits();
  readonly #requests: Record<string, RequestCount> = {};
  #settings: SimulatorSettings;

  constructor(options: SimulatorOptions) {
    const { stateFile } = options;
    this.#options = options;
    this.#settings = changedSettings(defaultSettings, options.settings ?? {});
    this.#faults = new Faults(options.faults ?? [], this.#settings.seed);
    this.#account = new Account(stateFile === undefined ? emptyAccount : readState(stateFile));
    this.#stateFile =
      stateFile === undefined ? null : new StateFile(stateFile, () => this.#account.state);
  }

  get settings(): SimulatorSettings {
    return this.#settings;
  }

  updateSettings(change: SettingsChange): void {
    this.#settings = changedSettings(this.#settings, change);
    if (change.seed !== undefined) this.#faults.reseed(change.seed);
  }

  setFaults(rules: readonly FaultRule[]): void {
    this.#faults.set(rules);
  }

  faults(): FaultState[] {
    return this.#faults.states;
  }

  bill(tag?: string): Bill {
    return billOf(this.instances(tag), this.#now());
  }

  /** Of every Linode there ever was, or of those that bear or bore the tag. */
  instances(tag?: string): LedgerEntry[] {
    const ledger = this.#account.ledger();
    return tag === undefined ? ledger : ledger.filter((entry) => bore(entry, tag));
  }

  requests(): Record<string, RequestCount> {
    return structuredClone(this.#requests);
  }

  /** What to send; `drop`: end the connection; `hang`: leave it without an answer. */
  async reply(incoming: Incoming): Promise<Reply | 'drop' | 'hang'> {
    const passage = this.#passage(incoming);
    const { rule } = passage;
    const revision = this.#account.revision;
    const isReplaced = rule !== null && isBefore(rule.kind);
    const answer = isReplaced ? null : this.#answer(passage);

    // An answer promises that its effect is kept.
    if (this.#account.revision !== revision) await this.#stateFile?.save();
    const { latencyMs } = this.#settings;
    if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));

    const isSpoiled = answer === null || (rule !== null && isAfter(rule.kind));
    const reply = isSpoiled ? this.#spoiled(passage) : answer;
    this.#count(passage, typeof reply === 'string' ? reply : String(reply.status));
    const replacedBy = isSpoiled ? (rule?.kind ?? null) : null;
    publishExchange({ request: incoming, reply, replacedBy });
    return reply;
  }

  /** Resolves once the state file is no longer written to. */
  async settled(): Promise<void> {
    await this.#stateFile?.settled();
  }

  #now(): number {
    return Math.floor(this.#options.now());
  }

  #passage(incoming: Incoming): Passage {
    const { method, headers, body } = incoming;
    const version = /^\/(v4|v4beta)(\/.*)$/.exec(incoming.path);
    const path = version?.[2] ?? '/';
    const target = targetOf(method, path);
    const isCreate = method === 'POST' && path === '/linode/instances';
    const label = isCreate ? labelIn(body) : null;
    const { isCollection } = target.route;
    return {
      ...target,
      incoming,
      caller: this.#caller(headers.authorization),
      beta: version?.[1] === 'v4beta',
      now: this.#now(),
      rule: this.#faults.strike({ method, path, label, isCollection }),
    };
  }

  #caller(authorization: string | undefined): Caller {
    if (authorization === undefined) return { token: null, scopes: null, isGiven: false };
    const token = authorization.replace(/^Bearer /i, '');
    const { tokens } = this.#options;
    if (!Object.hasOwn(tokens, token)) return { token: null, scopes: null, isGiven: true };
    return { token, scopes: tokens[token] ?? '', isGiven: true };
  }

  /** The API's own answer: token, then rate, then scope, then the call itself. */
  #answer(passage: Passage): Reply {
    const { route, caller, now } = passage;
    if (caller.token === null && (caller.isGiven || !route.isPublic)) {
      return this.#reply(passage, invalidToken(), null);
    }
    const limit = this.#settings.rateLimits[route.bucket];
    const taken = this.#rates.take(caller.token ?? 'nobody', route.bucket, limit, now);
    if (taken.refused && this.#settings.rateLimited) {
      return this.#reply(passage, tooManyRequests(), taken.state);
    }
    if (!route.isPublic && !allows(caller.scopes ?? '', route.scope)) {
      return this.#reply(passage, missingScope(), taken.state);
    }
    try {
      return this.#reply(passage, route.answer(this.#call(passage)), taken.state);
    } catch (error) {
      if (error instanceof ApiError) return this.#reply(passage, error, taken.state);
      throw error;
    }
  }

  #call({ incoming, params, beta, now, rule }: Passage): Call {
    const filter = incoming.headers['x-filter'];
    return {
      account: this.#account,
      settings: this.#settings,
      now,
      beta,
      params,
      query: incoming.query,
      filter: Array.isArray(filter) ? filter.join(', ') : filter,
      body: incoming.body,
      staleSeconds: rule?.kind === 'staleList' ? rule.seconds : 0,
      truncated:
        rule?.kind === 'truncatedList'
          ? { items: rule.items, keepTotals: rule.keepTotals ?? false }
          : null,
    };
  }

  #spoiled(passage: Passage): Reply | 'drop' | 'hang' {
    const { rule, route, caller, now } = passage;
    if (rule === null || rule.kind === 'staleList' || rule.kind === 'truncatedList') {
      throw new Error('This fault does not replace the answer');
    }
    const fault = faultReply(rule.kind);
    if (typeof fault === 'string') return fault;
    if (!(fault instanceof ApiError)) {
      const headers = { ...fault.headers, Date: httpDate(now) };
      return { status: fault.status, headers, body: fault.body };
    }
    if (rule.kind === 'invalidToken') return this.#reply(passage, fault, null);
    const limit = this.#settings.rateLimits[route.bucket];
    const rate = this.#rates.peek(caller.token ?? 'nobody', route.bucket, limit, now);
    const reply = this.#reply(passage, fault, rate);
    return { ...reply, headers: { ...reply.headers, ...faultHeaders(rule, now) } };
  }

  #reply(
    { route, caller, now }: Passage,
    content: string | ApiError,
    rate: RateState | null,
  ): Reply {
    const isError = content instanceof ApiError;
    // A token that is refused has no rate: so it was recorded.
    const rateHeaders = rate === null ? {} : rateLimitHeaders(rate);
    return {
      status: isError ? content.status : 200,
      headers: {
        'Content-Type': 'application/json',
        Date: httpDate(now),
        'X-OAuth-Scopes': caller.scopes ?? 'unknown',
        'X-Accepted-OAuth-Scopes': route.scope,
        ...rateHeaders,
        'Retry-After': rate?.retryAfter ?? 60,
        'X-Spec-Version': '4.235.1',
        'X-Customer-UUID': '00000000-0000-4000-8000-000000000000',
        'Access-Control-Allow-Origin': '*',
        'Cache-Control': route.isPublic ? 'private, max-age=60' : 'max-age=0, no-cache, no-store',
        Vary: 'Authorization, X-Filter',
      },
      body: isError ? pythonJson(content.body) : content,
    };
  }

  #count({ route, incoming }: Passage, status: string): void {
    const name = `${incoming.method} ${route.path}`;
    const count = this.#requests[name] ?? { total: 0, byStatus: {} };
    count.total += 1;
    count.byStatus[status] = (count.byStatus[status] ?? 0) + 1;
    this.#requests[name] = count;
  }
}

function labelIn(body: string): string | null {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) && typeof value.label === 'string' ? value.label : null;
  } catch {
    return null;
  }
}

/** To read and write includes to read. */
function allows(scopes: string, needed: string): boolean {
  if (scopes === '*' || needed === '*') return true;
  const given = scopes.split(/[\s,]+/);
  return given.includes(needed) || given.includes(needed.replace(/:read_only$/, ':read_write'));
}

const httpDate = (now: number): string => new Date(now).toUTCString();

const rateLimitHeaders = ({ limit, remaining, reset }: RateState) => ({
  'X-RateLimit-Limit': limit,
  'X-RateLimit-Remaining': remaining,
  'X-RateLimit-Reset': reset,
});

/** What sets these answers apart beside their status. */
function faultHeaders(rule: FaultRule, now: number): Record<string, string | number> {
  const seconds = Math.floor(now / 1000);
  if (rule.kind === 'status429') {
    const retryAfter = rule.retryAfterSeconds ?? 15;
    const reset = Math.ceil(seconds + retryAfter);
    return { 'X-RateLimit-Remaining': 0, 'X-RateLimit-Reset': reset, 'Retry-After': retryAfter };
  }
  // Recorded with a 500: a reset in 1969, and so a hugely negative wait.
  if (rule.kind === 'status500' || rule.kind === 'error500After') {
    return { 'X-RateLimit-Reset': -1, 'Retry-After': -1 - seconds };
  }
  if (rule.kind === 'maintenance503') return { 'X-Maintenance-Mode': 'true' };
  if (rule.kind === 'missingScope') return { 'X-OAuth-Scopes': 'images:read_only' };
  return {};
}
