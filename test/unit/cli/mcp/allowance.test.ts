import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createAllowance } from '../../../../cli/mcp/allowance.ts';

it('takes stakes until the next would pass the most, and says what is left', () => {
  const allowance = createAllowance(5);
  allowance.stake('one', 3);
  expect(() => allowance.stake('two', 2.01)).toThrow(
    '$2.01 is more than the $2.00 that is left of the $5.00 which this agent may spend.',
  );
  allowance.stake('two', 2);
  expect(allowance.left()).toBe(0);
});

it('counts the new stake of a cluster in place of the old, and puts the old back', () => {
  const allowance = createAllowance(5);
  allowance.stake('one', 3);
  const undo = allowance.stake('one', 5);
  expect(allowance.left()).toBe(0);
  undo();
  expect(allowance.left()).toBe(2);
});

it('raises the stake of a cluster only, since a dearer request may be under way', () => {
  const allowance = createAllowance(5);
  allowance.stake('one', 3);
  allowance.stake('one', 1);
  expect(allowance.left()).toBe(2);
});

it('has the rest of a budget back once the bill of the cluster is known', () => {
  const allowance = createAllowance(1);
  allowance.stake('one', 1);
  allowance.settle('one', 0.075);
  expect(allowance.left()).toBe(0.925);
});

it('never has more than the most at stake, whatever is staked and put back', () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    cents: fc.integer({ min: 1, max: 700 }),
    isUndone: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const allowance = createAllowance(5);
      const stakes = new Map<string, number>();
      const totalBut = (key: string) =>
        [...stakes].reduce((sum, [one, stake]) => sum + (one === key ? 0 : stake), 0);
      for (const { key, cents, isUndone } of steps) {
        if (totalBut(key) + cents > 500) {
          expect(() => allowance.stake(key, cents / 100)).toThrow('which this agent may spend');
          continue;
        }
        const undo = allowance.stake(key, cents / 100);
        if (isUndone) undo();
        else stakes.set(key, Math.max(cents, stakes.get(key) ?? 0));
      }
      expect(Math.round(allowance.left() * 100)).toBe(500 - totalBut(''));
    }),
  );
});
