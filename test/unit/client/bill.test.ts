import { describe, expect, it } from 'vitest';
import type { BilledCluster, Report } from '../../../client/answers.ts';
import {
  beyondRecordUsd,
  billCsv,
  differencesByKind,
  learntSentences,
} from '../../../client/bill.ts';
import { difference, invoiced } from '../../../client/money.ts';

const aRow = (overrides: Partial<BilledCluster> = {}): BilledCluster => ({
  ...{ id: 'caaaaaaaaaa', name: 'job', owner: 'ann', type: 'g6-nanode-1', region: 'us-east' },
  launchedAt: '2026-11-10T10:00:00.000Z',
  endedAt: '2026-11-10T15:00:00.000Z',
  ...{ nodes: 2, nodeHours: 10, hourlyUsd: 0.0075, forecastUsd: 0.15, billedUsd: 0.075 },
  ...{ invoicedUsd: null, differenceUsd: null, differences: [], invoiceIds: [] },
  ...overrides,
});

const aReport = (byCluster: readonly BilledCluster[], overrides: Partial<Report> = {}): Report => ({
  ...{ month: '2026-11', at: '2026-11-20T12:00:00.000Z', monthlyCapUsd: null },
  ...{ clusters: byCluster.length, nodeHours: 20, billedUsd: 0.15, savedUsd: 2, overspentUsd: 0 },
  ...{ forecastUsd: 0.3, invoicedUsd: null, taxUsd: null, differences: [] },
  byCluster: [...byCluster],
  ...overrides,
});

describe('the CSV of a bill', () => {
  it('has a line for each cluster, by date and owner, as finance asks for it', () => {
    const rows = [
      aRow({ id: 'cccccccccca', owner: 'bob', name: '=cmd()' }),
      aRow({ id: 'cbbbbbbbbbb', endedAt: '2026-11-09T01:00:00.000Z', name: null }),
      aRow({ invoicedUsd: 0.08, differenceUsd: 0.005, invoiceIds: [7, 12] }),
    ];
    expect(billCsv(aReport(rows))).toEqual([
      'date,owner,id,name,type,region,nodes,nodeHours,hourlyUsd,billedUsd,invoicedUsd,invoiceIds',
      '2026-11-09,ann,cbbbbbbbbbb,,g6-nanode-1,us-east,2,10,0.0075,0.075,,',
      '2026-11-10,ann,caaaaaaaaaa,job,g6-nanode-1,us-east,2,10,0.0075,0.075,0.08,7 12',
      "2026-11-10,bob,cccccccccca,'=cmd(),g6-nanode-1,us-east,2,10,0.0075,0.075,,",
    ]);
  });

  it('has a cluster that lives beyond the month, or now, on the last day that was billed', () => {
    const datesOf = (endedAt: string | null, at: string) =>
      billCsv(aReport([aRow({ endedAt })], { at })).map((line) => line.split(',')[0]);
    expect(datesOf(null, '2026-11-20T12:00:00.000Z')[1]).toBe('2026-11-20');
    expect(datesOf(null, '2026-12-05T12:00:00.000Z')[1]).toBe('2026-11-30');
    expect(datesOf('2026-12-02T01:00:00.000Z', '2026-12-05T12:00:00.000Z')[1]).toBe('2026-11-30');
  });

  it('has only its head for a month without clusters', () => {
    expect(billCsv(aReport([]))).toHaveLength(1);
  });
});

describe('the differences of a bill', () => {
  const one = (kind: 'price' | 'rounding' | 'transfer', usd: number, text = '') => ({
    ...{ kind, usd, text },
    advice: `mend ${kind}`,
  });

  it('are added up by kind, the largest first, with the words of the largest of a kind', () => {
    const rows = [
      aRow({ differences: [one('price', 0.1, 'a'), one('rounding', 0.0025)] }),
      aRow({ differences: [one('price', -0.3, 'b'), one('rounding', 0.001)] }),
    ];
    expect(differencesByKind(aReport(rows))).toEqual([
      { kind: 'price', usd: -0.2, clusters: 2, text: 'b', advice: 'mend price' },
      { kind: 'rounding', usd: 0.0035, clusters: 2, text: '', advice: 'mend rounding' },
    ]);
  });

  it('keep apart what belongs to no cluster', () => {
    const rows = [aRow({ differences: [one('transfer', 0.1)] })];
    const report = aReport(rows, { differences: [{ ...one('transfer', 0.2), labels: [] }] });
    expect(differencesByKind(report).map(({ usd, clusters }) => [usd, clusters])).toEqual([
      [0.2, 0],
      [0.1, 1],
    ]);
  });

  it('of the clusters are what is invoiced beyond the record', () => {
    expect(beyondRecordUsd(aReport([], { invoicedUsd: 0.1, billedUsd: 0.3 }))).toBe(-0.2);
    expect(beyondRecordUsd(aReport([], { invoicedUsd: null }))).toBeNull();
  });
});

it('a difference has its sign, and a credit is below 0', () => {
  expect([0.01, -0.01, 0].map(difference)).toEqual(['+$0.01', '−$0.01', '$0.00']);
  expect([0.975, -0.01].map(invoiced)).toEqual(['$0.975', '−$0.01']);
});

describe('what the invoices of a bill have shown of an hour across a month’s end', () => {
  type Reading = 'startMonth' | 'endMonth' | 'bothMonths';
  const row = (reading: Reading, seen: number, setting: 'bothMonths' | 'startMonth') => ({
    ...{ rule: 'monthEndHour' as const, reading, seen, invoiceIds: [7], setting },
  });
  const learnt = (
    reading: Reading,
    seen: number,
    setting: 'bothMonths' | 'startMonth' = 'bothMonths',
  ) => learntSentences({ learnt: [row(reading, seen, setting)] });

  it('is said, and that Onebuck counts it otherwise', () => {
    expect(learnt('bothMonths', 12)).toEqual([
      'Linode bills an hour across a month’s end in both months: 12 nodes show it. Onebuck counts ' +
        'it so, too.',
    ]);
    expect(learnt('startMonth', 1)).toEqual([
      'Linode bills an hour across a month’s end once, in the month in which it begins: 1 node ' +
        'shows it. Onebuck counts it in both months, so a budget may pay an hour less there. If ' +
        'other months show the same, MONTH_END_HOUR: startMonth has new clusters count it so.',
    ]);
    expect(learnt('startMonth', 1, 'startMonth')[0]).toContain('Onebuck counts it so, too.');
  });

  it('is no reason to set MONTH_END_HOUR where it is shown in another month as well', () => {
    const readings = [row('startMonth', 1, 'bothMonths'), row('bothMonths', 1, 'bothMonths')];
    expect(learntSentences({ learnt: readings }).join(' ')).not.toContain('MONTH_END_HOUR');
    expect(learnt('endMonth', 1)[0]).not.toContain('MONTH_END_HOUR');
  });

  it.each(['bothMonths', 'endMonth'] as const)(
    'is a reason to set MONTH_END_HOUR back where it is %s',
    (reading) => {
      expect(learnt(reading, 2, 'startMonth')[0]).toContain(
        'budgets may be exceeded: set MONTH_END_HOUR to bothMonths.',
      );
    },
  );

  it('is nothing for others than the admin', () => {
    expect(learntSentences({})).toEqual([]);
  });
});
