import { describe, expect, it } from 'vitest';
import { allowedBytes, areLimited, billIfAllSent } from '../../../simulation/allowances.ts';
import type { Instance } from '../../../simulators/linode/instance.ts';
import { at } from '../../support/builders.ts';
import { anInstanceAt } from '../../support/instances.ts';

const GB = 1e9;
const HOUR = 3_600_000;
const NOON = at('2026-11-10T12:00:00Z');

/** A nanode that wants to send 1 GB a second and may send half a GB. */
function aSender(created: number, more: Partial<Instance> = {}): Instance {
  const sends = [{ fromSeconds: 0, untilSeconds: null, bytesPerSecond: GB }];
  const limit = { slice: 0.5 * GB, grants: [], goneAt: null };
  return { ...anInstanceAt(created), sends, limit, ...more };
}

const senders = (...linodes: Instance[]) => linodes.map((linode, index) => ({ index, linode }));

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

it('nodes may send what they were granted or their slices, and slowly, as Linode counts it', () => {
  const two = senders(aSender(NOON), aSender(NOON));
  const bytes = allowedBytes(two, [{ month: '2026-11', bytes: 50 * GB }], HOUR);
  expect(Math.round(bytes)).toBe(Math.round((50.5 * GB + 2 * 96_000 * 3_600) / 0.93));
});

describe('what is granted costs', () => {
  const now = NOON + 10_000;

  it('the hours, and all allowances at once, but slices where nothing was granted', () => {
    const two = senders(aSender(NOON), aSender(NOON));
    const cost = (hours: number) =>
      billIfAllSent(two, [{ month: '2026-11', bytes: 50 * GB }], now)(NOON + hours * HOUR);
    // Three hours of two nodes, of which two hours bring 5.6 GB.
    expect(cost(3)).toBe(6 * 7_500 + (51 - 5) * 5_000);
    expect(cost(1)).toBe(2 * 7_500 + 51 * 5_000);
  });

  it('of a node that is gone what it has sent, whatever it was granted', () => {
    const gone = aSender(NOON, { deleted: NOON + HOUR });
    const granted = [50, 90].map((gb) => ({ month: '2026-11', bytes: gb * GB }));
    const cost = billIfAllSent(senders(aSender(NOON), gone), granted, now)(NOON + HOUR);
    // 0.5 GB and 96 kB a second for an hour.
    expect(cost).toBe(2 * 7_500 + 51 * 5_000);
  });

  it('what was sent in the month before beside it', () => {
    const created = at('2026-11-30T20:00:00Z');
    const december = at('2026-12-01T00:00:00Z');
    const granted = [{ month: '2026-12', bytes: 7.5 * GB }];
    const limit = {
      slice: 0,
      grants: [{ at: created, month: '2026-11', bytes: 20 * GB }],
      goneAt: null,
    };
    const one = senders(aSender(created, { limit }));
    // November: 20 GB and 1.4 GB by four hours of slow sending, which bring 5.6 GB.
    const then = december + 60_000;
    expect(billIfAllSent(one, granted, then)(then + 1)).toBe(5 * 7_500 + (22 - 5 + 8) * 5_000);
  });
});
