import { beforeEach, describe, expect, it } from 'vitest';
import type { OwnerRecord } from '../../lib/core/caps/owners.ts';
import type { ClusterStore, OwnerStore } from '../../lib/ports.ts';
import { sha256 } from './aws.ts';
import { ALL_CLUSTERS, aCluster, LAUNCH, usd } from './builders.ts';

export const anOwner = (overrides: Partial<OwnerRecord> = {}): OwnerRecord => ({
  owner: 'ann',
  revision: 1,
  createdAt: LAUNCH,
  caps: { day: usd(1), week: 'none', month: null },
  tokens: [
    {
      ...{ id: sha256('one').slice(0, 8), createdAt: LAUNCH, sha256: sha256('one') },
      ...{ expiresAt: null, right: 'manage', monthlyMax: null },
    },
    {
      ...{ id: sha256('two').slice(0, 8), createdAt: LAUNCH, sha256: sha256('two') },
      ...{ expiresAt: LAUNCH, right: 'launch', monthlyMax: usd(0.000001) },
    },
  ],
  revokedAt: null,
  ...overrides,
});

/** Tests what lib/ports.ts promises of an OwnerStore. `makeStores` returns empty stores. */
export function ownerStoreContract(
  name: string,
  makeStores: () => Promise<{ owners: OwnerStore; store: ClusterStore }>,
): void {
  describe(name, () => {
    let owners: OwnerStore;
    /** The store of clusters, on the same table. */
    let store: ClusterStore;
    beforeEach(async () => {
      ({ owners, store } = await makeStores());
    });

    it('get returns each record as it was inserted, and null for others', async () => {
      const bob = anOwner({ owner: 'bob.s-1', tokens: [], revokedAt: LAUNCH });
      for (const record of [anOwner(), bob]) expect(await owners.insert(record)).toBe('inserted');
      expect(await owners.get('ann')).toEqual(anOwner());
      expect(await owners.get('bob.s-1')).toEqual(bob);
      expect(await owners.get('bob')).toBeNull();
    });

    it('keeps the first record of an owner when a second is inserted', async () => {
      await owners.insert(anOwner());
      expect(await owners.insert(anOwner({ tokens: [] }))).toBe('exists');
      expect(await owners.get('ann')).toEqual(anOwner());
    });

    it('saves over the revision that was read only, and one of many at once', async () => {
      expect(await owners.save(anOwner())).toBe('conflict');
      await owners.insert(anOwner());
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          owners.save(anOwner({ caps: { day: usd(index), week: null, month: 'none' } })),
        ),
      );
      const saved = answers.filter((answer) => answer !== 'conflict');
      expect(saved).toHaveLength(1);
      expect(await owners.get('ann')).toEqual(saved[0]);
      expect(saved[0]?.revision).toBe(2);
    });

    it('lists all by name, and none of them among the clusters', async () => {
      for (const owner of ['zoe', 'ann', 'bob']) await owners.insert(anOwner({ owner }));
      await store.insert(aCluster());
      expect((await owners.list()).map(({ owner }) => owner)).toEqual(['ann', 'bob', 'zoe']);
      for (const owner of [null, 'ann']) {
        expect((await store.list({ ...ALL_CLUSTERS, owner })).records).toEqual([aCluster()]);
      }
    });
  });
}
