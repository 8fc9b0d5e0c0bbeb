import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { SEGMENT_BYTES, SEGMENTS_MAX } from '../../../../lib/core/job/keys.ts';
import { JOB_AGENT } from '../../../../lib/core/room/scripts/job.ts';
import {
  type AgentCall,
  type Answer,
  aJobNode,
  archiveOf,
  canRunJobs,
  contentOf,
  type JobNode,
  type Member,
} from '../../../support/job-node.ts';

/*
 * The agent of a job, as it is on nodes, but in a folder that stands for the root of a node. That it
 * works under systemd is for `npm run test:nodes`.
 */

const nodes: { remove(): Promise<void> }[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.remove();
});

async function aNode(node: JobNode) {
  const made = await aJobNode(node);
  nodes.push(made);
  return made;
}

const skipped = canRunJobs ? '' : ' (skipped: this machine lacks Linux or python3)';

describe.skipIf(!canRunJobs)(`the agent of a job${skipped}`, () => {
  it('fetches inputs, runs the command, and tells log, exit code and results', async () => {
    const node = await aNode({
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
    const node = await aNode({ command });
    await node.run();

    expect(node.last('exited')).toMatchObject({ exitCode });
    expect(node.last('ended')).toMatchObject({ exitCode, lastCall: false, results: null });
  });

  it('starts nothing before Onebuck says go', async () => {
    const node = await aNode({
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
    const node = await aNode({
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
      const node = await aNode({
        command: 'echo $ONEBUCK_TASK_IDS',
        tasks: '7,1-2',
        nodes: 4,
        rank,
      });
      await node.run();
      logs.push(`${node.log()}`);
    }
    const without = await aNode({ command: 'touch ran', tasks: '7,1-2', nodes: 4, rank: 3 });
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
    const node = await aNode({
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
    const node = await aNode({ command: 'yes | head -c 40000000; echo end' });
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
    const node = await aNode({
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

describe.skipIf(!canRunJobs)(`the last call${skipped}`, () => {
  const saving = "trap 'echo saved > out; exit 5' TERM; echo; while :; do sleep 0.01; done";

  /** When the command has written something, its teardown is so many seconds away. */
  async function nearTeardown(node: JobNode, seconds: number) {
    const made: Awaited<ReturnType<typeof aNode>> = await aNode({
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
    const node = await aNode({ command: saving, rate: 10, answer });
    await node.run();

    expect(node.last('ended')).toMatchObject({ exitCode: 5, lastCall: true });
  });

  it('comes later if an answer says so', async () => {
    const command = `${saving.replace('do ', 'do echo; ')}`;
    const node: Awaited<ReturnType<typeof aNode>> = await aNode({
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
    const node: Awaited<ReturnType<typeof aNode>> = await aNode({
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
    const node = await aNode({
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

describe.skipIf(!canRunJobs)(`a command${skipped}`, () => {
  const counting =
    'echo ran >> runs; echo begin; while [ ! -e more ]; do sleep 0.01; done; echo end';

  it('goes on when the agent is killed, and is followed by the next agent', async () => {
    const started = aSignal();
    const node = await aNode({
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
    const node = await aNode({
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
    const node = await aNode({
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
    const node = await aNode({
      command: counting,
      answer: ({ event }, count) => {
        if (event === 'log' && count === 1) node.shutDown();
        return undefined;
      },
    });
    await node.run();

    expect(node.last('ended')).toMatchObject({ exitCode: null, lastCall: false });
  });

  it('leaves nothing running', async () => {
    const node = await aNode({ command: 'sleep 1000 & echo $! > pid' });
    await node.run();

    expect(node.last('ended')).toMatchObject({ exitCode: 0 });
    expect(() => process.kill(Number(node.read('root/job/pid')), 0)).toThrow('ESRCH');
  });

  it('that fills the disk ends all the same, and it is said that results are lost', async () => {
    const node = await aNode({ command: 'echo full; echo out > out', results: ['out'] });
    node.link('etc/onebuck/job/results', '/dev/full');
    node.link('var/log/onebuck-job.log', '/dev/full');
    await node.run();

    const { exitCode, results, detail } = node.last('ended') ?? {};
    expect([exitCode, results]).toEqual([0, null]);
    expect(detail).toContain('the results can not be saved: [Errno 28] No space left');
  });
});

describe.skipIf(!canRunJobs)(`a call of the agent of a job${skipped}`, () => {
  const all = ['job', 'staged', 'started', 'log', 'exited', 'upload', 'ended'];
  const command = 'echo ran >> runs; echo hello';

  it.each<Answer>(['lost', 'nonsense', 500, 429])('is repeated after %j', async (fault) => {
    const node = await aNode({
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
      const node = await aNode({
        command,
        answer: ({ event }) => (event === 'exited' ? status : undefined),
      });
      expect(await node.run()).toBe(0);
      expect(node.calls.at(-1)?.event).toBe('exited');
    }
  });

  it('that Onebuck refuses does not hold up the others', async () => {
    const node = await aNode({
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

  it('has the token of the last answer, and leaves it for the agent of the node', async () => {
    const node = await aNode({ command });
    await node.run();

    expect(node.read('etc/onebuck/token')).toBe(`token-${node.calls.length}\n`);
  });

  it('uploads to a new address after each failure', async () => {
    const node = await aNode({
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

describe.skipIf(!canRunJobs)(`inputs of a job${skipped}`, () => {
  const file = { name: 'a', text: 'text' };

  it('are fetched again, with a new address, if they do not come whole', async () => {
    const node = await aNode({
      command: 'cat a',
      rate: 20,
      inputs: [archiveOf([file])],
      storage: (method, count) =>
        method === 'GET' ? ([undefined, 'short', 403] as const)[count] : undefined,
    });
    await node.run();

    expect(node.count('job')).toBe(3);
    expect(`${node.log()}`).toBe('text');
  });

  it('keep modes, times and links inside the folder', async () => {
    const inputs = archiveOf([
      { name: './', type: '5', mode: 0o755 },
      { name: './bin', type: '5', mode: 0o755 },
      { name: './bin/run', text: '#!/bin/sh\necho run\n', mode: 0o4755, mtime: 1_000_000_000 },
      { name: './link', type: '2', linkname: 'bin/../bin/run' },
      { name: './hard', type: '1', linkname: 'bin/run' },
      { name: './later', type: '2', linkname: 'new/file' },
    ]);
    const node = await aNode({ command: 'stat -c "%a %Y" hard; ./link', inputs: [inputs] });
    await node.run();

    expect(`${node.log()}`).toBe('755 1000000000\nrun\n');
  });

  it('replace what earlier inputs have brought', async () => {
    const inputs = [
      archiveOf([file, { name: 'b', type: '2', linkname: 'a' }]),
      archiveOf([
        { ...file, name: 'b' },
        { ...file, text: 'new' },
      ]),
    ];
    const node = await aNode({ command: 'cat a b', inputs });
    await node.run();

    expect(`${node.log()}`).toBe('newtext');
  });

  it.each<[string, readonly Member[], string]>([
    ['an absolute name', [{ ...file, name: '/tmp/onebuck-out' }], 'outside of the folder'],
    ['a name with ..', [{ ...file, name: 'a/../../out' }], 'outside of the folder'],
    ['a link out', [{ name: 'up', type: '2', linkname: '../..' }], 'a link out of the folder'],
    ['an absolute link', [{ name: 'up', type: '2', linkname: '/etc' }], 'a link out of the folder'],
    ['a hard link out', [{ name: 'p', type: '1', linkname: '../out' }], 'a link out of the folder'],
    [
      'a file below a link that later leads out',
      [
        { name: 'deep/er', type: '5', mode: 0o755 },
        { name: 'first', type: '2', linkname: 'deep/er' },
        { name: 'up', type: '2', linkname: 'first/..' },
        { name: 'first', type: '2', linkname: '.' },
        { ...file, name: 'up/out' },
      ],
      'outside of the folder',
    ],
    ['a device', [{ name: 'null', type: '3', devmajor: 1, devminor: 3 }], 'a device'],
    ['a pipe', [{ name: 'pipe', type: '6' }], 'a device'],
  ])('with %s are refused, and the command does not run', async (_, members, reason) => {
    const node = await aNode({ command: 'touch ran', inputs: [archiveOf(members)] });
    await node.run();

    expect(node.events()).toEqual(['job', 'ended']);
    expect(node.last('ended')).toMatchObject({ exitCode: null, lastCall: false });
    expect(node.last('ended')?.detail).toContain(reason);
    expect(node.has('root/out') || node.has('out')).toBe(false);
  });

  it('that are no tar.gz are refused', async () => {
    const node = await aNode({ command: 'touch ran', inputs: [Buffer.from('no archive')] });
    await node.run();

    expect(node.last('ended')?.detail).toContain('an input can not be unpacked');
  });
});

describe.skipIf(!canRunJobs)(`results of a job${skipped}`, () => {
  async function resultsOf(command: string, results: readonly string[]) {
    const node = await aNode({ command, results });
    await node.run();
    const [archive] = node.uploaded.values();
    const content = archive === undefined ? null : Object.keys(contentOf(archive)).toSorted();
    return { content, archive, ended: node.last('ended') };
  }

  const files = 'mkdir -p out/deep data; touch a.csv .b.csv out/c.csv out/deep/d.csv out/e.txt; ';

  it.each<[readonly string[], readonly string[]]>([
    [['*.csv'], ['.b.csv', 'a.csv']],
    [['./out/'], ['out', 'out/c.csv', 'out/deep', 'out/deep/d.csv', 'out/e.txt']],
    [['**/*.csv'], ['.b.csv', 'a.csv', 'out/c.csv', 'out/deep/d.csv']],
    [
      ['out/**/[d-e].*', 'a.csv'],
      ['a.csv', 'out/deep/d.csv', 'out/e.txt'],
    ],
    [
      ['out/deep/**', 'out/?.txt'],
      ['out/deep', 'out/deep/d.csv', 'out/e.txt'],
    ],
  ])('are what %j names', async (patterns, names) => {
    const { content } = await resultsOf(files, patterns);
    expect(content).toEqual(names);
  });

  it('may be the whole folder', async () => {
    const { content } = await resultsOf(files, ['.']);
    expect(content).toContain('out/deep/d.csv');
    expect(content).toContain('data');
  });

  it('that are missing are told of, and the others are kept', async () => {
    const { content, ended } = await resultsOf('echo a > a', ['a', 'b/*', 'c']);
    expect(content).toEqual(['a']);
    expect(ended).toMatchObject({ exitCode: 0, detail: 'there is no b/*; there is no c' });
  });

  it('that are all missing are none', async () => {
    const { content, ended } = await resultsOf(':', ['out/']);
    expect(content).toBeNull();
    expect(ended).toMatchObject({ exitCode: 0, results: null, detail: 'there is no out/' });
  });

  it('have links with what they lead to, and none that leads out of the folder', async () => {
    const command = `${files} ln -s "$PWD/out/deep" latest; ln -s /etc out/etc; ln -s ../../x out/up
ln -s . loop; ln -s none dangling; mkfifo pipe; ln -s latest/d.csv newest`;
    const { archive, ended } = await resultsOf(command, ['newest', 'loop', 'latest', 'out/etc/*']);

    const content = contentOf(archive);
    expect(content).toMatchObject({
      newest: ['link', 'out/deep/d.csv'],
      latest: ['link', 'out/deep'],
      'out/deep/d.csv': ['file', ''],
      dangling: ['link', 'none'],
    });
    for (const name of ['out/etc', 'out/up', 'pipe']) expect(content).not.toHaveProperty(name);
    expect(Object.keys(content).filter((name) => /loop.|latest.|etc/.test(name))).toEqual([]);
    expect(ended?.detail).toMatch(/out of the folder: /);
  });

  it('are padded where a file becomes shorter while it is read', () => {
    const program = `
import io
print(json.dumps(Whole(io.BytesIO(b'abc')).read(5).decode()))`;
    expect(inAgent(program, null)).toEqual(['abc\0\0']);
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

/** What a program prints, a line of JSON each, that has the functions of the agent. */
function inAgent<Printed>(program: string, given: unknown): Printed[] {
  const [functions] = JOB_AGENT.split('\nif sys.argv');
  const args = ['-c', `${functions}\ngiven = json.load(sys.stdin)\n${program}`];
  const { stdout, stderr } = spawnSync('python3', args, {
    input: JSON.stringify(given),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  expect(stderr).toBe('');
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Printed);
}
