import { describe, expect, it } from 'vitest';
import { type Answer, aJobNode, canRunJobs, skippedJobs } from '../../../../support/job-node.ts';

describe.skipIf(!canRunJobs)(`a call of the agent of a job${skippedJobs}`, () => {
  const all = ['job', 'staged', 'started', 'log', 'exited', 'upload', 'ended'];
  const command = 'echo ran >> runs; echo hello';

  it.each<Answer>(['lost', 'nonsense', 500, 429])('is repeated after %j', async (fault) => {
    const node = await aJobNode({
      command,
      results: ['runs'],
      rate: 20,
      answer: (_, count) => (count === 1 ? fault : undefined),
    });
    await node.run();

    expect(node.events()).toEqual(all);
    for (const event of all) expect(node.count(event)).toBeGreaterThanOrEqual(2);
    expect(`${node.log()}`).toBe('hello\n');
    expect(node.last('ended')).toMatchObject({ exitCode: 0, results: { files: 1 } });
    expect(node.read('root/job/runs')).toBe('ran\n');
  });

  it('ends the agent when the cluster has ended', async () => {
    for (const status of [404, 409]) {
      const node = await aJobNode({
        command,
        answer: ({ event }) => (event === 'exited' ? status : undefined),
      });
      expect(await node.run()).toBe(0);
      expect(node.calls.at(-1)?.event).toBe('exited');
    }
  });

  it('that Onebuck refuses does not hold up the others', async () => {
    const node = await aJobNode({
      command,
      results: ['runs'],
      answer: ({ event }) => (['log', 'upload'].includes(event) ? 400 : undefined),
    });
    await node.run();

    expect(node.last('ended')).toMatchObject({
      exitCode: 0,
      results: null,
      detail: expect.stringContaining('can not be uploaded'),
    });
  });

  it('with an end that Onebuck refuses is made again with how the command ended', async () => {
    const node = await aJobNode({
      command,
      results: ['runs'],
      answer: ({ event, results }) => (event === 'ended' && results ? 400 : undefined),
    });
    await node.run();

    expect(node.count('ended')).toBe(2);
    expect(node.last('ended')).toMatchObject({ exitCode: 0, results: null, detail: '' });
  });

  it('has the token of the last answer, and leaves it for the agent of the node', async () => {
    const node = await aJobNode({ command });
    await node.run();

    expect(node.read('etc/onebuck/token')).toBe(`token-${node.calls.length}\n`);
  });

  it('uploads to a new address after each failure', async () => {
    const node = await aJobNode({
      command,
      results: ['runs'],
      rate: 20,
      storage: (_, count) => [undefined, 403, 503][count],
    });
    await node.run();

    const names = [...node.uploaded.keys()];
    expect(node.count('upload')).toBe(3);
    expect(names).toHaveLength(1);
    expect(node.last('ended')?.results?.name).toBe(names[0]);
  });
});
