import type { Call } from '../lib/adapters/linode/answer.ts';
import {
  type ClusterId,
  clusterOfTags,
  clusterTag,
  ownershipTag,
  reapTimeOfTags,
} from '../lib/core/base/names.ts';
import { epochMs, toIso } from '../lib/core/base/units.ts';
import {
  type ClusterRecord,
  type EndedRecord,
  isLive,
  type NodeRecord,
} from '../lib/core/cluster/record.ts';
import type { Notice } from '../lib/core/notices/notices.ts';
import type { Instance } from '../simulators/linode/instance.ts';
import { createIn, type Watcher } from './linode.ts';
import { billUntil, Oracle } from './oracle.ts';
import { MINUTE } from './time.ts';

/**
 * What docs/architecture.md promises, as far as a world can be checked for it, and that people are
 * told of each thing once; `settled` and `accounted` are what must hold once all has ended.
 */
export type Promised =
  | 'budget'
  | 'caps'
  | 'intentFirst'
  | 'oneLinodePerNode'
  | 'strangers'
  | 'goneMeansGone'
  | 'sameRequest'
  | 'secrets'
  | 'failuresSeen'
  | 'toldOnce'
  | 'settled'
  | 'accounted';

export interface Violation {
  readonly promise: Promised;
  readonly at: string;
  readonly detail: string;
}

interface Book {
  record: ClusterRecord;
  /** Each budget that it had, from when. */
  readonly budgets: { readonly from: number; readonly budget: number }[];
  /** When each of its nodes' ends was saved, by the Linode's id. */
  readonly endsSaved: Map<number, number>;
  /** What people were told of it. */
  readonly told: Set<Notice['kind']>;
  /** A person has changed its Linodes by hand. */
  meddled: boolean;
  overspent: boolean;
}

export interface InvariantsOptions {
  readonly stage: string;
  readonly now: () => number;
  readonly ledger: () => readonly Instance[];
  /** The most that open budgets may come to, in micro-dollars; null: no cap. */
  readonly openBudgetMax: number | null;
  /** When the table was lost; null: it is there. */
  readonly lostAt: () => number | null;
  /** Whether nothing could be destroyed for so long before that instant that it excuses all. */
  readonly isExcused: (at: number) => boolean;
  readonly clockErrorMsMax: number;
  /** Whether Linode's lists are whole and of now. */
  readonly listsAreTrue: boolean;
}

/** With the table lost, how long after a change of budget the tags may still tell the old one. */
const TAGS_FOLLOW_MS = 30 * MINUTE;

/**
 * Watches a simulated world from outside: calls as they reach Linode, records as they are written,
 * and, by the oracle, the bill. Keeps the first violation of what was promised.
 */
export class Invariants implements Watcher {
  readonly #options: InvariantsOptions;
  readonly #oracle = new Oracle();
  readonly #books = new Map<ClusterId, Book>();
  /** By Linode's id, whose node each is, of those that the functions made. */
  readonly #made = new Map<number, { readonly cluster: ClusterId; readonly label: string }>();
  readonly #madeOf = new Map<ClusterId, number[]>();
  /** Linodes that a person took over, or made. */
  readonly #peoples = new Set<number>();
  violation: Violation | null = null;

  constructor(options: InvariantsOptions) {
    this.#options = options;
  }

  violate(promise: Promised, detail: string): void {
    this.violation ??= { promise, at: toIso(epochMs(this.#options.now())), detail };
  }

  get records(): ClusterRecord[] {
    return [...this.#books.values()].map(({ record }) => record);
  }

  get ended(): EndedRecord[] {
    return this.records.flatMap((record) => (isLive(record) ? [] : [record]));
  }

  /** How many have cost more than their budgets. */
  overspentCount(): number {
    return [...this.#books.values()].filter((book) => book.overspent).length;
  }

  /** A person has made a Linode, or taken one over. */
  belongsToPeople(linodeId: number): void {
    this.#peoples.add(linodeId);
  }

  meddledWith(cluster: ClusterId): void {
    const book = this.#books.get(cluster);
    if (book !== undefined) book.meddled = true;
  }

  /** 3: the label was in the record, and the tags in the call, before a create arrives. */
  arrives(call: Call): void {
    const create = createIn(call);
    if (create !== null) this.#checkIntent(create.label, create.tags);
    if (call.method === 'DELETE' || call.method === 'PUT') this.#checkOwnership(call);
  }

  tookEffect(call: Call): void {
    const create = createIn(call);
    if (create === null) return;
    const id = clusterOfTags(create.tags);
    const newest = this.#options.ledger().at(-1);
    if (id === null || newest?.label !== create.label || this.#made.has(newest.id)) return;
    if (this.#peoples.has(newest.id)) return;
    this.#made.set(newest.id, { cluster: id, label: create.label });
    this.#madeOf.set(id, [...(this.#madeOf.get(id) ?? []), newest.id]);
    const alive = this.entriesOf(id).filter((entry) => entry.deleted === null);
    const twins = alive.filter((entry) => this.#made.get(entry.id)?.label === create.label);
    if (twins.length > 1) {
      this.violate('oneLinodePerNode', `${create.label} is ${twins.map((one) => one.id)}`);
    }
  }

  saved(record: ClusterRecord): void {
    const now = this.#options.now();
    const book = this.#books.get(record.id) ?? this.#newBook(record);
    const before = book.record;
    book.record = record;
    if (book.budgets.at(-1)?.budget !== record.budget) {
      book.budgets.push({ from: now, budget: record.budget });
    }
    for (const node of record.nodes) {
      const old = before.nodes[node.index];
      if (endOf(node) !== null && endOf(node) !== (old ? endOf(old) : null)) {
        if ('linodeId' in node) book.endsSaved.set(node.linodeId, now);
      }
    }
    if (!isLive(record) && isLive(before)) this.#checkGone(record);
  }

  /** Each notice once in a cluster's life, and only what its record says was told. */
  told({ clusterId, kind }: Notice): void {
    const book = this.#books.get(clusterId);
    if (book?.told.has(kind)) this.violate('toldOnce', `${kind} of ${clusterId} is told again`);
    if (!book?.record.notified?.includes(kind)) {
      this.violate('toldOnce', `${kind} of ${clusterId} is told, and not in its record`);
    }
    book?.told.add(kind);
  }

  /** Where nothing went wrong: every end was told. */
  checkTold(): void {
    for (const { record, told } of this.#books.values()) {
      if (isLive(record) || told.has('gone') || told.has('failed')) continue;
      this.violate('toldOnce', `${record.id} is ${record.phase}, and nobody was told`);
    }
  }

  /** 1 and 2, at any time. */
  tick(): void {
    const { now, ledger, openBudgetMax } = this.#options;
    this.#oracle.advance(ledger(), now());
    for (const [id, book] of this.#books) this.#checkBudget(id, book);
    if (openBudgetMax === null) return;
    const open = this.records.filter(isLive).reduce((total, { budget }) => total + budget, 0);
    if (open > openBudgetMax) this.violate('caps', `${open} of ${openBudgetMax} are open`);
  }

  /** Linodes of this deployment that exist, but for what people made theirs. */
  alive(): Instance[] {
    const tag = ownershipTag(this.#options.stage);
    return this.#options
      .ledger()
      .filter((entry) => entry.deleted === null && entry.tags.includes(tag));
  }

  /** The recorded spend is the bill: to the micro-dollar, wherever an end can be told apart. */
  checkAccounts(): { exact: number; within: number } {
    const counts = { exact: 0, within: 0 };
    for (const [id, book] of this.#books) {
      const { record } = book;
      if (isLive(record) || book.meddled) continue;
      const entries = [...this.entriesOf(id), ...this.#copiesIn(record)];
      const error = 2 * this.#options.clockErrorMsMax + 2_000;
      const earlier = entries.map((entry) => ({ ...entry, created: entry.created - error }));
      const late = (one: Instance) => (book.endsSaved.get(one.id) ?? ended(one)) + error;
      const truth = bill(entries, ended);
      // A beginning that is earlier may also move an hour off a month's end, which is cheaper.
      const shortest = bill(entries, (entry) => ended(entry) - error);
      const told = [shortest, truth, bill(entries, late), bill(earlier, late)];
      const [least, most] = [Math.min(...told), Math.max(...told)];
      const spent = record.spent;
      if (
        spent < least ||
        spent > most ||
        record.overspent !== Math.max(0, spent - record.budget)
      ) {
        const range = least === most ? `${truth}` : `${least} to ${most}`;
        this.violate('accounted', `${id} recorded ${spent} where the bill was ${range}`);
      }
      if (least === most) counts.exact += 1;
      else counts.within += 1;
    }
    return counts;
  }

  /** The true bill of each cluster, and what was overspent. */
  overspentTotal(): number {
    return [...this.#books].reduce((total, [id, { record }]) => {
      return total + Math.max(0, bill(this.entriesOf(id), ended) - record.budget);
    }, 0);
  }

  /** Those that the functions made for it, but for what a person took over. */
  entriesOf(id: ClusterId): Instance[] {
    const ids = new Set(this.#madeOf.get(id));
    if (ids.size === 0) return [];
    return this.#options.ledger().filter((one) => ids.has(one.id) && !this.#peoples.has(one.id));
  }

  /** Copies that people made with a cluster's tags, taken for nodes whose creates had no answer. */
  #copiesIn({ nodes }: ClusterRecord): Instance[] {
    const ids = new Set(nodes.flatMap((node) => ('linodeId' in node ? node.linodeId : [])));
    return this.#options.ledger().filter(({ id }) => this.#peoples.has(id) && ids.has(id));
  }

  #newBook(record: ClusterRecord): Book {
    const book = {
      record,
      budgets: [],
      endsSaved: new Map(),
      told: new Set<Notice['kind']>(),
      meddled: false,
      overspent: false,
    };
    this.#books.set(record.id, book);
    return book;
  }

  #checkIntent(label: string, tags: readonly string[]): void {
    const id = clusterOfTags(tags);
    const record = id === null ? undefined : this.#books.get(id)?.record;
    const node = record?.nodes.find((one) => one.label === label);
    if (node === undefined || node.state === 'planned') {
      this.violate('intentFirst', `${label} is created, and its record says ${node?.state}`);
    }
    const isMarked =
      tags.includes(ownershipTag(this.#options.stage)) && reapTimeOfTags(tags) !== null;
    if (!isMarked) this.violate('intentFirst', `${label} is created with ${tags}`);
  }

  /** 5: of Linodes that never were ours, none is touched. */
  #checkOwnership({ method, path }: Call): void {
    const id = Number(/^\/linode\/instances\/(\d+)$/.exec(path)?.[1]);
    const entry = this.#options.ledger().find((one) => one.id === id);
    if (entry === undefined) return;
    const tag = ownershipTag(this.#options.stage);
    if (entry.tags.includes(tag) || entry.tagsAtCreation.includes(tag)) return;
    this.violate('strangers', `${method} of ${entry.label}, which bears ${entry.tags}`);
  }

  /** 6, for what the cluster's own creates have made. */
  #checkGone(record: ClusterRecord): void {
    const { stage, now, listsAreTrue } = this.#options;
    const tags = [ownershipTag(stage), clusterTag(record.id)];
    const left = this.entriesOf(record.id).filter(
      (entry) => entry.deleted === null && tags.every((tag) => entry.tags.includes(tag)),
    );
    if (left.length > 0) {
      this.violate('goneMeansGone', `${record.id} is ${record.phase}; ${left[0]?.label} exists`);
    }
    const shown = this.entriesOf(record.id).find(({ goneAt }) => (goneAt ?? 0) > now());
    if (listsAreTrue && shown !== undefined) {
      this.violate('goneMeansGone', `${record.id} is ${record.phase}; ${shown.label} is shown`);
    }
  }

  #checkBudget(id: ClusterId, book: Book): void {
    const total = this.#oracle.billOf(this.entriesOf(id).map((entry) => entry.id));
    const budget = this.#budgetOf(book);
    if (total <= budget || book.overspent) return;
    book.overspent = true;
    if (this.#options.isExcused(this.#options.now())) return;
    this.violate('budget', `${id} is billed ${total} and has ${budget}`);
  }

  #budgetOf({ budgets }: Book): number {
    const lostAt = this.#options.lostAt();
    if (lostAt === null) return budgets.at(-1)?.budget ?? 0;
    const told = budgets.filter((_, index) => {
      const until = budgets[index + 1]?.from ?? Number.POSITIVE_INFINITY;
      return until > lostAt - TAGS_FOLLOW_MS;
    });
    return Math.max(0, ...told.map(({ budget }) => budget));
  }
}

const endOf = (node: NodeRecord): number | null =>
  'billedUntil' in node ? node.billedUntil : null;

const ended = (entry: Instance): number => entry.deleted ?? Number.NaN;

const bill = (entries: readonly Instance[], end: (entry: Instance) => number): number =>
  entries.reduce((total, entry) => total + billUntil(entry, end(entry)), 0);
