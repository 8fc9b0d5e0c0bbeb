import { expect, it } from 'vitest';
import { csvLines } from '../../../../lib/core/base/csv.ts';

it.each([
  ['plain', 'plain'],
  ['a, b', '"a, b"'],
  ['a "b"', '"a ""b"""'],
  ['a\nb', '"a\nb"'],
  [null, ''],
  [-0.5, '-0.5'],
  ['=HYPERLINK(1)', "'=HYPERLINK(1)"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@x', "'@x"],
  ['\tx', "'\tx"],
  ['\rx', '"\'\rx"'],
])('csvLines writes the cell %j as %j', (cell, text) => {
  expect(csvLines(['a', 'b'], [[cell, 1]])).toEqual(['a,b', `${text},1`]);
});
