import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ClusterId, ScheduleId } from '../../lib/core/base/names.ts';
import {
  durationMs,
  type EpochMs,
  hours,
  minutes,
  plus,
  seconds,
  toIso,
} from '../../lib/core/base/units.ts';
import type { ClusterRecord, Sent } from '../../lib/core/cluster/record.ts';
import type { ClusterStore, ListQuery, LivedQuery } from '../../lib/ports.ts';
import { aCluster, aDeleting, anEnded, aRunning, aSpec, at, created, LAUNCH } from './builders.ts';

let store: ClusterStore;
let poison: (id: ClusterId) => unknown;

/**
 * Tests what lib/ports.ts promises of a ClusterStore. `makeStore` returns an empty store, and a
 * function that replaces a record by one of a later version.
 */
export function clusterStoreContract(
  name: string,
  makeStore: () => Promise<{ store: ClusterStore; poison: typeof poison }>,
): void {
  describe(name, () => {
    beforeEach(async () => {
      ({ store, poison } = await makeStore());
    });
    describe('insert, get and getMany', testInsertAndGet);
    describe('save', testSave);
    describe('due', testDue);
    describe('list', testList);
    describe('livedIn', testLivedIn);
    describe('a record that can not be read', testUnreadable);
  });
}

function testInsertAndGet(): void {
  it('get returns a record of any phase as it was inserted', async () => {
    const records = [
      aCluster({ id: id(1) }),
      aRunning({
        id: id(2),
        nodes: [created(0, { ipv6: '2001:db8::1/128' })],
        notified: ['launched', 'half'],
      }),
      aDeleting({ id: id(3), failure: 'no capacity', endReason: 'failed' }),
      anEnded({ id: id(4) }),
      anEnded({ id: id(5), phase: 'failed', startedAt: null }),
    ];
    for (const record of records) expect(await store.insert(record)).toBe('inserted');
    for (const record of records) expect(await store.get(record.id)).toEqual(record);
  });

  it('keeps the first record when a second is inserted under its id', async () => {
    const first = aCluster({ owner: 'ann' });
    await store.insert(first);
    expect(await store.insert({ ...first, owner: 'bob' })).toBe('exists');
    expect(await store.get(first.id)).toEqual(first);
  });

  it('accepts exactly one of 20 inserts of the same id at once', async () => {
    const owners = Array.from({ length: 20 }, (_, index) => `owner${index}`);
    const answers = await Promise.all(owners.map((owner) => store.insert(aCluster({ owner }))));
    expect(answers.filter((answer) => answer === 'inserted')).toHaveLength(1);
    const winner = owners[answers.indexOf('inserted')];
    expect(await store.get(aCluster().id)).toMatchObject({ owner: winner });
  });

  it('get answers notFound for an id without a record', async () => {
    expect(await store.get(id(1))).toBe('notFound');
  });

  it('getMany returns 120 records by their ids, and leaves out ids without a record', async () => {
    const existing = Array.from({ length: 120 }, (_, index) => aCluster({ id: id(index) }));
    await Promise.all(existing.map((record) => store.insert(record)));
    const missing = Array.from({ length: 30 }, (_, index) => id(1_000 + index));
    const found = await store.getMany([...missing, ...existing.map((record) => record.id)]);
    expect(found.unreadable).toEqual([]);
    expect(byId(found.records)).toEqual(byId(existing));
  });

  it('getMany returns no records for no ids', async () => {
    expect(await store.getMany([])).toEqual({ records: [], unreadable: [] });
  });

  it('stores the largest record that a cluster can have', async () => {
    const nodes = Array.from({ length: 500 }, (_, index) =>
      created(index, {
        ipv4: ['203.0.113.250', '192.168.250.250'],
        ipv6: '2001:0db8:85a3:0000:0000:8a2e:0370:7334/128',
        checkedAt: LAUNCH,
      }),
    );
    const authorizedKeys = Array.from({ length: 50 }, () => `ssh-rsa AAAA${'b'.repeat(1_580)} me`);
    const authorizedUsers = Array.from({ length: 50 }, () => 'u'.repeat(32));
    const userDataBase64 = 'x'.repeat(21_848);
    const history = Array.from({ length: 50 }, () => ({ at: LAUNCH, event: 'e'.repeat(64) }));
    const spec = aSpec({ nodes: 500, authorizedKeys, authorizedUsers, userDataBase64 });
    const sent: Sent = {
      ...{ at: LAUNCH, month: '2026-11', before: { '2026-10': 9e15 }, rate: 9e12 },
      bytes: nodes.map(({ index }) => 8e14 + 104_729 * index),
      measuredAt: nodes.map(({ index }) => plus(LAUNCH, seconds(index))),
      expected: nodes.map(({ index }) => 7e14 + 7_919 * index),
    };
    const largest = aRunning({ nodes, spec, history, sent });
    expect(await store.insert(largest)).toBe('inserted');
    expect(await store.get(largest.id)).toEqual(largest);
  });
}

function testSave(): void {
  it('save replaces the revision that was read, and raises the revision by one', async () => {
    const record = aCluster();
    await store.insert(record);
    const saved = await store.save({ ...record, dueAt: plus(LAUNCH, minutes(5)) });
    expect(saved).toEqual({ ...record, dueAt: plus(LAUNCH, minutes(5)), revision: 2 });
    expect(await store.get(record.id)).toEqual(saved);
  });

  it('answers conflict to the second save of one revision, and keeps the first', async () => {
    const record = aCluster();
    await store.insert(record);
    const first = await store.save({ ...record, stage: 'first' });
    expect(await store.save({ ...record, stage: 'second' })).toBe('conflict');
    expect(await store.get(record.id)).toEqual(first);
  });

  it('accepts exactly one of 50 saves of the same revision at once', async () => {
    const record = aCluster();
    await store.insert(record);
    const writers = Array.from({ length: 50 }, (_, index) => ({ ...record, stage: `s${index}` }));
    const answers = await Promise.all(writers.map((writer) => store.save(writer)));
    const won = answers.filter((answer) => answer !== 'conflict');
    expect(won).toHaveLength(1);
    expect(await store.get(record.id)).toEqual(won[0]);
  });

  it('loses no write of 10 writers at once that read again after a conflict', async () => {
    const { id: shared } = aCluster();
    await store.insert(aCluster({ budget: 0 as ClusterRecord['budget'] }));
    const addOne = async () => {
      for (;;) {
        const record = (await store.get(shared)) as ClusterRecord;
        const budget = (record.budget + 1) as ClusterRecord['budget'];
        if ((await store.save({ ...record, budget })) !== 'conflict') return;
      }
    };
    await Promise.all(Array.from({ length: 10 }, addOne));
    expect(await store.get(shared)).toMatchObject({ budget: 10, revision: 11 });
  });

  it('save answers conflict for a record that does not exist, and creates no record', async () => {
    expect(await store.save(aCluster())).toBe('conflict');
    expect(await store.get(aCluster().id)).toBe('notFound');
  });
}

function testDue(): void {
  it('yields the live clusters that are due up to the instant, most overdue first', async () => {
    const until = LAUNCH;
    const late = (ms: number) => plus(until, seconds(-ms));
    await store.insert(aRunning({ id: id(1), dueAt: late(10) }));
    await store.insert(aCluster({ id: id(2), dueAt: late(30) }));
    await store.insert(aDeleting({ id: id(3), dueAt: late(20) }));
    await store.insert(aCluster({ id: id(4), dueAt: until }));
    await store.insert(aCluster({ id: id(5), dueAt: plus(until, seconds(1)) }));
    await store.insert(anEnded({ id: id(6) }));
    expect(await idsDue(store, until)).toEqual([id(2), id(3), id(1), id(4)]);
  });

  it('yields a cluster no more once it has ended', async () => {
    const record = aDeleting({ dueAt: LAUNCH });
    await store.insert(record);
    expect(await idsDue(store, LAUNCH)).toEqual([record.id]);
    expect(await store.save(anEnded())).not.toBe('conflict');
    expect(await idsDue(store, LAUNCH)).toEqual([]);
  });

  it('yields a cluster at the due time of its latest save', async () => {
    const record = aRunning({ dueAt: LAUNCH });
    await store.insert(record);
    await store.save({ ...record, dueAt: plus(LAUNCH, minutes(1)) });
    expect(await idsDue(store, LAUNCH)).toEqual([]);
    expect(await idsDue(store, plus(LAUNCH, minutes(1)))).toEqual([record.id]);
  });

  it('yields each of 80 due clusters once and in order, over several pages', async () => {
    // DynamoDB reads at most a megabyte for one page; these records are larger together.
    const spec = aSpec({ userData: '#'.repeat(16_384) });
    const records = Array.from({ length: 80 }, (_, index) =>
      aCluster({ id: id(index), spec, dueAt: plus(LAUNCH, seconds(-index)) }),
    );
    await Promise.all(records.map((record) => store.insert(record)));
    expect(await idsDue(store, LAUNCH)).toEqual(records.map((record) => record.id).reverse());
  });
}

function testList(): void {
  const anns = { owner: 'ann', status: null, month: null, limit: 100, cursor: null };

  it("lists an owner's clusters, newest first; without an owner, everybody's", async () => {
    const minute = (index: number) => plus(LAUNCH, minutes(index));
    await store.insert(aCluster({ id: id(1), owner: 'ann', createdAt: minute(1) }));
    await store.insert(anEnded({ id: id(2), owner: 'bob', createdAt: minute(2) }));
    await store.insert(aRunning({ id: id(3), owner: 'ann', createdAt: minute(3) }));
    expect(idsOf(await store.list(anns))).toEqual([id(3), id(1)]);
    expect(idsOf(await store.list({ ...anns, owner: null }))).toEqual([id(3), id(2), id(1)]);
    expect(await store.list({ ...anns, owner: 'eve' })).toEqual({
      records: [],
      nextCursor: null,
      unreadable: [],
    });
  });

  it('lists whole records, as get returns them', async () => {
    await store.insert(aRunning({ owner: 'ann' }));
    const { records } = await store.list(anns);
    expect(records).toEqual([await store.get(aRunning().id)]);
  });

  it('pages through the clusters of any status and month, each once and in order', async () => {
    const phases = ['provisioning', 'running', 'deleting', 'deleted', 'failed'] as const;
    // Only four instants, at the ends of a month, so that many clusters share an instant.
    const instants = ['10-31T23:59:59.999Z', '11-01T00:00Z', '11-30T23:59:59.999Z', '12-01T00:00Z'];
    const drawnRecords = fc.array(
      fc.record({ phase: fc.constantFrom(...phases), instant: fc.constantFrom(...instants) }),
      { maxLength: 12 },
    );
    let runs = 0;
    const property = fc.asyncProperty(
      drawnRecords,
      fc.integer({ min: 1, max: 5 }),
      fc.option(fc.constantFrom(...phases, 'live' as const)),
      fc.option(fc.constantFrom('2026-10', '2026-11', '2026-12', '2027-01')),
      async (drawn, limit, status, month) => {
        const owner = `owner${++runs}`;
        const records = drawn.map(({ phase, instant }, index) =>
          inPhase(phase, { id: id(runs * 100 + index), owner, createdAt: at(`2026-${instant}`) }),
        );
        await Promise.all(records.map((record) => store.insert(record)));
        const pages = await pagesOf(store, { owner, status, month, limit });
        const listed = pages.flat();
        const matching = records.filter(
          ({ phase, createdAt }) =>
            (status === null ||
              (status === 'live' ? !['deleted', 'failed'].includes(phase) : phase === status)) &&
            (month === null || toIso(createdAt).startsWith(month)),
        );
        expect(byId(listed)).toEqual(byId(matching));
        const times = listed.map(({ createdAt }) => createdAt);
        expect(times).toEqual(times.toSorted((a, b) => b - a));
        expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
        // An empty last page would cost the client a request that returns nothing.
        expect(pages.length).toBe(Math.max(1, Math.ceil(matching.length / limit)));
      },
    );
    await fc.assert(property, { numRuns: 30 });
  });

  it("lists everybody's clusters of a month where the query names no owner", async () => {
    const [october, november] = [at('2026-10-31T23:59Z'), at('2026-11-01T00:00Z')];
    await store.insert(aCluster({ id: id(1), owner: 'ann', createdAt: october }));
    await store.insert(aCluster({ id: id(2), owner: 'bob', createdAt: november }));
    await store.insert(aCluster({ id: id(3), owner: 'ann', createdAt: november }));
    const listed = await store.list({ ...anns, owner: null, month: '2026-11' });
    expect(idsOf(listed).toSorted()).toEqual([id(2), id(3)]);
  });

  it('keeps each page below 4 MB, however large the records: an answer takes 6 MB', async () => {
    const spec = aSpec({ authorizedKeys: Array.from({ length: 20 }, () => 'k'.repeat(5_000)) });
    const records = Array.from({ length: 40 }, (_, index) =>
      aCluster({ id: id(index), owner: 'ann', spec, createdAt: plus(LAUNCH, minutes(index)) }),
    );
    await Promise.all(records.map((record) => store.insert(record)));
    const pages = await pagesOf(store, { ...anns, limit: 100 });
    expect(pages.flat().map((record) => record.id)).toEqual(records.map((r) => r.id).reverse());
    for (const page of pages) expect(JSON.stringify(page).length).toBeLessThan(4_000_000);
  });

  it('continues after the cursor, though clusters ended or were launched meanwhile', async () => {
    const records = Array.from({ length: 4 }, (_, index) =>
      aCluster({ id: id(index), owner: 'ann', createdAt: plus(LAUNCH, minutes(index)) }),
    );
    for (const record of records) await store.insert(record);
    const first = await store.list({ ...anns, limit: 2 });
    expect(idsOf(first)).toEqual([id(3), id(2)]);
    const { createdAt } = records[2] as ClusterRecord;
    await store.save(anEnded({ id: id(2), owner: 'ann', createdAt }));
    await store.insert(aCluster({ id: id(9), owner: 'ann', createdAt: plus(LAUNCH, minutes(9)) }));
    const second = await store.list({ ...anns, limit: 2, cursor: first.nextCursor });
    expect(idsOf(second)).toEqual([id(1), id(0)]);
    expect(second.nextCursor).toBeNull();
  });

  it("lists no other owner's clusters, even with a cursor of another owner's list", async () => {
    for (const index of [1, 2, 3]) await store.insert(aCluster({ id: id(index), owner: 'bob' }));
    await store.insert(aCluster({ id: id(4), owner: 'ann' }));
    const { nextCursor } = await store.list({ ...anns, owner: 'bob', limit: 1 });
    const { records } = await store.list({ ...anns, cursor: nextCursor });
    expect(records.filter(({ owner }) => owner !== 'ann')).toEqual([]);
  });

  const cursor = (text: string) => Buffer.from(text).toString('base64url');
  it.each([
    ['empty', ''],
    ['no base64', '%%%'],
    ['of another service', cursor('page=2')],
    ['with a malformed id', cursor('1795348800000/xyz')],
    ['with a malformed time', cursor('yesterday/caaaaaaaaaa')],
    ['with a time beyond all numbers', cursor('9999999999999999/caaaaaaaaaa')],
  ])('refuses a cursor that is %s', async (_, malformed) => {
    await store.insert(aCluster({ owner: 'ann' }));
    await expect(store.list({ ...anns, cursor: malformed })).rejects.toMatchObject({
      code: 'invalid',
      details: { faults: [{ path: 'cursor' }] },
    });
  });

  it.each(['2026-10', '2026-12'])(
    'refuses a cursor of the list of November in the list of %s',
    async (month) => {
      for (const n of [1, 2]) await store.insert(aCluster({ id: id(n), owner: 'ann' }));
      const { nextCursor } = await store.list({ ...anns, month: '2026-11', limit: 1 });
      await expect(store.list({ ...anns, month, cursor: nextCursor })).rejects.toMatchObject({
        code: 'invalid',
        details: { faults: [{ path: 'cursor' }] },
      });
    },
  );
}

function testLivedIn(): void {
  const from = at('2026-11-01T00:00:00Z');
  const to = at('2026-12-01T00:00:00Z');
  const before = (instant: EpochMs) => plus(instant, durationMs(-1));
  const november = { owner: null, from, to };

  it('yields the clusters that lived at some time in the span, newest first', async () => {
    const [longAgo, inOctober] = [at('2025-01-01T00:00:00Z'), at('2026-10-31T12:00:00Z')];
    await store.insert(aRunning({ id: id(1), createdAt: longAgo }));
    await store.insert(anEnded({ id: id(2), createdAt: inOctober, endedAt: before(from) }));
    await store.insert(
      anEnded({ id: id(3), createdAt: inOctober, endedAt: from, phase: 'failed' }),
    );
    await store.insert(aDeleting({ id: id(4), createdAt: from }));
    await store.insert(anEnded({ id: id(5), createdAt: before(to), endedAt: plus(to, hours(9)) }));
    await store.insert(aCluster({ id: id(6), createdAt: to }));
    const lived = await livedOf(november);
    expect(lived.map((record) => record.id)).toEqual([id(5), id(4), id(3), id(1)]);
    expect(lived[0]).toEqual(await store.get(id(5)));
  });

  it("yields only an owner's clusters where the query names an owner", async () => {
    await store.insert(aRunning({ id: id(1), owner: 'ann' }));
    await store.insert(aRunning({ id: id(2), owner: 'bob' }));
    const lived = await livedOf({ ...november, owner: 'bob' });
    expect(lived.map((record) => record.id)).toEqual([id(2)]);
  });

  it('yields each of many clusters once and in order, over several pages of DynamoDB', async () => {
    // DynamoDB reads at most a megabyte for one page; these records are larger together.
    const spec = aSpec({ userData: '#'.repeat(16_384) });
    const createdAt = (index: number) => plus(from, minutes(-index));
    const ended = Array.from({ length: 70 }, (_, index) =>
      anEnded({ id: id(index), spec, createdAt: createdAt(index), endedAt: before(from) }),
    );
    const running = [70, 71, 72].map((index) =>
      aRunning({ id: id(index), spec, createdAt: createdAt(index) }),
    );
    await Promise.all([...ended, ...running].map((record) => store.insert(record)));
    const lived = await livedOf(november);
    expect(lived.map((record) => record.id)).toEqual([id(70), id(71), id(72)]);
  });

  it('goes on after the cursor of any page, in a later call', async () => {
    // Texts that can't be deflated: DynamoDB reads at most a megabyte for one page.
    const userData = () => randomBytes(6_000).toString('hex');
    const running = Array.from({ length: 250 }, (_, n) =>
      aRunning({
        id: id(n),
        createdAt: plus(from, minutes(-n)),
        spec: aSpec({ userData: userData() }),
      }),
    );
    await Promise.all(running.map((record) => store.insert(record)));
    const pages = await collect(store.livedIn({ ...november, cursor: null }));
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.at(-1)?.nextCursor).toBeNull();
    const [first, ...others] = pages;
    const later = { ...november, cursor: first?.nextCursor ?? null };
    expect(await livedOf(later)).toEqual(others.flatMap(({ records }) => records));
  });

  it('refuses a cursor of another span', async () => {
    const cursor = Buffer.from(`${to}/${id(1)}`).toString('base64url');
    await expect(collect(store.livedIn({ ...november, cursor }))).rejects.toMatchObject({
      code: 'invalid',
      details: { faults: [{ path: 'cursor' }] },
    });
  });
}

async function livedOf(query: Omit<LivedQuery, 'cursor'> & Partial<LivedQuery>) {
  const pages = await collect(store.livedIn({ cursor: null, ...query }));
  return pages.flatMap(({ records }) => records);
}

function testUnreadable(): void {
  const unreadable = (n: number) => ({
    id: id(n),
    owner: 'ann',
    unreadable: 'its version 99 is not known',
  });
  const anns = { owner: 'ann', status: null, month: null, limit: 100, cursor: null };

  beforeEach(async () => {
    for (const n of [1, 2, 3, 4, 5]) {
      await store.insert(
        aRunning({ id: id(n), owner: 'ann', createdAt: plus(LAUNCH, minutes(-n)) }),
      );
    }
    await poison(id(2));
    await poison(id(4));
  });

  it('get throws unreadable, says why and what to do, and names the owner to its caller', async () => {
    await expect(store.get(id(2))).rejects.toMatchObject({
      code: 'unreadable',
      message: expect.stringMatching(/^The record \w+ can't be read: its version 99.*operate\.md/),
      details: { owner: 'ann' },
    });
    expect(await store.get(id(1))).toMatchObject({ id: id(1) });
  });

  it('getMany returns all other records, and says why it lacks that one', async () => {
    const found = await store.getMany([1, 2, 3].map(id));
    expect(byId(found.records).map((record) => record.id)).toEqual([id(1), id(3)]);
    expect(found.unreadable).toEqual([unreadable(2)]);
  });

  it('list shows all other records page by page, and each unreadable record once', async () => {
    const pages = [];
    for (let cursor: string | null | undefined = null; cursor !== undefined; ) {
      const page = await store.list({ ...anns, limit: 2, cursor });
      pages.push([idsOf(page), page.unreadable]);
      cursor = page.nextCursor ?? undefined;
    }
    expect(pages).toEqual([
      [[id(1), id(3)], [unreadable(2)]],
      [[id(5)], [unreadable(4)]],
    ]);
    const running = await store.list({ ...anns, owner: null, status: 'running' });
    expect([idsOf(running), running.unreadable]).toEqual([
      [id(1), id(3), id(5)],
      [unreadable(2), unreadable(4)],
    ]);
  });

  it('livedIn yields it beside all other records', async () => {
    const all = { owner: null, from: LAUNCH, to: plus(LAUNCH, minutes(1)) };
    const pages = await collect(store.livedIn({ ...all, cursor: null }));
    const lived = pages.flatMap(({ records }) => records);
    expect(lived.map((record) => record.id)).toEqual([1, 3, 5].map(id));
    expect(pages.flatMap((page) => page.unreadable)).toEqual([unreadable(2), unreadable(4)]);
  });

  it('stays due, so that the reaper goes on to report it', async () => {
    expect((await idsDue(store, LAUNCH)).toSorted()).toEqual([1, 2, 3, 4, 5].map(id));
  });
}

/** The n-th cluster id. */
export function id(n: number): ClusterId {
  const digits = 'abcdefghijklmnopqrstuvwxyz234567';
  const places = Array.from({ length: 10 }, (_, place) => Math.floor(n / 32 ** (9 - place)) % 32);
  return `c${places.map((digit) => digits[digit]).join('')}`;
}

function inPhase(
  phase: ClusterRecord['phase'],
  fields: { id: ClusterId; owner: string; createdAt: EpochMs },
): ClusterRecord {
  switch (phase) {
    case 'provisioning':
      return aCluster(fields);
    case 'running':
      return aRunning(fields);
    case 'deleting':
      return aDeleting(fields);
    case 'deleted':
    case 'failed':
      return anEnded({ ...fields, phase });
  }
}

async function pagesOf(store: ClusterStore, query: Omit<ListQuery, 'cursor'>) {
  const pages: (readonly ClusterRecord[])[] = [];
  let cursor: string | null = null;
  do {
    const { records, nextCursor } = await store.list({ ...query, cursor });
    pages.push(records);
    cursor = nextCursor;
    if (pages.length > 100) throw new Error('the pages do not end');
  } while (cursor !== null);
  return pages;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

const idsOf = ({ records }: { records: readonly ClusterRecord[] }) => records.map((r) => r.id);
const byId = (records: readonly ClusterRecord[]) =>
  records.toSorted((a, b) => (a.id < b.id ? -1 : 1));

/** The ids of the clusters and schedules that are due at or before `until`, in their order. */
export async function idsDue(
  store: Pick<ClusterStore, 'due'>,
  until: EpochMs,
): Promise<(ClusterId | ScheduleId)[]> {
  return (await collect(store.due(until))).map(({ id }) => id);
}
