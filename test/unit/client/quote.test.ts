import { describe, expect, it } from 'vitest';
import type { Quote } from '../../../client/answers.ts';
import { alternativeWords, quoteSentence, runSentence } from '../../../client/quote.ts';

const aQuote = (overrides: Partial<Quote> = {}): Quote => ({
  nodes: 10,
  type: 'g6-nanode-1',
  typeLabel: 'Nanode 1GB',
  why: 'as asked',
  ...{ vcpus: 1, memoryMb: 1024, diskMb: 25_600, region: 'us-east', image: 'linode/debian12' },
  network: 'private',
  ...{ budgetUsd: 1, maxHours: null, transfer: null, backupsCounted: false },
  ...{ hourlyUsd: 0.075, firstHourUsd: 0.075, smallestBudgetUsd: 0.075, affordableHours: 13 },
  ...{ startsAt: '2026-11-23T14:15:00Z', teardownAt: '2026-11-24T03:12:00Z' },
  ...{ spentAtTeardownUsd: 0.975, unspentUsd: 0.025, warnings: [], alternatives: [] },
  ...overrides,
});

const when = (at: string) => `<${at}>`;

describe('a quote', () => {
  it('is said with its nodes, its price, its hours, its teardown time and its spend', () => {
    expect(quoteSentence(aQuote(), when)).toBe(
      '10 × Nanode 1GB (g6-nanode-1) in us-east: $0.075 a started hour. ' +
        '$1.00 lasts 13 hours, until <2026-11-24T03:12:00Z>, and will cost $0.975.',
    );
  });

  it('is said to end after maxHours, where they end the cluster', () => {
    const quote = aQuote({ maxHours: 1, affordableHours: 1, spentAtTeardownUsd: 0.075 });
    expect(quoteSentence(quote, when)).toContain('It ends after 1 hour, until <');
  });

  it('that lasts longer than a year is said with its date, not with thousands of hours', () => {
    const quote = aQuote({ budgetUsd: 3_285, affordableHours: 43_800 });
    expect(quoteSentence(quote, when)).toContain('. $3285.00 lasts until <2026-11-24T03:12:00Z>,');
    expect(runSentence(quote)).toContain(' for 5.0 years, ');
  });

  it('is said with the smallest budget, where the budget does not pay the first hour', () => {
    const quote = aQuote({ budgetUsd: 0.05, affordableHours: 0, smallestBudgetUsd: 0.15 });
    const said = '$0.05 does not pay the first; $0.15 would.';
    expect(quoteSentence(quote, when)).toContain(said);
    expect(runSentence(quote)).toContain(said);
  });

  it('of a schedule is said for each run', () => {
    expect(runSentence(aQuote())).toBe(
      'Each run has 10 × Nanode 1GB (g6-nanode-1) in us-east for 13 hours, ' +
        'and costs $0.975 of its $1.00.',
    );
  });
});

it.each([
  [{ nodes: 1 }, '1 node'],
  [{ region: 'de-fra-2' }, 'in de-fra-2'],
  [{ type: 'g6-standard-1', nodes: 5, region: 'us-east' }, 'g6-standard-1 5 nodes in us-east'],
])('alternativeWords names an alternative by its change: %o', (change, words) => {
  const rest = {
    ...({ kind: 'moreNodes', hourlyUsd: 1, affordableHours: 1 } as const),
    ...{ spentAtTeardownUsd: 1, sentence: '' },
  };
  expect(alternativeWords({ ...rest, change })).toBe(words);
});
