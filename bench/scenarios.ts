import { createUpload } from '../lib/app/create-upload.ts';
import { launch } from '../lib/app/launch.ts';
import { offer } from '../lib/app/offer.ts';
import { getCluster, waitForAddresses } from '../lib/app/read-clusters.ts';
import { clusterWithJob, jobOn, ranksOf, readLog, readResults } from '../lib/app/read-job.ts';
import { reportsOf } from '../lib/app/read-reports.ts';
import type { ClusterId } from '../lib/core/base/names.ts';
import { hours, plus as later, minutes, seconds } from '../lib/core/base/units.ts';
import { ENDED_KEPT } from '../lib/core/cluster/record.ts';
import { SEGMENT_BYTES } from '../lib/core/job/keys.ts';
import { DEFAULTS } from '../ops/settings.ts';
import { assumed } from './assumed.ts';
import { itemBytes } from './capacity.ts';
import { Counter, type Counts, minus, times } from './counts.ts';
import type { Deps } from './servers.ts';
import { aWorld, INVOICES_EVERY, type World } from './world.ts';

/**
 * The counts of an hour without clusters and requests. `books`: with the functions `invoices` and
 * `digest`, of which the first runs every six hours, and the second sends something once a week.
 */
export async function anIdleHour({ books }: { readonly books: boolean }): Promise<Counts> {
  const phases = { reapAt: seconds(10), sweepAt: seconds(20), booksAt: books ? minutes(30) : null };
  const world = await aWorld({ ...phases, hasDashboard: true });
  try {
    // In the first hour the functions get warm.
    await world.runUntil(hours(1));
    world.counter.clear();
    await world.runUntil(hours(1) + INVOICES_EVERY);
    return times(world.counter.counts, hours(1) / INVOICES_EVERY);
  } finally {
    await world.close();
  }
}

export interface Life {
  /** The counts of the hours of the life, less the counts of as many idle hours. */
  readonly counts: Counts;
  readonly nodes: number;
  readonly hours: number;
  readonly billedUsd: number;
}

const NANODES = {
  nodes: 10,
  vcpus: 1,
  memoryMb: 1_024,
  region: 'us-east',
  image: 'Ubuntu 24.04 LTS',
  budgetUsd: 1,
};
/** By then the functions of each tick are warm. */
const LAUNCH_AT = minutes(30);
/** The cluster lives and ends in this time. */
const HOURS = 14;

/**
 * The life of the README's cluster: a quote, a launch that waits for the addresses, a GET of the
 * cluster after 3 minutes and then each hour, and the calls of its nodes' agents. `sweepAt`: how long after the start the sweeper's
 * first tick comes; it decides how long the sweeper waits for the cluster's end.
 */
export async function aLife(
  idleHour: Counts,
  { sweepAt, hasDashboard }: { readonly sweepAt: number; readonly hasDashboard: boolean },
): Promise<Life> {
  const phases = { reapAt: sweepAt % minutes(1), sweepAt, booksAt: null };
  const world = await aWorld({ ...phases, hasDashboard });
  try {
    let id: ClusterId | null = null;
    const look = (at: number) =>
      world.request(LAUNCH_AT + at, async (deps) =>
        reportsOf(deps, await getCluster(deps, 'ann', id ?? '')),
      );
    world.request(LAUNCH_AT + seconds(1), (deps, { by }) => offer(deps, NANODES, by));
    world.request(LAUNCH_AT + seconds(30), async (deps, { by }) => {
      const request = { owner: 'ann', input: NANODES, idempotencyKey: null, schedule: null, by };
      const { record } = await launch(deps, request);
      id = record.id;
      await waitForAddresses(deps, record, later(deps.clock.now(), seconds(15)));
      await reportsOf(deps, record);
    });
    world.startAgents(LAUNCH_AT + minutes(1));
    look(minutes(3));
    for (let hour = 1; hour <= HOURS - 1; hour += 1) look(hours(hour));

    await world.runUntil(LAUNCH_AT);
    world.counter.clear();
    await world.runUntil(LAUNCH_AT + hours(HOURS));
    const counts = minus(world.counter.counts, times(idleHour, HOURS));
    return { ...checked(world, id), counts: new Map([...counts, ...kept(world, id)]) };
  } finally {
    await world.close();
  }
}

/** Throws if the cluster or one of its Linodes is not gone: the counts would then be wrong. */
function checked(world: World, id: ClusterId | null) {
  const item = id === null ? undefined : world.items.get(id);
  if (item?.phase?.S !== 'deleted') throw new Error(`the cluster is ${item?.phase?.S}`);
  if (world.left() > 0) throw new Error(`${world.left()} Linodes are left`);
  return { nodes: NANODES.nodes, hours: 13, billedUsd: world.billed() / 1e6 };
}

/**
 * The storage of what a life leaves: the cluster's record and what agents have said, from the cluster's
 * end until the record expires, and the files of its job, if it had one.
 */
function kept(world: World, id: ClusterId | null): Counts {
  const item = world.items.get(id ?? '') ?? {};
  const told = [...world.items].filter(([key]) => /^(agents|job)-/.test(key));
  if (told.length === 0) throw new Error('no agent has reported');
  const months = ENDED_KEPT / hours(assumed.hoursOfMonth);
  const counter = new Counter();
  const besides = told.reduce((sum, [, one]) => sum + itemBytes(one) + ENTRY_BYTES, 0);
  const table = itemBytes(item) + besides;
  const copies = { table, byOwner: itemBytes(item), byTime: itemBytes(item) };
  const filesMonths =
    hours(24 * Number(DEFAULTS.JOB_FILES_KEPT_DAYS)) / hours(assumed.hoursOfMonth);
  const files = world.filesBytes();
  if (files > 0) counter.add('S3 storage', 's3ByteMonth', files * filesMonths);
  for (const bytes of Object.values(copies)) {
    counter.add('DynamoDB storage', 'tableByteMonth', (bytes + ENTRY_BYTES) * months);
  }
  counter.add('DynamoDB point-in-time recovery', 'backupByteMonth', copies.table * months);
  return counter.counts;
}

/** The bytes that DynamoDB bills for each stored or indexed item beside the item's own. */
const ENTRY_BYTES = 100;

/** A job of 41 minutes on the head of ten nodes, which prints all the time. */
const JOB = { command: 'mpirun ./pi', results: ['out'] };
const JOB_SECONDS = 41 * 60;
const INPUT_BYTES = 100_000;
const RESULTS_BYTES = 10_000_000;
/** How much of the log comes in 20 seconds, the time between two calls. */
const LOG_EVERY_SECONDS = 20;
const LOG_BYTES = 2_000;
/** When the nodes have booted, after the launch. */
const READY_AT = minutes(2);

/**
 * The life of a cluster with a job: an upload, a quote and a launch as `onebuck run` makes them, the
 * calls of the agents, and at the end a look at the job, its log and its results, which are fetched.
 * `followed`: whether somebody has the log printed all the time.
 */
export async function aJobLife(
  idleHour: Counts,
  { sweepAt, followed }: { readonly sweepAt: number; readonly followed: boolean },
): Promise<Life> {
  const phases = { reapAt: sweepAt % minutes(1), sweepAt, booksAt: null };
  const world = await aWorld({ ...phases, hasDashboard: false });
  try {
    let id: ClusterId | null = null;
    const job = { ...JOB, inputs: [] as string[] };
    const spec = { ...NANODES, job };
    world.request(LAUNCH_AT, async (deps) => {
      const upload = await createUpload(deps, 'ann', { bytes: INPUT_BYTES });
      job.inputs.push(upload.id);
      await world.put(upload.url, INPUT_BYTES);
    });
    world.request(LAUNCH_AT + seconds(10), (deps, { by }) => offer(deps, spec, by));
    world.request(LAUNCH_AT + seconds(30), async (deps, { by }) => {
      const request = { owner: 'ann', input: spec, idempotencyKey: null, schedule: null, by };
      id = (await launch(deps, request)).record.id;
    });
    const ready = LAUNCH_AT + seconds(30) + READY_AT;
    for (let rank = 0; rank < NANODES.nodes; rank += 1) stage(world, ready, rank);
    const exit = ready + seconds(5 + JOB_SECONDS);
    runJob(world, ready + seconds(5), exit);

    const look: Look = (at, work) => world.request(at, (deps) => work(deps, id as ClusterId));
    if (followed) follow(look, ready + seconds(5), exit);
    const over = exit + minutes(2);
    look(over, readJob);
    look(over + seconds(1), (deps, cluster) => readLogFrom(deps, cluster, 0));
    look(over + seconds(2), async (deps, cluster) => {
      for (const { url } of await readResults(deps, 'ann', cluster)) await world.get(url);
    });

    await world.runUntil(LAUNCH_AT - seconds(1));
    world.counter.clear();
    await world.runUntil(LAUNCH_AT + hours(1.5));
    const counts = minus(world.counter.counts, times(idleHour, 1.5));
    return { ...checked(world, id), hours: 1, counts: new Map([...counts, ...kept(world, id)]) };
  } finally {
    await world.close();
  }
}

type Look = (at: number, work: (deps: Deps, id: ClusterId) => Promise<unknown>) => void;

const readJob = async (deps: Deps, id: ClusterId) => {
  const record = await clusterWithJob(deps, 'ann', id);
  await Promise.all([jobOn(deps, record), ranksOf(deps, record), reportsOf(deps, record)]);
};

const readLogFrom = (deps: Deps, id: ClusterId, from: number) =>
  readLog(deps, { owner: 'ann', id, rank: 0, from });

/**
 * Somebody follows the log as `onebuck logs -f` does: asks after 2 s again where something was new,
 * and else waits half as long again each time, 10 s at most.
 */
function follow(look: Look, start: number, exit: number): void {
  const callsUntil = (at: number) => Math.floor((at - start) / seconds(LOG_EVERY_SECONDS));
  let known = 0;
  let pause: number = seconds(2);
  for (let at = start; at < exit; at += pause) {
    look(at, readJob);
    const isNew = callsUntil(at) > known;
    if (isNew) {
      const from = known * LOG_BYTES;
      look(at + 200, (deps, id) => readLogFrom(deps, id, from));
    }
    known = callsUntil(at);
    pause = isNew ? seconds(2) : Math.min(seconds(10), Math.round(pause * 1.5));
  }
}

/** A node boots, fetches the inputs and asks whether to start. */
function stage(world: World, ready: number, rank: number): void {
  const says = (at: number, call: object, use = async (_: unknown) => {}) =>
    world.says(ready + seconds(at), rank, call, use);
  says(0, { event: 'ready', detail: '' });
  says(1, { event: 'job' }, async (answer) => {
    const { inputs } = (answer as { job: { inputs: readonly { url: string }[] } }).job;
    for (const { url } of inputs) await world.get(url);
  });
  says(2, { event: 'staged' });
  // The first ones must ask again.
  says(4, { event: 'staged' });
}

/** The head runs the command, and tells what comes of it. */
function runJob(world: World, start: number, exit: number): void {
  const says = (at: number, call: object, use = async (_: unknown) => {}) =>
    world.says(at, 0, call, use);
  says(start, { event: 'started' });
  for (let at = start + seconds(LOG_EVERY_SECONDS); at <= exit; at += seconds(LOG_EVERY_SECONDS)) {
    const bytes = Math.round((LOG_BYTES * (at - start)) / seconds(LOG_EVERY_SECONDS));
    const segment = Math.floor((bytes - 1) / SEGMENT_BYTES);
    const data = Buffer.alloc(bytes - segment * SEGMENT_BYTES, 'x').toString('base64');
    says(at, { event: 'log', segment, data });
  }
  says(exit + seconds(1), { event: 'exited', exitCode: 0 });
  const upload = { event: 'upload', bytes: RESULTS_BYTES };
  says(exit + seconds(2), upload, async (answer) => {
    const { url, name } = (answer as { upload: { url: string; name: string } }).upload;
    await world.put(url, RESULTS_BYTES);
    const results = { name, bytes: RESULTS_BYTES, unpackedBytes: RESULTS_BYTES, files: 3 };
    says(exit + seconds(10), { event: 'ended', exitCode: 0, lastCall: false, results });
  });
}
