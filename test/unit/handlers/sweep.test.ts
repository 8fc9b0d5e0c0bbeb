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
  async function linode(label: string, ...tags: string[]): Promise<void> {
    const body = { label, tags, type: 'g6-nanode-1', region: 'us-east' };
    const made = await callLinode(world.simulator, 'POST', '/linode/instances', { body });
    expect(made.status).toBe(200);
  }
  const now = world.clock.now();
  return {
    ...world,
    linode,
    overdue: reapTag(minus(now, minutes(10))),
    later: reapTag(plus(now, hours(5))),
    sweep: (remainingMs = 420_000) => handler(event, aContext(remainingMs)),
  };
}

it('destroys what has no record and is past its time, and leaves strangers alone', async () => {
  const { sweep, linode, existingLabels, overdue, later } = await startSweep();
  await linode('orphan', OUR_TAG, clusterTag(id(1)), overdue);
  await linode('not-yet', OUR_TAG, clusterTag(id(2)), later);
  await linode('stranger');
  await linode('lookalike', clusterTag(id(3)), overdue);
  await linode('of-another-stage', 'onebuck-prod', clusterTag(id(4)), overdue);
  expect(await sweep()).toEqual({ destroyed: 1 });
  expect(existingLabels()).toEqual(['not-yet', 'stranger', 'lookalike', 'of-another-stage']);
});

it('destroys what its record says has ended, and spares what a record protects', async () => {
  const { sweep, linode, existingLabels, store, clock, overdue, later } = await startSweep();
  const since = minus(clock.now(), hours(1));
  await store.insert(anEnded({ id: id(1), endedAt: since }));
  await store.insert(aRunning({ id: id(2), createdAt: since, startedAt: since, nodes: [] }));
  await linode('left-over', OUR_TAG, clusterTag(id(1)), later);
  await linode('alive', OUR_TAG, clusterTag(id(2)), overdue);
  expect(await sweep()).toEqual({ destroyed: 1 });
  expect(existingLabels()).toEqual(['alive']);
});

it('goes by the reap tags alone where the table is lost', async () => {
  const env = { TABLE_NAME: 'a-table-that-is-not-there' };
  const { sweep, linode, existingLabels, overdue, later } = await startSweep({ env });
  await linode('overdue', OUR_TAG, clusterTag(id(1)), overdue);
  await linode('not-yet', OUR_TAG, clusterTag(id(2)), later);
  await linode('unmarked', OUR_TAG);
  // Its work is done by then; that it could not put the caps right is seen.
  await expect(sweep()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  expect(existingLabels()).toEqual(['not-yet', 'unmarked']);
});

it('throws, and destroys nothing, where Linode does not list them', async () => {
  const { sweep, linode, existingLabels, overdue, simulator } = await startSweep();
  await linode('orphan', OUR_TAG, overdue);
  simulator.setFaults([{ kind: 'status500', method: 'GET' }]);
  await expect(sweep(5_100)).rejects.toMatchObject({ code: 'linodeUnavailable' });
  expect(existingLabels()).toEqual(['orphan']);
});

it('needs no secret but the token: it works without API tokens or a password key', async () => {
  const secret = { apiTokens: {}, passwordKey: null };
  const { sweep, linode, overdue } = await startSweep({ secret });
  await linode('orphan', OUR_TAG, overdue);
  expect(await sweep()).toEqual({ destroyed: 1 });
});
