import { describe, expect, it } from 'vitest';
import { capsWords, worstMonthOf, worstMonthSentence } from '../../../client/schedules.ts';
import { machinesWords, toldSpec } from '../../../client/spec.ts';

const NOW = Date.parse('2026-11-10T10:00:00Z');

describe('the worst month of a schedule', () => {
  it('is the fullest month at the whole budget of each run, and says whether a cap must be', async () => {
    const worst = await worstMonthOf('* * * * *', 1, NOW);
    expect(worst).toEqual({ runs: 44_640, usd: 44_640, needsCap: true });
    expect(await worstMonthOf(' 30 2 * * * ', 0.1, NOW)).toEqual({
      ...{ runs: 31, usd: 3.1, needsCap: false },
    });
  });

  it('is null for an expression with a fault, and for no amount', async () => {
    expect(await worstMonthOf('* * * *', 1, NOW)).toBeNull();
    expect(await worstMonthOf('* * * * *', Number.NaN, NOW)).toBeNull();
    expect(await worstMonthOf('* * * * *', null, NOW)).toBeNull();
  });

  it('is said with its runs and its money, or with its cap if that is less', () => {
    const worst = { runs: 44_640, usd: 44_640, needsCap: false };
    const monthly = { dailyCapUsd: null, weeklyCapUsd: null, monthlyCapUsd: 20 };
    expect(worstMonthSentence(worst, {})).toBe('44,640 runs a month: up to $44,640.');
    expect(worstMonthSentence(worst, monthly)).toBe('44,640 runs a month: up to $20.00, its cap.');
    expect(worstMonthSentence({ ...worst, runs: 1, usd: 0.5 }, monthly)).toBe(
      '1 run a month: up to $0.50.',
    );
  });

  it('takes the cap that leaves the least: 31 days, or 6 weeks, are in a month at most', () => {
    const worst = { runs: 44_640, usd: 44_640, needsCap: false };
    expect(worstMonthSentence(worst, { dailyCapUsd: 1.5, monthlyCapUsd: 50 })).toBe(
      '44,640 runs a month: up to $46.50, by its cap of $1.50 a day for up to 31 days.',
    );
    expect(worstMonthSentence(worst, { dailyCapUsd: 1.5, weeklyCapUsd: 7 })).toBe(
      '44,640 runs a month: up to $42.00, by its cap of $7.00 a week for up to 6 weeks.',
    );
    const all = { dailyCapUsd: 1.5, weeklyCapUsd: 7, monthlyCapUsd: 40 };
    expect(worstMonthSentence(worst, all)).toMatch(/: up to \$40\.00, its cap\.$/);
  });

  it('ignores a cap that is no amount', () => {
    const worst = { runs: 1, usd: 1, needsCap: false };
    expect(worstMonthSentence(worst, { dailyCapUsd: 'x' })).toBe('1 run a month: up to $1.00.');
  });
});

describe('the caps of a schedule', () => {
  it('are told from the day to the month', () => {
    const words = (usd: number) => `${usd} dollars`;
    expect(capsWords({ monthlyCapUsd: 20, weeklyCapUsd: null, dailyCapUsd: 1 }, words)).toBe(
      '1 dollars a day, 20 dollars a month',
    );
    expect(capsWords({ weeklyCapUsd: 5 }, words)).toBe('5 dollars a week');
    expect(capsWords({}, words)).toBe('');
  });
});

describe('a spec that was sent', () => {
  it.each([
    [{ nodes: 3, type: 'g6-nanode-1' }, '3 × g6-nanode-1'],
    [{ nodes: 1, vcpus: 2 }, '1 × at least 2 vCPUs'],
    [{ nodes: 1, memoryMb: 4096 }, '1 × at least 4 GB'],
    [{ nodes: 2, vcpus: 1, memoryMb: 1536 }, '2 × at least 1 vCPU and 1.5 GB'],
  ])('%o is told as: %s', (spec, words) => {
    expect(machinesWords(toldSpec(spec))).toBe(words);
  });

  it('has its budget, as a number or as text', () => {
    expect(toldSpec({ budgetUsd: 1.5 }).budgetUsd).toBe(1.5);
    expect(toldSpec({ budgetUsd: '2.50' }).budgetUsd).toBe(2.5);
    expect(toldSpec({}).budgetUsd).toBeNull();
  });
});
