import { createdIn, pageOf, positionOf } from '../../lib/adapters/dynamodb/pages.ts';
import type { ClusterId, ScheduleId } from '../../lib/core/base/names.ts';
import { EMPTY_LEDGER, type Ledger } from '../../lib/core/caps/ledger.ts';
import { type ClusterRecord, isLive } from '../../lib/core/cluster/record.ts';
import type { ScheduleRecord } from '../../lib/core/schedule/schedule.ts';
import type { ClusterStore, LedgerStore, ListQuery, ScheduleStore } from '../../lib/ports.ts';

export interface MemoryTable {
  readonly clusters: ClusterStore;
  readonly schedules: ScheduleStore;
  readonly ledger: LedgerStore;
  /** Loses all that there is. */
  clear(): void;
}

export interface MemoryTableOptions {
  /** Milliseconds since any fixed instant, never falling. */
  readonly now: () => number;
  /** Milliseconds after which the indexes show a write; drawn for each. */
  readonly indexLag: () => number;
}

type Kept = ClusterRecord | ScheduleRecord;

interface Row<R extends Kept> {
  readonly record: R;
  /** When the indexes show it. */
  readonly shownAt: number;
  /** What they show until then; null: nothing. */
  readonly before: Row<R> | null;
}

/** The table in memory: the contract of lib/ports.ts, and lagging indexes, without a database. */
export function createMemoryTable(
  options: MemoryTableOptions = { now: () => 0, indexLag: () => 0 },
): MemoryTable {
  const clusters = new Rows<ClusterRecord>(options);
  const schedules = new Rows<ScheduleRecord>(options);
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
    clear() {
      clusters.clear();
      schedules.clear();
      ledger = EMPTY_LEDGER;
    },
  };
}

class Rows<R extends Kept> {
  readonly #rows = new Map<string, Row<R>>();
  readonly #options: MemoryTableOptions;

  constructor(options: MemoryTableOptions) {
    this.#options = options;
  }

  insert(record: R): 'inserted' | 'exists' {
    if (this.#rows.has(record.id)) return 'exists';
    this.#put(record);
    return 'inserted';
  }

  get(id: string): R | 'notFound' {
    return this.#rows.get(id)?.record ?? 'notFound';
  }

  save(record: R): R | 'conflict' {
    const { revision } = record;
    if (this.#rows.get(record.id)?.record.revision !== revision) return 'conflict';
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

  /** As the indexes show them: newest first, of one instant in the order of DynamoDB's keys. */
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
    // An index takes writes in their order, however long each takes.
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
    get: async (id) => clusters.get(id),
    getMany: async (ids) =>
      ids.flatMap((id) => {
        const found = clusters.get(id);
        return found === 'notFound' ? [] : [found];
      }),
    save: async (record) => clusters.save(record),
    async *due(until) {
      const due: { id: ClusterId | ScheduleId; dueAt: number }[] = [
        ...clusters.shown().flatMap((one) => (isLive(one) ? { id: one.id, dueAt: one.dueAt } : [])),
        ...schedules.shown().flatMap(({ id, dueAt }) => (dueAt === null ? [] : { id, dueAt })),
      ].filter(({ dueAt }) => dueAt <= until);
      for (const { id } of due.sort((a, b) => a.dueAt - b.dueAt)) yield id;
    },
    list: async (query) => list(clusters.newestFirst(), query),
    async *livedIn({ owner, from, to }) {
      yield* clusters
        .newestFirst()
        .filter((one) => owner === null || one.owner === owner)
        .filter((one) => one.createdAt < to && (isLive(one) || one.endedAt >= from));
    },
  };
}

function list(newestFirst: readonly ClusterRecord[], query: ListQuery) {
  const { owner, status, month, limit, cursor } = query;
  const created = month === null ? null : createdIn(month);
  const after = cursor === null ? null : positionOf(cursor, created);
  const matching = newestFirst.filter(
    ({ id, createdAt, phase, ...record }) =>
      (owner === null || record.owner === owner) &&
      (status === null || phase === status) &&
      (created === null || (createdAt >= created.from && createdAt <= created.to)) &&
      (after === null ||
        createdAt < after.createdAt ||
        (createdAt === after.createdAt && id < after.id)),
  );
  return pageOf(matching, limit);
}

const scheduleStore = (schedules: Rows<ScheduleRecord>): ScheduleStore => ({
  insert: async (record) => schedules.insert(record),
  get: async (id) => schedules.get(id),
  save: async (record) => schedules.save(record),
  delete: async (id) => schedules.delete(id),
  list: async (owner) =>
    schedules.newestFirst().filter((one) => owner === null || one.owner === owner),
});
