import type { Answer, Call } from '../lib/adapters/linode/answer.ts';
import type { Transport } from '../lib/adapters/linode/http.ts';
import { SimulatedApi } from '../simulators/linode/api.ts';
import type { FaultKind, FaultRule } from '../simulators/linode/faults.ts';
import type { Instance } from '../simulators/linode/instance.ts';
import type { Invoice } from '../simulators/linode/invoices.ts';
import { isObject } from '../simulators/linode/json.ts';
import type { Reply } from '../simulators/linode/messages.ts';
import type { SettingsChange } from '../simulators/linode/settings.ts';
import type { Chance } from './chance.ts';
import type { Options } from './options.ts';
import type { VirtualTime } from './time.ts';
import { sendsOf } from './transfer.ts';

/** Sees each call of a function that reaches the simulated Linode. */
export interface Watcher {
  /** Before the call takes effect. */
  arrives(call: Call): void;
  /** After the call took effect, or after a fault replaced it. */
  answered(call: Call): void;
}

export interface SimulatedLinodeOptions {
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly options: Options;
  readonly watcher: Watcher;
  readonly countFault: (fault: string) => void;
}

interface Stubborn {
  readonly kind: 'ignored' | 'locked';
  readonly until: number;
  /** When a deletion had no effect. */
  readonly strikes: number[];
}

/** The token of people, which no rotation revokes. */
const PERSONS_TOKEN = 'token-of-a-person';

/** How many faults in a row strike the same method and path; then a call succeeds. */
const FAULTS_IN_A_ROW_MAX = 2;

/** The simulated Linode on virtual time, over a network that delays and loses calls. */
export class SimulatedLinode {
  readonly #api: SimulatedApi;
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  /** Draws what becomes of calls about transfer, so that all others fare as in older worlds. */
  readonly #transferChance: Chance;
  readonly #options: Options;
  readonly #watcher: Watcher;
  readonly #countFault: (fault: string) => void;
  readonly #tokens: Record<string, string> = { [PERSONS_TOKEN]: '*' };
  readonly #inARow = new Map<string, number>();
  injectsFaults = true;
  /** How many calls of functions reached Linode, by method and kind of path. */
  readonly calls: Record<string, number> = {};
  /** The fault that strikes every call of a function; null: there is no outage. */
  outage: PlainKind | null = null;
  /** Whether the fault of `createsRefused` strikes every create of a function. */
  refusesCreates = false;
  /** The Linodes that can't be deleted until an instant, by id. */
  readonly stubborn = new Map<number, Stubborn>();

  constructor({ time, chance, options, watcher, countFault }: SimulatedLinodeOptions) {
    this.#time = time;
    this.#chance = chance;
    this.#transferChance = chance.for('transfer');
    this.#options = options;
    this.#watcher = watcher;
    this.#countFault = countFault;
    this.#api = new SimulatedApi({
      now: () => time.now(),
      tokens: this.#tokens,
      settings: settingsOf(options, chance.for('sends')),
    });
  }

  get settings() {
    return this.#api.settings;
  }

  instances(): readonly Instance[] {
    return this.#api.instances();
  }

  /** The labels of the account's VLANs. */
  vlans(): string[] {
    return this.#api.vlans().map(({ label }) => label);
  }

  find(id: number): Instance | undefined {
    return this.#api.instance(id);
  }

  become(id: number, kind: { readonly type?: string; readonly region?: string }): void {
    this.#api.become(id, kind);
  }

  raisePrices(factor: number): void {
    this.#api.raisePrices(factor);
  }

  allow(id: number, allowance: { readonly month: string; readonly bytes: number }): void {
    this.#api.allow(id, allowance);
  }

  unlimit(id: number): void {
    this.#api.unlimit(id);
  }

  loseCounter(id: number): void {
    this.#api.loseCounter(id);
  }

  update(change: SettingsChange): void {
    this.#api.updateSettings(change);
  }

  /** The invoices up to `date`, which may lie ahead. */
  invoicesUntil(date: number): readonly Invoice[] {
    return this.#api.invoicesUntil(date);
  }

  correctInvoice(id: number, change: { readonly labels: string; readonly factor: number }): void {
    this.#api.correctInvoice(id, change);
  }

  accept(token: string): void {
    this.#tokens[token] = '*';
  }

  revoke(token: string): void {
    delete this.#tokens[token];
  }

  /** Makes a person's call, without faults. Returns the body of the answer. */
  async byPerson(call: Call): Promise<unknown> {
    this.#api.setFaults([]);
    const reply = await this.#api.reply(incoming(call, PERSONS_TOKEN));
    if (typeof reply === 'string') throw new Error(`a person's call ended in ${reply}`);
    return JSON.parse(reply.body);
  }

  /** The functions' transport to Linode. */
  readonly transport: Transport = (call, token, timeoutMs) =>
    new Promise((resolve, reject) => {
      const fault = this.#fault(call);
      const [thereMs, backMs] = this.#travelMs(call, fault);
      const dropConnection = () => reject(new Error('ECONNRESET: socket hang up'));
      const timeOut = () => reject(new Error(`no answer within ${timeoutMs} ms`));
      const mayBeLate = thereMs + backMs >= timeoutMs || fault !== null;
      if (mayBeLate) this.#time.at(this.#time.now() + timeoutMs, timeOut);
      this.#time.at(this.#time.now() + thereMs, () => {
        void this.#reply(call, token, fault === 'slow' ? null : fault).then((reply) => {
          if (reply === 'hang') return;
          const arrive = reply === 'drop' ? dropConnection : () => resolve(answerOf(reply));
          this.#time.at(this.#time.now() + backMs, arrive);
        }, reject);
      });
    });

  async #reply(call: Call, token: string, fault: FaultRule | null) {
    this.#api.setFaults(fault === null ? [] : [fault]);
    this.#watcher.arrives(call);
    const kind = `${call.method} ${call.path.replace(/\d+$/, 'id').replace(/^\/tags\/.*/, '/tags/…')}`;
    this.calls[kind] = (this.calls[kind] ?? 0) + 1;
    const reply = await this.#api.reply(incoming(call, token));
    this.#watcher.answered(call);
    return reply;
  }

  #fault(call: Call): FaultRule | 'slow' | null {
    if (this.outage !== null) {
      this.#countFault(`outage, ${this.outage}`);
      return { kind: this.outage };
    }
    const { createsRefused } = this.#options;
    if (this.refusesCreates && createsRefused !== 'none' && createIn(call) !== null) {
      this.#countFault(`create refused, ${createsRefused}`);
      return { kind: createsRefused };
    }
    const stubborn = this.#stubbornOf(call);
    if (stubborn !== null) {
      stubborn.strikes.push(this.#time.now());
      this.#countFault(`deletion ${stubborn.kind}`);
      return { kind: stubborn.kind };
    }
    const key = `${call.method} ${call.path}`;
    const inARow = this.#inARow.get(key) ?? 0;
    const mayFail = this.injectsFaults && inARow < FAULTS_IN_A_ROW_MAX;
    const fault = mayFail ? this.#drawnFault(call) : null;
    this.#inARow.set(key, fault === null ? 0 : inARow + 1);
    if (fault !== null) this.#countFault(fault === 'slow' ? fault : fault.kind);
    return fault;
  }

  #stubbornOf({ method, path }: Call): Stubborn | null {
    const id = method === 'DELETE' ? /^\/linode\/instances\/(\d+)$/.exec(path)?.[1] : undefined;
    const stubborn = this.injectsFaults ? this.stubborn.get(Number(id)) : undefined;
    return stubborn !== undefined && this.#time.now() < stubborn.until ? stubborn : null;
  }

  #chanceOf = ({ path }: Call): Chance =>
    /transfer/.test(path) ? this.#transferChance : this.#chance;

  #drawnFault(call: Call): FaultRule | 'slow' | null {
    const chance = this.#chanceOf(call);
    const { flaky, lostReplies, hangs, throttled, slow, staleLists, truncatedLists } =
      this.#options;
    const isCreate = call.method === 'POST';
    const isRead = call.method === 'GET';
    if (chance.happens(slow)) return 'slow';
    if (chance.happens(flaky)) return { kind: chance.oneOf(isRead ? READ_FAULTS : WRITE_FAULTS) };
    if (!isRead && chance.happens(lostReplies)) return { kind: chance.oneOf(LOST_REPLIES) };
    if (chance.happens(hangs)) return { kind: chance.oneOf(HANGS) };
    if (chance.happens(throttled)) {
      return { kind: 'status429', retryAfterSeconds: chance.whole(1, 15) };
    }
    if (isCreate && this.#options.scarcity === 'capacity' && chance.happens(0.1)) {
      return { kind: 'capacity' };
    }
    if (this.#options.backups === 'forcedUnseen' && call.path === '/account/settings') {
      return { kind: 'missingScope' };
    }
    if (call.path !== '/linode/instances' || !isRead) return null;
    if (chance.happens(staleLists)) return { kind: 'staleList', seconds: chance.whole(1, 20) };
    if (!chance.happens(truncatedLists)) return null;
    const [items, keepTotals] = [chance.whole(1, 3), chance.happens(0.5)];
    return { kind: 'truncatedList', items, keepTotals };
  }

  /** Milliseconds to Linode and back. A create may arrive after its sender has timed out. */
  #travelMs(call: Call, fault: FaultRule | 'slow' | null): [number, number] {
    const chance = this.#chanceOf(call);
    if (fault === 'slow') return [chance.whole(500, 12_000), chance.whole(500, 12_000)];
    const isCreate = call.method === 'POST';
    return [chance.whole(10, isCreate ? 1_000 : 150), chance.whole(10, 150)];
  }
}

/** The faults that have no fields besides their kind. */
type PlainKind = Exclude<FaultKind, 'status429' | 'staleList' | 'truncatedList'>;
type Kinds = readonly [PlainKind, ...PlainKind[]];
const READ_FAULTS: Kinds = [
  ...(['status408', 'status500', 'html502', 'status503', 'nginx400', 'html200'] as const),
  'dropBefore',
];
const WRITE_FAULTS: Kinds = [...READ_FAULTS, 'busy'];
const LOST_REPLIES: Kinds = ['status408After', 'error500After', 'busyAfter', 'dropAfter'];
const HANGS: Kinds = ['hang', 'hangAfter'];

function settingsOf(options: Options, chance: Chance): SettingsChange {
  return {
    imageSeconds: Math.ceil(options.bootSecondsMax * 0.75),
    bootSeconds: Math.ceil(options.bootSecondsMax * 0.25),
    stuckLabels: options.stuckNodes ? ['-1$'] : [],
    lingerDeletingSeconds: options.lingerSeconds,
    backupsForced: options.backups !== 'none',
    accountLimit: options.scarcity === 'limit' ? 8 : null,
    transferKnown: options.transfer !== 'none',
    sends: sendsOf(options.transfer, chance),
  };
}

function incoming({ method, path, query, filter, body }: Call, token: string) {
  return {
    method,
    path: `/v4${path}`,
    query: new URLSearchParams(query),
    headers: {
      authorization: `Bearer ${token}`,
      ...(token === PERSONS_TOKEN ? {} : { 'user-agent': 'onebuck/simulated' }),
      ...(filter === undefined ? {} : { 'x-filter': JSON.stringify(filter) }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? '' : JSON.stringify(body),
  };
}

function answerOf({ status, headers, body }: Reply): Answer {
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), `${value}`]);
  const byName = new Map(named as [string, string][]);
  return { status, header: (name) => byName.get(name) ?? null, text: body };
}

/** The label and the tags in the body of a create; null: the call is not a create. */
export function createIn(call: Call): { label: string; tags: readonly string[] } | null {
  const { method, path, body } = call;
  if (method !== 'POST' || path !== '/linode/instances' || !isObject(body)) return null;
  return { label: String(body.label), tags: Array.isArray(body.tags) ? body.tags : [] };
}
