import { describe, expect, it } from 'vitest';
import { createUpload } from '../../../lib/app/create-upload.ts';
import { createAgentLimits, hearAgent } from '../../../lib/app/hear-agent.ts';
import { readLog, readResults } from '../../../lib/app/read-job.ts';
import { outcomeTold } from '../../../lib/app/settle-job.ts';
import { stopJob } from '../../../lib/app/stop-job.ts';
import { minutes, plus } from '../../../lib/core/base/units.ts';
import { ENDED_KEPT, isLive, type Running } from '../../../lib/core/cluster/record.ts';
import { SEGMENT_BYTES, uploadKey } from '../../../lib/core/job/keys.ts';
import type { ClusterStore } from '../../../lib/ports.ts';
import { createMemoryFiles } from '../../../simulators/aws/memory-files.ts';
import { createMemoryTable } from '../../../simulators/aws/memory-table.ts';
import {
  aJob,
  aRunning,
  aSpec,
  created,
  ID,
  LAUNCH,
  neverCreated,
  usd,
} from '../../support/builders.ts';
import { depsWith } from '../../support/deps.ts';
import { aClock } from '../../support/doubles.ts';

type JobOverrides = Parameters<typeof aJob>[0];

/** A running cluster of ann's with three nodes and a job, 20 minutes after its launch. */
async function aWorldWith(
  job: JobOverrides = {},
  {
    record: overrides = {},
    store = {},
  }: { record?: Partial<Running>; store?: Partial<ClusterStore> } = {},
) {
  const clock = aClock(plus(LAUNCH, minutes(20)));
  const nudged: string[] = [];
  const files = createMemoryFiles();
  const table = createMemoryTable();
  const deps = {
    ...depsWith({
      clock,
      files,
      jobs: table.jobs,
      nudge: {
        reconcile: async (batch) => void nudged.push(...batch.map(({ clusterId }) => clusterId)),
        runSchedule: async () => {},
      },
      reports: table.reports,
      allowances: table.allowances,
      store: { ...table.clusters, ...store },
    }),
    limits: createAgentLimits(clock),
    endedKept: ENDED_KEPT,
  };
  const spec = aSpec({ nodes: 3, budget: usd(1), job: aJob(job) });
  const nodes = [created(0), created(1), created(2)];
  const dueAt = plus(LAUNCH, minutes(50));
  await table.clusters.insert(
    aRunning({ agent: true, owner: 'ann', spec, nodes, dueAt, ...overrides }),
  );
  const say = (rank: number, call: object) =>
    hearAgent(deps, { clusterId: ID, rank, expiresAt: plus(LAUNCH, minutes(999)) }, call);
  return {
    deps,
    clock,
    files,
    nudged,
    say,
    record: async () => {
      const found = await table.clusters.get(ID);
      if (found === 'notFound') throw new Error('there is no record');
      return found;
    },
    /** All nodes have their inputs, and those of `ranks` have started. */
    async started(...ranks: number[]) {
      for (const rank of [0, 1, 2]) await say(rank, { event: 'staged' });
      for (const rank of ranks) await say(rank, { event: 'started' });
    },
    log: (rank: number, from: number) => readLog(deps, { owner: 'ann', id: ID, rank, from }),
    results: () => readResults(deps, 'ann', ID),
  };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const ended = (exitCode: number | null, more: object = {}) => ({
  event: 'ended',
  exitCode,
  ...more,
});

describe('a job', () => {
  it('starts when every node has its inputs', async () => {
    const { say } = await aWorldWith();
    expect(await say(0, { event: 'staged' })).toMatchObject({
      start: 'wait',
      askAgainSeconds: 1,
      stop: false,
    });
    await say(1, { event: 'staged' });
    expect(await say(2, { event: 'staged' })).toMatchObject({ start: 'go' });
    expect(await say(0, { event: 'staged' })).toMatchObject({ start: 'go' });
  });

  it('deals its tasks to the nodes that were created', async () => {
    const { say } = await aWorldWith(
      { on: 'all', tasks: '1-10' },
      { record: { nodes: [created(0), neverCreated(1), created(2)] } },
    );
    expect(await say(0, { event: 'staged' })).not.toHaveProperty('share');
    const go = { start: 'go', share: { index: 1, of: 2 } };
    expect(await say(2, { event: 'staged' })).toMatchObject(go);
    expect(await say(0, { event: 'staged' })).toMatchObject({ share: { index: 0, of: 2 } });
  });

  it('fails at once if a node can not get its inputs, in the words of its agent', async () => {
    const world = await aWorldWith({ onFailure: 'destroy' });
    const { say } = world;
    await say(0, { event: 'staged' });
    await say(1, ended(null, { detail: 'an input can not be fetched', results: null }));
    expect(await world.record()).toMatchObject({
      phase: 'deleting',
      jobEnd: { state: 'failed', exitCode: null, node: 1, reason: 'an input can not be fetched' },
    });
  });

  it('is told to its nodes, with URLs for its inputs', async () => {
    const { say, files } = await aWorldWith({ inputs: ['uabcdefghij'], env: { A: '1' } });
    await files.put(uploadKey('ann', 'uabcdefghij'), Buffer.from('input'));
    const { job } = await say(2, { event: 'job' });
    expect(job).toMatchObject({
      command: './pi',
      on: 'head',
      env: { A: '1' },
      logEverySeconds: 20,
    });
    expect(job?.inputs.map(({ bytes }) => bytes)).toEqual([5]);
    expect(files.fetch(job?.inputs[0]?.url ?? '')).toEqual(Buffer.from('input'));
  });

  it('ends its cluster at once when node 0 has told all, and keeps log and results', async () => {
    const world = await aWorldWith();
    const { say, files, clock } = world;
    await world.started(0);
    await say(0, { event: 'log', segment: 0, data: base64('3.14') });
    await say(0, { event: 'exited', exitCode: 0 });
    const { upload } = await say(0, { event: 'upload', bytes: 7 });
    expect(files.send(upload?.url ?? '', Buffer.from('too long'))).toBe(false);
    expect(files.send(upload?.url ?? '', Buffer.from('archive'))).toBe(true);
    const results = { name: upload?.name, bytes: 7, unpackedBytes: 20, files: 2 };
    await say(0, ended(0, { results }));
    expect(await world.record()).toMatchObject({
      phase: 'deleting',
      endReason: 'done',
      dueAt: clock.now(),
      jobEnd: { state: 'done', exitCode: 0, node: null, reason: null },
    });
    expect(world.nudged).toEqual([ID]);
    expect(await world.log(0, 0)).toEqual({
      bytes: 4,
      data: Buffer.from('3.14'),
      next: 4,
      isWhole: true,
    });
    const [offered] = await world.results();
    expect(offered).toMatchObject({ index: 0, filename: 'n0.tar.gz', files: 2, bytes: 7 });
    expect(files.fetch(offered?.url ?? '')).toEqual(Buffer.from('archive'));
  });

  it('of all nodes ends when the last has told all, with the code of the first that failed', async () => {
    const world = await aWorldWith({ on: 'all', onFailure: 'destroy' });
    await world.started(0, 1, 2);
    await world.say(2, ended(0));
    await world.say(1, ended(4, { detail: 'out/ is missing\u0007' }));
    expect((await world.record()).phase).toBe('running');
    await world.say(0, ended(0));
    expect(await world.record()).toMatchObject({
      phase: 'deleting',
      jobEnd: { state: 'failed', node: 1, exitCode: 4, reason: 'out/ is missing' },
    });
  });

  it('that failed leaves its cluster until the hour is over that is paid anyway', async () => {
    const world = await aWorldWith();
    await world.started(0);
    await world.say(0, ended(1));
    expect(await world.record()).toMatchObject({
      phase: 'running',
      endBy: plus(LAUNCH, minutes(57)),
      jobEnd: { state: 'failed', exitCode: 1 },
    });
    expect(world.nudged).toEqual([ID]);
  });

  it('fails when a node does not get ready, before it starts and not after', async () => {
    const before = await aWorldWith();
    await before.say(1, { event: 'failed', detail: 'apt-get: no network' });
    expect((await before.record()).jobEnd).toMatchObject({
      state: 'failed',
      reason: 'node 1 did not get ready: apt-get: no network',
    });
    const after = await aWorldWith();
    await after.started(0);
    await after.say(1, { event: 'failed', detail: 'late' });
    expect((await after.record()).jobEnd).toBeUndefined();
  });

  it('fails when a node has no inputs 15 minutes after the first', async () => {
    const world = await aWorldWith();
    await world.say(0, { event: 'staged' });
    world.clock.set(plus(world.clock.now(), minutes(15)));
    const start = await world.say(0, { event: 'staged' });
    const reason = expect.stringMatching(/^node 1, 2 did not have the inputs by /);
    expect(start).toMatchObject({ start: 'never', reason });
    expect((await world.record()).jobEnd).toMatchObject({ state: 'failed', node: 1, reason });
  });

  it('fails when a node can not begin, though it would not run the command', async () => {
    const world = await aWorldWith();
    await world.say(0, { event: 'staged' });
    await world.say(2, ended(null, { detail: 'an input can not be unpacked' }));
    const failed = { state: 'failed', node: 2, reason: 'an input can not be unpacked' };
    expect((await world.record()).jobEnd).toMatchObject(failed);
    expect(await world.say(0, { event: 'staged' })).toMatchObject({ start: 'never' });
  });

  it('is over by the first end of a node: a repeated or another one changes nothing', async () => {
    const world = await aWorldWith({ onDone: 'keep' });
    await world.started(0);
    await world.say(0, ended(0));
    const before = await world.record();
    expect(before).toMatchObject({ phase: 'running', jobEnd: { state: 'done' } });
    await world.say(0, ended(7));
    await world.say(0, ended(0));
    expect(await world.record()).toEqual(before);
  });

  it('ends although a pass saves the record at the same time, again and again', async () => {
    const table = createMemoryTable();
    let conflicts = 3;
    const world = await aWorldWith(
      {},
      {
        store: {
          ...table.clusters,
          async save(record) {
            if (conflicts-- > 0) {
              const now = await table.clusters.get(record.id);
              if (now !== 'notFound') await table.clusters.save({ ...now, reapTags: ['reap=x'] });
            }
            return table.clusters.save(record);
          },
        },
      },
    );
    await table.clusters.insert(await world.record());
    await world.started(0);
    await world.say(0, ended(0));
    expect(await table.clusters.get(ID)).toMatchObject({ phase: 'deleting', endReason: 'done' });
  });

  it('that was cut off by the teardown time leaves the teardown to its time', async () => {
    const world = await aWorldWith();
    await world.started(0);
    const { teardownAt } = await world.say(0, { event: 'alive' });
    world.clock.set(plus(teardownAt, minutes(-2)));
    await world.say(0, ended(143, { lastCall: true }));
    expect(await world.record()).toMatchObject({ phase: 'running' });
    expect((await world.record()).jobEnd).toBeUndefined();
  });

  it('ends its cluster if the teardown time was moved after the last call', async () => {
    const world = await aWorldWith();
    await world.started(0);
    await world.say(0, ended(143, { lastCall: true }));
    expect(await world.record()).toMatchObject({
      phase: 'deleting',
      jobEnd: { state: 'stopped', exitCode: 143 },
    });
  });
});

describe('what a node says that does not run the command', () => {
  it('neither ends the job nor fills its log', async () => {
    const world = await aWorldWith();
    await world.started(0);
    for (const call of [
      { event: 'started' },
      { event: 'exited', exitCode: 0 },
      { event: 'log', segment: 0, data: base64('x') },
      ended(0),
      ended(3),
    ]) {
      await world.say(1, call);
    }
    expect((await world.record()).phase).toBe('running');
    expect(world.files.stored.size).toBe(0);
    await expect(world.log(1, 0)).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('a call about the job', () => {
  it.each([
    [{ event: 'log' }, 'segment is required with log'],
    [{ event: 'log', segment: 0 }, 'data is required with log'],
    [{ event: 'upload' }, 'bytes is required with upload'],
    [{ event: 'log', segment: 514, data: '' }, 'segment must be'],
    [{ event: 'log', segment: 0, data: '*' }, 'data'],
    [{ event: 'log', segment: 0, data: 'A'.repeat(90_000) }, 'data'],
    [{ event: 'exited', exitCode: 256 }, 'exitCode must be a whole number from 0 to 255'],
    [{ event: 'upload', bytes: 5_000_000_001 }, 'bytes must be'],
    [ended(0, { results: { name: '../x', bytes: 1, unpackedBytes: 1, files: 1 } }), 'results.name'],
    [
      ended(0, { results: { name: 'raaaaaaaaaa', unpackedBytes: 1, files: 1 } }),
      'results.bytes is required',
    ],
  ])('is refused with what is wrong: %j', async (call, message) => {
    const { say } = await aWorldWith();
    await expect(say(0, call)).rejects.toMatchObject({
      code: 'invalid',
      details: { faults: [expect.objectContaining({ message: expect.stringContaining(message) })] },
    });
  });

  it('changes nothing where the cluster has no job', async () => {
    const world = await aWorldWith({}, { record: { spec: aSpec({ nodes: 3 }) } });
    expect(await world.say(0, { event: 'job' })).not.toHaveProperty('job');
    await world.say(0, ended(0));
    expect((await world.record()).phase).toBe('running');
  });

  it('begins five uploads at once, and no more', async () => {
    const { say } = await aWorldWith();
    for (let count = 0; count < 5; count += 1) await say(0, { event: 'upload', bytes: 1 });
    await expect(say(0, { event: 'upload', bytes: 1 })).rejects.toMatchObject({ code: 'tooMany' });
    await say(1, { event: 'upload', bytes: 1 });
  });
});

describe('results', () => {
  it('count only if they arrived, at the size that was told', async () => {
    const world = await aWorldWith({ onDone: 'keep' });
    await world.started(0);
    const { upload } = await world.say(0, { event: 'upload', bytes: 7 });
    const results = { name: upload?.name, bytes: 7, unpackedBytes: 20, files: 2 };
    await world.say(0, ended(0, { results }));
    expect(await world.results()).toEqual([]);
    const ranks = await world.deps.jobs.readRanks(ID, [0]);
    expect(ranks.get(0)).toMatchObject({ reason: 'its results did not arrive', results: null });
  });
});

describe('the log', () => {
  it('is read from any byte on, across its segments', async () => {
    const world = await aWorldWith();
    const whole = Buffer.from(Array.from({ length: SEGMENT_BYTES + 10 }, (_, at) => at % 251));
    await world.started(0);
    const send = (segment: number, bytes: Buffer) =>
      world.say(0, { event: 'log', segment, data: bytes.toString('base64') });
    await send(0, whole.subarray(0, 100));
    expect(await world.log(0, 0)).toMatchObject({ bytes: 100, next: 100, isWhole: false });
    expect(await world.log(0, 100)).toMatchObject({ next: 100, data: Buffer.alloc(0) });
    await send(0, whole.subarray(0, SEGMENT_BYTES));
    await send(1, whole.subarray(SEGMENT_BYTES));
    expect((await world.log(0, 0)).data).toEqual(whole);
    expect((await world.log(0, SEGMENT_BYTES + 3)).data).toEqual(whole.subarray(SEGMENT_BYTES + 3));
    expect(await world.log(0, 5_000_000)).toMatchObject({ next: 5_000_000, isWhole: false });
  });

  it('comes in parts of at most 1 MiB', async () => {
    const world = await aWorldWith();
    await world.started(0);
    const full = Buffer.alloc(SEGMENT_BYTES, 'x').toString('base64');
    for (let segment = 0; segment < 20; segment += 1) {
      await world.say(0, { event: 'log', segment, data: full });
    }
    const first = await world.log(0, 0);
    expect(first).toMatchObject({ next: 1_048_576, bytes: 20 * SEGMENT_BYTES, isWhole: false });
    expect((await world.log(0, first.next)).next).toBe(20 * SEGMENT_BYTES);
  });

  it('is whole although its files have expired', async () => {
    const world = await aWorldWith({ onDone: 'keep' });
    await world.started(0);
    await world.say(0, { event: 'log', segment: 0, data: base64('gone soon') });
    await world.say(0, ended(0));
    world.files.stored.clear();
    expect(await world.log(0, 0)).toMatchObject({ next: 9, isWhole: true, data: Buffer.alloc(0) });
  });

  it('is seen by nobody but its owner and the admin', async () => {
    const { deps } = await aWorldWith();
    const asked = { id: ID, rank: 0, from: 0 };
    await expect(readLog(deps, { ...asked, owner: 'eve' })).rejects.toMatchObject({
      code: 'notFound',
    });
    await readLog(deps, { ...asked, owner: 'admin' });
  });
});

describe('a node of which nothing more is heard', () => {
  it('counts as lost after ten minutes, in the passes', async () => {
    const world = await aWorldWith();
    await world.started(0);
    const told = async (after: ReturnType<typeof minutes>) => {
      const record = await world.record();
      if (!isLive(record)) throw new Error('it has ended');
      const now = plus(world.clock.now(), after);
      return outcomeTold(world.deps, record, { now, countsSilent: true });
    };
    expect(await told(minutes(10))).toBeNull();
    expect(await told(minutes(11))).toEqual({
      state: 'failed',
      node: 0,
      exitCode: null,
      reason: 'node 0 has been silent for too long',
    });
    world.clock.set(plus(world.clock.now(), minutes(9)));
    await world.say(0, { event: 'alive' });
    expect(await told(minutes(9))).toBeNull();
  });
});

describe('a job that is to stop', () => {
  it('is ended by its agents, and then ends its cluster', async () => {
    const world = await aWorldWith();
    await world.started(0);
    await stopJob(world.deps, 'ann', ID);
    expect(await world.say(0, { event: 'alive' })).toMatchObject({ stop: true });
    await world.say(0, ended(143, { lastCall: true }));
    expect(await world.record()).toMatchObject({
      phase: 'deleting',
      endReason: 'done',
      jobEnd: { state: 'stopped', exitCode: 143 },
    });
    expect(await stopJob(world.deps, 'ann', ID)).toMatchObject({ phase: 'deleting' });
  });

  it('ends its cluster by itself if no agent answers', async () => {
    const world = await aWorldWith();
    const stopped = await stopJob(world.deps, 'ann', ID);
    expect(stopped).toMatchObject({ endBy: plus(world.clock.now(), minutes(5)) });
    expect(await stopJob(world.deps, 'ann', ID)).toEqual(stopped);
    await expect(stopJob(world.deps, 'eve', ID)).rejects.toMatchObject({ code: 'notFound' });
  });

  it('is none where the spec has none', async () => {
    const { deps } = await aWorldWith({}, { record: { spec: aSpec({ nodes: 3 }) } });
    await expect(stopJob(deps, 'ann', ID)).rejects.toMatchObject({ code: 'notFound' });
  });
});

describe('an upload', () => {
  it('takes a file of the size that was said, under a key of its owner', async () => {
    const { deps, files, clock } = await aWorldWith();
    const upload = await createUpload(deps, 'ann/../eve', { bytes: 3 });
    expect(upload).toMatchObject({ expiresAt: plus(clock.now(), minutes(60)) });
    expect(files.send(upload.url, Buffer.from('abc'))).toBe(true);
    expect([...files.stored.keys()]).toEqual([`uploads/ann%2F%2E%2E%2Feve/${upload.id}`]);
  });

  it.each([{}, { bytes: 0 }, { bytes: 5_000_000_001 }, { bytes: 1, more: 1 }, null])(
    'is refused with what is wrong: %j',
    async (input) => {
      const { deps } = await aWorldWith();
      await expect(createUpload(deps, 'ann', input)).rejects.toMatchObject({ code: 'invalid' });
    },
  );

  it('needs the bucket of jobs', async () => {
    const { deps } = await aWorldWith();
    await expect(createUpload({ ...deps, files: null }, 'ann', { bytes: 1 })).rejects.toMatchObject(
      {
        code: 'misconfigured',
      },
    );
  });
});
