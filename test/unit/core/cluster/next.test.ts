import { describe, expect, it } from 'vitest';
import { minutes, plus } from '../../../../lib/core/base/units.ts';
import { lifeOf } from '../../../../lib/core/cluster/life.ts';
import { nextOf } from '../../../../lib/core/cluster/next.ts';
import type { LiveRecord } from '../../../../lib/core/cluster/record.ts';
import {
  aCluster,
  aDeleting,
  aRunning,
  created,
  LAUNCH,
  planned,
  teardownOf,
} from '../../../support/builders.ts';

const next = (record: LiveRecord) => nextOf(record, lifeOf(record, LAUNCH));
const DUE = plus(LAUNCH, minutes(1));
const trouble = { since: LAUNCH, reason: 'POST /linode/instances: 429: Too many requests' };

describe('what happens to a cluster next', () => {
  it('is its teardown while it runs, with the limit that comes first', () => {
    const record = aRunning();
    const at = teardownOf(record, LAUNCH);
    expect(next(record)).toEqual({ at, why: 'destroys its nodes, when the budget is used up' });
    const short = aRunning({ maxHours: 3, trouble });
    expect(next(short)).toEqual({
      at: teardownOf(short, LAUNCH),
      why: 'destroys its nodes, when 3 hours are over',
    });
  });

  it.each<[string, LiveRecord]>([
    ['creates 1 of its nodes', aCluster({ dueAt: DUE, nodes: [created(0), planned(1)] })],
    ['looks whether its nodes are up', aCluster({ dueAt: DUE, nodes: [created(0), created(1)] })],
    ['looks whether its nodes are gone', aDeleting({ dueAt: DUE })],
    [`waits for Linode: ${trouble.reason}`, aCluster({ dueAt: DUE, trouble })],
    [`waits for Linode: ${trouble.reason}`, aDeleting({ dueAt: DUE, trouble })],
  ])('%s', (why, record) => {
    expect(next(record)).toEqual({ at: DUE, why });
  });
});
