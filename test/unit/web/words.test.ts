import { describe, expect, it } from 'vitest';
import type { Quote } from '../../../client/answers.ts';
import {
  alternativeWords,
  destroySentence,
  quoteSentence,
  runSentence,
} from '../../../web/src/words.ts';

const NOW = Date.parse('2026-11-23T14:00:00Z');

const aQuote = (some: Partial<Quote> = {}): Quote => ({
  nodes: 10,
  type: 'g6-nanode-1',
  typeLabel: 'Nanode 1 GB',
  why: 'as asked',
  ...{ vcpus: 1, memoryMb: 1024, diskMb: 25_600, region: 'us-east', image: 'linode/debian12' },
  ...{ budgetUsd: 1, maxHours: null, backupsCounted: false },
  ...{ hourlyUsd: 0.075, firstHourUsd: 0.075, smallestBudgetUsd: 0.075, affordableHours: 13 },
  teardownAt: '2026-11-24T03:12:00Z',
  ...{ spentAtTeardownUsd: 0.975, unspentUsd: 0.025, warnings: [], alternatives: [] },
  ...some,
});

describe('a quote', () => {
  it('says what it costs, how long it lasts and until when, in the time of whom reads it', () => {
    expect(quoteSentence(aQuote(), NOW, 'Europe/Berlin')).toBe(
      '10 × Nanode 1 GB: $0.075 a started hour. $1.00 lasts 13 hours, until Tue 04:12 your time, and will cost $0.975.',
    );
  });

  it('says that the most hours end it, where they do', () => {
    const quote = aQuote({ maxHours: 1, affordableHours: 1, spentAtTeardownUsd: 0.075 });
    expect(quoteSentence(quote, NOW, 'UTC')).toContain('It ends after 1 hour, until Tue 03:12');
  });

  it('says what would do, where the budget does not', () => {
    const quote = aQuote({ budgetUsd: 0.05, affordableHours: 0, teardownAt: null });
    const said = '$0.05 does not pay the first; $0.075 would.';
    expect(quoteSentence(quote, NOW)).toContain(said);
    expect(runSentence(quote)).toContain(said);
  });

  it('of a schedule speaks of each run', () => {
    expect(runSentence(aQuote())).toBe(
      'Each run has 10 × Nanode 1 GB for 13 hours, and costs $0.975 of its $1.00.',
    );
  });
});

describe('the question before a destruction', () => {
  const spent = { spentUsd: 0.45, leftUsd: 0.55 };

  it('says what it will have cost, and that the started hour is paid', () => {
    expect(destroySentence(spent, NOW + 12 * 60_000, NOW, 'UTC')).toBe(
      'Linode will bill $0.45 for it; $0.55 of its budget stays unspent. The started hour is paid anyway: until Mon 14:12 it would cost no more.',
    );
  });

  it('says no more than it knows', () => {
    expect(destroySentence(spent, null, NOW)).not.toContain('paid anyway');
    expect(destroySentence({ spentUsd: 0, leftUsd: 1 }, NOW, NOW)).toContain('Nothing');
  });
});

it('an alternative is named by what it changes', () => {
  const rest = {
    ...({ kind: 'moreNodes', hourlyUsd: 1, affordableHours: 1 } as const),
    ...{ spentAtTeardownUsd: 1, sentence: '' },
  };
  expect(alternativeWords({ ...rest, change: { nodes: 1 } })).toBe('1 node');
  expect(alternativeWords({ ...rest, change: { region: 'de-fra-2' } })).toBe('in de-fra-2');
});
