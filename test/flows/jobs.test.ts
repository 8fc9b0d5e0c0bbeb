import { describe, expect, it } from 'vitest';
import { createUpload } from '../../lib/app/create-upload.ts';
import { readLog, readResults } from '../../lib/app/read-job.ts';
import { stopJob } from '../../lib/app/stop-job.ts';
import type { ClusterId } from '../../lib/core/base/names.ts';
import { between, type DurationMs, minutes, plus, seconds } from '../../lib/core/base/units.ts';
import { isLive } from '../../lib/core/cluster/record.ts';
import { uploadKey } from '../../lib/core/job/keys.ts';
import type { ClusterStore } from '../../lib/ports.ts';
import { silentLog } from '../support/doubles.ts';
import { startFiles } from '../support/files.ts';
import { aWorld, START, type World } from '../support/flow-world.ts';

let world: World;

/** Of three nanodes. */
const HOURLY = 22_500;
/** A budget for one hour. */
const AN_HOUR = { budgetUsd: 0.03 };

/** A world with a bucket for jobs, a real one over HTTP. */
async function aWorldWithFiles(options: Parameters<typeof aWorld>[0] = {}) {
  const { files } = await startFiles();
  world = await aWorld({ ...options, files });
  return { ...world, files };
}

/** Puts the file to an upload of the owner's, as people do; returns its id. */
async function uploaded(text: string, owner = 'ann'): Promise<string> {
  const { id, url } = await createUpload(world, owner, { bytes: text.length });
  const { status } = await fetch(url, { method: 'PUT', body: text });
  expect(status).toBe(200);
  return id;
}

const launchJob = (job: object, spec: object = {}) => world.launch({ nodes: 3, ...spec, job });

/** The record of an ended cluster whose bill is within the budget, and of which nothing is left. */
async function expectEnded(id: ClusterId) {
  const record = await world.record(id);
  if (isLive(record)) throw new Error(`the cluster is ${record.phase}`);
  expect(world.linodeCount(id), 'Linodes left').toBe(0);
  expect(world.billed(id), 'billed').toBeLessThanOrEqual(record.budget);
  expect(record.spent, 'recorded spend').toBe(world.billed(id));
  return record;
}

const logOf = async (id: ClusterId, rank = 0) =>
  Buffer.from((await readLog(world, { owner: 'ann', id, rank, from: 0 })).data).toString();

const since = (duration: DurationMs) => plus(START, duration);

describe('a job', () => {
  it('runs on all nodes, ends its cluster at once, and its files stay', async () => {
    await aWorldWithFiles();
    const inputs = [await uploaded('sources')];
    const job = { command: 'sleep 600; exit 0', on: 'all', inputs, results: ['out/'] };
    const { id } = await launchJob({ ...job, tasks: '1-20' });
    await world.liveUntil(since(minutes(5)));
    const told = (await world.jobs.read([id])).get(id);
    expect(told?.startedAt).toBeLessThan(since(minutes(2)));
    await world.liveUntil(since(minutes(30)));
    const { endReason, endedAt, jobEnd, spent } = await expectEnded(id);
    expect(jobEnd).toMatchObject({ state: 'done', exitCode: 0 });
    expect([endReason, spent]).toEqual(['done', HOURLY]);
    const doneAt = (await world.jobs.read([id])).get(id)?.endedAt ?? START;
    expect(between(doneAt, endedAt)).toBeLessThan(minutes(2));
    expect(await logOf(id, 2)).toContain('ONEBUCK_TASK_IDS=3 6 9 12 15 18\n');
    const results = await readResults(world, 'ann', id);
    expect(results.map(({ filename }) => filename)).toEqual([
      'n0.tar.gz',
      'n1.tar.gz',
      'n2.tar.gz',
    ]);
    for (const { url, bytes } of results) {
      expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(bytes);
    }
  });

  it('that fails leaves its nodes for the hour that is paid, and costs not one more', async () => {
    await aWorldWithFiles();
    const { id } = await launchJob({ command: 'sleep 20m; exit 3' });
    await world.liveUntil(since(minutes(50)));
    expect(world.linodeCount(id)).toBe(3);
    expect((await world.record(id)).jobEnd).toMatchObject({ state: 'failed', exitCode: 3 });
    await world.liveUntil(since(minutes(70)));
    const { endReason, spent } = await expectEnded(id);
    expect([endReason, spent]).toEqual(['done', HOURLY]);
  });

  it('that failed leaves its cluster to whoever extends it', async () => {
    await aWorldWithFiles();
    const { id } = await launchJob({ command: 'exit 3' }, AN_HOUR);
    await world.liveUntil(since(minutes(30)));
    await world.change(id, { budgetUsd: 0.05 });
    await world.liveUntil(since(minutes(90)));
    expect(world.linodeCount(id)).toBe(3);
    await world.liveUntil(since(minutes(130)));
    const { endReason, spent } = await expectEnded(id);
    expect([endReason, spent]).toEqual(['budget', 2 * HOURLY]);
  });

  it('that is done leaves its cluster to its budget if it is to be kept', async () => {
    await aWorldWithFiles();
    const { id } = await launchJob({ command: 'exit 0', onDone: 'keep' }, AN_HOUR);
    await world.liveUntil(since(minutes(50)));
    expect(world.linodeCount(id)).toBe(3);
    await world.liveUntil(since(minutes(70)));
    const { endReason, jobEnd } = await expectEnded(id);
    expect([endReason, jobEnd?.state]).toEqual(['budget', 'done']);
  });

  it('makes its last call when it is asked to stop, and is gone', async () => {
    await aWorldWithFiles();
    const { id } = await launchJob({ command: 'sleep 5h', results: ['a.txt'] });
    await world.liveUntil(since(minutes(10)));
    await stopJob({ ...world, log: silentLog }, 'ann', id);
    await world.liveUntil(since(minutes(14)));
    const { endReason, jobEnd } = await expectEnded(id);
    expect(endReason).toBe('done');
    expect(jobEnd).toMatchObject({ state: 'stopped', exitCode: 143 });
    expect(await logOf(id)).toContain('SIGTERM');
    expect(await readResults(world, 'ann', id)).toHaveLength(1);
  });

  it('whose agents do not hear of the stop ends with its cluster some minutes later', async () => {
    await aWorldWithFiles();
    const { id } = await launchJob({ command: 'sleep 5h' });
    await world.liveUntil(since(minutes(10)));
    await stopJob({ ...world, log: silentLog }, 'ann', id);
    await world.liveUntil(since(minutes(18)), () => false);
    expect((await expectEnded(id)).endReason).toBe('done');
  });

  it('that outlasts the budget is stopped in time, so that its results are there', async () => {
    await aWorldWithFiles();
    const { id } = await launchJob({ command: 'sleep 5h', results: ['a.txt'] }, AN_HOUR);
    await world.liveUntil(since(minutes(70)));
    expect((await expectEnded(id)).endReason).toBe('budget');
    const { exitedAt, endedAt } = (await world.jobs.readRanks(id, [0])).get(0) ?? {};
    // The teardown time is three minutes before the hour mark, and the grace period two before that.
    expect(between(since(minutes(55)), exitedAt ?? START)).toBeLessThan(seconds(30));
    expect(endedAt).toBeLessThan(since(minutes(57)));
    expect(await readResults(world, 'ann', id)).toHaveLength(1);
  });

  it('fails when a person deletes one of its nodes', async () => {
    await aWorldWithFiles();
    const { id } = await launchJob({ command: 'sleep 40m', on: 'all' });
    await world.liveUntil(since(minutes(10)));
    const linode = world.existingLinodes(id).find(({ label }) => label.endsWith('-1'));
    await world.callByHand('DELETE', `/linode/instances/${linode?.id}`);
    await world.liveUntil(since(minutes(70)));
    const { jobEnd } = await expectEnded(id);
    expect(jobEnd).toMatchObject({ state: 'failed', node: 1, reason: 'node 1 is gone' });
  });

  it('fails when its agent falls silent, at the next pass', async () => {
    await aWorldWithFiles();
    const { id } = await launchJob({ command: 'sleep 10h', onFailure: 'destroy' });
    await world.liveUntil(since(minutes(10)));
    await world.liveUntil(since(minutes(45)), ({ label }) => !label.endsWith('-0'));
    const { jobEnd, endReason } = await expectEnded(id);
    expect(endReason).toBe('done');
    const reason = 'node 0 has been silent for too long';
    expect(jobEnd).toMatchObject({ state: 'failed', reason });
  });

  it('ends its cluster although each save of its end meets a pass', async () => {
    let passes = 0;
    const passFirst = (store: ClusterStore): Partial<ClusterStore> => ({
      async save(record) {
        if (isLive(record) && record.jobEnd !== undefined && passes < 3) {
          passes += 1;
          const now = await store.get(record.id);
          if (now !== 'notFound') await store.save(now);
        }
        return store.save(record);
      },
    });
    await aWorldWithFiles({ replaceStore: passFirst });
    const { id } = await launchJob({ command: 'exit 0' });
    await world.liveUntil(since(minutes(10)));
    expect(passes).toBe(3);
    expect((await expectEnded(id)).endReason).toBe('done');
  });

  it('fails when its inputs are lost after the launch', async () => {
    const { files } = await aWorldWithFiles();
    const inputs = [await uploaded('sources')];
    const { id } = await launchJob({ command: 'make', inputs, onFailure: 'destroy' });
    await files.delete(uploadKey('ann', inputs[0] ?? ''));
    await world.liveUntil(since(minutes(30)));
    const { jobEnd } = await expectEnded(id);
    expect(jobEnd).toMatchObject({ state: 'failed', reason: 'an input can not be fetched' });
  });
});

describe('a launch with a job', () => {
  it('is refused without its uploads, or with those of another owner', async () => {
    await aWorldWithFiles();
    const own = await uploaded('sources');
    const others = await uploaded('sources', 'bob');
    const { id: empty } = await createUpload(world, 'ann', { bytes: 3 });
    const job = { command: 'make', inputs: [own, others, empty] };
    await expect(launchJob(job)).rejects.toMatchObject({
      code: 'invalid',
      details: { faults: [{ path: 'job.inputs[1]' }, { path: 'job.inputs[2]' }] },
    });
    expect(world.existingLinodes()).toEqual([]);
    const page = { owner: null, status: null, month: null, limit: 10, cursor: null };
    expect((await world.store.list(page)).records).toEqual([]);
  });
});
