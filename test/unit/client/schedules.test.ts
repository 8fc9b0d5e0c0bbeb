import { describe, expect, it } from 'vitest';
import { worstMonthOf, worstMonthSentence } from '../../../client/schedules.ts';
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
    expect(worstMonthSentence(worst, null)).toBe('44,640 runs a month: up to $44,640.');
    expect(worstMonthSentence(worst, 20)).toBe('44,640 runs a month: up to $20.00, its cap.');
    expect(worstMonthSentence({ ...worst, runs: 1, usd: 0.5 }, 20)).toBe(
      '1 run a month: up to $0.50.',
    );
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
