import { expect, it } from 'vitest';
import { ownerSeen } from '../lib/clusters.ts';

it("shows an owner their own clusters, and the admin everybody's or one owner's", () => {
  expect(ownerSeen('ann', null)).toBe('ann');
  expect(ownerSeen('ann', 'ann')).toBe('ann');
  expect(ownerSeen('admin', null)).toBeNull();
  expect(ownerSeen('admin', 'ann')).toBe('ann');
  expect(ownerSeen('admin', 'admin')).toBe('admin');
});

it.each(['bob', 'admin', 'nobody'])("refuses ann who asks for %s's, there or not", (asked) => {
  expect(() => ownerSeen('ann', asked)).toThrow(
    expect.objectContaining({
      code: 'invalid',
      details: { faults: [{ path: 'owner', message: expect.stringContaining('must be ann') }] },
    }),
  );
});
