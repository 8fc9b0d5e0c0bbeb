import { beforeEach, describe, expect, it } from 'vitest';
import { hours, plus } from '../../lib/core/base/units.ts';
import type { Granted } from '../../lib/core/cluster/limited.ts';
import type { Allowances } from '../../lib/ports.ts';
import { ID, LAUNCH, OTHER_ID } from './builders.ts';

const KEPT = plus(LAUNCH, hours(24));

export const aGrant = (version: number, changes: Partial<Granted> = {}): Granted => ({
  ...{ version, month: '2026-11', bytes: [0, 5e9 * version], earlier: {} },
  ...changes,
});

/** Tests what lib/ports.ts promises of Allowances. `anEmptyStore` returns a store without grants. */
export function allowancesContract(name: string, anEmptyStore: () => Promise<Allowances>): void {
  describe(name, () => {
    let store: Allowances;
    beforeEach(async () => {
      store = await anEmptyStore();
    });

    it('has nothing of a cluster that was granted nothing', async () => {
      expect(await store.read(ID)).toBeNull();
    });

    it('has what was granted last, of each cluster', async () => {
      expect(await store.grant(ID, aGrant(1), KEPT)).toBe('granted');
      const counted = { countedSince: [1_792_000_000, 0], counted: [4e9, 0], uncounted: [9e9, 0] };
      const next = aGrant(2, { month: '2026-12', earlier: { '2026-11': 6e12 }, ...counted });
      expect(await store.grant(ID, next, KEPT)).toBe('granted');
      expect(await store.read(ID)).toEqual(next);
      expect(await store.read(OTHER_ID)).toBeNull();
    });

    it('keeps no grant over another version than the one before', async () => {
      expect(await store.grant(ID, aGrant(2), KEPT)).toBe('conflict');
      await store.grant(ID, aGrant(1), KEPT);
      expect(await store.grant(ID, aGrant(1, { bytes: [9e9, 0] }), KEPT)).toBe('conflict');
      expect(await store.grant(ID, aGrant(3), KEPT)).toBe('conflict');
      expect(await store.read(ID)).toEqual(aGrant(1));
    });

    it('keeps one of many grants at once, with 500 nodes each', async () => {
      await store.grant(ID, aGrant(1), KEPT);
      const bytes = Array.from({ length: 500 }, () => 9e15);
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => store.grant(ID, aGrant(2, { bytes }), KEPT)),
      );
      expect(answers.filter((answer) => answer === 'granted')).toHaveLength(1);
      expect(await store.read(ID)).toEqual(aGrant(2, { bytes }));
    });
  });
}
