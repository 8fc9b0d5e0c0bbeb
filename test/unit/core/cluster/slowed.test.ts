import { describe, expect, it } from 'vitest';
import { minutes, plus } from '../../../../lib/core/base/units.ts';
import { grantFor, leftBytes } from '../../../../lib/core/cluster/allowance.ts';
import type { Granted } from '../../../../lib/core/cluster/limited.ts';
import type { LiveRecord } from '../../../../lib/core/cluster/record.ts';
import { withSent } from '../../../../lib/core/cluster/sent.ts';
import { areSlowed } from '../../../../lib/core/cluster/slowed.ts';
import { aBought, aDeleting, aRunning, created, LAUNCH, usd } from '../../../support/builders.ts';

const GB = 1e9;
const NOW = plus(LAUNCH, minutes(30));
const bought = { ...aBought(), transfer: { gb: 1_000, gbPrice: usd(0.005) } };
/** Two nanodes: 66 hours for $0.99, in which they may send 119 GB at once. */
const record = aRunning({ bought, limited: true, agent: true, budget: usd(0.99) });

/** The grants of a node that has asked until nothing was left, while the other was silent. */
function allGranted(one: LiveRecord): Granted | null {
  let granted: Granted | null = null;
  for (let asked = 0; asked < 40; asked += 1) {
    const sentBytes: number = granted?.bytes[0] ?? GB;
    granted = grantFor(one, granted, { rank: 0, sentBytes, countedSince: 0 }, NOW) ?? granted;
  }
  return granted;
}

const ALL = allGranted(record);
const ALLOWED_GB = (ALL?.bytes[0] ?? 0) / GB;

/** Whether nodes are slowed of which the first was measured to have sent so many GB. */
function isSlowedAt(gb: number, granted = ALL, one: LiveRecord = record): boolean {
  const measured = new Map([
    [0, Math.round(gb * GB)],
    [1, 0],
  ]);
  return areSlowed(withSent(one, measured, NOW, granted), { measured, granted }, NOW);
}

describe('nodes are slowed', () => {
  it('once one has used its allowance, and nothing is left to grant', () => {
    expect(ALLOWED_GB).toBeGreaterThan(100);
    expect(leftBytes(record, ALL, NOW)).toBeLessThan(GB);
    expect(isSlowedAt(ALLOWED_GB)).toBe(true);
    expect(isSlowedAt(ALLOWED_GB * 0.9)).toBe(false);
  });

  it('not while more may be granted', () => {
    const some: Granted = { version: 1, month: '2026-11', bytes: [50 * GB, 0], earlier: {} };
    expect(isSlowedAt(50, some)).toBe(false);
    expect(isSlowedAt(ALLOWED_GB, ALL, { ...record, budget: usd(3) })).toBe(false);
  });

  it('not by background traffic, though nothing is left beside it', () => {
    const poor = { ...bought, transfer: { gb: 0, gbPrice: usd(0.005) } };
    const nodes = Array.from({ length: 10 }, (_, index) => created(index));
    const ten = { ...record, bought: poor, nodes, budget: usd(0.975) };
    expect(isSlowedAt(0.1, null, ten)).toBe(false);
    expect(isSlowedAt(0.11, null, ten)).toBe(true);
  });

  it('not as a measure before has found: only nodes measured just now count', () => {
    const measured = new Map([[0, ALLOWED_GB * GB]]);
    const before = withSent(record, measured, NOW, ALL);
    expect(areSlowed(before, { measured: new Map(), granted: ALL }, NOW)).toBe(false);
  });

  it('not without a limit, nor while they are destroyed', () => {
    const { limited: _, ...unlimited } = record;
    expect(isSlowedAt(ALLOWED_GB, ALL, unlimited)).toBe(false);
    const deleting = aDeleting({ bought, limited: true, agent: true, budget: usd(0.99) });
    expect(isSlowedAt(ALLOWED_GB, ALL, deleting)).toBe(false);
  });
});
