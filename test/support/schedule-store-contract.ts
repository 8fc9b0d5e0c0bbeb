import { beforeEach, describe, expect, it } from 'vitest';
import type { ScheduleId } from '../../lib/core/base/names.ts';
import { minutes, plus, seconds } from '../../lib/core/base/units.ts';
import type { ClusterStore, ScheduleStore } from '../../lib/ports.ts';
import { ALL_CLUSTERS, aCluster, aSchedule, ID, LAUNCH, OTHER_ID } from './builders.ts';
import { id as clusterId, idsDue } from './cluster-store-contract.ts';

let schedules: ScheduleStore;
/** The store of clusters, on the same table. */
let store: ClusterStore;

/** Tests what lib/ports.ts promises of a ScheduleStore. `makeStores` returns empty stores. */
export function scheduleStoreContract(
  name: string,
  makeStores: () => Promise<{ schedules: ScheduleStore; store: ClusterStore }>,
): void {
  describe(name, () => {
    beforeEach(async () => {
      ({ schedules, store } = await makeStores());
    });
    describe('insert and get', testInsertAndGet);
    describe('save and delete', testSaveAndDelete);
    describe('among clusters', testAmongClusters);
    describe('list', testList);
  });
}

function testInsertAndGet(): void {
  it('get returns each record as it was inserted', async () => {
    const spec = {
      nodes: 3,
      vcpus: 2,
      budgetUsd: 0.123456,
      userData: null,
      tags: [],
      authorizedKeys: ['ssh-ed25519 AAAA'],
      name: '',
      nested: { deep: [1, 'two', false, {}] },
    };
    const records = [
      aSchedule({ id: id(1), spec }),
      aSchedule({ id: id(2), nextAt: null, enabled: false, lastClusterId: ID }),
      aSchedule({
        id: id(3),
        name: 'Zahlen 🧮',
        dueAt: plus(LAUNCH, minutes(1)),
        runs: [
          { at: LAUNCH, result: 'launched', clusterId: OTHER_ID },
          { at: LAUNCH, result: 'skipped', reason: 'still live' },
          { at: LAUNCH, result: 'missed', from: LAUNCH, count: 3 },
          { at: LAUNCH, result: 'refused', reason: 'too dear' },
        ],
      }),
    ];
    for (const record of records) expect(await schedules.insert(record)).toBe('inserted');
    for (const record of records) expect(await schedules.get(record.id)).toEqual(record);
  });

  it('keeps the first record when a second is inserted under its id', async () => {
    await schedules.insert(aSchedule({ owner: 'ann' }));
    expect(await schedules.insert(aSchedule({ owner: 'bob' }))).toBe('exists');
    expect(await schedules.get(aSchedule().id)).toEqual(aSchedule({ owner: 'ann' }));
  });

  it('accepts exactly one of 20 inserts of the same id at once', async () => {
    const records = Array.from({ length: 20 }, (_, index) => aSchedule({ owner: `o${index}` }));
    const answers = await Promise.all(records.map((record) => schedules.insert(record)));
    expect(answers.filter((answer) => answer === 'inserted')).toHaveLength(1);
    expect(await schedules.get(aSchedule().id)).toEqual(records[answers.indexOf('inserted')]);
  });

  it('get answers notFound for an id without a record', async () => {
    expect(await schedules.get(id(1))).toBe('notFound');
  });
}

function testSaveAndDelete(): void {
  it('save replaces the revision that was read, and raises the revision by one', async () => {
    await schedules.insert(aSchedule());
    const saved = await schedules.save(aSchedule({ nextAt: null }));
    expect(saved).toEqual(aSchedule({ nextAt: null, revision: 2 }));
    expect(await schedules.get(aSchedule().id)).toEqual(saved);
  });

  it('accepts exactly one of 50 saves of the same revision at once', async () => {
    await schedules.insert(aSchedule());
    const writers = Array.from({ length: 50 }, (_, index) => aSchedule({ name: `n${index}` }));
    const answers = await Promise.all(writers.map((writer) => schedules.save(writer)));
    const won = answers.filter((answer) => answer !== 'conflict');
    expect(won).toHaveLength(1);
    expect(await schedules.get(aSchedule().id)).toEqual(won[0]);
  });

  it('save answers conflict for a record that does not exist, and creates no record', async () => {
    expect(await schedules.save(aSchedule())).toBe('conflict');
    expect(await schedules.get(aSchedule().id)).toBe('notFound');
  });

  it('deletes a record of any revision, and does nothing where there is no record', async () => {
    await schedules.insert(aSchedule({ nextAt: LAUNCH }));
    await schedules.save(aSchedule({ nextAt: LAUNCH }));
    await schedules.delete(aSchedule().id);
    await schedules.delete(aSchedule().id);
    expect(await schedules.get(aSchedule().id)).toBe('notFound');
    expect(await schedules.list('ann')).toEqual([]);
    expect(await idsDue(store, LAUNCH)).toEqual([]);
  });

  it('a save after a deletion is a conflict, and the record stays deleted', async () => {
    await schedules.insert(aSchedule());
    await schedules.delete(aSchedule().id);
    expect(await schedules.save(aSchedule())).toBe('conflict');
    expect(await schedules.get(aSchedule().id)).toBe('notFound');
  });
}

function testAmongClusters(): void {
  it('a schedule with a next time is due among the clusters, most overdue first', async () => {
    const late = (count: number) => plus(LAUNCH, seconds(-count));
    await schedules.insert(aSchedule({ id: id(1), nextAt: late(20) }));
    await schedules.insert(aSchedule({ id: id(2), nextAt: late(600), dueAt: late(5) }));
    await schedules.insert(aSchedule({ id: id(3), nextAt: plus(LAUNCH, seconds(1)) }));
    await schedules.insert(aSchedule({ id: id(4), nextAt: null }));
    await store.insert(aCluster({ dueAt: late(10) }));
    expect(await idsDue(store, LAUNCH)).toEqual([id(1), ID, id(2)]);
    await schedules.save(aSchedule({ id: id(1), nextAt: null, enabled: false }));
    expect(await idsDue(store, LAUNCH)).toEqual([ID, id(2)]);
  });

  it('the list of clusters has no schedule, and the list of schedules no cluster', async () => {
    await schedules.insert(aSchedule({ owner: 'ann' }));
    await store.insert(aCluster({ owner: 'ann' }));
    for (const owner of ['ann', null]) {
      const { records } = await store.list({ ...ALL_CLUSTERS, owner });
      expect(records).toEqual([aCluster({ owner: 'ann' })]);
      expect(await schedules.list(owner)).toEqual([aSchedule({ owner: 'ann' })]);
    }
  });
}

function testList(): void {
  it("lists an owner's schedules, newest first; without an owner, everybody's", async () => {
    const minute = (index: number) => plus(LAUNCH, minutes(index));
    await schedules.insert(aSchedule({ id: id(1), owner: 'ann', createdAt: minute(1) }));
    await schedules.insert(aSchedule({ id: id(2), owner: 'bob', createdAt: minute(2) }));
    await schedules.insert(aSchedule({ id: id(3), owner: 'ann', createdAt: minute(3) }));
    const idsOf = async (owner: string | null) =>
      (await schedules.list(owner)).map((record) => record.id);
    expect(await idsOf('ann')).toEqual([id(3), id(1)]);
    expect(await idsOf(null)).toEqual([id(3), id(2), id(1)]);
    expect(await idsOf('eve')).toEqual([]);
  });

  it('pages through the schedules of an owner or of all, each once and in order', async () => {
    const records = Array.from({ length: 7 }, (_, n) =>
      aSchedule({
        id: id(n),
        owner: n % 3 === 0 ? 'ann' : 'bob',
        createdAt: plus(LAUNCH, minutes(n)),
      }),
    );
    for (const record of records) await schedules.insert(record);
    const pagesOf = async (owner: string | null, limit: number) => {
      const pages: ScheduleId[][] = [];
      for (let cursor: string | null | undefined = null; cursor !== undefined; ) {
        const page = await schedules.page({ owner, limit, cursor });
        pages.push(page.records.map((record) => record.id));
        cursor = page.nextCursor ?? undefined;
      }
      return pages;
    };
    expect(await pagesOf(null, 3)).toEqual([[id(6), id(5), id(4)], [id(3), id(2), id(1)], [id(0)]]);
    expect(await pagesOf('ann', 2)).toEqual([[id(6), id(3)], [id(0)]]);
    expect(await pagesOf('eve', 2)).toEqual([[]]);
    const cursor = Buffer.from(`1/${clusterId(1)}`).toString('base64url');
    await expect(schedules.page({ owner: null, limit: 3, cursor })).rejects.toMatchObject({
      code: 'invalid',
      details: { faults: [{ path: 'cursor' }] },
    });
  });

  it('lists all schedules when they fill more than one page of DynamoDB', async () => {
    const spec = { userData: '#'.repeat(16_384) };
    const records = Array.from({ length: 150 }, (_, index) =>
      aSchedule({ id: id(index), owner: index % 3 === 0 ? 'ann' : 'bob', spec }),
    );
    await Promise.all(records.map((record) => schedules.insert(record)));
    expect(await schedules.list('ann')).toHaveLength(50);
    expect(await schedules.list(null)).toHaveLength(150);
  });
}

/** The n-th schedule id. */
export const id = (n: number): ScheduleId => `s${clusterId(n).slice(1)}`;
