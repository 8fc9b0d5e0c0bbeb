import { expect, it } from 'vitest';
import event from '../../../events/sweep.json' with { type: 'json' };
import { clusterTag, reapTag } from '../../../lib/core/base/names.ts';
import { hours, minus, minutes, plus } from '../../../lib/core/base/units.ts';
import { anEnded, aRunning, OUR_TAG } from '../../support/builders.ts';
import { id } from '../../support/cluster-store-contract.ts';
import { aContext, startWorld } from '../../support/handler-world.ts';
import { callLinode } from '../../support/simulated-linode.ts';

async function startSweep(options: Parameters<typeof startWorld>[0] = {}) {
  const world = await startWorld(options);
  const { handler } = await import('../../../handlers/sweep.ts');
  async function createLinode(label: string, ...tags: string[]): Promise<void> {
    const body = { label, tags, type: 'g6-nanode-1', region: 'us-east' };
    const answer = await callLinode(world.simulator, 'POST', '/linode/instances', { body });
    expect(answer.status).toBe(200);
  }
  const now = world.clock.now();
  return {
    ...world,
    createLinode,
    overdue: reapTag(minus(now, minutes(10))),
    later: reapTag(plus(now, hours(5))),
    sweep: (remainingMs = 420_000) => handler(event, aContext(remainingMs)),
  };
}

it('the sweeper destroys a Linode without record past its reap time, and no stranger', async () => {
  const { sweep, createLinode, existingLabels, overdue, later } = await startSweep();
  await createLinode('orphan', OUR_TAG, clusterTag(id(1)), overdue);
  await createLinode('not-yet', OUR_TAG, clusterTag(id(2)), later);
  await createLinode('stranger');
  await createLinode('lookalike', clusterTag(id(3)), overdue);
  await createLinode('of-another-stage', 'onebuck-prod', clusterTag(id(4)), overdue);
  expect(await sweep()).toEqual({ destroyed: 1 });
  expect(existingLabels()).toEqual(['not-yet', 'stranger', 'lookalike', 'of-another-stage']);
});

it('the sweeper destroys a Linode of an ended cluster, and spares one of a live one', async () => {
  const { sweep, createLinode, existingLabels, store, clock, overdue, later } = await startSweep();
  const since = minus(clock.now(), hours(1));
  await store.insert(anEnded({ id: id(1), endedAt: since }));
  await store.insert(aRunning({ id: id(2), createdAt: since, startedAt: since, nodes: [] }));
  await createLinode('left-over', OUR_TAG, clusterTag(id(1)), later);
  await createLinode('alive', OUR_TAG, clusterTag(id(2)), overdue);
  expect(await sweep()).toEqual({ destroyed: 1 });
  expect(existingLabels()).toEqual(['alive']);
});

it('the sweeper destroys by the reap tags where the table is lost', async () => {
  const env = { TABLE_NAME: 'a-table-that-is-not-there' };
  const { sweep, createLinode, existingLabels, overdue, later } = await startSweep({ env });
  await createLinode('overdue', OUR_TAG, clusterTag(id(1)), overdue);
  await createLinode('not-yet', OUR_TAG, clusterTag(id(2)), later);
  await createLinode('unmarked', OUR_TAG);
  // The sweeper has destroyed the orphan before it throws because it can not audit the caps.
  await expect(sweep()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  expect(existingLabels()).toEqual(['not-yet', 'unmarked']);
});

it('the sweeper throws, and destroys nothing, where Linode does not list its Linodes', async () => {
  const { sweep, createLinode, existingLabels, overdue, simulator } = await startSweep();
  await createLinode('orphan', OUR_TAG, overdue);
  simulator.setFaults([{ kind: 'status500', method: 'GET' }]);
  await expect(sweep(5_100)).rejects.toMatchObject({ code: 'linodeUnavailable' });
  expect(existingLabels()).toEqual(['orphan']);
});

it('the sweeper needs only the Linode token of the secret', async () => {
  const secret = { apiTokens: {}, passwordKey: null };
  const { sweep, createLinode, overdue } = await startSweep({ secret });
  await createLinode('orphan', OUR_TAG, overdue);
  expect(await sweep()).toEqual({ destroyed: 1 });
});
