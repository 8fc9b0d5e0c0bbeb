import type { ApiToken } from './core/base/api-token.ts';
import type { ClusterId, NodeLabel, ScheduleId, Tag } from './core/base/names.ts';
import type { DurationMs, EpochMs } from './core/base/units.ts';
import type { MonthName } from './core/billing/bill.ts';
import type { Ledger } from './core/caps/ledger.ts';
import type { OwnerRecord } from './core/caps/owners.ts';
import type {
  Image,
  InterfaceGeneration,
  LinodeType,
  Region,
  TransferPrices,
} from './core/catalogue/lists.ts';
import type { Granted } from './core/cluster/limited.ts';
import type { Linode } from './core/cluster/linode.ts';
import type { MetricValues } from './core/cluster/metrics.ts';
import type { AgentReport, Reports } from './core/cluster/readiness.ts';
import type { ClusterRecord } from './core/cluster/record.ts';
import type {
  Invoice,
  InvoiceBook,
  InvoicedMonth,
  InvoiceItem,
  ToldCluster,
} from './core/invoices/invoice.ts';
import type { JobProgress, RankEnd, RankProgress, Results } from './core/job/progress.ts';
import type { Tally } from './core/notices/digest/tally.ts';
import type { Message } from './core/notices/message.ts';
import type { Batch } from './core/pass/batches.ts';
import type { ScheduleRecord } from './core/schedule/schedule.ts';

/** The time of the use cases. In local runs it may pass faster than the machine's time. */
export interface Clock {
  now(): EpochMs;
  /** Resolves at `until`, or at once if `until` has passed. */
  sleep(until: EpochMs): Promise<void>;
}

/**
 * The calls of Linode's API v4 that Onebuck uses. `by` is the instant after which a call neither
 * retries nor waits. Each call is tried at least once, unless many others fail at the same time,
 * then ends with an answer or an AppError (`linodeUnavailable`, `linodeDenied`, `linodeRejected`). No error contains the token.
 */
export interface LinodeApi {
  types(by: EpochMs): Promise<Cacheable<readonly LinodeType[]>>;
  regions(by: EpochMs): Promise<Cacheable<readonly Region[]>>;
  /**
   * All images but recovery images: Linode makes one of each deleted Linode that has lived for a
   * day, so that clusters would crowd the list.
   */
  images(by: EpochMs): Promise<Cacheable<readonly Image[]>>;
  recoveryImages(by: EpochMs): Promise<Cacheable<readonly Image[]>>;
  /**
   * Whether the region has machines left, for the types that Linode lists for it; all other types
   * are available. A create may be refused even where this says true. Gives up within seconds,
   * since launches do without it.
   */
  availability(region: string, by: EpochMs): Promise<readonly TypeAvailability[]>;
  /**
   * What a GB beyond the account's pool costs; null: the server does not know transfer, as Linode
   * does. Gives up within seconds, since launches do without it.
   */
  transferPrices(by: EpochMs): Promise<Cacheable<TransferPrices | null>>;
  /** `unreadable`: the token lacks the scope account:read_only. */
  accountSettings(by: EpochMs): Promise<AccountSettings | 'unreadable'>;
  /**
   * `unreadable`: the token lacks the scope firewall:read_only, or Linode has no such setting. Gives
   * up within seconds, since launches do without it.
   */
  defaultFirewalls(by: EpochMs): Promise<DefaultFirewalls | 'unreadable'>;
  /** Every VLAN of the region, whoever made it, also those without Linodes; null: of all regions. */
  vlans(region: string | null, by: EpochMs): Promise<readonly Vlan[]>;
  /**
   * Deletes a VLAN without Linodes. May be called twice; `notFound` is as good as `deleted`. AppError
   * `linodeRejected` if a Linode is attached: one that was deleted just now may be for a while.
   */
  deleteVlan(region: string, label: string, by: EpochMs): Promise<'deleted' | 'notFound'>;
  /**
   * Every Linode that bears the tag, from all pages, each once. If only some could be read, throws
   * `PartialListError`, which has these.
   */
  listByTag(tag: Tag, by: EpochMs): Promise<Linode[]>;
  get(id: number, by: EpochMs): Promise<Linode | 'notFound'>;
  /**
   * How many bytes the Linode has sent in the present calendar month (UTC). Gives up within seconds,
   * and holds up no other call.
   */
  bytesSent(id: number, by: EpochMs): Promise<number | 'notFound'>;
  /** The Linode with exactly this label, whoever created it. */
  findByLabel(label: NodeLabel, by: EpochMs): Promise<Linode | 'notFound'>;
  /**
   * Sends at most one create that could take effect, and never after `notAfter`; waits for the rate
   * limit until then. After a lost reply, or if the label is taken, looks up the label, and adopts
   * its Linode if that bears the ownership tag and the cluster's tag of the request. Throws
   * `linodeDenied` if Linode refuses the token; then no Linode was created.
   */
  create(
    request: CreateRequest,
    limits: { notAfter: EpochMs; by: EpochMs },
  ): Promise<CreateOutcome>;
  /** May be called twice; `notFound` is as good as `deleted`. */
  delete(id: number, by: EpochMs): Promise<'deleted' | 'notFound'>;
  /** Replaces all tags of the Linode by `tags`. May be called twice. */
  setTags(id: number, tags: readonly Tag[], by: EpochMs): Promise<Linode | 'notFound'>;
  /**
   * Removes the tag from the account, and so from everything that bears it. May be called twice.
   */
  deleteTag(tag: Tag, by: EpochMs): Promise<void>;
  /** The invoices of the account, in any order. `unreadable`: the token lacks account:read_only. */
  invoices(by: EpochMs): Promise<readonly Invoice[] | 'unreadable'>;
  /**
   * A page of the items of an invoice, from 1; Linode makes pages of 500. `notFound`: there is no such
   * page, or no such invoice any more.
   */
  invoiceItems(
    invoiceId: number,
    page: number,
    by: EpochMs,
  ): Promise<InvoicePage | 'notFound' | 'unreadable'>;
}

export interface InvoicePage {
  readonly items: readonly InvoiceItem[];
  /** How many pages the invoice has; at least 1. */
  readonly pages: number;
  /** How many items of the page can't be read. */
  readonly unreadable: number;
}

export interface Cacheable<T> {
  readonly value: T;
  /** How long after the call Linode lets the value be used; null: Linode did not say. */
  readonly maxAge: DurationMs | null;
}

/** The settings of the account that decide what a new Linode is and costs. */
export interface AccountSettings {
  /** Whether every new Linode gets backups, at the price of its type's backups. */
  readonly backupsForced: boolean;
  /** Whether Linode manages the account, for about $100 a month more for each Linode. */
  readonly managed: boolean;
  /** Whether Linode sets up addresses inside machines whose create does not say so. */
  readonly networkHelper: boolean;
  /** The generation of network interfaces to create: `linode` where the account takes no other. */
  readonly interfaces: InterfaceGeneration;
}

/**
 * For each generation, the id of the firewall that Linode attaches to a new Linode unless its create
 * says otherwise; null: none.
 */
export type DefaultFirewalls = Readonly<Record<InterfaceGeneration, number | null>>;

export interface Vlan {
  readonly region: string;
  readonly label: string;
  /** How many Linodes are attached. */
  readonly linodes: number;
}

export interface TypeAvailability {
  readonly type: string;
  readonly available: boolean;
}

export interface CreateRequest {
  readonly label: NodeLabel;
  readonly type: string;
  readonly region: string;
  readonly image: string;
  readonly tags: readonly Tag[];
  /** null: people log in by keys only. */
  readonly rootPassword: string | null;
  readonly authorizedKeys: readonly string[];
  /** The users of the account whose keys may log in, too. */
  readonly authorizedUsers: readonly string[];
  /** Base64, as Linode's Metadata service takes it. */
  readonly userData: string | null;
  /** The generation of network interfaces: docs/linode.md#creates. */
  readonly interfaces: InterfaceGeneration;
  /** The VLAN that the Linode joins by its second interface; null: it has only a public one. */
  readonly vlan: VlanAddress | null;
}

export interface VlanAddress {
  /** The VLAN of this label in the Linode's region; the first Linode to name it makes it. */
  readonly label: string;
  /** The Linode's address there with the length of its subnet's prefix, `10.128.0.1/24`. */
  readonly address: string;
}

export type CreateOutcome =
  /** Linode created it, or it was found under the label with Onebuck's tags. */
  | { readonly kind: 'created'; readonly linode: Linode }
  /** No Linode was created, and another create would be refused too. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** No Linode was created; a create may succeed from `retryAt` on. */
  | { readonly kind: 'notSent'; readonly reason: string; readonly retryAt: EpochMs }
  /** The Linode may exist, or come to exist: count it as billed until it is known not to exist. */
  | { readonly kind: 'unknown'; readonly reason: string };

/** A record that exists and can't be read: a later version wrote it, or a field is damaged. */
export interface Unreadable<Id extends string = ClusterId> {
  readonly id: Id;
  /** Whose record it is; null: that can't be read either. */
  readonly owner: string | null;
  /** Why, as a clause about the record: names its version or its field, and no content. */
  readonly unreadable: string;
}

export const isUnreadable = <Found extends object>(
  found: Found,
): found is Extract<Found, Unreadable<string>> => 'unreadable' in found;

/** Splits records into those that can be read and those that can't, each in their order. */
export const byReadability = <R extends { readonly id: string }>(
  found: readonly (R | Unreadable<R['id']>)[],
): ManyRead<R> => ({
  records: found.filter((record): record is R => !isUnreadable(record)),
  unreadable: found.filter((record): record is Unreadable<R['id']> => isUnreadable(record)),
});

export interface ManyRead<R extends { readonly id: string } = ClusterRecord> {
  readonly records: readonly R[];
  readonly unreadable: readonly Unreadable<R['id']>[];
}

/**
 * The records of clusters. A record is written whole, and only over the revision that was read. Of
 * two writers, one gets `conflict` and must drop its pass. Texts for people in a record are cut
 * where the store has no room for them whole; a write never fails because a record is too large.
 */
export interface ClusterStore {
  /** `exists`: there is a record with this id already, which was left unchanged. */
  insert(record: ClusterRecord): Promise<'inserted' | 'exists'>;
  /**
   * Reads consistently: sees every write that was answered before. AppError `unreadable` if there
   * is a record that can't be read.
   */
  get(id: ClusterId): Promise<ClusterRecord | 'notFound'>;
  /**
   * Reads consistently. Ids without a record are missing from the result. A record that can't be
   * read keeps none of the others from being read.
   */
  getMany(ids: readonly ClusterId[]): Promise<ManyRead>;
  /** Writes over the revision `record.revision`; returns the record with its new revision. */
  save(record: ClusterRecord): Promise<ClusterRecord | 'conflict'>;
  /**
   * The clusters and schedules due at or before `until`, most overdue first. May lag behind writes
   * by seconds.
   */
  due(until: EpochMs): AsyncIterable<DueItem>;
  /**
   * A page of records, newest first; fewer than `limit` if the records are large. May lag behind
   * writes by seconds.
   */
  list(query: ListQuery): Promise<RecordPage>;
  /**
   * The clusters launched before `to` and not ended before `from`, newest first, and the records
   * launched before `to` that can't be read, in pages as the store reads them; a page may be empty.
   * Reads a page only when it is asked for. May lag behind writes by seconds.
   */
  livedIn(query: LivedQuery): AsyncIterable<RecordPage>;
}

export interface RecordPage {
  readonly records: readonly ClusterRecord[];
  readonly nextCursor: string | null;
  /** The matching records among those of the page that can't be read. */
  readonly unreadable: readonly Unreadable[];
}

/** A cluster or a schedule with the instant at which its next pass or run is due. */
export interface DueItem {
  readonly id: ClusterId | ScheduleId;
  readonly dueAt: EpochMs;
}

export interface ListQuery {
  /** null: the clusters of all owners. */
  readonly owner: string | null;
  /** A phase, or `live` for all three phases of live clusters; null: any phase. */
  readonly status: ClusterRecord['phase'] | 'live' | null;
  /** The month (UTC) of the launch; null: any month. */
  readonly month: MonthName | null;
  /** 1 to 100. */
  readonly limit: number;
  /** A `nextCursor` of the same query, or null for the first page. */
  readonly cursor: string | null;
}

export interface LivedQuery {
  /** null: the clusters of all owners. */
  readonly owner: string | null;
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** A `nextCursor` of the same query, or null for the first page. */
  readonly cursor: string | null;
}

/**
 * The records of schedules, which the index `due` holds beside clusters. As with ClusterStore, a
 * record is written whole, and only over the revision that was read.
 */
export interface ScheduleStore {
  /** `exists`: there is a record with this id already, which was left unchanged. */
  insert(record: ScheduleRecord): Promise<'inserted' | 'exists'>;
  /**
   * Reads consistently: sees every write that was answered before. AppError `unreadable` if there
   * is a record that can't be read.
   */
  get(id: ScheduleId): Promise<ScheduleRecord | 'notFound'>;
  /** Writes over the revision `record.revision`; returns the record with its new revision. */
  save(record: ScheduleRecord): Promise<ScheduleRecord | 'conflict'>;
  /**
   * Deletes the record, whatever its revision. A later save gets `conflict`. May be called twice.
   */
  delete(id: ScheduleId): Promise<void>;
  /**
   * The schedules of an owner (null: of all owners), newest first, without those that can't be
   * read. May lag behind writes by seconds.
   */
  list(owner: string | null): Promise<ScheduleRecord[]>;
  /** A page of what `list` returns; fewer than `limit` if the records are large. */
  page(query: ScheduleQuery): Promise<SchedulePage>;
}

export interface ScheduleQuery {
  /** null: the schedules of all owners. */
  readonly owner: string | null;
  /** 1 to 100. */
  readonly limit: number;
  /** A `nextCursor` of the same query, or null for the first page. */
  readonly cursor: string | null;
}

export interface SchedulePage {
  readonly records: readonly ScheduleRecord[];
  readonly nextCursor: string | null;
  /** The schedules among those of the page that can't be read. */
  readonly unreadable: readonly Unreadable<ScheduleId>[];
}

/**
 * What the agents on nodes have said, apart from the records: an agent's call never conflicts with a
 * pass.
 */
export interface AgentReports {
  /**
   * Keeps the report of the cluster's node `rank`, at least until `keptUntil`, unless one is there
   * that counts (`counting`). May be called twice. Reports of several nodes at once are all kept.
   */
  report(id: ClusterId, rank: number, report: AgentReport, keptUntil: EpochMs): Promise<void>;
  /** Reads consistently. Clusters without a report are missing from the result. */
  read(ids: readonly ClusterId[]): Promise<ReadonlyMap<ClusterId, Reports>>;
}

/** The allowances of clusters' nodes, apart from the records, as with AgentReports. */
export interface Allowances {
  /**
   * Reads consistently. What was granted in the month that the cluster was last granted in; null:
   * nothing yet. Throws if it can't be read.
   */
  read(id: ClusterId): Promise<Granted | null>;
  /**
   * Writes over the version before `next.version`, to be kept at least until `keptUntil`. `conflict`:
   * another grant was kept since that was read.
   */
  grant(id: ClusterId, next: Granted, keptUntil: EpochMs): Promise<'granted' | 'conflict'>;
}

/** What an agent tells of its node's part in the job of its cluster. */
export type JobNews = { readonly at: EpochMs } & (
  | { readonly kind: 'heard' }
  | { readonly kind: 'staged' }
  | { readonly kind: 'started' }
  /** `bytes`: how long the log is, up to the end of the segment. */
  | { readonly kind: 'log'; readonly bytes: number }
  | { readonly kind: 'exited'; readonly exitCode: number | null }
  | ({
      readonly kind: 'ended';
      readonly reason: string | null;
      readonly results: Results | null;
    } & RankEnd)
);

/** What agents have told of jobs, apart from the records, as with AgentReports. */
export interface JobReports {
  /**
   * Keeps the news of the cluster's node `rank`, at least until `keptUntil`. May be called twice.
   * Of each kind the first counts for good, but of `heard` the last, and of `log` the longest. News
   * of several nodes at once are all kept.
   */
  tell(id: ClusterId, rank: number, news: JobNews, keptUntil: EpochMs): Promise<void>;
  /** Reads consistently. Clusters of whose jobs nothing was told are missing from the result. */
  read(ids: readonly ClusterId[]): Promise<ReadonlyMap<ClusterId, JobProgress>>;
  /** Reads consistently. Nodes of which nothing was told are missing from the result. */
  readRanks(id: ClusterId, ranks: readonly number[]): Promise<ReadonlyMap<number, RankProgress>>;
}

/**
 * The files of jobs: uploads, logs and results, by their keys. Their URLs need no other credentials,
 * and expire by real time, also where a local clock runs faster.
 */
export interface JobFiles {
  /** A URL that takes PUTs of exactly `bytes` bytes until `expiresIn` has passed: at most 7 days. */
  uploadUrl(key: string, bytes: number, expiresIn: DurationMs): Promise<string>;
  /** A URL for GETs; with `filename` browsers save the file under that name. */
  downloadUrl(key: string, expiresIn: DurationMs, filename?: string): Promise<string>;
  /** In bytes; null: there is no such file. */
  size(key: string): Promise<number | null>;
  /** Writes a small file whole, such as a segment of a log (65,536 bytes at most). */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Reads a small file whole; null: there is none. */
  get(key: string): Promise<Uint8Array | null>;
  /** Copies up to 5 GB within 20 s; replaces a file at `to`. */
  copy(from: string, to: string): Promise<'copied' | 'notFound'>;
  /** May be called twice. */
  delete(key: string): Promise<void>;
}

/** How far the digest of a period is. */
export interface DigestProgress {
  /** The number of writes; 0: none yet. */
  readonly revision: number;
  /** `done`: every message was sent, or given up. */
  readonly stage: 'reading' | 'sending' | 'done';
  /** Where the reading goes on; null: from the first record, or there is no more to read. */
  readonly cursor: string | null;
  readonly tally: Tally;
}

/**
 * What was read and sent of digests. A period is named by `Period.name`; a message by its period, a
 * slash, and a name of its own.
 */
export interface DigestStore {
  /** Reads consistently; null: nothing was saved. */
  read(period: string): Promise<DigestProgress | null>;
  /**
   * Writes over the revision `progress.revision`, to be kept at least until `keptUntil`; returns the
   * progress with its new revision. Of two writers, one gets `conflict`.
   */
  save(
    period: string,
    progress: DigestProgress,
    keptUntil: EpochMs,
  ): Promise<DigestProgress | 'conflict'>;
  /**
   * Lets one function send the message, until `until`. `taken`: another function has the message;
   * `sent`: one has sent it.
   */
  claim(
    message: string,
    times: { readonly now: EpochMs; readonly until: EpochMs; readonly keptUntil: EpochMs },
  ): Promise<'claimed' | 'taken' | 'sent'>;
  /** Lets another function send the claimed message, since this one could not. May be called twice. */
  release(message: string): Promise<void>;
  /** Nobody sends the claimed message any more. May be called twice. */
  sent(message: string, at: EpochMs): Promise<void>;
}

/** The ledger of the deployment, written whole, and only over the revision that was read. */
export interface LedgerStore {
  /**
   * Reads consistently: sees every write that was answered before. Before the first write, the
   * ledger is empty and has revision 0.
   */
  read(): Promise<Ledger>;
  /** Writes over the revision `ledger.revision`. Of two writers, one gets `conflict`. */
  save(ledger: Ledger): Promise<'saved' | 'conflict'>;
}

/**
 * What Linode's invoices say, beside the records. Everything but the book is kept until an instant,
 * and may be written twice.
 */
export interface InvoiceStore {
  /** Reads consistently. Before the first write, the book is empty and has revision 0. */
  book(): Promise<InvoiceBook>;
  /** Writes over the revision `book.revision`; returns the book with its new revision. */
  saveBook(book: InvoiceBook): Promise<InvoiceBook | 'conflict'>;
  /** Keeps the items of a page, in place of those that were kept for the page. */
  keepPage(page: PageRef, items: readonly InvoiceItem[], keptUntil: EpochMs): Promise<void>;
  /** The items of the page; null: none are kept. */
  page(page: PageRef): Promise<readonly InvoiceItem[] | null>;
  /** Keeps what was invoiced for a cluster in a month. */
  keepCluster(
    ref: { readonly id: ClusterId; readonly month: MonthName },
    invoiced: ToldCluster,
    keptUntil: EpochMs,
  ): Promise<void>;
  /** Reads consistently. Clusters without an invoice of the month are missing from the result. */
  clusters(
    ids: readonly ClusterId[],
    month: MonthName,
  ): Promise<ReadonlyMap<ClusterId, ToldCluster>>;
  keepMonth(month: MonthName, invoiced: InvoicedMonth, keptUntil: EpochMs): Promise<void>;
  /** null: no invoice bills the whole month. */
  month(month: MonthName): Promise<InvoicedMonth | null>;
}

export interface PageRef {
  readonly invoiceId: number;
  /** From 1. */
  readonly page: number;
}

/**
 * What the admin has decided about owners, and their tokens. A record is written whole, and only over
 * the revision that was read; it is never deleted, so that whoever was revoked stays so.
 */
export interface OwnerStore {
  /** Reads consistently. null: there is no record. Throws if it can't be read. */
  get(owner: string): Promise<OwnerRecord | null>;
  /** `exists`: there is a record of this owner already, which was left unchanged. */
  insert(record: OwnerRecord): Promise<'inserted' | 'exists'>;
  /** Writes over the revision `record.revision`; returns the record with its new revision. */
  save(record: OwnerRecord): Promise<OwnerRecord | 'conflict'>;
  /** All records but those that can't be read, by name. May lag behind writes by seconds. */
  list(): Promise<OwnerRecord[]>;
}

/** The contents of the deployment's secret. */
export interface Secrets {
  /** `fresh`: read the secret again, because Linode refused the last token. */
  linodeToken(options: { fresh: boolean }): Promise<string>;
  /**
   * The API tokens by owner. An owner may have several. `fresh`: read the secret again, because the caller has a token that may be new. The secret is
   * then at most 5 seconds old, and otherwise at most 5 minutes.
   */
  apiTokens(options: { fresh: boolean }): Promise<Readonly<Record<string, readonly ApiToken[]>>>;
  /** The key from which root passwords are derived; null: the secret has none. */
  passwordKey(): Promise<string | null>;
  /** The key that signs notices to the webhook; null: the secret has none. */
  webhookKey(): Promise<string | null>;
}

/**
 * Asks Lambda to run passes soon. A nudge may be lost or doubled; the index `due` makes up for
 * both.
 */
export interface Nudge {
  /** One function makes all passes of the batch. */
  reconcile(batch: Batch): Promise<void>;
  runSchedule(id: ScheduleId): Promise<void>;
}

/**
 * Sends notices to people. `send` may fail or hang: the caller limits how long it waits, and goes
 * on without it.
 */
export interface Notifier {
  send(notice: Message): Promise<void>;
}

/** One way by which notices reach people. */
export interface Channel {
  /** The same for ever: what was sent is noted under it. */
  readonly name: 'log' | 'topic' | 'webhook';
  /** Builds the channel, only when there is something to send; a bad setting throws here. */
  readonly open: () => Notifier;
}

/**
 * Metrics for alarms and the dashboard. Takes no time and never throws, even if `measure` throws,
 * so that no pass fails because of a metric.
 */
export interface Metrics {
  emit(measure: () => MetricValues): void;
}

export interface Log {
  info(message: string, details?: Readonly<Record<string, unknown>>): void;
  warn(message: string, details?: Readonly<Record<string, unknown>>): void;
  error(message: string, details?: Readonly<Record<string, unknown>>): void;
}
