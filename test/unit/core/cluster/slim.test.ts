import { describe, expect, it } from 'vitest';
import type { ClusterId } from '../../../../lib/core/base/names.ts';
import { hours, plus } from '../../../../lib/core/base/units.ts';
import { audit, EMPTY_LEDGER } from '../../../../lib/core/caps/ledger.ts';
import { livingOf } from '../../../../lib/core/cluster/metrics.ts';
import { findOrphans } from '../../../../lib/core/cluster/orphans.ts';
import { createPool, slimLinode, slimRecord } from '../../../../lib/core/cluster/slim.ts';
import {
  aCluster,
  aDeleting,
  aLinode,
  anEnded,
  aRunning,
  aSpec,
  created,
  creating,
  deleting,
  gone,
  LAUNCH,
  neverCreated,
  planned,
  STAGE,
  usd,
} from '../../../support/builders.ts';

const NOW = plus(LAUNCH, hours(70));
const nodes = [planned(0), creating(1), created(2), deleting(3), gone(4), neverCreated(5)];
const spec = aSpec({ nodes: 6, budget: usd(1), userData: 'x'.repeat(9_000) });
const records = [
  aCluster({ nodes, spec }),
  aRunning({ nodes, spec }),
  aDeleting({ nodes, spec }),
  anEnded({ nodes, spec, endedAt: plus(LAUNCH, hours(2)) }),
];
const linodes = [2, 3, 9].map((index) => aLinode({ index, ipv6: '2001:db8::1/128' }));
const read = (record: (typeof records)[number]) => ({
  records: [record],
  unreadable: [],
  listed: new Set<ClusterId>(),
});

describe('a slim record', () => {
  it.each(records)('protects and counts as the whole record does ($phase)', (record) => {
    const slim = slimRecord(record, createPool());
    const context = { stage: STAGE, now: NOW };
    expect(findOrphans(linodes, read(slim), context)).toEqual(
      findOrphans(linodes, read(record), context),
    );
    const ledger = audit(EMPTY_LEDGER, read(aRunning()), NOW).next;
    for (const before of [EMPTY_LEDGER, ledger]) {
      expect(audit(before, read(slim), NOW)).toEqual(audit(before, read(record), NOW));
    }
    expect(livingOf([slim])).toEqual(livingOf([record]));
    expect(JSON.stringify(slim).length).toBeLessThan(JSON.stringify(record).length / 3);
  });
});

describe('a slim Linode', () => {
  it('is an orphan as the whole one is, and has no addresses', () => {
    const [first = aLinode()] = linodes;
    const slim = slimLinode(first, createPool());
    const { ipv4, ipv6, ...kept } = first;
    expect([ipv4.length, ipv6]).toEqual([1, '2001:db8::1/128']);
    expect(slim).toEqual({ ...kept, ipv4: [], ipv6: null });
  });
});

it('a pool returns the first of equal texts', () => {
  const pool = createPool();
  expect([pool('a'), pool('b'), pool('a')]).toEqual(['a', 'b', 'a']);
});
