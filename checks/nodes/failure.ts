import { expect, until } from '../deploy/expect.ts';
import type { Cluster } from './cluster.ts';
import type { World } from './world.ts';

const userData = `#!/bin/sh
echo 'the script of the user looks for a file'
cat /no/such/file
`;

/** A node whose user's script fails is not ready, and is shown with the reason. */
export async function expectFailure({ launch, cluster, destroy, report }: World): Promise<void> {
  const { id } = await launch({ nodes: 1, userData });
  let shown: Cluster = await cluster(id);
  await until(`the node of ${id} has failed`, 120, async () => {
    shown = await cluster(id);
    expect(shown.readyAt === null, `${id} is ready though its script fails`);
    return shown.nodes[0]?.agentReason !== undefined;
  });
  const reason = shown.nodes[0]?.agentReason ?? '';
  for (const part of ['cloud-init: error', '/no/such/file']) {
    expect(reason.includes(part), `the reason lacks ${part}: ${reason}`);
  }
  report(`the node of ${id} has failed, and its reason is shown: ${reason}`);
  await destroy(id);
}
