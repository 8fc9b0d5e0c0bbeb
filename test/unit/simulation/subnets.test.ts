import { expect, it } from 'vitest';
import { rangeOf, sharingIn } from '../../../simulation/subnets.ts';
import { ID, OTHER_ID } from '../../support/builders.ts';

const THIRD = 'cthirdone22' as const;

it('two clusters share a subnet if they have an address in common', () => {
  const wide = rangeOf(ID, '10.128.0.9/22');
  expect(wide.to - wide.from).toBe(1_024);
  expect(sharingIn([wide, rangeOf(OTHER_ID, '10.128.3.1/24')])).toEqual([ID, OTHER_ID]);
  expect(sharingIn([wide, rangeOf(OTHER_ID, '10.128.4.1/24')])).toBeNull();
  expect(sharingIn([wide, rangeOf(ID, '10.128.3.1/24')])).toBeNull();
  const within = rangeOf(ID, '10.128.1.1/24');
  expect(sharingIn([within, wide, rangeOf(THIRD, '10.128.2.1/24')])).toEqual([ID, THIRD]);
});
