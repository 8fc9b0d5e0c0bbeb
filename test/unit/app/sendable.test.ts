import { describe, expect, it } from 'vitest';
import { createSendable } from '../../../lib/app/sendable.ts';
import { minutes, plus } from '../../../lib/core/base/units.ts';
import { sendableBytes } from '../../../lib/core/cluster/allowance.ts';
import { aBought, aRunning, at, created, LAUNCH, usd } from '../../support/builders.ts';

const bought = aBought({ transfer: { gb: 1_000, gbPrice: usd(0.015) } });
const nodes = [created(0), created(1)];
const record = aRunning({ bought, nodes, limited: true, agent: true, budget: usd(9) });
const later = (count: number) => plus(LAUNCH, minutes(count));

describe('what a cluster may send, as a process knows it', () => {
  it('is what was reckoned for five minutes, and then reckoned anew', () => {
    const sendable = createSendable();
    const first = sendable(record, null, later(57));
    expect(first).toBe(sendableBytes(record, null, later(57)));
    // An hour more has begun, and what it brings.
    expect(sendableBytes(record, null, later(61))).toBeGreaterThan(first);
    expect(sendable(record, null, later(61))).toBe(first);
    expect(sendable(record, null, later(62))).toBe(sendableBytes(record, null, later(62)));
  });

  it('is reckoned anew for a record that was saved, another cluster, and an earlier instant', () => {
    const sendable = createSendable();
    sendable(record, null, later(61));
    expect(sendable(record, null, later(57))).toBe(sendableBytes(record, null, later(57)));
    const saved = { ...record, revision: record.revision + 1, budget: usd(5) };
    expect(sendable(saved, null, later(61))).toBe(sendableBytes(saved, null, later(61)));
    const other = { ...saved, id: 'cother00000' as typeof record.id, budget: usd(3) };
    expect(sendable(other, null, later(61))).toBe(sendableBytes(other, null, later(61)));
  });

  it('is reckoned anew in a new month, and when grants of the month before become known', () => {
    const sendable = createSendable();
    const before = at('2026-11-30T23:59:00Z');
    const turn = plus(before, minutes(2));
    const granted = { version: 1, month: '2026-11', bytes: [1_500e9, 0], earlier: {} };
    sendable(record, granted, before);
    expect(sendable(record, null, turn)).toBe(sendableBytes(record, null, turn));
    expect(sendable(record, granted, turn)).toBe(sendableBytes(record, granted, turn));
    expect(sendable(record, granted, turn)).toBeLessThan(sendable(record, null, turn));
  });
});
