import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { exitCodesLine, runOnNodes } from '../cli/ssh.ts';
import type { Cluster } from '../client/answers.ts';
import { type Api, mayPass } from '../client/api.ts';
import {
  getCluster,
  getInventory,
  getInventoryText,
  isComing,
  isLive,
  launchCluster,
  nodesReady,
  READY_MS_MAX,
  unreadyNodes,
} from '../client/clusters.ts';
import { endWords } from '../client/end.ts';
import { createIdempotencyKey } from '../client/idempotency-key.ts';
import { memoryMbIn } from '../client/memory.ts';
import { dollars } from '../client/money.ts';
import { pauseMs, whileBusy } from '../client/poll.ts';
import { specFrom } from '../client/spec.ts';
import { followJob, jobOfInputs } from './job.ts';
import { apiOfInputs, input, patiently, runStep, saveState, setOutput } from './runner.ts';

/*
 * Launches the cluster of the inputs and waits for its nodes. post.ts destroys the cluster, even if
 * this process is killed at any line: a tag that no other cluster has is saved before the request.
 */
async function launchForJob(): Promise<void> {
  const api = apiOfInputs();
  const key = createIdempotencyKey();
  const mark = `run-${process.env.GITHUB_RUN_ID ?? 'local'}-${key.slice(0, 12)}`;
  saveState('mark', mark);
  const dir = join(process.env.RUNNER_TEMP ?? tmpdir(), `onebuck-${key}`);
  const identity = makeKey(dir);
  const job = await jobOfInputs(api, dir);
  const spec = { ...specOf(mark, identity), ...(job === undefined ? {} : { job }) };
  const launched = await launchCluster(api, spec, key).catch((error) => {
    if (!mayPass(error)) saveState('refused', 'yes');
    throw error;
  });
  saveState('cluster', launched.id);
  setOutput('cluster-id', launched.id);
  console.log(
    `Cluster ${launched.id}: ${launched.nodes.length} × ${launched.type} in ${launched.region}, ` +
      `${dollars(launched.hourlyUsd)} a started hour, at most ${dollars(launched.budgetUsd)}.`,
  );
  if (job !== undefined) return followJob(api, launched, dir);
  const cluster = await waitUntilUp(api, launched);
  const inventory = await getInventory(api, cluster.id);
  setOutput('hosts', inventory.nodes.map(({ ipv4 }) => ipv4).join(','));
  setOutput('inventory', JSON.stringify(inventory));
  setOutput('ssh-config', await writeSshConfig(api, cluster, dir, identity));
  const command = input('exec');
  if (command !== undefined) await exec(api, cluster, command, identity);
}

/** Makes a pair of keys for this job only. Returns the path of the private key. */
function makeKey(dir: string): string {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const identity = join(dir, 'id_ed25519');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'onebuck', '-f', identity]);
  return identity;
}

function specOf(mark: string, identity: string) {
  const { GITHUB_WORKFLOW = 'workflow', GITHUB_RUN_NUMBER = '' } = process.env;
  return specFrom({
    name: input('name') ?? `${GITHUB_WORKFLOW} ${GITHUB_RUN_NUMBER}`.trim().slice(0, 64),
    nodes: input('nodes') ?? '1',
    type: input('type'),
    vcpus: input('vcpus'),
    memoryMb: memoryMbIn(input('memory')),
    region: input('region'),
    image: input('image') ?? 'Ubuntu 24.04 LTS',
    budget: input('budget'),
    maxHours: input('max-hours'),
    transfer: input('transfer'),
    userData: input('user-data'),
    onPartial: input('on-partial'),
    network: input('network'),
    setup: input('setup'),
    open: input('open'),
    keys: readFileSync(`${identity}.pub`, 'utf8'),
    tags: [mark],
  });
}

async function waitUntilUp(api: Api, launched: Cluster): Promise<Cluster> {
  let told = '';
  let runsSince: number | null = null;
  const look = () => getCluster(api, launched.id);
  for (let cluster = launched; ; cluster = await patiently(look)) {
    const line = `${cluster.status}, ${nodesReady(cluster)}`;
    if (line !== told) console.log(line);
    told = line;
    if (cluster.status === 'running') runsSince ??= Date.now();
    const isLate = runsSince !== null && Date.now() - runsSince > READY_MS_MAX;
    if (cluster.status === 'running' && (!isComing(cluster) || isLate)) {
      for (const { index, why } of cluster.agent ? unreadyNodes(cluster) : []) {
        console.log(`::warning title=Onebuck::Node ${index} is not ready${why ? `: ${why}` : ''}`);
      }
      return cluster;
    }
    if (!isLive(cluster) || cluster.status === 'deleting') {
      throw new Error(`The cluster did not come up: ${cluster.failure ?? endWords(cluster)}.`);
    }
    await delay(pauseMs(whileBusy));
  }
}

/** A configuration for ssh that logs in to the nodes by their labels, with the key of the job. */
async function writeSshConfig(api: Api, { id }: Cluster, dir: string, identity: string) {
  const hosts = await getInventoryText(api, id, 'ssh');
  const path = join(dir, 'ssh_config');
  const forAll = ['Host *', `  IdentityFile ${identity}`, '  IdentitiesOnly yes'];
  writeFileSync(path, `${hosts.trimEnd()}\n${forAll.join('\n')}\n`, { mode: 0o600 });
  return path;
}

async function exec(api: Api, cluster: Cluster, command: string, identity: string): Promise<void> {
  const options = { sshOption: [`IdentityFile=${identity}`, 'IdentitiesOnly=yes'] };
  const { signal } = new AbortController();
  const onNodes = { api: () => api, env: process.env };
  const tell = (_stream: string, line: string, prefix: string) => console.log(`${prefix} ${line}`);
  const note = (sentence: string) => console.log(sentence);
  const running = { command: [command], options, signal, tell, note };
  const ran = await runOnNodes(onNodes, cluster, running);
  const line = exitCodesLine(ran);
  if (ran.some(({ exitCode }) => exitCode !== 0)) throw new Error(line);
  console.log(line);
}

await runStep(launchForJob);
