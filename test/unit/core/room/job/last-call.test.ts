import { describe, expect, it } from 'vitest';
import {
  type AgentCall,
  aJobNode,
  canRunJobs,
  contentOf,
  type JobNode,
  skippedJobs,
} from '../../../../support/job-node.ts';

describe.skipIf(!canRunJobs)(`the last call${skippedJobs}`, () => {
  const saving = "trap 'echo saved > out; exit 5' TERM; echo; while :; do sleep 0.01; done";

  /** When the command has written something, its teardown is so many seconds away. */
  async function nearTeardown(node: JobNode, seconds: number) {
    const made: Awaited<ReturnType<typeof aJobNode>> = await aJobNode({
      rate: 10,
      results: ['out'],
      answer: ({ event }, count) => {
        if (event === 'log' && count === 1) made.moveTeardown(made.now() + seconds);
        return undefined;
      },
      ...node,
    });
    return made;
  }

  it('lets the command save its results in the grace period', async () => {
    const node = await nearTeardown({ command: saving }, 20);
    await node.run();

    const at = (event: string) => node.calls.find((call) => call.event === event)?.at ?? 0;
    expect(node.last('exited')).toMatchObject({ exitCode: 5 });
    expect(node.last('ended')).toMatchObject({
      exitCode: 5,
      lastCall: true,
      results: { files: 1 },
    });
    expect(at('exited')).toBeGreaterThan(at('log') + 9);
    expect(contentOf([...node.uploaded.values()][0])).toEqual({ out: ['file', 'saved\n'] });
  });

  it('kills a command that goes on, so that a quarter of the time is left', async () => {
    const command = "echo part > out; trap '' TERM; echo; while :; do sleep 0.01; done";
    const node = await nearTeardown({ command, gracePeriodSeconds: 100, rate: 8 }, 40);
    await node.run();

    const { at = 0, exitCode } = node.last('exited') ?? {};
    const teardownAt = (node.calls.find(({ event }) => event === 'log')?.at ?? 0) + 40;
    expect(exitCode).toBe(137);
    expect(at).toBeGreaterThan(teardownAt - 26);
    expect(at).toBeLessThan(teardownAt);
    expect(node.last('ended')).toMatchObject({ lastCall: true, results: { files: 1 } });
  });

  it('waits for what the shell has started, and the shell does not wait for', async () => {
    const child =
      "trap 'sleep 0.3; echo saved > out; exit' TERM; touch a; while :; do sleep 0.01; done";
    const command = `setsid sh -c "${child}" > /dev/null 2>&1 &
until [ -e a ]; do sleep 0.01; done; echo; sleep 100; :`;
    const node = await nearTeardown({ command }, 11);
    await node.run();

    expect(node.last('exited')).toMatchObject({ exitCode: 143 });
    expect(node.read('root/job/out')).toBe('saved\n');
    expect(node.last('ended')).toMatchObject({ results: { files: 1 } });
  });

  it('comes when an answer says stop', async () => {
    const answer = ({ event }: AgentCall) => (event === 'log' ? { stop: true } : undefined);
    const node = await aJobNode({ command: saving, rate: 10, answer });
    await node.run();

    expect(node.last('ended')).toMatchObject({ exitCode: 5, lastCall: true });
  });

  it('comes later if an answer says so', async () => {
    const command = `${saving.replace('do ', 'do echo; ')}`;
    const node: Awaited<ReturnType<typeof aJobNode>> = await aJobNode({
      command,
      rate: 30,
      answer: ({ event }, count) => {
        if (event === 'log' && count <= 2) node.moveTeardown(node.now() + 70);
        return undefined;
      },
    });
    await node.run();

    const second = node.calls.filter(({ event }) => event === 'log')[1]?.at ?? 0;
    expect(node.last('exited')?.at).toBeGreaterThan(second + 59);
    expect(node.last('ended')).toMatchObject({ exitCode: 5, lastCall: true });
  });

  it('comes though Onebuck does not answer', async () => {
    const node: Awaited<ReturnType<typeof aJobNode>> = await aJobNode({
      command: saving,
      answer: ({ event }) => {
        if (event === 'staged') node.moveTeardown(node.now() + 30);
        return event === 'started' && node.now() < 45 ? 'lost' : undefined;
      },
    });
    await node.run();

    expect(node.last('ended')).toMatchObject({ exitCode: expect.any(Number), lastCall: true });
  });

  it('before the command has started, leaves it so', async () => {
    const node = await aJobNode({
      command: 'touch ran',
      rate: 20,
      teardownAt: 30,
      answer: ({ event }) => (event === 'staged' ? { start: 'wait' } : undefined),
    });
    await node.run();

    expect(node.has('root/job/ran')).toBe(false);
    expect(node.last('ended')).toMatchObject({ exitCode: null, lastCall: true });
  });
});
