import { afterAll, expect } from 'vitest';
import { hasShared } from '../support/shared.ts';
import { takeViolations, watch } from './watch.ts';

/*
 * Checks after each test file that the requests of Onebuck's client and the answers of the
 * simulated Linode keep Linode's contract. Without ../shared there is no contract to check against,
 * and contract.test.ts is skipped and says so.
 */
if (hasShared) {
  watch();
  afterAll(async () => {
    expect(await takeViolations(), 'requests and answers that break linode-openapi.json').toEqual(
      [],
    );
  });
}
