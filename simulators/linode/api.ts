import { Account, emptyAccount, type Vlan } from './account.ts';
import { ApiError, invalidToken, missingScope, tooManyRequests } from './api-error.ts';
import { type Bill, billOf, hasOrHadTag } from './bill.ts';
import type { Call } from './call.ts';
import { publishExchange } from './exchange.ts';
import { faultReply } from './fault-replies.ts';
import { type FaultRule, type FaultState, Faults, isAfter, isBefore } from './faults.ts';
import type { Instance } from './instance.ts';
import type { Invoice } from './invoices.ts';
import { isObject, pythonJson } from './json.ts';
import type { Machines } from './machines.ts';
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
  /** Virtual epoch milliseconds; the simulator has no other clock. */
  readonly now: () => number;
  /** 0, the default, is any free port. */
  readonly port?: number;
  /** The scopes of each token: `*`, or a list such as `linodes:read_write events:read_only`. */
  readonly tokens: Readonly<Record<string, string>>;
  /** The path of a file that keeps the account, so that the next start finds its Linodes. */
  readonly stateFile?: string;
  readonly settings?: SettingsChange;
  readonly faults?: readonly FaultRule[];
  /** What boots the Linodes; those of the state file are made anew. Default: nothing does. */
  readonly machines?: Machines;
}

/** How many requests a route had; `drop` and `hang` count as statuses. */
export interface RequestCount {
  total: number;
  readonly byStatus: Record<string, number>;
}

interface Caller {
  /** null: the request has no token or an unknown token. */
  readonly token: string | null;
  readonly scopes: string | null;
  /** Whether the request has a token, known or unknown. */
  readonly hasToken: boolean;
}

/** A request that has no reply yet, with its route, and the fault that strikes it if any. */
interface PendingRequest extends Target {
  readonly incoming: Incoming;
  readonly caller: Caller;
  readonly beta: boolean;
  readonly now: number;
  readonly rule: FaultRule | null;
}

/** The simulated API of one account, without the HTTP server before it. */
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
    if (options.machines !== undefined) this.#remake(options.machines);
  }

  get settings(): SimulatorSettings {
    return this.#settings;
  }

  updateSettings(change: SettingsChange): void {
    this.#settings = changedSettings(this.#settings, change);
    if (change.seed !== undefined) this.#faults.reseed(change.seed);
  }

  /** Linode multiplies its prices, those of Linodes that exist too, from their next hours on. */
  raisePrices(factor: number): void {
    this.updateSettings({ priceFactor: this.#settings.priceFactor * factor });
    this.#account.raisePrices(factor, this.#now());
  }

  /** A person resizes a Linode, or migrates it, by calls that the simulator does not have. */
  become(id: number, kind: { readonly type?: string; readonly region?: string }): void {
    this.#account.become(id, kind, this.#now());
  }

  /** Bills now what no invoice has billed yet. */
  makeInvoice(date: number = this.#now()): Invoice {
    return this.#account.makeInvoice(this.#settings.invoices, date);
  }

  /** The invoices up to `date`, which may lie ahead: those of months that end by then included. */
  invoicesUntil(date: number): readonly Invoice[] {
    return this.#account.invoices(this.#settings.invoices, date);
  }

  /** Linode multiplies the amounts of the items whose labels match, in an invoice of before. */
  correctInvoice(id: number, change: { readonly labels: string; readonly factor: number }): void {
    this.#account.correctInvoice(id, change);
  }

  /** The Linode sends so many bytes to the internet, at once. */
  send(id: number, bytes: number): void {
    this.#account.send(id, bytes, this.#now());
  }

  /** The agent on the Linode hands a larger allowance for a month to the firewall. */
  allow(id: number, allowance: { readonly month: string; readonly bytes: number }): void {
    this.#account.allow(id, allowance, this.#now());
  }

  /** Somebody takes away the firewall's table that limits what the Linode sends. */
  unlimit(id: number): void {
    this.#account.unlimit(id, this.#now());
  }

  /** The Linode loses what its firewall has counted, as when somebody rebuilds it. */
  loseCounter(id: number): void {
    this.#account.loseCounter(id, this.#now());
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

  /** Every Linode that the account ever had; with `tag`, only Linodes that have or had the tag. */
  instances(tag?: string): Instance[] {
    const all = this.#account.allInstances();
    return tag === undefined ? all : all.filter((instance) => hasOrHadTag(instance, tag));
  }

  /** The VLANs of the account, oldest first. */
  vlans(): readonly Vlan[] {
    return this.#account.vlans();
  }

  /** The Linode with this id, if the account ever had it. */
  instance(id: number): Instance | undefined {
    return this.#account.everHad(id);
  }

  requests(): Record<string, RequestCount> {
    return structuredClone(this.#requests);
  }

  /** `drop`: the server must end the connection; `hang`: the server must never answer. */
  async reply(incoming: Incoming): Promise<Reply | 'drop' | 'hang'> {
    const pending = this.#pending(incoming);
    const { rule } = pending;
    const changesBefore = this.#account.changes;
    const isReplaced = rule !== null && isBefore(rule.kind);
    const answer = isReplaced ? null : this.#answer(pending);

    // The file must have the effect of a call before the client learns of the effect.
    if (this.#account.changes !== changesBefore) await this.#stateFile?.save();
    const { latencyMs } = this.#settings;
    if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));

    const isSpoiled = answer === null || (rule !== null && isAfter(rule.kind));
    const reply = isSpoiled ? this.#spoiled(pending) : answer;
    this.#countRequest(pending, typeof reply === 'string' ? reply : String(reply.status));
    const replacedBy = isSpoiled ? (rule?.kind ?? null) : null;
    publishExchange({ request: incoming, reply, replacedBy });
    return reply;
  }

  /** Resolves once all writes to the state file have ended. */
  async written(): Promise<void> {
    await this.#stateFile?.written();
  }

  /** Makes the machines of the Linodes that an earlier start has left. */
  #remake(machines: Machines): void {
    machines.onPower((id, power) => {
      this.#account.setPower(id, power, this.#now());
      this.#stateFile?.save().catch((error: unknown) => console.error('Linode simulator:', error));
    });
    for (const { id, ipv4, deleted, power, booted } of this.#account.allInstances()) {
      if (deleted !== null) continue;
      const address = machines.takeAddress(ipv4[0] ?? null);
      if (address === null) throw new Error(`no address is left for the Linode ${id}`);
      this.#account.move(id, address);
      const instance = this.#account.everHad(id);
      if (instance !== undefined) machines.create(instance, booted && power !== 'offline');
    }
  }

  #now(): number {
    return Math.floor(this.#options.now());
  }

  #pending(incoming: Incoming): PendingRequest {
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
    if (authorization === undefined) return { token: null, scopes: null, hasToken: false };
    const token = authorization.replace(/^Bearer /i, '');
    const { tokens } = this.#options;
    if (!Object.hasOwn(tokens, token)) return { token: null, scopes: null, hasToken: true };
    return { token, scopes: tokens[token] ?? '', hasToken: true };
  }

  /** Checks the token, then the rate, then the scope, and then makes the call. */
  #answer(pending: PendingRequest): Reply {
    const { route, caller, now } = pending;
    if (caller.token === null && (caller.hasToken || !route.isPublic)) {
      return this.#reply(pending, invalidToken(), null);
    }
    const limit = this.#settings.rateLimits[route.bucket];
    const taken = this.#rates.take(caller.token ?? 'nobody', route.bucket, limit, now);
    if (taken.refused && this.#settings.rateLimited) {
      return this.#reply(pending, tooManyRequests(), taken.state);
    }
    if (!route.isPublic && !allows(caller.scopes ?? '', route.scope)) {
      return this.#reply(pending, missingScope(), taken.state);
    }
    try {
      return this.#reply(pending, route.answer(this.#call(pending)), taken.state);
    } catch (error) {
      if (error instanceof ApiError) return this.#reply(pending, error, taken.state);
      throw error;
    }
  }

  #call({ incoming, params, beta, now, rule }: PendingRequest): Call {
    const filter = incoming.headers['x-filter'];
    return {
      account: this.#account,
      settings: this.#settings,
      machines: this.#options.machines ?? null,
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

  #spoiled(pending: PendingRequest): Reply | 'drop' | 'hang' {
    const { rule, route, caller, now } = pending;
    if (rule === null || rule.kind === 'staleList' || rule.kind === 'truncatedList') {
      throw new Error('This fault does not replace the answer');
    }
    const fault = faultReply(rule.kind);
    if (typeof fault === 'string') return fault;
    if (!(fault instanceof ApiError)) {
      const headers = { ...fault.headers, Date: httpDate(now) };
      return { status: fault.status, headers, body: fault.body };
    }
    if (rule.kind === 'invalidToken') return this.#reply(pending, fault, null);
    const limit = this.#settings.rateLimits[route.bucket];
    const rate = this.#rates.peek(caller.token ?? 'nobody', route.bucket, limit, now);
    const reply = this.#reply(pending, fault, rate);
    return { ...reply, headers: { ...reply.headers, ...faultHeaders(rule, now) } };
  }

  #reply(
    { route, caller, now }: PendingRequest,
    content: string | ApiError,
    rate: RateState | null,
  ): Reply {
    const isError = content instanceof ApiError;
    // The real API sends no headers about rates with `Invalid Token`.
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

  #countRequest({ route, incoming }: PendingRequest, status: string): void {
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

/** The scope `…:read_write` includes the scope `…:read_only`. */
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

/** The headers that a fault's answer has and other answers of its status lack. */
function faultHeaders(rule: FaultRule, now: number): Record<string, string | number> {
  const seconds = Math.floor(now / 1000);
  if (rule.kind === 'status429') {
    const retryAfter = rule.retryAfterSeconds ?? 15;
    const reset = Math.ceil(seconds + retryAfter);
    return { 'X-RateLimit-Remaining': 0, 'X-RateLimit-Reset': reset, 'Retry-After': retryAfter };
  }
  // The real API sent these with a 500: a reset in 1969, and so a hugely negative wait.
  if (rule.kind === 'status500' || rule.kind === 'error500After') {
    return { 'X-RateLimit-Reset': -1, 'Retry-After': -1 - seconds };
  }
  if (rule.kind === 'maintenance503') return { 'X-Maintenance-Mode': 'true' };
  if (rule.kind === 'missingScope') return { 'X-OAuth-Scopes': 'images:read_only' };
  return {};
}
