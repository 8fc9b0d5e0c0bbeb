import { agentFilesIn } from '../../simulators/linode/agent-files.ts';
import type { LinodeSimulator } from '../../simulators/linode/simulator.ts';
import type { Api } from './deployment.ts';
import { expect } from './expect.ts';

interface Shown {
  readonly agent: boolean;
  readonly readyAt: string | null;
  readonly nodes: readonly { readonly readyAt: string | null }[];
}

/**
 * Calls as the agents on the cluster's nodes would, with the tokens in their user data, which must
 * name the endpoint that CloudFormation made for the API. The cluster is then ready.
 */
export async function expectAgents(
  simulator: LinodeSimulator,
  api: Api,
  id: string,
  report: (text: string) => void,
): Promise<void> {
  const apiId = /execute-api\/(\w+)\//.exec(api.url)?.[1] ?? '';
  const shown = () => api.call<Shown>('GET', `/clusters/${id}`);
  const before = await shown();
  expect(before.agent && before.readyAt === null, `${id} is ready before its nodes say so`);
  const nodes = simulator.instances(`onebuck=${id}`);
  for (const { label, userData } of nodes) {
    const files = agentFilesIn(userData);
    expect(files !== null, `the user data of ${label} has no agent`);
    const { url = '', token = '' } = files ?? {};
    const path = /^https:\/\/(\w+)\.execute-api\.\S+?(\/agent\/\S+)$/.exec(url);
    expect(path?.[1] === apiId, `the agent of ${label} would call ${url}`);
    const answer = await fetch(`${api.url}${path?.[2]}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ event: 'ready', detail: '' }),
    });
    expect(answer.status === 200, `the agent of ${label} is answered with ${answer.status}`);
  }
  const { readyAt } = await shown();
  expect(readyAt !== null, `${id} is not ready although all its nodes are`);
  const stranger = `/agent/${id}/0`;
  await api.call('POST', stranger, { event: 'due' }, 403);
  report(`the agents on ${nodes.length} nodes have said by the deployed API that they are ready`);
}
