import {
  createdIn,
  cursorOf,
  type Positioned,
  pageOf,
  positionOf,
} from '../../lib/adapters/dynamodb/pages.ts';
import { unreadableError } from '../../lib/adapters/dynamodb/unreadable.ts';
import { type ClusterId, isScheduleId } from '../../lib/core/base/names.ts';
import { EMPTY_LEDGER, type Ledger } from '../../lib/core/caps/ledger.ts';
import type { Granted } from '../../lib/core/cluster/limited.ts';
import { type AgentReport, counting, type Reports } from '../../lib/core/cluster/readiness.ts';
import { type ClusterRecord, isLive, livePhases } from '../../lib/core/cluster/record.ts';
import type { ScheduleRecord } from '../../lib/core/schedule/schedule.ts';
import {
  type AgentReports,
  type Allowances,
  byReadability,
  type ClusterStore,
  type DigestStore,
  type DueItem,
  type InvoiceStore,
  isUnreadable,
  type JobReports,
  type LedgerStore,
  type ListQuery,
  type OwnerStore,
  type ScheduleStore,
  type Unreadable,
} from '../../lib/ports.ts';
import { createMemoryDigests } from './memory-digests.ts';
import { createMemoryInvoices } from './memory-invoices.ts';
import { createMemoryJobs } from './memory-jobs.ts';
import { createMemoryOwners } from './memory-owners.ts';

export interface MemoryTable {
  readonly clusters: ClusterStore;
  readonly schedules: ScheduleStore;
  readonly ledger: LedgerStore;
  readonly reports: AgentReports;
  readonly allowances: Allowances;
  readonly jobs: JobReports;
  readonly invoices: InvoiceStore;
  readonly owners: OwnerStore;
  readonly digests: DigestStore;
  /** Deletes everything, as when the table is lost. */
  clear(): void;
  /** Replaces the cluster's record by one that this code can't read. */
  poison(id: ClusterId): void;
}

export interface MemoryTableOptions {
  /** Milliseconds since any fixed instant; must never fall. */
  readonly now: () => number;
  /** Called for each write: the milliseconds after which the indexes show the write. */
  readonly indexLag: () => number;
}

type StoredRecord = ClusterRecord | ScheduleRecord;

interface Row<R extends StoredRecord> {
  readonly record: R;
  /** The instant from which the indexes show this record. */
  readonly shownAt: number;
  /** The row that the indexes show until `shownAt`; null: the indexes show none until then. */
  readonly before: Row<R> | null;
}

/** The table in memory: it keeps the contract of lib/ports.ts, with indexes that lag. */
export function createMemoryTable(
  options: MemoryTableOptions = { now: () => 0, indexLag: () => 0 },
): MemoryTable {
  const clusters = new Rows<ClusterRecord>(options);
  const schedules = new Rows<ScheduleRecord>(options);
  const reports = new Map<ClusterId, Map<number, AgentReport>>();
  const grants = new Map<ClusterId, Granted>();
  const jobs = createMemoryJobs();
  const invoices = createMemoryInvoices();
  const owners = createMemoryOwners();
  const digests = createMemoryDigests();
  let ledger: Ledger = EMPTY_LEDGER;
  return {
    clusters: clusterStore(clusters, schedules),
    schedules: scheduleStore(schedules),
    ledger: {
      read: async () => ledger,
      async save(next) {
        if (next.revision !== ledger.revision) return 'conflict';
        ledger = { ...next, revision: next.revision + 1 };
        return 'saved';
      },
    },
    reports: reportStore(reports),
    allowances: allowanceStore(grants),
    jobs,
    invoices,
    owners,
    digests,
    poison: (id) => clusters.poison(id),
    clear() {
      clusters.clear();
      reports.clear();
      grants.clear();
      jobs.clear();
      invoices.clear();
      owners.clear();
      digests.clear();
      schedules.clear();
      ledger = EMPTY_LEDGER;
    },
  };
}

class Rows<R extends StoredRecord> {
  readonly #rows = new Map<string, Row<R>>();
  readonly #options: MemoryTableOptions;
  readonly #poisoned = new Set<string>();

  constructor(options: MemoryTableOptions) {
    this.#options = options;
  }

  insert(record: R): 'inserted' | 'exists' {
    if (this.#rows.has(record.id)) return 'exists';
    this.#put(record);
    return 'inserted';
  }

  poison(id: string): void {
    this.#poisoned.add(id);
  }

  /** The record as a reader finds it. */
  readable(record: R): R | Unreadable<R['id']> {
    if (!this.#poisoned.has(record.id)) return record;
    return { id: record.id, owner: record.owner, unreadable: 'its version 99 is not known' };
  }

  /** Throws the error of the store if the record can't be read. */
  read(id: string): R | 'notFound' {
    const record = this.get(id);
    if (record === 'notFound') return record;
    const found = this.readable(record);
    if (isUnreadable(found)) throw unreadableError(found);
    return record;
  }

  get(id: string): R | 'notFound' {
    return this.#rows.get(id)?.record ?? 'notFound';
  }

  save(record: R): R | 'conflict' {
    const { revision } = record;
    if (this.#rows.get(record.id)?.record.revision !== revision) return 'conflict';
    // The write that made the record unreadable has raised its revision.
    if (this.#poisoned.has(record.id)) return 'conflict';
    const next = { ...record, revision: revision + 1 };
    this.#put(next);
    return next;
  }

  delete(id: string): void {
    this.#rows.delete(id);
  }

  clear(): void {
    this.#rows.clear();
  }

  /**
   * The records that the indexes show, newest first. Records of the same instant are in the order
   * of DynamoDB's keys.
   */
  newestFirst(): R[] {
    return this.shown().sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
  }

  shown(): R[] {
    const now = this.#options.now();
    return [...this.#rows.values()].flatMap((row) => {
      let shown: Row<R> | null = row;
      while (shown !== null && shown.shownAt > now) shown = shown.before;
      return shown === null ? [] : [shown.record];
    });
  }

  #put(record: R): void {
    const now = this.#options.now();
    const latest = this.#rows.get(record.id) ?? null;
    // An index applies the writes to an item in their order, so a write that has a short lag waits
    // for the write before it.
    const shownAt = Math.max(now + this.#options.indexLag(), latest?.shownAt ?? now);
    const before = latest !== null && latest.shownAt <= now ? { ...latest, before: null } : latest;
    this.#rows.set(record.id, { record, shownAt, before: shownAt <= now ? null : before });
  }
}

function clusterStore(
  clusters: Rows<ClusterRecord>,
  schedules: Rows<ScheduleRecord>,
): ClusterStore {
  return {
    insert: async (record) => clusters.insert(record),
    get: async (id) => clusters.read(id),
    async getMany(ids) {
      const found = ids.flatMap((id) => {
        const record = clusters.get(id);
        return record === 'notFound' ? [] : [clusters.readable(record)];
      });
      return byReadability<ClusterRecord>(found);
    },
    save: async (record) => clusters.save(record),
    async *due(until) {
      const due: DueItem[] = [
        ...clusters
          .shown()
          .flatMap((record) => (isLive(record) ? { id: record.id, dueAt: record.dueAt } : [])),
        ...schedules.shown().flatMap(({ id, dueAt }) => (dueAt === null ? [] : { id, dueAt })),
      ].filter(({ dueAt }) => dueAt <= until);
      yield* due.sort((a, b) => a.dueAt - b.dueAt);
    },
    list: async (query) => list(clusters, query),
    async *livedIn({ owner, from, to, cursor }) {
      const lived = clusters
        .newestFirst()
        .filter((record) => owner === null || record.owner === owner)
        .filter((record) => record.createdAt < to && (isLive(record) || record.endedAt >= from))
        .filter(after(cursor === null ? null : positionOf(cursor, { from: 0, to: to - 1 })));
      for (let start = 0; start === 0 || start < lived.length; start += PAGE) {
        const page = lived.slice(start, start + PAGE);
        const last = page.at(-1);
        const hasMore = start + PAGE < lived.length;
        yield {
          ...byReadability<ClusterRecord>(page.map((record) => clusters.readable(record))),
          nextCursor: hasMore && last !== undefined ? cursorOf(last) : null,
        };
      }
    },
  };
}

/** The records in a page of `livedIn`. */
const PAGE = 100;

/** Whether a record comes after the position in the order of lists; null: from the first on. */
const after = (position: Positioned | null) => (record: Positioned) =>
  position === null ||
  record.createdAt < position.createdAt ||
  (record.createdAt === position.createdAt && record.id < position.id);

function list(clusters: Rows<ClusterRecord>, query: ListQuery) {
  const { owner, status, month, limit, cursor } = query;
  const created = month === null ? null : createdIn(month);
  const isAfter = after(cursor === null ? null : positionOf(cursor, created));
  const matching = clusters
    .newestFirst()
    .filter(
      ({ id, createdAt, phase, ...record }) =>
        (owner === null || record.owner === owner) &&
        (status === null || (status === 'live' ? livePhases.includes(phase) : phase === status)) &&
        (created === null || (createdAt >= created.from && createdAt <= created.to)) &&
        isAfter({ id, createdAt }),
    );
  return pageOf<ClusterRecord>(
    matching.map((record) => clusters.readable(record)),
    limit,
  );
}

const allowanceStore = (all: Map<ClusterId, Granted>): Allowances => ({
  read: async (id) => all.get(id) ?? null,
  async grant(id, next) {
    if (next.version !== (all.get(id)?.version ?? 0) + 1) return 'conflict';
    all.set(id, next);
    return 'granted';
  },
});

const reportStore = (all: Map<ClusterId, Map<number, AgentReport>>): AgentReports => ({
  async report(id, rank, report) {
    const ofCluster = all.get(id) ?? new Map<number, AgentReport>();
    all.set(id, ofCluster.set(rank, counting(ofCluster.get(rank), report)));
  },
  read: async (ids) =>
    new Map(
      ids.flatMap((id): [ClusterId, Reports][] => {
        const ofCluster = all.get(id);
        return ofCluster === undefined ? [] : [[id, new Map(ofCluster)]];
      }),
    ),
});

const scheduleStore = (schedules: Rows<ScheduleRecord>): ScheduleStore => ({
  insert: async (record) => schedules.insert(record),
  get: async (id) => schedules.read(id),
  save: async (record) => schedules.save(record),
  delete: async (id) => schedules.delete(id),
  list: async (owner) =>
    schedules
      .newestFirst()
      .filter((record) => owner === null || record.owner === owner)
      .filter((record) => !isUnreadable(schedules.readable(record))),
  async page({ owner, limit, cursor }) {
    const from = cursor === null ? null : positionOf(cursor, null, isScheduleId);
    const found = schedules
      .newestFirst()
      .filter((record) => owner === null || record.owner === owner)
      .filter(after(from));
    return pageOf<ScheduleRecord>(
      found.map((record) => schedules.readable(record)),
      limit,
    );
  },
});
