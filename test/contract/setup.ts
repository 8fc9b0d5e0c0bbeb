import { afterAll, expect } from 'vitest';
import { hasShared } from '../support/shared.ts';
import { takeViolations, watch } from './watch.ts';

/*
 * Holds what each test file makes our client send and the simulator answer against Linode's own
 * contract. Without ../shared there is nothing to hold it against: contract.test.ts says so.
 */
if (hasShared) {
  watch();
  afterAll(async () => {
    expect(await takeViolations(), 'contradicts linode-openapi.json').toEqual([]);
  });
}
