import { agentFilesIn } from '../../simulators/linode/agent-files.ts';
import type { LinodeSimulator } from '../../simulators/linode/simulator.ts';
import { type Api, type Cluster, SPEC } from './deployment.ts';
import { expect, until } from './expect.ts';

const INPUT = 'the input';
const LOG = 'a line\n';
const RESULTS = 'the results';

/** Uploads a file by the deployed API as an input of jobs; returns its id. */
export async function upload(api: Api): Promise<string> {
  const body = { bytes: INPUT.length };
  const { id, url } = await api.call<{ id: string; url: string }>('POST', '/uploads', body, 201);
  await put(url, INPUT);
  return id;
}

/**
 * Runs a job on a cluster whose nodes' agents it plays: input, log and results go through the
 * bucket, and the end of the job ends the cluster.
 */
export async function expectJob(
  simulator: LinodeSimulator,
  api: Api,
  report: (text: string) => void,
): Promise<void> {
  const job = { command: 'true', inputs: [await upload(api)], results: ['out'] };
  const spec = { ...SPEC, nodes: 1, job };
  const { id } = await api.call<Cluster>('POST', '/clusters', spec, 202);
  const isUp = async () => (await api.cluster(id)).status === 'running';
  await until(`${id} runs`, 120, isUp);
  await runOn(simulator, api, id);
  await until(`${id} ends, as its job is done`, 120, async () => {
    const { status } = await api.cluster(id);
    return status === 'deleted';
  });
  const { endReason } = await api.cluster(id);
  expect(endReason === 'done', `${id} ended by ${endReason}`);

  const { state } = await api.call<{ state: string }>('GET', `/clusters/${id}/job`);
  expect(state === 'done', `the job of ${id} is ${state}`);
  const { data } = await api.call<{ data: string }>('GET', `/clusters/${id}/job/log?rank=0&from=0`);
  expect(Buffer.from(data, 'base64').toString() === LOG, `the log of ${id} is ${data}`);
  const { results } = await api.call<{ results: readonly { readonly url: string }[] }>(
    'GET',
    `/clusters/${id}/job/results`,
  );
  expect(results.length === 1, `${id} has ${results.length} results`);
  const [found] = results;
  expect((await get(found?.url ?? '')) === RESULTS, `the results of ${id} are others`);
  report(`${id} has run a job, whose end ended the cluster; log and results outlive it`);
}

interface Answer {
  readonly job?: { readonly inputs: readonly { readonly url: string }[] };
  readonly start?: string;
  readonly upload?: { readonly url: string; readonly name: string };
}

/** The node of a run of a schedule must get the input that the schedule keeps. */
export async function expectKeptInput(
  simulator: LinodeSimulator,
  api: Api,
  id: string,
): Promise<void> {
  // On a busy machine its teardown may come before it runs.
  const linodes = () => simulator.instances(`onebuck=${id}`);
  await until(`${id} has a Linode`, 120, async () => linodes().length > 0);
  const { job } = await agentOf(simulator, api, id)({ event: 'job' });
  const input = await get(job?.inputs[0]?.url ?? '');
  expect(input === INPUT, `the input of ${id} is ${input}`);
}

/** The calls of the agent of the cluster's one node. */
function agentOf(simulator: LinodeSimulator, api: Api, id: string) {
  const [linode] = simulator.instances(`onebuck=${id}`);
  const { token = '' } = agentFilesIn(linode?.userData ?? null) ?? {};
  return async (call: object): Promise<Answer> => {
    const answer = await fetch(`${api.url}/agent/${id}/0`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(call),
    });
    const text = await answer.text();
    expect(answer.status === 200, `the agent's ${JSON.stringify(call)} is answered by ${text}`);
    return JSON.parse(text);
  };
}

/** What the agent of the one node says and fetches. */
async function runOn(simulator: LinodeSimulator, api: Api, id: string): Promise<void> {
  const say = agentOf(simulator, api, id);
  await say({ event: 'ready', detail: '' });
  const { job } = await say({ event: 'job' });
  const input = await get(job?.inputs[0]?.url ?? '');
  expect(input === INPUT, `the input of ${id} is ${input}`);
  const { start } = await say({ event: 'staged' });
  expect(start === 'go', `the job of ${id} may not start, but ${start}`);
  await say({ event: 'started' });
  await say({ event: 'log', segment: 0, data: Buffer.from(LOG).toString('base64') });
  await say({ event: 'exited', exitCode: 0 });
  const { upload } = await say({ event: 'upload', bytes: RESULTS.length });
  await put(upload?.url ?? '', RESULTS);
  const { name } = upload ?? { name: '' };
  const results = { name, bytes: RESULTS.length, unpackedBytes: RESULTS.length, files: 1 };
  await say({ event: 'ended', exitCode: 0, lastCall: false, results });
}

/** S3 must take exactly as many bytes as the URL was made for, and no more. */
async function put(url: string, body: string): Promise<void> {
  const long = await fetch(url, { method: 'PUT', body: `${body}!` });
  expect(long.status === 403, `a longer upload is answered with ${long.status}`);
  const answer = await fetch(url, { method: 'PUT', body });
  expect(answer.ok, `an upload is answered with ${answer.status}: ${await answer.text()}`);
}

async function get(url: string): Promise<string> {
  const answer = await fetch(url);
  const text = await answer.text();
  expect(answer.ok, `a download is answered with ${answer.status}: ${text}`);
  return text;
}
