import { describe, expect, it } from 'vitest';
import { type EpochMs, epochMs, minutes, plus, seconds } from '../../../../lib/core/base/units.ts';
import { allowanceOf, grantFor } from '../../../../lib/core/cluster/allowance.ts';
import { spentAt } from '../../../../lib/core/cluster/bills.ts';
import type { Granted } from '../../../../lib/core/cluster/limited.ts';
import type { LiveRecord } from '../../../../lib/core/cluster/record.ts';
import { withSent } from '../../../../lib/core/cluster/sent.ts';
import { aBought, aRunning, at, created, usd } from '../../../support/builders.ts';

const GB = 1e9;
const TERMS = { gb: 1_000, gbPrice: usd(0.005) };

describe("a month's turn before the first measure", () => {
  const born = at('2026-11-30T23:48:00Z');
  const turn = at('2026-12-01T00:00:00Z');
  const nodes = Array.from({ length: 10 }, (_, index) => created(index, { billedFrom: born }));
  const record = aRunning({
    ...{ bought: aBought({ transfer: TERMS }), limited: true, agent: true, nodes },
    ...{ budget: usd(3), maxHours: 2, createdAt: born, startedAt: plus(born, minutes(1)) },
  });

  /** All nodes send a Gbit a second, as far as they may, from their third minute on. */
  function sentBy(end: EpochMs) {
    const sent = { november: nodes.map(() => 0), december: nodes.map(() => 0) };
    let granted: Granted | null = null;
    for (let now = plus(born, minutes(2)); now < end; now = plus(now, seconds(10))) {
      const month = now < turn ? sent.november : sent.december;
      for (const { index } of nodes) {
        const { bytes } = allowanceOf(record, granted, index, now);
        const before = month[index] ?? 0;
        month[index] = Math.min(Math.max(bytes, before), before + 1.25 * GB);
        const asked = { rank: index, sentBytes: month[index] ?? 0 };
        granted = grantFor(record, granted, asked, now) ?? granted;
      }
    }
    return { ...sent, granted };
  }
  const gbOf = (bytes: readonly number[]) => bytes.reduce((sum, each) => sum + each, 0) / GB;

  it('pays the budget once, and the record has what was sent in both months', () => {
    const now = plus(turn, minutes(11));
    const { november, december, granted } = sentBy(now);
    expect(gbOf(november)).toBeGreaterThan(400);
    const hours = usd(20 * 0.0075);
    const transfer = usd(Math.ceil((gbOf(november) + gbOf(december)) / 0.93 - 13) * 0.005);
    expect(hours + transfer).toBeLessThanOrEqual(record.budget);
    const measured = new Map(december.map((bytes, index) => [index, Math.ceil(bytes / 0.93)]));
    const found: LiveRecord = withSent(record, measured, now, granted);
    const end = epochMs(born + 2 * 3_600_000);
    expect(spentAt(found, end)).toBeGreaterThanOrEqual(hours + transfer);
    expect(spentAt(found, end)).toBeLessThanOrEqual(record.budget);
  });
});
