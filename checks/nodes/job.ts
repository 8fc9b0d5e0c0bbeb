import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { expect, until } from '../deploy/expect.ts';
import type { Cluster, Node } from './cluster.ts';
import { range } from './shell.ts';
import { LINODE_IS_BEHIND_MS, type World } from './world.ts';

/** A job and its nodes, as far as the check reads what the API shows of them. */
interface Job {
  readonly state: string;
  readonly exitCode: number | null;
  readonly reason: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly nodes: readonly {
    readonly index: number;
    readonly state: string;
    readonly exitCode: number | null;
    readonly reason: string | null;
    readonly exitedAt: string | null;
  }[];
}

/** What is left of a job when its cluster is gone. */
interface Ended {
  readonly cluster: Cluster;
  readonly job: Job;
  /** By node. */
  readonly logs: readonly string[];
  /** The contents of the files, by node and by name. */
  readonly results: readonly ReadonlyMap<string, Buffer>[];
}

const NODES = 4;
const SECONDS_TO_END_MAX = 30;

/** Pi by the midpoint rule; rank 0 writes it, and a megabyte that must arrive as it is. */
const PI = `#include <mpi.h>
#include <stdio.h>
int main(int count, char **words) {
  int rank, ranks;
  double part = 0, pi;
  MPI_Init(&count, &words);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  for (long i = rank; i < 10000000; i += ranks) {
    double x = (i + 0.5) / 1e7;
    part += 4 / (1 + x * x) / 1e7;
  }
  MPI_Reduce(&part, &pi, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
  if (rank == 0) printf("%.10f from %d ranks\\n", pi, ranks);
  MPI_Finalize();
  return 0;
}
`;

/** The compiler is on n0, so that the other nodes get the program from there. */
const PI_JOB = {
  command: `mkdir -p out && mpicc -O2 -o pi src/pi.c &&
for node in n1 n2 n3; do scp -q pi $node:job/ || exit 1; done
mpirun -np ${NODES} --map-by node ./pi | tee out/pi.txt
head -c 1000000 /dev/urandom > out/noise && sha256sum out/noise
`,
  results: ['out/', 'pi'],
};

/** MPI on four nodes, from uploaded source to results at home, with the times that Onebuck adds. */
export async function expectMpiJob(world: World): Promise<void> {
  const { launch, report } = world;
  const input = await upload(world, { 'src/pi.c': PI });
  const { id } = await launch({
    nodes: NODES,
    type: 'g6-standard-2',
    setup: ['mpi'],
    job: { ...PI_JOB, inputs: [input] },
  });
  const { cluster, job, logs, results } = await ended(world, id, 300);
  const [log = ''] = logs;
  expect(job.state === 'done' && job.exitCode === 0, `the job of ${id}: ${JSON.stringify(job)}`);
  expect(cluster.endReason === 'done', `${id} ended by ${cluster.endReason}`);
  const files = results[0] ?? new Map<string, Buffer>();
  const pi = `${files.get('out/pi.txt')}`;
  expect(pi === `3.1415926536 from ${NODES} ranks\n`, `the job of ${id} wrote ${pi}: ${log}`);
  // Open MPI may warn of its own ssh before.
  expect(log.includes(pi), `the log of ${id} lacks ${pi}: ${log}`);
  const sum = createHash('sha256')
    .update(files.get('out/noise') ?? '')
    .digest('hex');
  expect(log.includes(`${sum}  out/noise`), `out/noise of ${id} arrived with another sum`);
  expect(files.get('pi')?.subarray(1, 4).toString() === 'ELF', `pi of ${id} is no program`);
  report(
    `MPI on ${NODES} nodes of ${id} computes ${pi.trim()}, and its results are here unchanged`,
  );
  const times = timesOf(world, cluster, job);
  const last = Math.max(...times.deletions);
  expect(last < SECONDS_TO_END_MAX * 1_000, `${id} was destroyed ${last} ms after its command`);
  report(`from the last node ready to the command's start: ${inSeconds(times.start)} (goal 3 s)`);
  report(`from the command's exit to ${NODES} deletions taken: ${inSeconds(last)} (goal 5 s)`);
}

/** The same steps by hand: by ssh and scp, and by DELETE of Linode's API. */
export async function reportFloor(world: World): Promise<void> {
  const { launch, ready, report, destroy, on, onAll, copy } = world;
  const { id } = await launch({ nodes: NODES });
  const room = await ready(id, 120);
  await inFolder(async (folder) => {
    const file = join(folder, 'in.tgz');
    writeFileSync(file, tarOf({ 'src/pi.c': PI }));
    const began = Date.now();
    await Promise.all(room.nodes.map((node) => copy(node, file, 'n:in.tgz')));
    await onAll(room, 'mkdir job && tar -xzf in.tgz -C job');
    await on(room.nodes[0], 'head -c 1000000 /dev/urandom > job/noise');
    const exited = Date.now();
    await on(room.nodes[0], 'tar -czf out.tgz -C job noise');
    await copy(room.nodes[0], 'n:out.tgz', file);
    await destroy(id);
    const end = Math.max(...deletionsOf(world, id)) - exited;
    report(
      `by hand, ssh and scp take ${inSeconds(exited - began)} from the last node ready to the end ` +
        `of a command, and ${inSeconds(end)} from there to the deletions`,
    );
  });
}

/**
 * Clusters at once: jobs that fail, that the teardown stops, whose node is rebooted or loses its
 * power, that a schedule launches, and that have tasks.
 */
export async function expectJobs(world: World): Promise<void> {
  await Promise.all([
    expectFailingJob(world),
    expectLastCall(world),
    expectLostJob(world, 'is rebooted', world.reboot),
    expectLostJob(world, 'loses its power', world.cutPower),
    expectScheduledJob(world),
    expectTasks(world),
  ]);
}

async function expectFailingJob(world: World): Promise<void> {
  const { id } = await world.launch({
    nodes: 1,
    job: { command: 'echo it fails >&2; exit 3', onFailure: 'destroy', results: ['none'] },
  });
  const { cluster, job, logs, results } = await ended(world, id, 180);
  expect(job.state === 'failed' && job.exitCode === 3, `${id} failed as ${JSON.stringify(job)}`);
  expect(cluster.endReason === 'done', `${id} ended by ${cluster.endReason}`);
  expect(logs[0] === 'it fails\n' && results.length === 0, `${id} has the log ${logs[0]}`);
  world.report(`the job of ${id} fails with 3, and its cluster is gone`);
}

const COUNTING = `trap 'echo saved >> out; exit 5' TERM
while :; do date >> out; sleep 1; done`;

/** The teardown time of `maxHours: 1` is two minutes after the launch. */
async function expectLastCall(world: World): Promise<void> {
  const { id } = await world.launch({
    nodes: 1,
    maxHours: 1,
    job: { command: COUNTING, results: ['out'], gracePeriodSeconds: 30 },
  });
  await running(world, id);
  const { teardownAt } = await world.cluster(id);
  const { job, results } = await ended(world, id, 240);
  expect(job.state === 'stopped' && job.exitCode === 5, `${id} ended as ${JSON.stringify(job)}`);
  const before = Date.parse(teardownAt) - Date.parse(job.nodes[0]?.exitedAt ?? '');
  expect(before > 0 && before <= 30_000, `${id} was stopped ${before} ms before its teardown`);
  const lines = `${results[0]?.get('out')}`.trimEnd().split('\n');
  expect(lines.length > 10 && lines.at(-1) === 'saved', `${id} has kept ${lines.join(' | ')}`);
  const { totalMicroUsd } = world.simulator.bill(`onebuck=${id}`);
  expect(totalMicroUsd <= 7_500, `Linode bills ${totalMicroUsd} micro-dollars for ${id}`);
  world.report(
    `the job of ${id} got SIGTERM ${inSeconds(before)} before its teardown, and what it saved is here`,
  );
}

/** A command is not run again when its node has booted anew, and the others' results are kept. */
async function expectLostJob(
  world: World,
  what: string,
  boot: (node: Node | undefined) => Promise<void>,
): Promise<void> {
  const { launch, report } = world;
  const command = 'echo $ONEBUCK_RANK >> out; [ $ONEBUCK_RANK = 0 ] || exec sleep 1000; sleep 20';
  const { id } = await launch({
    nodes: 2,
    job: { command, on: 'all', results: ['out'], onFailure: 'destroy' },
  });
  await running(world, id);
  await boot((await world.cluster(id)).nodes[1]);
  const { job: over, results } = await ended(world, id, 120);
  expect(over.state === 'failed' && over.exitCode === null, `${id}: ${JSON.stringify(over)}`);
  expect(/reboot/.test(over.reason ?? ''), `the job of ${id} failed, since ${over.reason}`);
  const outs = results.map((files) => `${files.get('out')}`);
  expect(outs.join() === '0\n,1\n', `the nodes of ${id} wrote ${JSON.stringify(outs)}`);
  report(`n1 ${what}, and the job of ${id} fails: ${over.reason}; results of both nodes are here`);
}

/** What a schedule runs, from an upload that it keeps, while nobody waits for it. */
async function expectScheduledJob(world: World): Promise<void> {
  const { call, report } = world;
  const input = await upload(world, { 'word.txt': 'by night' });
  const { id: scheduleId } = await call<{ id: string }>('POST', '/schedules', {
    cron: '* * * * *',
    monthlyCapUsd: 1,
    spec: {
      ...{ nodes: 2, type: 'g6-nanode-1', region: 'us-east', image: 'Debian 13', budgetUsd: 1 },
      job: {
        command: 'tr a-z A-Z < word.txt > out',
        ...{ on: 'all', inputs: [input], results: ['out'] },
      },
    },
  });
  type Run = { readonly clusterId?: string; readonly job?: { readonly state: string } | null };
  const firstRun = async (): Promise<Run | undefined> =>
    (await call<{ runs: readonly Run[] }>('GET', `/schedules/${scheduleId}`)).runs.at(-1);
  let id = '';
  await until(`${scheduleId} has launched a cluster`, 150, async () => {
    id = (await firstRun())?.clusterId ?? '';
    return id !== '';
  });
  await call('PATCH', `/schedules/${scheduleId}`, { enabled: false });
  const { cluster, job, results } = await ended(world, id, 180);
  expect(job.state === 'done', `the job of ${id}: ${JSON.stringify(job)}`);
  expect(cluster.endReason === 'done', `${id} ended by ${cluster.endReason}`);
  const outs = results.map((files) => `${files.get('out')}`);
  expect(outs.join() === 'BY NIGHT,BY NIGHT', `the nodes of ${id} wrote ${JSON.stringify(outs)}`);
  const state = (await firstRun())?.job?.state;
  expect(state === 'done', `${scheduleId} shows the job of its run as ${state}`);
  await call('DELETE', `/schedules/${scheduleId}`);
  report(`${scheduleId} has run its job on ${id} by itself: results of both nodes are here`);
}

async function expectTasks(world: World): Promise<void> {
  const { id } = await world.launch({
    nodes: 3,
    job: {
      command: 'for task in $ONEBUCK_TASK_IDS; do echo $task >> done; done',
      ...{ on: 'all', tasks: '1-100', results: ['done'] },
    },
  });
  const { job, results } = await ended(world, id, 180);
  expect(job.state === 'done', `the job of ${id}: ${JSON.stringify(job)}`);
  const shares = results.map((files) => `${files.get('done')}`.trim().split('\n').map(Number));
  const all = shares.flat().toSorted((a, b) => a - b);
  expect(all.join() === range(1, 100).join(), `the tasks of ${id} are ${all.join()}`);
  const counts = shares.map(({ length }) => length).join(', ');
  world.report(`each of 100 tasks ran once, on three nodes of ${id}: ${counts}`);
}

const jobOf = ({ call }: World, id: string) => call<Job>('GET', `/clusters/${id}/job`);

const running = (world: World, id: string) =>
  until(`the job of ${id} runs on all nodes`, 120, async () =>
    (await jobOf(world, id)).nodes.every(({ state }) => state === 'running'),
  );

/** Waits until the cluster has ended, and gets all that is left of its job. */
async function ended(world: World, id: string, seconds: number): Promise<Ended> {
  const { call } = world;
  let cluster = await world.cluster(id);
  await until(`the job of ${id} has ended, and its cluster is gone`, seconds, async () => {
    cluster = await world.cluster(id);
    return cluster.status === 'deleted';
  });
  const job = await jobOf(world, id);
  const logs = await Promise.all(
    job.nodes.map(async ({ index }) => {
      const path = `/clusters/${id}/job/log?rank=${index}`;
      const { data, isWhole } = await call<{ data: string; isWhole: boolean }>('GET', path);
      expect(isWhole, `the log of n${index} of ${id} is not whole`);
      return `${Buffer.from(data, 'base64')}`;
    }),
  );
  const { results } = await call<{ results: readonly { url: string }[] }>(
    'GET',
    `/clusters/${id}/job/results`,
  );
  const archives = await Promise.all(
    results.map(async ({ url }) => Buffer.from(await (await fetch(url)).arrayBuffer())),
  );
  return { cluster, job, logs, results: archives.map(filesIn) };
}

/** Uploads the files as the inputs of a job; returns the id. */
async function upload({ call }: World, files: Readonly<Record<string, string>>): Promise<string> {
  const body = tarOf(files);
  const { id, url } = await call<{ id: string; url: string }>('POST', '/uploads', {
    bytes: body.length,
  });
  const { ok, status } = await fetch(url, { method: 'PUT', body: new Uint8Array(body) });
  expect(ok, `the upload was answered ${status}`);
  return id;
}

/** Milliseconds from the last node ready to the start, and from the exit to each deletion. */
function timesOf(world: World, { id, nodes }: Cluster, { startedAt, nodes: [head] }: Job) {
  const ready = Math.max(...nodes.map(({ readyAt }) => Date.parse(readyAt ?? '')));
  const exited = Date.parse(head?.exitedAt ?? '');
  return {
    start: Date.parse(startedAt ?? '') - ready,
    deletions: deletionsOf(world, id).map((at) => at - exited),
  };
}

/** When Linode took the deletions of the cluster's nodes, by this machine's clock. */
const deletionsOf = ({ simulator }: World, id: string): number[] =>
  simulator
    .instances(`onebuck=${id}`)
    .map(({ deleted }) => (deleted ?? Number.NaN) + LINODE_IS_BEHIND_MS);

const inSeconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;

/** Uses a folder, which is gone afterwards. */
function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'onebuck-job-'));
  const remove = () => rmSync(folder, { recursive: true });
  const used = use(folder);
  if (used instanceof Promise) return used.finally(remove) as T;
  remove();
  return used;
}

function tarOf(files: Readonly<Record<string, string>>): Buffer {
  return inFolder((folder) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return execFileSync('tar', ['-czf', '-', '-C', folder, '.']);
  });
}

const filesIn = (archive: Buffer): ReadonlyMap<string, Buffer> =>
  inFolder((folder) => {
    execFileSync('tar', ['-xzf', '-', '-C', folder], { input: archive });
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const paths = files.map(({ parentPath, name }) => join(parentPath, name));
    return new Map(paths.map((path) => [relative(folder, path), readFileSync(path)]));
  });
