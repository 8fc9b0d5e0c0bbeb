import type { OwnerRecord } from '../../lib/core/caps/owners.ts';
import type { OwnerStore } from '../../lib/ports.ts';

/** The records of owners in memory: it keeps the contract of lib/ports.ts. */
export function createMemoryOwners(): OwnerStore & { clear(): void } {
  const records = new Map<string, OwnerRecord>();
  return {
    get: async (owner) => records.get(owner) ?? null,
    async insert(record) {
      if (records.has(record.owner)) return 'exists';
      records.set(record.owner, record);
      return 'inserted';
    },
    async save(record) {
      if (records.get(record.owner)?.revision !== record.revision) return 'conflict';
      const next = { ...record, revision: record.revision + 1 };
      records.set(record.owner, next);
      return next;
    },
    list: async () => [...records.values()].toSorted((a, b) => (a.owner < b.owner ? -1 : 1)),
    clear: () => records.clear(),
  };
}
