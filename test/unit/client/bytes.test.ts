import { expect, it } from 'vitest';
import { bytesWords } from '../../../client/bytes.ts';

it.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [999, '999 bytes'],
  [1_000, '1.0 kB'],
  [9_949, '9.9 kB'],
  [12_345, '12 kB'],
  [999_400, '999 kB'],
  [999_600, '1.0 MB'],
  [3_200_000, '3.2 MB'],
  [5e9, '5.0 GB'],
  [4.2e13, '42 TB'],
  [1e16, '10000 TB'],
])('%s bytes are %s', (bytes, words) => {
  expect(bytesWords(bytes)).toBe(words);
});
