import { expect, it } from 'vitest';
import event from '../../../events/sweep.json' with { type: 'json' };
import { clusterTag, ownershipTag, reapTag } from '../../../lib/core/base/names.ts';
import { hours, minus, minutes, plus } from '../../../lib/core/base/units.ts';
import { anEnded, aRunning } from '../../support/builders.ts';
import { id } from '../../support/cluster-store-contract.ts';
import { aContext, LINODE_TOKEN, STAGE, startWorld } from '../../support/handler-world.ts';

const OURS = ownershipTag(STAGE);

async function startSweep(options: Parameters<typeof startWorld>[0] = {}) {
  const world = await startWorld(options);
  const { handler } = await import('../../../handlers/sweep.ts');
  async function linode(label: string, ...tags: string[]): Promise<void> {
    const response = await fetch(`${world.simulator.url}/linode/instances`, {
      method: 'POST',
      headers: { authorization: `Bearer ${LINODE_TOKEN}` },
      body: JSON.stringify({ label, tags, type: 'g6-nanode-1', region: 'us-east' }),
    });
    if (!response.ok) throw new Error(await response.text());
  }
  const now = world.clock.now();
  const living = () => {
    const instances = world.simulator.instances().filter(({ deleted }) => deleted === null);
    return instances.map(({ label }) => label);
  };
  return {
    ...world,
    linode,
    living,
    overdue: reapTag(minus(now, minutes(10))),
    later: reapTag(plus(now, hours(5))),
    sweep: (remainingMs = 420_000) => handler(event, aContext(remainingMs)),
  };
}

it('destroys what has no record and is past its time, and leaves strangers alone', async () => {
  const { sweep, linode, living, overdue, later } = await startSweep();
  await linode('orphan', OURS, clusterTag(id(1)), overdue);
  await linode('not-yet', OURS, clusterTag(id(2)), later);
  await linode('stranger');
  await linode('lookalike', clusterTag(id(3)), overdue);
  await linode('of-another-stage', 'onebuck-prod', clusterTag(id(4)), overdue);
  expect(await sweep()).toEqual({ destroyed: 1 });
  expect(living()).toEqual(['not-yet', 'stranger', 'lookalike', 'of-another-stage']);
});

it('destroys what its record says has ended, and spares what a record protects', async () => {
  const { sweep, linode, living, store, clock, overdue, later } = await startSweep();
  const since = minus(clock.now(), hours(1));
  await store.insert(anEnded({ id: id(1), endedAt: since }));
  await store.insert(aRunning({ id: id(2), createdAt: since, startedAt: since, nodes: [] }));
  await linode('left-over', OURS, clusterTag(id(1)), later);
  await linode('alive', OURS, clusterTag(id(2)), overdue);
  expect(await sweep()).toEqual({ destroyed: 1 });
  expect(living()).toEqual(['alive']);
});

it('goes by the reap tags alone where the table is lost', async () => {
  const env = { TABLE_NAME: 'a-table-that-is-not-there' };
  const { sweep, linode, living, overdue, later } = await startSweep({ env });
  await linode('overdue', OURS, clusterTag(id(1)), overdue);
  await linode('not-yet', OURS, clusterTag(id(2)), later);
  await linode('unmarked', OURS);
  // Its work is done by then; that it could not put the caps right is seen.
  await expect(sweep()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  expect(living()).toEqual(['not-yet', 'unmarked']);
});

it('throws, and destroys nothing, where Linode does not list them', async () => {
  const { sweep, linode, living, overdue, simulator } = await startSweep();
  await linode('orphan', OURS, overdue);
  simulator.setFaults([{ kind: 'status500', method: 'GET' }]);
  await expect(sweep(5_100)).rejects.toMatchObject({ code: 'linodeUnavailable' });
  expect(living()).toEqual(['orphan']);
});

it('needs no secret but the token: it works without API tokens or a password key', async () => {
  const secret = { apiTokens: {}, passwordKey: null };
  const { sweep, linode, overdue } = await startSweep({ secret });
  await linode('orphan', OURS, overdue);
  expect(await sweep()).toEqual({ destroyed: 1 });
});
