import type { ClusterId, NodeLabel, ScheduleId, Tag } from './core/base/names.ts';
import type { DurationMs, EpochMs } from './core/base/units.ts';
import type { MonthName } from './core/billing/bill.ts';
import type { Ledger } from './core/caps/ledger.ts';
import type { Image, LinodeType, Region } from './core/catalogue/lists.ts';
import type { Linode } from './core/cluster/linode.ts';
import type { MetricValues } from './core/cluster/metrics.ts';
import type { ClusterRecord } from './core/cluster/record.ts';
import type { Notice } from './core/notices/notices.ts';
import type { ScheduleRecord } from './core/schedule/schedule.ts';

/** Time as the use cases see it. Locally it may run faster than the machine's. */
export interface Clock {
  now(): EpochMs;
  /** Resolves at `until`, or at once if that has passed. */
  sleep(until: EpochMs): Promise<void>;
}

/**
 * Linode's API v4, as far as it is used. `by` is the instant after which a call neither retries
 * nor waits: each call is tried at least once, then ends with an answer or an AppError
 * (`linodeUnavailable`, `linodeDenied`, `linodeRejected`). No error carries the token.
 */
export interface LinodeApi {
  types(by: EpochMs): Promise<Cacheable<readonly LinodeType[]>>;
  regions(by: EpochMs): Promise<Cacheable<readonly Region[]>>;
  images(by: EpochMs): Promise<Cacheable<readonly Image[]>>;
  /**
   * Whether the region has machines left of the types that Linode lists for it; it has all others.
   * Even where true, a create may be refused. Gives up within seconds: nothing hangs on it.
   */
  availability(region: string, by: EpochMs): Promise<readonly TypeAvailability[]>;
  /**
   * Does the account force backups, which cost extra, on every new Linode? `unreadable`: the
   * token lacks the scope account:read_only, so that the dearer must be assumed.
   */
  backupsForced(by: EpochMs): Promise<boolean | 'unreadable'>;
  /** Every Linode that bears the tag, all pages, each once; or an error, never a part of them. */
  listByTag(tag: Tag, by: EpochMs): Promise<Linode[]>;
  get(id: number, by: EpochMs): Promise<Linode | 'notFound'>;
  /** The one Linode with exactly this label, whoever made it. */
  findByLabel(label: NodeLabel, by: EpochMs): Promise<Linode | 'notFound'>;
  /**
   * Sends at most one create that could take effect, and never after `notAfter`; waits for the
   * rate limit until then. After a lost reply, or where the label is taken, looks the label up and
   * adopts what bears those of the request's tags that make it ours (`onebuck…`). Throws
   * `linodeDenied` if the token is refused: then nothing was made.
   */
  create(
    request: CreateRequest,
    limits: { notAfter: EpochMs; by: EpochMs },
  ): Promise<CreateOutcome>;
  /** May be called twice: `notFound` is as good as `deleted`. */
  delete(id: number, by: EpochMs): Promise<'deleted' | 'notFound'>;
  /** Puts these tags in place of all that it has. May be called twice. */
  setTags(id: number, tags: readonly Tag[], by: EpochMs): Promise<Linode | 'notFound'>;
  /** Removes the tag from the account, and so from all that bears it. May be called twice. */
  deleteTag(tag: Tag, by: EpochMs): Promise<void>;
}

export interface Cacheable<T> {
  readonly value: T;
  /** For how long after it was asked for Linode lets it be used; null: it did not say. */
  readonly maxAge: DurationMs | null;
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
  /** null: log in by `authorizedKeys` alone. */
  readonly rootPassword: string | null;
  readonly authorizedKeys: readonly string[];
  /** Base64, as Linode's Metadata service takes it. */
  readonly userData: string | null;
}

export type CreateOutcome =
  /** Created, or found under the label with our tags. */
  | { readonly kind: 'created'; readonly linode: Linode }
  /** Nothing was made, and asking again would not help. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nothing was made; worth asking again from `retryAt`. */
  | { readonly kind: 'notSent'; readonly reason: string; readonly retryAt: EpochMs }
  /** It may exist, or come to exist: count it as billed until it is known not to. */
  | { readonly kind: 'unknown'; readonly reason: string };

/**
 * The records. A record is written whole, and only over the revision that was read: of two
 * writers, one gets `conflict` and must drop its pass.
 */
export interface ClusterStore {
  /** `exists`: there is a record with this id, and it was left alone. */
  insert(record: ClusterRecord): Promise<'inserted' | 'exists'>;
  /** Consistent: sees every write that was answered before. */
  get(id: ClusterId): Promise<ClusterRecord | 'notFound'>;
  /** Consistent. Ids without a record are left out. */
  getMany(ids: readonly ClusterId[]): Promise<ClusterRecord[]>;
  /** Writes over the revision `record.revision` and returns the record with the next one. */
  save(record: ClusterRecord): Promise<ClusterRecord | 'conflict'>;
  /**
   * Clusters and schedules due at or before `until`, most overdue first. May lag writes by seconds.
   */
  due(until: EpochMs): AsyncIterable<ClusterId | ScheduleId>;
  /** Newest first, a page at a time, of fewer than `limit` if they are large. May lag writes. */
  list(query: ListQuery): Promise<{ records: ClusterRecord[]; nextCursor: string | null }>;
  /** Launched before `to` and not ended before `from`, newest first. May lag writes by seconds. */
  livedIn(query: LivedQuery): AsyncIterable<ClusterRecord>;
}

export interface ListQuery {
  /** null: everybody's. */
  readonly owner: string | null;
  readonly status: ClusterRecord['phase'] | null;
  /** Launched in that month (UTC); null: whenever. */
  readonly month: MonthName | null;
  /** 1 to 100. */
  readonly limit: number;
  /** A `nextCursor` of the same query, or null for the first page. */
  readonly cursor: string | null;
}

export interface LivedQuery {
  /** null: everybody's. */
  readonly owner: string | null;
  readonly from: EpochMs;
  readonly to: EpochMs;
}

/** The records of schedules, which are due in the same index as clusters. As ClusterStore else. */
export interface ScheduleStore {
  /** `exists`: there is a record with this id, and it was left alone. */
  insert(record: ScheduleRecord): Promise<'inserted' | 'exists'>;
  /** Consistent: sees every write that was answered before. */
  get(id: ScheduleId): Promise<ScheduleRecord | 'notFound'>;
  /** Writes over the revision `record.revision` and returns the record with the next one. */
  save(record: ScheduleRecord): Promise<ScheduleRecord | 'conflict'>;
  /** Whatever its revision; a save after that is a `conflict`. May be called twice. */
  delete(id: ScheduleId): Promise<void>;
  /** All of an owner, or everybody's where that is null; newest first. May lag writes by seconds. */
  list(owner: string | null): Promise<ScheduleRecord[]>;
}

/** The one ledger of the deployment, written whole, and only over the revision that was read. */
export interface LedgerStore {
  /** Consistent: sees every write that was answered before. Of revision 0 before the first. */
  read(): Promise<Ledger>;
  /** Writes over the revision `ledger.revision`. Of two writers, one gets `conflict`. */
  save(ledger: Ledger): Promise<'saved' | 'conflict'>;
}

/** What the secret of the deployment holds. */
export interface Secrets {
  /** `fresh`: read it again, because the last one was refused. */
  linodeToken(options: { fresh: boolean }): Promise<string>;
  /** SHA-256 of each API token in lower-case hex, by owner, who may have several. */
  apiTokens(): Promise<Readonly<Record<string, readonly string[]>>>;
  /** What root passwords are derived from; null: the secret has none. */
  passwordKey(): Promise<string | null>;
  /** What notices to the webhook are signed with; null: the secret has none. */
  webhookKey(): Promise<string | null>;
}

/** Asks for a pass soon. May be lost or doubled: the due index makes up for it. */
export interface Nudge {
  reconcile(id: ClusterId): Promise<void>;
  runSchedule(id: ScheduleId): Promise<void>;
}

/** Tells people. It may fail or hang: whoever sends bounds it, and goes on without. */
export interface Notifier {
  send(notice: Notice): Promise<void>;
}

/**
 * Counts for alarms and the dashboard. Takes no time, and never throws, not even what `measure`
 * throws: no pass fails over a count.
 */
export interface Metrics {
  emit(measure: () => MetricValues): void;
}

export interface Log {
  info(message: string, details?: Readonly<Record<string, unknown>>): void;
  warn(message: string, details?: Readonly<Record<string, unknown>>): void;
  error(message: string, details?: Readonly<Record<string, unknown>>): void;
}
