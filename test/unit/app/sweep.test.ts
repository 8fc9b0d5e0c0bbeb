import { describe, expect, it } from 'vitest';
import type { CapsKeeper } from '../../../lib/app/caps-keeper.ts';
import { sweep } from '../../../lib/app/sweep.ts';
import { type ClusterId, clusterTag, reapTag } from '../../../lib/core/base/names.ts';
import { type EpochMs, hours, minutes, plus, seconds } from '../../../lib/core/base/units.ts';
import type { Linode } from '../../../lib/core/cluster/linode.ts';
import type { ClusterRecord } from '../../../lib/core/cluster/record.ts';
import { AppError, PartialListError } from '../../../lib/errors.ts';
import type { LinodeApi } from '../../../lib/ports.ts';
import { createMemoryTable } from '../../../simulators/aws/memory-table.ts';
import {
  aLinode,
  anEnded,
  aRunning,
  ID,
  LAUNCH,
  OTHER_ID,
  OUR_TAG,
  usd,
} from '../../support/builders.ts';
import { depsWith } from '../../support/deps.ts';
import { aClock, aRecordingLog, noLinode, recordingMetrics } from '../../support/doubles.ts';

const NOW = plus(LAUNCH, minutes(30));
const overdue = reapTag(plus(NOW, minutes(-10)));

/**
 * The sweeper over an account with the Linodes and an empty table, half an hour after LAUNCH. The
 * deletion of a Linode fails if `fails` is true for its id.
 */
function aWorld(linodes: readonly Linode[], { fails = (_: number): boolean => false } = {}) {
  const existing = [...linodes];
  const [metrics, log, table] = [recordingMetrics(), aRecordingLog(), createMemoryTable()];
  const deps = depsWith({ clock: aClock(NOW), metrics, log, store: table.clusters });
  const world = {
    existing,
    destroyedAt: new Map<number, EpochMs>(),
    audited: [] as string[][],
    emitted: metrics.emitted,
    logged: log.entries,
    poison: table.poison,
    store: deps.store,
    isLedgerLost: false,
    listByTag: async (): Promise<Linode[]> => [...existing],
    get: async (id: number): Promise<Linode | 'notFound'> =>
      existing.find((linode) => linode.id === id) ?? 'notFound',
    async delete(id: number) {
      if (fails(id)) throw new Error('Linode fails');
      existing.splice(existing.map((linode) => linode.id).indexOf(id), 1);
      world.destroyedAt.set(id, deps.clock.now());
      return 'deleted' as const;
    },
    audit: async (...[readRecords, others]: Parameters<CapsKeeper['audit']>) => {
      world.audited.push([...others]);
      await readRecords(others);
      if (world.isLedgerLost) throw new Error('no ledger there');
      return [];
    },
    openClusters: async () => world.open,
    /** The clusters whose budgets the ledger has as open. */
    open: [] as ClusterId[],
    run() {
      const linode = { ...noLinode, ...world };
      const limits = { by: plus(NOW, minutes(7)), reserveMs: seconds(30) };
      return sweep({ ...deps, store: world.store, caps: world, linode }, limits);
    },
  };
  return world;
}

describe('the sweeper', () => {
  it('spares a Linode whose record is written while the sweeper lists Linodes', async () => {
    const world = aWorld([]);
    const list = world.listByTag;
    // Each list shows one more Linode, whose record is written just before the list's answer.
    const records: [ClusterRecord, Linode][] = [
      [aRunning(), aLinode({ id: 1, tags: [OUR_TAG, clusterTag(ID), overdue] })],
      [
        aRunning({ id: OTHER_ID }),
        aLinode({ id: 2, tags: [OUR_TAG, clusterTag(OTHER_ID), overdue] }),
      ],
    ];
    world.listByTag = async () => {
      const [record, linode] = records.shift() ?? [];
      if (record !== undefined) await world.store.insert(record);
      if (linode !== undefined) world.existing.push(linode);
      return list();
    };
    expect(await world.run()).toEqual({ destroyed: 0 });
  });

  it('destroys the orphans of a list that it could not read to its end, and throws', async () => {
    const world = aWorld([aLinode({ id: 1, tags: [OUR_TAG, clusterTag(ID), overdue] })]);
    const cause = new AppError('linodeUnavailable', 'GET /linode/instances: 500');
    world.listByTag = () => Promise.reject(new PartialListError(cause, [...world.existing]));
    await expect(world.run()).rejects.toThrow('GET /linode/instances: 500');
    expect([...world.destroyedAt.keys()]).toEqual([1]);
  });

  it('gives the list of VLANs ten seconds, and each deletion of one', async () => {
    const world = aWorld([]);
    const network = { kind: 'isolated', subnet: { block: 0, bits: 24 } } as const;
    const ended = [ID, OTHER_ID].map((id) =>
      anEnded({ id, network: { ...network, vlan: `onebuck-${id}` } }),
    );
    for (const record of ended) await world.store.insert(record);
    const tried: string[] = [];
    const calls: number[] = [];
    const vlans: LinodeApi['vlans'] = async (_, by) => {
      calls.push(by - NOW);
      return ended.map(({ bought, network: of }) => ({
        ...{ region: bought.region, label: of?.vlan ?? '', linodes: 0 },
      }));
    };
    const deleteVlan: LinodeApi['deleteVlan'] = async (_, label, by) => {
      tried.push(label);
      calls.push(by - NOW);
      throw new Error('Linode fails');
    };
    Object.assign(world, { vlans, deleteVlan });
    expect(await world.run()).toEqual({ destroyed: 0 });
    expect(tried).toEqual([`onebuck-${ID}`, `onebuck-${OTHER_ID}`]);
    expect(calls).toEqual([seconds(10), seconds(10), seconds(10)]);
  });

  it('destroys by the reap tags while the records can not be read', async () => {
    const world = aWorld([
      aLinode({ id: 1, tags: [OUR_TAG, clusterTag(ID), overdue] }),
      aLinode({ id: 2, tags: [OUR_TAG, clusterTag(OTHER_ID)] }),
    ]);
    world.store = {
      ...world.store,
      async getMany() {
        throw new Error('no table there');
      },
    };
    // The sweeper throws at its end, since it could not audit the caps.
    await expect(world.run()).rejects.toThrow('no table there');
    expect(world.existing.map(({ id }) => id)).toEqual([2]);
  });

  it('goes by the records, not by tags of an earlier budget, where a read is refused twice', async () => {
    const world = aWorld([aLinode({ id: 1, tags: [OUR_TAG, clusterTag(ID), overdue] })]);
    await world.store.insert(aRunning());
    const { store } = world;
    let refusals = 2;
    world.store = {
      ...store,
      async getMany(ids) {
        if (refusals === 0) return store.getMany(ids);
        refusals -= 1;
        throw new Error('throttled');
      },
    };
    expect(await world.run()).toEqual({ destroyed: 0 });
    expect(world.existing).toHaveLength(1);
  });

  it('keeps its order around one record that can not be read', async () => {
    const later = reapTag(plus(NOW, hours(5)));
    const world = aWorld([
      aLinode({ id: 1, tags: [OUR_TAG, clusterTag(ID), later] }),
      aLinode({ id: 2, tags: [OUR_TAG, clusterTag(OTHER_ID), later] }),
      aLinode({ id: 3, tags: [OUR_TAG, overdue] }),
    ]);
    await world.store.insert(aRunning());
    await world.store.insert(anEnded({ id: OTHER_ID }));
    world.poison(ID);
    expect(await world.run()).toEqual({ destroyed: 2 });
    expect(world.existing.map(({ id }) => id)).toEqual([1]);
    expect(world.emitted).toContainEqual({ UnreadableRecords: 1 });
    expect(world.logged).toContainEqual({
      level: 'error',
      message: 'record is unreadable',
      details: { clusterId: ID, reason: 'its version 99 is not known' },
    });
  });

  it('destroys the nodes of an unreadable record at their reap time', async () => {
    const soon = plus(NOW, minutes(4));
    const world = aWorld([aLinode({ id: 1, tags: [OUR_TAG, clusterTag(ID), reapTag(soon)] })]);
    await world.store.insert(aRunning());
    world.poison(ID);
    expect(await world.run()).toEqual({ destroyed: 1 });
    expect([...world.destroyedAt]).toEqual([[1, soon]]);
  });

  it('destroys nothing where it can not read the whole list', async () => {
    const world = aWorld([aLinode({ tags: [OUR_TAG, overdue] })]);
    world.listByTag = async () => {
      throw new Error('the second page is missing');
    };
    await expect(world.run()).rejects.toThrow('the second page is missing');
    expect(world.existing).toHaveLength(1);
  });

  it('waits for a reap time before its next tick, and destroys the Linode only then', async () => {
    const soon = plus(NOW, minutes(4));
    const world = aWorld([
      aLinode({ id: 1, tags: [OUR_TAG, reapTag(soon)] }),
      aLinode({ id: 2, tags: [OUR_TAG, reapTag(plus(NOW, minutes(6)))] }),
    ]);
    expect(await world.run()).toEqual({ destroyed: 1 });
    expect([...world.destroyedAt]).toEqual([[1, soon]]);
  });

  it('destroys all that it can, and throws the failure of a deletion', async () => {
    const tags = [OUR_TAG, overdue];
    const soon = [OUR_TAG, reapTag(plus(NOW, minutes(4)))];
    const linodes = [aLinode({ id: 1, tags }), aLinode({ id: 2, tags })];
    const fails = (id: number) => id === 1;
    const world = aWorld([...linodes, aLinode({ id: 3, tags: soon })], { fails });
    await expect(world.run()).rejects.toMatchObject({
      code: 'linodeUnavailable',
      message: expect.stringContaining('Linode fails'),
    });
    expect(world.existing.map(({ id }) => id)).toEqual([1]);
  });

  it('has the caps audited for the clusters in its list of Linodes', async () => {
    const record = aRunning({ budget: usd(50) });
    const world = aWorld([
      aLinode({ tags: [OUR_TAG, clusterTag(ID), reapTag(plus(NOW, hours(5)))] }),
    ]);
    await world.store.insert(record);
    await world.run();
    expect(world.audited).toEqual([[ID]]);
  });

  it('destroys orphans first where the caps can not be audited, and then throws', async () => {
    const world = aWorld([aLinode({ tags: [OUR_TAG, overdue] })]);
    world.isLedgerLost = true;
    await expect(world.run()).rejects.toThrow('no ledger there');
    expect(world.existing).toEqual([]);
  });
});

describe('the sweeper emits', () => {
  it('how many Linodes it has destroyed each time, without those that it could not', async () => {
    const tags = [OUR_TAG, overdue];
    const soon = [OUR_TAG, reapTag(plus(NOW, minutes(4)))];
    const linodes = [aLinode({ id: 1, tags }), aLinode({ id: 2, tags }), aLinode({ id: 3, tags })];
    const fails = (id: number) => id === 1;
    const world = aWorld([...linodes, aLinode({ id: 4, tags: soon })], { fails });
    await world.run().catch(() => {});
    expect(world.emitted).toEqual([{ OrphansDestroyed: 2 }, { OrphansDestroyed: 1 }]);
  });

  it('what lives, by the records that the audit reads', async () => {
    const world = aWorld([
      aLinode({ tags: [OUR_TAG, clusterTag(ID), reapTag(plus(NOW, hours(5)))] }),
    ]);
    await world.store.insert(aRunning({ budget: usd(50) }));
    await world.run();
    expect(world.emitted).toEqual([{ LiveClusters: 1, OpenBudget: 50, SpendRate: 0.015 }]);
  });

  it('nothing while no cluster lives, so that an idle deployment pays for no metric', async () => {
    const world = aWorld([]);
    await world.run();
    expect(world.emitted).toEqual([]);
  });
});

describe.each([
  ['first', 0],
  ['second', 1],
])('a Linode that only the %s list shows, and the sweeper waits for,', (_, fullList) => {
  const soon = reapTag(plus(NOW, minutes(2)));
  const awaited = (id: number) => aLinode({ id, tags: [OUR_TAG, clusterTag(OTHER_ID), soon] });
  const emptyOtherLists = (world: ReturnType<typeof aWorld>) => {
    const [first] = [[...world.existing]];
    let lists = 0;
    world.listByTag = async () => (lists++ === fullList ? first : []);
  };

  it('is destroyed if it still exists', async () => {
    const world = aWorld([awaited(1), awaited(2), awaited(3)]);
    emptyOtherLists(world);
    world.get = async (id) => (id === 2 ? 'notFound' : awaited(id));
    expect(await world.run()).toEqual({ destroyed: 2 });
    expect([...world.destroyedAt.keys()].toSorted()).toEqual([1, 3]);
  });

  it('is destroyed where it can not be read again', async () => {
    const world = aWorld([awaited(1)]);
    emptyOtherLists(world);
    world.get = () => Promise.reject(new Error('Linode fails'));
    expect(await world.run()).toEqual({ destroyed: 1 });
  });

  it('is left alone once it has lost the ownership tag', async () => {
    const world = aWorld([awaited(1)]);
    emptyOtherLists(world);
    world.get = async () => aLinode({ id: 1, tags: [soon] });
    expect(await world.run()).toEqual({ destroyed: 0 });
  });
});
