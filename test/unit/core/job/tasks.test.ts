import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TASKS_MAX, tasksIn } from '../../../../lib/core/job/tasks.ts';

describe('the tasks of a text', () => {
  it('are those of its numbers and ranges, ascending, each once', () => {
    expect(tasksIn('1-3')).toEqual([1, 2, 3]);
    expect(tasksIn('7')).toEqual([7]);
    expect(tasksIn('9,1-3,2-4,0')).toEqual([0, 1, 2, 3, 4, 9]);
  });

  it.each([
    ['', 'must be numbers and ranges'],
    ['1-', 'must be numbers and ranges'],
    ['a', 'must be numbers and ranges'],
    ['1,,2', 'must be numbers and ranges'],
    ['-3', 'must be numbers and ranges'],
    ['5-2', 'must begin each range with its lower number'],
    ['1-10001', `must be at most ${TASKS_MAX} tasks, not 10001`],
    ['0-999999999', 'must be at most 10000 tasks, not 1000000000'],
  ])('%j is at fault', (text, fault) => {
    expect(tasksIn(text)).toMatchObject({ fault: expect.stringContaining(fault) });
  });

  it('of any list of few numbers are that list', () => {
    const lists = fc.uniqueArray(fc.nat(999_999_999), { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(lists, (list) => {
        expect(tasksIn(list.join(','))).toEqual(list.toSorted((a, b) => a - b));
      }),
    );
  });
});
