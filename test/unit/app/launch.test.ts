import { describe, expect, it } from 'vitest';
import type { CatalogueCache } from '../../../lib/app/catalogue-cache.ts';
import { keyedClusterId, type LaunchRequest, launch } from '../../../lib/app/launch.ts';
import { sum } from '../../../lib/core/base/money.ts';
import {
  between,
  durationMs,
  type EpochMs,
  minutes,
  plus,
  seconds,
} from '../../../lib/core/base/units.ts';
import { type ClusterRecord, isLive } from '../../../lib/core/cluster/record.ts';
import type { Batch } from '../../../lib/core/pass/batches.ts';
import type { AppError } from '../../../lib/errors.ts';
import type { ClusterStore } from '../../../lib/ports.ts';
import type { Settings } from '../../../lib/settings.ts';
import { createMemoryTable } from '../../../simulators/aws/memory-table.ts';
import {
  ALL_CLUSTERS,
  aBody,
  anEnded,
  aSettings,
  at,
  LAUNCH,
  SCHEDULE_ID,
  usd,
} from '../../support/builders.ts';
import { depsWith } from '../../support/deps.ts';
import { aCatalogue, aClock, aSecret } from '../../support/doubles.ts';

/** The nodes of `aBody`. */
const NODES = aBody().nodes;

interface Options {
  readonly now?: EpochMs;
  readonly backups?: boolean;
  readonly catalogue?: Partial<CatalogueCache>;
  readonly passwordKey?: string | null | (() => Promise<never>);
  readonly settings?: Partial<Settings>;
  readonly nudge?: (batch: Batch) => Promise<void>;
  /** Returns the store that the launch uses in place of the table's. */
  readonly replaceStore?: (store: ClusterStore) => ClusterStore;
}

const readFails = async (): Promise<never> => {
  throw new Error('passwordKey is malformed');
};

function aWorld(options: Options = {}) {
  const {
    now = LAUNCH,
    backups = false,
    passwordKey = 'a key',
    replaceStore = (real) => real,
  } = options;
  const { clusters, ledger } = createMemoryTable();
  const reconcile = options.nudge ?? (async () => {});
  const deps = depsWith({
    catalogue: aCatalogue({ backups: async () => backups, ...options.catalogue }),
    clock: aClock(now),
    ledger,
    nudge: { reconcile, runSchedule: async () => {} },
    secrets: aSecret({
      passwordKey: typeof passwordKey === 'function' ? passwordKey : async () => passwordKey,
    }),
    settings: aSettings(options.settings),
    store: replaceStore(clusters),
  });
  const { clock, caps } = deps;
  return {
    clock,
    clusters,
    launch: (spec: Parameters<typeof aBody>[0] = {}, request: Partial<LaunchRequest> = {}) =>
      launch(deps, {
        ...{ owner: 'ann', idempotencyKey: null, schedule: null },
        ...{ by: plus(clock.now(), seconds(25)), input: aBody(spec) },
        ...request,
      }),
    records: async () => (await clusters.list(ALL_CLUSTERS)).records,
    /** Ends a cluster without nodes, as a pass would. */
    async end(record: ClusterRecord) {
      if (!isLive(record)) throw new Error('the cluster has ended already');
      const { phase: _, dueAt: __, ...common } = record;
      const ended = anEnded({ ...common, nodes: [], endedAt: clock.now(), spent: usd(0) });
      await clusters.save(ended);
      await caps.release(ended, clock.now());
    },
    /** The sum of the open budgets in the ledger. */
    openBudget: async () =>
      sum([...(await ledger.read()).open.values()].map((entry) => entry.budget)),
  };
}

describe('a launch', () => {
  it('writes a record that is due at once, even if the nudge is lost', async () => {
    const failNudge = async () => {
      throw new Error('no function there');
    };
    const { launch, clusters } = aWorld({ nudge: failNudge });
    const { record, isNew } = await launch();
    expect(isNew).toBe(true);
    expect(await clusters.get(record.id)).toEqual(record);
    expect(record).toMatchObject({ phase: 'provisioning', dueAt: LAUNCH, createdAt: LAUNCH });
    expect(record).toMatchObject({
      marginMs: minutes(3),
      provisionBy: plus(LAUNCH, durationMs(minutes(20) + NODES * 800)),
    });
  });

  it.each([
    ['for the first hour', {}, 0.015, 0.014999],
    ['for backups that the account forces', { backups: true }, 0.021, 0.020999],
    [
      'for the first hour twice where the month ends in it',
      { now: at('2026-11-30T23:30:00Z') },
      0.03,
      0.029999,
    ],
  ])('needs a budget %s', async (_, options, enough, tooLittle) => {
    const { launch, records, openBudget } = aWorld(options);
    await expect(launch({ budgetUsd: tooLittle })).rejects.toMatchObject({
      code: 'refused',
      details: { members: { smallestBudgetUsd: enough } },
    });
    expect([await records(), await openBudget()]).toEqual([[], 0]);
    expect((await launch({ budgetUsd: enough })).record).toMatchObject({ budget: usd(enough) });
  });

  it('without password or SSH keys is refused: nobody could log in', async () => {
    const { launch, records } = aWorld({ passwordKey: null });
    await expect(launch()).rejects.toMatchObject({ code: 'misconfigured' });
    expect(await records()).toEqual([]);
  });
});

describe('the private network of a launch', () => {
  const subnet = (block: number, bits = 24) => ({ block, bits });

  it('is on the VLAN of the stage, with the lowest subnet that is free', async () => {
    const { launch, end } = aWorld();
    const first = (await launch()).record;
    expect(first.network).toEqual({
      ...{ kind: 'private', vlan: 'onebuck-test', subnet: subnet(0) },
    });
    expect((await launch()).record.network?.subnet).toEqual(subnet(1));
    await end(first);
    expect((await launch()).record.network?.subnet).toEqual(subnet(0));
  });

  it('is on a VLAN of its own if asked for, and has more addresses above 250 nodes', async () => {
    const { launch } = aWorld({ settings: { nodesMax: 500, budgetMax: usd(100) } });
    await launch();
    const { record } = await launch({ network: 'isolated', nodes: 251, budgetUsd: 50 });
    expect(record.network).toEqual({
      ...{ kind: 'isolated', vlan: `onebuck-${record.id}`, subnet: subnet(4, 22) },
    });
  });

  it('is none for one node, and where the spec asks for none', async () => {
    const { launch } = aWorld();
    expect((await launch({ nodes: 1 })).record).not.toHaveProperty('network');
    expect((await launch({ network: 'none' })).record).not.toHaveProperty('network');
    expect((await launch()).record.network?.subnet).toEqual(subnet(0));
  });

  it('is the same if the function died before it wrote the record, and is launched again', async () => {
    let isDead = true;
    const { launch } = aWorld({
      replaceStore: (store) => ({
        ...store,
        insert: async (record) => {
          if (isDead && record.owner === 'ann') throw new Error('the function died');
          return store.insert(record);
        },
      }),
    });
    const keyed = { idempotencyKey: 'job-1' };
    await expect(launch({}, keyed)).rejects.toThrow('the function died');
    expect((await launch({}, { owner: 'bob' })).record.network?.subnet).toEqual(subnet(1));
    await expect(launch({ nodes: 90 }, keyed)).rejects.toThrow('the function died');
    isDead = false;
    expect((await launch({}, keyed)).record.network?.subnet).toEqual(subnet(0));
    expect((await launch({}, keyed)).record.network?.subnet).toEqual(subnet(0));
  });

  it.each([
    ['private', 'private', 'onebuck-test', 'ask for network none'],
    ['isolated', 'isolated', /onebuck-c\w{10}/, 'ask for network private'],
  ])('is refused if its VLAN, %s, would be the eleventh', async (_, network, vlan, remedy) => {
    const vlansWith = (...labels: string[]) => ({
      catalogue: {
        vlans: async () => [...labels, ...Array.from({ length: 9 }, (__, i) => `v${i}`)],
      },
    });
    const { launch, records, openBudget } = aWorld(vlansWith('v9'));
    const refusal = await launch({ network }).catch((error: AppError) => error);
    expect(refusal).toMatchObject({
      code: 'refused',
      message: expect.stringMatching(
        /^us-east has 10 VLANs, and Linode allows 10 in a region: onebuck-\w+ would be one more\./,
      ),
    });
    expect(`${refusal}`).toMatch(vlan);
    expect(`${refusal}`).toContain(remedy);
    expect([await records(), await openBudget()]).toEqual([[], 0]);

    await aWorld(vlansWith()).launch({ network });
    await aWorld({ catalogue: { vlans: async () => null } }).launch({ network });
    const none = await aWorld(vlansWith('v9')).launch({ network: 'none' });
    expect(none.record.network).toBeUndefined();
  });

  it('is left out with a warning if nobody asked for it and its VLAN would be the eleventh', async () => {
    const labels = Array.from({ length: 10 }, (_, index) => `v${index}`);
    const { launch } = aWorld({ catalogue: { vlans: async () => labels } });
    const { record } = await launch();
    expect(record.network).toBeUndefined();
    expect(record.advice.warnings).toContainEqual(
      expect.stringMatching(/^the nodes get no private network: us-east has 10 VLANs/),
    );
    await expect(launch({ setup: ['mpi'] })).rejects.toMatchObject({ code: 'refused' });
  });

  it('on the VLAN of the stage is let in although there are ten', async () => {
    const labels = ['onebuck-test', ...Array.from({ length: 9 }, (_, index) => `v${index}`)];
    const { launch } = aWorld({ catalogue: { vlans: async () => labels } });
    expect((await launch()).record.network?.kind).toBe('private');
    await expect(launch({ network: 'isolated' })).rejects.toMatchObject({ code: 'refused' });
  });

  it('is refused while a request with the same key and far fewer nodes may be under way', async () => {
    const { launch } = aWorld({
      settings: { nodesMax: 500, budgetMax: usd(100) },
      replaceStore: (store) => ({
        ...store,
        insert: async () => Promise.reject(new Error('the function died')),
      }),
    });
    const keyed = { idempotencyKey: 'job-1' };
    await expect(launch({}, keyed)).rejects.toThrow('the function died');
    const larger = launch({ nodes: 300, budgetUsd: 50 }, keyed);
    await expect(larger).rejects.toMatchObject({
      ...{ code: 'conflict', message: expect.stringContaining('used with another body') },
    });
  });
});

describe('a wait for addresses', () => {
  it('is granted to the first five launches of any 20 seconds, and to no repeated one', async () => {
    const { launch, clock } = aWorld();
    const granted = async (request: Partial<LaunchRequest> = {}) =>
      (await launch({}, request)).mayWait;
    const first = await Promise.all(Array.from({ length: 7 }, () => granted()));
    expect(first.filter(Boolean)).toHaveLength(5);
    clock.set(plus(LAUNCH, seconds(20)));
    expect(await granted()).toBe(false);
    clock.set(plus(LAUNCH, seconds(21)));
    expect(await granted({ idempotencyKey: 'k' })).toBe(true);
    expect(await granted({ idempotencyKey: 'k' })).toBe(false);
  });
});

describe('a launch among many', () => {
  it('has its turn after the nodes of earlier launches, and time to come up from then on', async () => {
    const { launch } = aWorld();
    const records = [];
    for (let index = 0; index < 3; index += 1) records.push((await launch()).record);
    const turns = records.map((record) => isLive(record) && between(LAUNCH, record.dueAt));
    expect(turns).toEqual([0, NODES * 800, 2 * NODES * 800]);
    const [, , third] = records;
    expect(third && 'createFrom' in third && third.createFrom).toBe(
      plus(LAUNCH, durationMs(2 * NODES * 800)),
    );
    expect(third?.provisionBy).toBe(plus(LAUNCH, durationMs(minutes(20) + 3 * NODES * 800)));
  });

  it('is left to the reaper after five launches within 20 seconds', async () => {
    const nudged: string[] = [];
    const nudge = async (batch: Batch) =>
      void nudged.push(...batch.map(({ clusterId }) => clusterId));
    const { launch } = aWorld({ nudge });
    for (let index = 0; index < 7; index += 1) await launch();
    expect(nudged).toHaveLength(5);
  });

  it('is refused when it would wait for more than an hour, and told when to try again', async () => {
    const { launch, clock } = aWorld({ settings: { nodesMax: 5_000, budgetMax: usd(1_000) } });
    await launch({ nodes: 4_600, budgetUsd: 100 });
    await expect(launch()).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/4600 that were launched before .* Try again in 2 minutes\./),
    });
    clock.set(plus(LAUNCH, minutes(2)));
    expect((await launch()).isNew).toBe(true);
  });
});

describe('a launch that a cap refuses', () => {
  it('leaves no record and no open budget', async () => {
    const { launch, records, openBudget } = aWorld({ settings: { openBudgetMax: usd(1.5) } });
    await launch();
    await expect(launch()).rejects.toMatchObject({
      code: 'refused',
      details: { members: { cap: 'openBudget', openUsd: 1, largestBudgetUsd: 0.5 } },
    });
    expect([(await records()).length, await openBudget()]).toEqual([1, usd(1)]);
  });

  it("is refused by its schedule's own monthly cap too", async () => {
    const { launch } = aWorld();
    const schedule = { id: SCHEDULE_ID, caps: { day: null, week: null, month: usd(1.5) } };
    await launch({}, { schedule });
    await expect(launch({}, { schedule })).rejects.toMatchObject({
      details: { members: { cap: 'scheduleMonthlySpend' } },
    });
    expect((await launch()).record.scheduleId).toBeNull();
  });
});

describe('an idempotency key', () => {
  const keyed = { idempotencyKey: 'night 1' };

  it('returns the same cluster for the same body; another body is a conflict', async () => {
    const { launch, records } = aWorld();
    const { record } = await launch({}, keyed);
    expect(await launch({}, keyed)).toEqual({ record, isNew: false, mayWait: false });
    await expect(launch({ nodes: 3 }, keyed)).rejects.toMatchObject({ code: 'conflict' });
    expect(await records()).toHaveLength(1);
  });

  it('of another owner launches another cluster', async () => {
    const { launch, records } = aWorld();
    await launch({}, keyed);
    expect(await launch({}, { ...keyed, owner: 'bob' })).toMatchObject({ isNew: true });
    expect(await records()).toHaveLength(2);
  });

  it("whose cluster id is another owner's cluster is a conflict that shows nothing of it", async () => {
    const { launch, clusters, openBudget } = aWorld();
    const { record } = await launch({}, keyed);
    const evil = keyedClusterId('eve', 'found by search');
    await clusters.insert({ ...record, id: evil });
    const theft = launch({}, { owner: 'eve', idempotencyKey: 'found by search' });
    await expect(theft).rejects.toMatchObject({
      code: 'conflict',
      message: 'This Idempotency-Key is in use. Use another key.',
      details: {},
    });
    expect(await openBudget()).toBe(usd(1));
  });

  it('in two requests at once launches one cluster, which both answer', async () => {
    const { launch, records, openBudget } = aWorld();
    const [first, second] = await Promise.all([launch({}, keyed), launch({}, keyed)]);
    expect(first.record).toEqual(second.record);
    expect([first.isNew, second.isNew].sort()).toEqual([false, true]);
    expect([(await records()).length, await openBudget()]).toEqual([1, usd(1)]);
  });

  it('in a request that arrives after the cluster has ended opens no budget', async () => {
    // The late request reads the table as it was before the first request wrote the record.
    const reads: ('now' | 'before')[] = [];
    const { launch, openBudget, end } = aWorld({
      replaceStore: (store) => ({
        ...store,
        get: async (id) => (reads.shift() === 'before' ? 'notFound' : store.get(id)),
      }),
    });
    const { record } = await launch({}, keyed);
    await end(record);
    expect(await openBudget()).toBe(0);
    reads.push('before');
    expect(await launch({}, keyed)).toMatchObject({ isNew: false, record: { phase: 'deleted' } });
    expect(await openBudget()).toBe(0);
  });
});

describe('the nodes of a launched cluster', () => {
  const hasAgent = async (options: Options, spec: Parameters<typeof aBody>[0] = {}) =>
    (await aWorld(options).launch(spec)).record.agent === true;
  const withKeys = { authorizedUsers: ['ann'] };

  it('have an agent, which reports by PUBLIC_URL with a token that the passwordKey makes', async () => {
    expect(await hasAgent({})).toBe(true);
    expect(await hasAgent({}, withKeys)).toBe(true);
  });

  it('are limited in what they send if they have an agent and transfer counts', async () => {
    const limited = async (options: Options, spec: Parameters<typeof aBody>[0] = {}) =>
      (await aWorld(options).launch(spec)).record.limited;
    expect(await limited({})).toBe(true);
    expect(await limited({ catalogue: { transferPrices: async () => null } })).toBe(undefined);
    expect(await limited({ settings: { publicUrl: null } })).toBe(undefined);
  });

  it('have none where they can not reach the API, and the quote says so', async () => {
    const { record } = await aWorld({ settings: { publicUrl: null } }).launch();
    expect(record.agent).toBeUndefined();
    expect(record.advice.warnings).toEqual([
      expect.stringContaining('the operator can set PUBLIC_URL'),
    ]);
  });

  it('have none without a passwordKey, or with one that can not be read', async () => {
    expect(await hasAgent({ passwordKey: null }, withKeys)).toBe(false);
    expect(await hasAgent({ passwordKey: readFails }, withKeys)).toBe(false);
  });

  it('have none where nothing on them reads user data', async () => {
    const [region] = await aCatalogue().regions(LAUNCH);
    const [image] = await aCatalogue().images(LAUNCH);
    const lacking = async (catalogue: Partial<CatalogueCache>) => {
      const { record } = await aWorld({ catalogue, settings: { publicUrl: null } }).launch();
      expect(record.advice.warnings.join()).not.toContain('PUBLIC_URL');
      return (await aWorld({ catalogue }).launch()).record.agent;
    };
    expect(
      await lacking({ regions: async () => [{ ...region, capabilities: ['Linodes'] }] as never }),
    ).toBe(undefined);
    expect(await lacking({ images: async () => [{ ...image, capabilities: [] }] as never })).toBe(
      undefined,
    );
  });
});
