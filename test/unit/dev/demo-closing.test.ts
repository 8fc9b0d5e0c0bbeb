import { describe, expect, it } from 'vitest';
import { closingOf, type Ending } from '../../../dev/demo-closing.ts';
import { microUsd } from '../../../lib/core/base/money.ts';
import { hours, minutes } from '../../../lib/core/base/units.ts';

const linode = { created: 0, deleted: hours(13) - minutes(3) };

const closing = (change: Partial<Ending> = {}) => {
  const { rows, sentence, isGood } = closingOf({
    endReason: 'budget',
    failure: null,
    spent: microUsd(975_000),
    affordableHours: 13,
    budget: microUsd(1_000_000),
    nodes: 2,
    linodes: [linode, linode],
    billed: microUsd(975_000),
    ...change,
  });
  return { rows: Object.fromEntries(rows), sentence, isGood };
};

describe("the demo's closing table", () => {
  it('says that the promise was kept for a cluster that ended by its budget', () => {
    expect(closing()).toEqual({
      rows: {
        'ended by': 'budget',
        nodes: '2 of 2',
        'hours afforded': '13',
        'hours delivered': '12.950 (99.62 %)',
        'destroyed before the hour mark by': '180 s',
        'billed by Linode': '$0.975 of $1.00',
        'Linodes left': '0',
      },
      sentence: 'The promise was kept.',
      isGood: true,
    });
  });

  it('calls the promise broken if the bill exceeds the budget', () => {
    const { sentence, isGood } = closing({ billed: microUsd(1_050_000) });
    expect(sentence).toBe('THE PROMISE WAS BROKEN: Linode billed $1.05 of $1.00.');
    expect(isGood).toBe(false);
  });

  it('calls the promise broken if a Linode still exists', () => {
    const { rows, sentence } = closing({ linodes: [linode, { created: 0, deleted: null }] });
    expect(rows['Linodes left']).toBe('1');
    expect(sentence).toBe('THE PROMISE WAS BROKEN: 1 of 2 Linodes still exist.');
  });

  it('says that a launch failed, and calls the promise kept if Linode billed nothing', () => {
    const nothing = { linodes: [], billed: microUsd(0), spent: microUsd(0) };
    const { rows, sentence, isGood } = closing({
      ...nothing,
      endReason: 'failed',
      failure: 'the account has reached its limit',
    });
    expect(rows).not.toHaveProperty('hours delivered');
    expect(sentence).toBe(
      'The promise was kept, but the cluster did not end by its budget: the account has reached ' +
        'its limit, and only 0 of 2 nodes were created.',
    );
    expect(isGood).toBe(false);
  });

  it('shows the recorded spend and the bill if they differ', () => {
    const { rows, sentence, isGood } = closing({ spent: microUsd(1_012_500) });
    expect(rows['recorded spend']).toBe('$1.0125');
    expect(sentence).toContain('Onebuck recorded $1.0125 where Linode billed $0.975');
    expect(isGood).toBe(false);
  });
});
