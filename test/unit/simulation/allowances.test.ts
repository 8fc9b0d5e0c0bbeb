import { describe, expect, it } from 'vitest';
import { areLimited } from '../../../simulation/allowances.ts';
import type { Instance } from '../../../simulators/linode/instance.ts';
import { at } from '../../support/builders.ts';
import { anInstanceAt } from '../../support/instances.ts';

const GB = 1e9;
const NOON = at('2026-11-10T12:00:00Z');

/** A nanode that wants to send 1 GB a second and may send half a GB. */
function aSender(created: number, more: Partial<Instance> = {}): Instance {
  const sends = [{ fromSeconds: 0, untilSeconds: null, bytesPerSecond: GB }];
  const limit = { slice: 0.5 * GB, grants: [], goneAt: null };
  return { ...anInstanceAt(created), sends, limit, ...more };
}

describe('the Linodes of a cluster are limited', () => {
  it('as long as each of them has its limit', () => {
    const { limit, ...open } = aSender(NOON);
    expect(areLimited([aSender(NOON), aSender(NOON)])).toBe(true);
    expect(areLimited([aSender(NOON), open])).toBe(false);
    const gone = { slice: 0, grants: [], goneAt: NOON };
    expect(areLimited([aSender(NOON, { limit: gone })])).toBe(false);
    expect(limit?.goneAt).toBeNull();
  });
});
