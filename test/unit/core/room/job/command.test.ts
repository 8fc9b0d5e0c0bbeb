import { describe, expect, it } from 'vitest';
import { aJobNode, canRunJobs, skippedJobs } from '../../../../support/job-node.ts';

describe.skipIf(!canRunJobs)(`a command${skippedJobs}`, () => {
  const counting =
    'echo ran >> runs; echo begin; while [ ! -e more ]; do sleep 0.01; done; echo end';

  it('goes on when the agent is killed, and is followed by the next agent', async () => {
    const started = aSignal();
    const node = await aJobNode({
      command: counting,
      results: ['runs'],
      answer: ({ event }, count) => {
        if (event === 'log' && count === 1) started.give();
        if (event === 'started' && count === 2) node.put('root/job/more', '');
        return undefined;
      },
    });
    const agent = node.begin();
    await started.given;
    agent.kill();
    await agent.ended;
    await node.run();

    expect(node.last('ended')).toMatchObject({ exitCode: 0, lastCall: false });
    expect(`${node.log()}`).toBe('begin\nend\n');
    expect(node.read('root/job/runs')).toBe('ran\n');
  });

  it('is not run again after a reboot, and its results so far are kept', async () => {
    const started = aSignal();
    const node = await aJobNode({
      command: counting,
      results: ['runs'],
      answer: ({ event }) => {
        if (event === 'log') started.give();
        return undefined;
      },
    });
    const agent = node.begin();
    await started.given;
    agent.kill();
    await agent.ended;
    node.killCommand();
    node.lose('run/onebuck-job');
    await node.run();

    expect(node.last('ended')).toMatchObject({
      exitCode: null,
      lastCall: false,
      detail: 'the command was ended by a reboot of the node',
      results: { files: 1 },
    });
    expect(node.read('root/job/runs')).toBe('ran\n');
  });

  it('that is killed with its parent has no exit code, and the reason', async () => {
    const node = await aJobNode({
      command: counting,
      answer: ({ event }, count) => {
        if (event === 'log' && count === 1) node.killCommand();
        return undefined;
      },
    });
    await node.run();

    expect(node.last('ended')).toMatchObject({
      exitCode: null,
      detail: 'the command was ended by somebody on the node',
    });
  });

  it('that was stopped by a shutdown has no exit code', async () => {
    const node = await aJobNode({
      command: counting,
      answer: ({ event }, count) => {
        if (event === 'log' && count === 1) node.shutDown();
        return undefined;
      },
    });
    await node.run();

    expect(node.last('ended')).toMatchObject({ exitCode: null, lastCall: false });
  });

  it('that no shell can take has failed with the reason', async () => {
    const node = await aJobNode({ command: 'echo a\0b' });
    await node.run();

    expect(node.last('ended')).toMatchObject({
      exitCode: null,
      detail: expect.stringMatching(/^the command can not be started: .*null byte/),
    });
  });

  it('leaves nothing running', async () => {
    const node = await aJobNode({ command: 'sleep 1000 & echo $! > pid' });
    await node.run();

    expect(node.last('ended')).toMatchObject({ exitCode: 0 });
    expect(() => process.kill(Number(node.read('root/job/pid')), 0)).toThrow('ESRCH');
  });

  it('that fills the disk ends all the same, and it is said that results are lost', async () => {
    const node = await aJobNode({ command: 'echo full; echo out > out', results: ['out'] });
    node.link('etc/onebuck/job/results', '/dev/full');
    node.link('var/log/onebuck-job.log', '/dev/full');
    await node.run();

    const { exitCode, results, detail } = node.last('ended') ?? {};
    expect([exitCode, results]).toEqual([0, null]);
    expect(detail).toContain('the results can not be saved: [Errno 28] No space left');
  });
});

/** A promise that something else keeps. */
function aSignal() {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give: () => give() };
}
