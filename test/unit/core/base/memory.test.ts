import { expect, it } from 'vitest';
import { gigabytes, memory } from '../../../../lib/core/base/memory.ts';
import { plural } from '../../../../lib/core/base/plural.ts';

it.each([
  [1024, '1'],
  [524_288, '512'],
  [1536, '1.5'],
  [700, '0.7'],
])('%d MB of memory are %s GB', (mb, text) => {
  expect(gigabytes(mb)).toBe(text);
  expect(memory(mb)).toBe(`${text} GB`);
});

it('a count is followed by its noun, in the plural but for 1', () => {
  expect([0, 1, 2].map((count) => plural(count, 'node'))).toEqual(['0 nodes', '1 node', '2 nodes']);
  expect(plural(2, 'entry', 'entries')).toBe('2 entries');
});
