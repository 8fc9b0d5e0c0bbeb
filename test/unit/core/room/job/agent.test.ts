import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SEGMENT_BYTES, SEGMENTS_MAX } from '../../../../../lib/core/job/keys.ts';
import {
  aJobNode,
  archiveOf,
  canRunJobs,
  contentOf,
  inAgent,
  skippedJobs,
} from '../../../../support/job-node.ts';

/*
 * The agent of a job, as it is on nodes, but in a folder that stands for the root of a node. That it
 * works under systemd is for `npm run test:nodes`.
 */

describe.skipIf(!canRunJobs)(`the agent of a job${skippedJobs}`, () => {
  it('fetches inputs, runs the command, and tells log, exit code and results', async () => {
    const node = await aJobNode({
      command: 'cat in/a; echo "$GREETING from $ONEBUCK_RANK of $ONEBUCK_NODES" | tee out.txt',
      env: { GREETING: 'hello' },
      inputs: [archiveOf([{ name: 'in/a', text: 'an input\n' }])],
      results: ['out.txt'],
      nodes: 4,
    });
    expect(await node.run()).toBe(0);

    const order = ['job', 'staged', 'started', 'log', 'exited', 'upload', 'ended'];
    expect(node.events()).toEqual(order);
    expect(`${node.log()}`).toBe('an input\nhello from 0 of 4\n');
    expect(node.read('var/log/onebuck-job.log')).toBe('an input\nhello from 0 of 4\n');
    const [[name, bytes] = []] = node.uploaded;
    expect(node.last('ended')).toMatchObject({
      exitCode: 0,
      lastCall: false,
      results: { name, bytes: bytes?.length, unpackedBytes: 18, files: 1 },
    });
    expect(contentOf(bytes)).toEqual({ 'out.txt': ['file', 'hello from 0 of 4\n'] });
  });

  it.each([
    ['exit 3', 3],
    ['kill -KILL $$', 137],
    ['no-such-command', 127],
    ['[[ a == a ]] && exit 4', 4],
  ])('passes on how %j ended', async (command, exitCode) => {
    const node = await aJobNode({ command });
    await node.run();

    expect(node.last('exited')).toMatchObject({ exitCode });
    expect(node.last('ended')).toMatchObject({ exitCode, lastCall: false, results: null });
  });

  it('starts nothing before Onebuck says go', async () => {
    const node = await aJobNode({
      command: 'touch ran',
      rate: 10,
      answer: ({ event }, count) => {
        if (event !== 'staged') return undefined;
        return { start: count < 4 ? 'wait' : 'never', reason: 'node 2 did not get ready' };
      },
    });
    await node.run();

    expect(node.events()).toEqual(['job', 'staged']);
    expect(node.count('staged')).toBe(4);
    expect(node.has('root/job/ran')).toBe(false);
    await node.run();
    expect(node.calls).toHaveLength(5);
  });

  it('on another node than the head, only fetches the inputs', async () => {
    const node = await aJobNode({
      command: 'touch ran',
      on: 'head',
      rank: 1,
      nodes: 2,
      inputs: [archiveOf([{ name: 'a', text: 'an input' }])],
      answer: ({ event }) => (event === 'staged' ? { start: 'wait' } : undefined),
    });
    await node.run();

    expect(node.events()).toEqual(['job', 'staged']);
    expect(node.read('root/job/a')).toBe('an input');
    expect(node.has('root/job/ran')).toBe(false);
  });

  it('deals each task to one node, and runs nothing on a node without one', async () => {
    const logs = [];
    for (const rank of [0, 1, 2]) {
      const node = await aJobNode({
        command: 'echo $ONEBUCK_TASK_IDS',
        tasks: '7,1-2',
        nodes: 4,
        rank,
      });
      await node.run();
      logs.push(`${node.log()}`);
    }
    const without = await aJobNode({ command: 'touch ran', tasks: '7,1-2', nodes: 4, rank: 3 });
    await without.run();

    expect(logs).toEqual(['1\n', '2\n', '7\n']);
    expect(without.events()).toEqual(['job', 'staged', 'ended']);
    expect(without.last('ended')).toMatchObject({ exitCode: 0, detail: 'this node has no task' });
    expect(without.has('root/job/ran')).toBe(false);
  });

  it('deals all tasks of any list, each to one of any number of nodes', () => {
    const number = fc.nat(999_999_999);
    const range = fc.tuple(number, fc.nat(30)).map(([from, more]) => `${from}-${from + more}`);
    const lists = fc.array(fc.oneof(number.map(String), range), { minLength: 1, maxLength: 6 });
    const cases = fc.sample(fc.tuple(lists, fc.integer({ min: 1, max: 20 })), 300);
    const shares = inAgent<number[][]>(
      `
nodes = 0
state = lambda _: {'index': rank, 'of': nodes}
for tasks, nodes in given:
    shares = []
    for rank in range(nodes):
        shares.append(share({'tasks': tasks}))
    print(json.dumps(shares))`,
      cases.map(([list, count]) => [list.join(','), count]),
    );

    shares.forEach((dealt, index) => {
      const [list = []] = cases[index] ?? [];
      const all = list.flatMap((part) => {
        const [from = 0, to = from] = part.split('-').map(Number);
        return Array.from({ length: to - from + 1 }, (_, more) => from + more);
      });
      const lengths = dealt.map(({ length }) => length);
      expect(dealt.flat().toSorted()).toEqual([...new Set(all)].toSorted());
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
    });
  });

  it('sends a growing log by whole segments, of which the last is rewritten', async () => {
    const node = await aJobNode({
      command: 'yes | head -c 100000; while [ ! -e more ]; do sleep 0.01; done; echo end',
      rate: 20,
      answer: ({ event, segment }) => {
        if (event === 'log' && segment === 1) node.put('root/job/more', '');
        return undefined;
      },
    });
    await node.run();

    const sizes = node.calls
      .filter(({ event }) => event === 'log')
      .map(({ segment, data = '' }) => [segment, Buffer.from(data, 'base64').length]);
    expect(sizes[0]).toEqual([0, 65_536]);
    expect(sizes.at(-1)).toEqual([1, 100_004 - 65_536]);
    expect(`${node.log()}`).toBe(`${'y\n'.repeat(50_000)}end\n`);
  });

  it('keeps 32 MiB of a log, and its end', async () => {
    const node = await aJobNode({ command: 'yes | head -c 40000000; echo end' });
    await node.run();

    const head = (SEGMENTS_MAX - 2) * SEGMENT_BYTES;
    const log = node.log();
    const [, mark = ''] = `${log.subarray(head)}`.split('\n');
    expect(mark).toBe(`[onebuck: ${40_000_004 - head - SEGMENT_BYTES} bytes are left out]`);
    expect(log.length).toBe(head + mark.length + 2 + SEGMENT_BYTES);
    expect(`${log.subarray(-8)}`).toBe('y\ny\nend\n');
    expect(Math.max(...node.calls.map(({ segment = 0 }) => segment))).toBe(SEGMENTS_MAX - 1);
  });

  it('calls each minute while the log does not grow', async () => {
    const node = await aJobNode({
      command: 'while [ ! -e more ]; do sleep 0.01; done',
      rate: 50,
      answer: ({ event }, count) => {
        if (event === 'alive' && count === 2) node.put('root/job/more', '');
        return undefined;
      },
    });
    await node.run();

    const beats = node.calls.filter(({ event }) => event === 'alive').map(({ at }) => at);
    expect(beats.length).toBeGreaterThanOrEqual(2);
    for (const [index, at] of beats.entries()) expect(at).toBeGreaterThanOrEqual(60 * (index + 1));
  });
});
