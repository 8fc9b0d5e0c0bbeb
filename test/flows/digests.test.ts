import { describe, expect, it } from 'vitest';
import { billCsv } from '../../client/bill.ts';
import { report } from '../../lib/app/report.ts';
import { type MicroUsd, sum, toUsd } from '../../lib/core/base/money.ts';
import { type EpochMs, hours, minutes, plus } from '../../lib/core/base/units.ts';
import { monthName } from '../../lib/core/billing/bill.ts';
import { spentByMonthOf } from '../../lib/core/cluster/bills.ts';
import { type ClusterRecord, ENDED_KEPT } from '../../lib/core/cluster/record.ts';
import type { Digest } from '../../lib/core/notices/digest/digest.ts';
import { messageOf } from '../../lib/core/notices/message.ts';
import { renderReport } from '../../lib/http/render-report.ts';
import type { Channel, Notifier } from '../../lib/ports.ts';
import { aBought, anEnded, aRunning, at, created, gone, price, usd } from '../support/builders.ts';
import { id } from '../support/cluster-store-contract.ts';
import { aWorld, type World } from '../support/flow-world.ts';

let world: World;

/** A Thursday; the digest of its week is due on the Monday after. */
const LAUNCHED = at('2026-03-12T12:00:00Z');
const MONDAY = at('2026-03-16T00:00:00Z');
const idsSent = () => world.digestsSent.map((digest) => messageOf(digest).json.id);

/** A cluster of each owner that lived for five hours, and had a budget of $1. */
async function aWorldOf(owners: readonly string[], options: Parameters<typeof aWorld>[0] = {}) {
  world = await aWorld(options);
  for (const [n, owner] of owners.entries()) {
    const endedAt = plus(LAUNCHED, hours(5));
    const nodes = [gone(0, { billedFrom: LAUNCHED, billedUntil: endedAt })];
    const spent = usd(0.0375);
    await world.store.insert(
      anEnded({ id: id(n), owner, createdAt: LAUNCHED, endedAt, nodes, spent }),
    );
  }
  return world;
}

/** Has EventBridge start the function each hour until `end`; returns the errors of the function. */
async function tickUntil(end: EpochMs, every?: 'weekly' | 'monthly'): Promise<unknown[]> {
  const errors: unknown[] = [];
  for (let tick = world.clock.now(); tick < end; tick = plus(tick, hours(1))) {
    world.clock.set(tick);
    errors.push(await world.sendDigests(every));
  }
  return errors.filter((error) => error !== undefined);
}

describe('people get', () => {
  it('the digest of each week once, for each owner and for the admin, an hour after its end', async () => {
    await aWorldOf(['ann', 'bob']);
    world.clock.set(plus(LAUNCHED, hours(6)));
    // The week before had no cluster.
    await tickUntil(plus(MONDAY, hours(1)));
    expect(idsSent()).toEqual(['digest/2026-W10/all']);
    await tickUntil(plus(MONDAY, hours(2)));
    const ofWeek = ['all', 'owner/ann', 'owner/bob'].map((whose) => `digest/2026-W11/${whose}`);
    expect(idsSent().slice(1)).toEqual(ofWeek);
    await tickUntil(plus(MONDAY, hours(7 * 24 + 2)));
    expect(idsSent().slice(4)).toEqual(['digest/2026-W12/all']);
    const [, admin, ann] = world.digestsSent;
    expect(admin?.tally.totals).toMatchObject({ clusters: 2, nodeHours: 10, billed: usd(0.075) });
    expect(ann?.tally).toMatchObject({ ended: 1, unspent: usd(0.9625) });
  });

  it('the digest of each month once', async () => {
    await aWorldOf(['ann']);
    world.clock.set(at('2026-03-31T20:00:00Z'));
    await tickUntil(at('2026-04-03T00:00:00Z'), 'monthly');
    expect(idsSent()).toEqual([
      'digest/2026-02/all',
      'digest/2026-03/all',
      'digest/2026-03/owner/ann',
    ]);
  });

  it('each digest once, though the function runs twice at the same time, each hour', async () => {
    const owners = Array.from({ length: 12 }, (_, n) => `owner${n}`);
    await aWorldOf(owners);
    for (const hour of [1, 2, 3, 4]) {
      world.clock.set(plus(MONDAY, hours(hour)));
      await Promise.all([world.sendDigests(), world.sendDigests(), world.sendDigests()]);
    }
    expect(idsSent()).toHaveLength(13);
    expect(new Set(idsSent()).size).toBe(13);
  });

  it('how much of the cap is used that the admin has set for the owner, or the deployment’s', async () => {
    await aWorldOf(['ann', 'bob', 'cleo'], { settings: { monthlySpendPerOwnerMax: usd(5) } });
    const caps = { day: null, week: null };
    const record = { revision: 1, createdAt: LAUNCHED, tokens: [], revokedAt: null };
    await world.owners.insert({ ...record, owner: 'ann', caps: { ...caps, month: usd(0.05) } });
    await world.owners.insert({ ...record, owner: 'bob', caps: { ...caps, month: 'none' } });
    world.clock.set(plus(MONDAY, hours(1)));
    await world.sendDigests();
    const limits = world.digestsSent.map(({ owner, cap }) => [owner, cap?.limit ?? null]);
    expect(limits).toEqual([
      ['admin', null],
      ['ann', usd(0.05)],
      ['bob', null],
      ['cleo', usd(5)],
    ]);
    const text = messageOf(world.digestsSent[1] as never).text;
    expect(text).toContain('Cap of 2026-03: $0.0375 of $0.05 used (75 %).');
  });

  it('nothing where digests are not wanted', async () => {
    await aWorldOf(['ann']);
    world.clock.set(plus(MONDAY, hours(1)));
    await world.sendDigests(null);
    expect(idsSent()).toEqual([]);
  });
});

describe('a write that is lost', () => {
  const lost = () => new Error('the table is away');

  it('of what was read: the next call reads again, and sends each digest once', async () => {
    let losses = 1;
    await aWorldOf(['ann', 'bob'], {
      replaceDigests: (digests) => ({
        save: async (...args) => {
          if (losses-- > 0) throw lost();
          return digests.save(...args);
        },
      }),
    });
    world.clock.set(plus(MONDAY, hours(1)));
    expect(await tickUntil(plus(MONDAY, hours(4)))).toEqual([lost()]);
    expect(idsSent()).toHaveLength(3);
  });

  it('of what was sent: that digest comes again once, with the same id, and no other does', async () => {
    let losses = 1;
    await aWorldOf(['ann', 'bob'], {
      replaceDigests: (digests) => ({
        sent: async (message, time) => {
          if (message.includes('/owner/ann/') && losses-- > 0) throw lost();
          return digests.sent(message, time);
        },
      }),
    });
    world.clock.set(plus(MONDAY, hours(1)));
    const errors = await tickUntil(plus(MONDAY, hours(5)));
    expect(errors.map(String)).toEqual([expect.stringContaining('the table is away')]);
    const all = ['all', 'owner/ann', 'owner/bob', 'owner/ann'];
    expect(idsSent()).toEqual(all.map((whose) => `digest/2026-W11/${whose}`));
  });

  it('that all was sent: the next calls send nothing', async () => {
    let losses = 2;
    await aWorldOf(['ann'], {
      replaceDigests: (digests) => ({
        save: async (period, progress, keptUntil) => {
          if (progress.stage === 'done' && losses-- > 0) throw lost();
          return digests.save(period, progress, keptUntil);
        },
      }),
    });
    world.clock.set(plus(MONDAY, hours(1)));
    expect(await tickUntil(plus(MONDAY, hours(6)))).toEqual([lost(), lost()]);
    expect(idsSent()).toHaveLength(2);
  });
});

describe('a channel', () => {
  /** Keeps the ids that it takes, and fails until `worksFrom`. */
  function aChannel(name: Channel['name'], worksFrom: EpochMs) {
    const taken: string[] = [];
    const notifier: Notifier = {
      async send(message) {
        if (world.clock.now() < worksFrom) throw new Error(`the ${name} is away`);
        taken.push(messageOf(message).json.id);
      },
    };
    return { name, open: () => notifier, taken };
  }

  it('that fails is tried again each hour, and the other gets no digest twice', async () => {
    const topic = aChannel('topic', LAUNCHED);
    const webhook = aChannel('webhook', plus(MONDAY, hours(6)));
    await aWorldOf(['ann'], { channels: [topic, webhook] });
    world.clock.set(plus(MONDAY, hours(1)));
    const errors = await tickUntil(plus(MONDAY, hours(24)));
    // The function fails, so that its alarm goes off.
    expect(errors).toHaveLength(5);
    expect(String(errors[0])).toContain(
      '2 messages of the digest of 2026-W11 are to be tried again: the webhook is away',
    );
    const both = ['digest/2026-W11/all', 'digest/2026-W11/owner/ann'];
    expect([topic.taken, webhook.taken]).toEqual([both, both]);
  });

  it('that fails for three days is given up, until the next week', async () => {
    const webhook = aChannel('webhook', plus(MONDAY, hours(100)));
    await aWorldOf(['ann'], { channels: [webhook] });
    world.clock.set(plus(MONDAY, hours(70)));
    const errors = await tickUntil(plus(MONDAY, hours(120)));
    expect(errors).toHaveLength(3);
    expect(String(errors.at(-1))).toContain('are given up: the webhook is away');
    await tickUntil(plus(MONDAY, hours(7 * 24 + 2)));
    expect(webhook.taken).toEqual(['digest/2026-W12/all']);
  });

  it('that can not be built fails like one that does not answer', async () => {
    const open = () => {
      throw new Error('NOTICE_WEBHOOK_URL must be a URL');
    };
    const topic = aChannel('topic', LAUNCHED);
    await aWorldOf(['ann'], { channels: [{ name: 'webhook', open }, topic] });
    world.clock.set(plus(MONDAY, hours(1)));
    expect(String(await world.sendDigests())).toContain('NOTICE_WEBHOOK_URL');
    expect(topic.taken).toHaveLength(2);
  });

  it('that hangs keeps the others waiting for ten seconds, and fails', async () => {
    const topic = aChannel('topic', LAUNCHED);
    const hanging: Channel = {
      name: 'webhook',
      open: () => ({ send: () => new Promise(() => {}) }),
    };
    await aWorldOf(['ann'], { channels: [hanging, topic] });
    world.clock.set(plus(MONDAY, hours(1)));
    expect(String(await world.sendDigests())).toContain('no answer in time');
    expect(topic.taken).toHaveLength(2);
    expect(world.clock.now() - MONDAY).toBeLessThan(hours(1) + minutes(1));
  });
});

describe('a function that dies', () => {
  it('after it has claimed a message: another sends it when the claim is over', async () => {
    let isDying = true;
    const sent: string[] = [];
    const open = (): Notifier => ({
      async send(message) {
        if (isDying) await new Promise(() => {});
        sent.push(messageOf(message).json.id);
      },
    });
    await aWorldOf(['ann'], {
      channels: [{ name: 'topic', open }],
      // A function that is dead gives nothing back.
      replaceDigests: () => ({ release: async () => {} }),
    });
    world.clock.set(plus(MONDAY, hours(1)));
    await world.sendDigests();
    isDying = false;
    world.clock.set(plus(MONDAY, (hours(1) + minutes(5)) as never));
    await world.sendDigests();
    expect(sent).toEqual([]);
    world.clock.set(plus(MONDAY, hours(2)));
    await world.sendDigests();
    expect(sent).toEqual(['digest/2026-W11/all', 'digest/2026-W11/owner/ann']);
  });

  it('in a long history: the next call reads on where it had come to', async () => {
    const pages: (string | null)[] = [];
    await aWorldOf(['ann', 'bob'], {
      inMemory: true,
      replaceStore: (store) => ({
        async *livedIn(query) {
          pages.push(query.cursor);
          for await (const page of store.livedIn(query)) {
            // A page takes two minutes, so that a function of five reads three.
            world.clock.set(plus(world.clock.now(), minutes(2)));
            yield page;
          }
        },
      }),
    });
    for (let n = 2; n < 650; n += 1) {
      const createdAt = plus(LAUNCHED, minutes(-n));
      await world.store.insert(anEnded({ id: id(n), owner: 'ann', createdAt, endedAt: LAUNCHED }));
    }
    world.clock.set(plus(MONDAY, hours(1)));
    expect(await tickUntil(plus(MONDAY, hours(6)))).toEqual([]);
    expect(pages).toEqual([null, expect.any(String), expect.any(String)]);
    expect(idsSent()).toHaveLength(3);
    expect(world.digestsSent[0]?.tally.ended).toBe(650);
  });
});

/**
 * 300 clusters of 20 owners that lived in March 2026, some of them beyond it, some still live; every
 * fourth sends more than its nodes bring.
 */
function aMonth(): ClusterRecord[] {
  const first = at('2026-02-26T00:00:00Z');
  return Array.from({ length: 300 }, (_, n) => {
    const createdAt = plus(first, minutes((n * 7_919) % (34 * 24 * 60)));
    const endedAt = plus(createdAt, minutes(1 + ((n * 104_729) % 9_000)));
    const nodePrice = price([0.0075, 0.018, 0.036][n % 3] as number, 5 + n);
    const bought = aBought({ price: nodePrice, transfer: { gb: 1_000, gbPrice: usd(0.005) } });
    const common = { id: id(n), owner: `owner${n % 20}`, createdAt, bought, budget: usd(50) };
    const indexes = Array.from({ length: 1 + (n % 7) }, (_, index) => index);
    const bytes = indexes.map((index) => (n % 4 === 0 ? 1e9 * (300 + 7 * index) : 0));
    const measuredAt = bytes.map(() => endedAt);
    const expected = bytes.map(() => 0);
    const month = monthName(endedAt);
    const sent = { at: endedAt, month, bytes, measuredAt, expected, before: {}, rate: 0 };
    if (n % 25 === 0) {
      const nodes = indexes.map((index) => created(index, { billedFrom: createdAt }));
      return aRunning({ ...common, nodes, sent });
    }
    const times = { billedFrom: createdAt, billedUntil: endedAt };
    const nodes = indexes.map((index) => gone(index, times));
    const record = anEnded({ ...common, nodes, sent, endedAt });
    return { ...record, spent: sum(Object.values(spentByMonthOf(record, endedAt))) };
  });
}

describe('a month of 300 clusters of 20 owners', () => {
  it('comes to $2374.368 in the report, in 21 digests and their CSV, and in that for finance', async () => {
    world = await aWorld();
    for (const record of aMonth()) await world.store.insert(record);
    world.clock.set(at('2026-04-01T01:00:00Z'));
    expect(await world.sendDigests('monthly')).toBeUndefined();
    world.clock.set(at('2026-04-09T12:34:56Z'));
    const { clock, store, invoices } = world;
    const query = { month: '2026-03', owner: null, cursor: null };
    const reported = await report(
      { clock, store, invoices, endedKept: ENDED_KEPT },
      'admin',
      query,
    );
    const { total, byOwner } = reported;
    const [admin, ...owners] = world.digestsSent;
    expect(admin?.tally.totals).toEqual(total);
    expect(admin?.byOwner?.map(({ cap: _, ...totals }) => totals)).toEqual(byOwner);
    expect(owners).toHaveLength(20);
    for (const { owner, tally } of owners) {
      expect({ owner, ...tally.totals }).toEqual(byOwner?.find((one) => one.owner === owner));
    }
    const csvOf = (digest: Digest) => `${messageOf(digest).json.csv}`.trimEnd().split('\r\n');
    expect(billedIn(csvOf(admin as Digest))).toBe(total.billed);
    expect(sum(owners.map((digest) => billedIn(csvOf(digest))))).toBe(total.billed);
    expect(billedIn(billCsv(renderReport(reported, null)))).toBe(total.billed);
    const { clusters, nodeHours, billed } = total;
    expect([clusters, nodeHours, toUsd(billed)]).toEqual([294, 102_361, 2_374.368]);
  });

  it('comes to the same in its weeks as in its months', async () => {
    const records = aMonth().filter(({ phase }) => phase === 'deleted');
    world = await aWorld();
    for (const record of records) await world.store.insert(record);
    for (let n = 0; n < 8; n += 1) {
      world.clock.set(plus(at('2026-03-02T02:00:00Z'), hours(n * 7 * 24)));
      await world.sendDigests('weekly');
    }
    const ofAll = world.digestsSent.filter(({ byOwner }) => byOwner !== null);
    const sumOf = (amount: (digest: (typeof ofAll)[number]) => number) =>
      ofAll.reduce((sum, digest) => sum + amount(digest), 0);
    const spent = records.reduce((sum, record) => sum + ('spent' in record ? record.spent : 0), 0);
    expect(sumOf(({ tally }) => tally.totals.billed)).toBe(spent);
    expect(sumOf(({ tally }) => tally.ended)).toBe(records.length);
  });
});

/** The sum of the column `billedUsd` of a table whose names have no comma. */
function billedIn([head = '', ...rows]: readonly string[]): MicroUsd {
  const column = head.split(',').indexOf('billedUsd');
  return sum(rows.map((row) => usd(Number(row.split(',')[column]))));
}
