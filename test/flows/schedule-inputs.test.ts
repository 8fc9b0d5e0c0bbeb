import { beforeEach, describe, expect, it } from 'vitest';
import { deleteSchedule } from '../../lib/app/change-schedule.ts';
import { keptKey, uploadKey } from '../../lib/core/job/keys.ts';
import { createMemoryFiles, type MemoryFiles } from '../../simulators/aws/memory-files.ts';
import { aWorld, NANODES, START, type World } from '../support/flow-world.ts';

const [FIRST, SECOND] = ['uaaaaaaaaaa', 'ubbbbbbbbbb'] as const;
let world: World;
let files: MemoryFiles;

beforeEach(async () => {
  files = createMemoryFiles();
  world = await aWorld({ files });
  await upload(FIRST);
  await upload(SECOND);
});

const upload = (id: string, owner = 'ann') => files.put(uploadKey(owner, id), new Uint8Array(3));
const specWith = (...inputs: string[]) => ({ ...NANODES, job: { command: './run', inputs } });
const schedule = (...inputs: string[]) =>
  world.schedule({ cron: '0 2 * * *', monthlyCapUsd: 100, spec: specWith(...inputs) });
const kept = () => [...files.stored.keys()].filter((key) => key.startsWith('schedules/'));
const expireUploads = () => {
  for (const key of [...files.stored.keys()]) {
    if (key.startsWith('uploads/')) files.stored.delete(key);
  }
};

describe('the inputs of a schedule', () => {
  it('are kept for its runs, however long the uploads have been gone', async () => {
    const { id, nextAt } = await schedule(FIRST);
    expireUploads();
    world.clock.set(nextAt ?? START);
    expect(await world.runSchedule(id)).toBeUndefined();
    const [launched = 'c'] = [...world.nudged];
    const record = await world.record(launched);
    expect(record.spec.job?.inputs).toEqual([FIRST]);
    expect(kept()).toEqual([keptKey(id, FIRST)]);
  });

  it('must be uploads of its owner that are there', async () => {
    await upload('ucccccccccc', 'bob');
    const refused = schedule(FIRST, 'ucccccccccc');
    await expect(refused).rejects.toMatchObject({
      code: 'invalid',
      details: { faults: [{ path: 'spec.job.inputs[1]' }] },
    });
  });

  it('change with its spec: new ones are kept, and those that no run needs are deleted', async () => {
    const { id } = await schedule(FIRST);
    expireUploads();
    await upload(SECOND);
    await world.changeSchedule(id, { spec: specWith(FIRST, SECOND) });
    expect(kept().toSorted()).toEqual([keptKey(id, FIRST), keptKey(id, SECOND)]);
    await world.changeSchedule(id, { spec: specWith(SECOND) });
    expect(kept()).toEqual([keptKey(id, SECOND)]);
    await world.changeSchedule(id, { enabled: false });
    expect(kept()).toEqual([keptKey(id, SECOND)]);
    await expect(world.changeSchedule(id, { spec: specWith(FIRST) })).rejects.toMatchObject({
      code: 'invalid',
    });
    expect(kept()).toEqual([keptKey(id, SECOND)]);
  });

  it('go with it', async () => {
    const { id } = await schedule(FIRST, SECOND);
    expect(kept()).toHaveLength(2);
    await deleteSchedule(world, 'ann', id);
    expect(kept()).toEqual([]);
    expect(await files.size(uploadKey('ann', FIRST))).toBe(3);
  });
});
