import { describe, expect, it } from 'vitest';
import { type EpochMs, hours, minutes, plus } from '../../lib/core/base/units.ts';
import { messageOf } from '../../lib/core/notices/message.ts';
import type { Channel, Notifier } from '../../lib/ports.ts';
import { anEnded, at, gone, usd } from '../support/builders.ts';
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
