import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { showOne } from '../../../../cli/clusters.ts';
import { attach, logs, ps, results, stop } from '../../../../cli/jobs/commands.ts';
import { exitCodeOf, followToEnd, type RunOptions, run } from '../../../../cli/jobs/run.ts';
import { archiveOf } from '../../../support/archives.ts';
import {
  contextOf,
  type FakeOnebuck,
  setGone,
  setState,
  startFakeOnebuck,
} from './fake-onebuck.ts';

/* `onebuck run` and its like against a stand-in for Onebuck, without pauses. */
vi.mock('node:timers/promises', () => ({ setTimeout: async () => {} }));

const root = mkdtempSync(join(tmpdir(), 'onebuck-run-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let into: string;
let env: Record<string, string>;
beforeEach(() => {
  into = mkdtempSync(join(root, 'into-'));
  env = { XDG_STATE_HOME: mkdtempSync(join(root, 'state-')) };
});

/** The path as people read it, who are in the current folder. */
const fromHere = (path: string): string => {
  const short = relative(process.cwd(), path);
  return short.length < path.length ? short : path;
};

const SPEC = { nodes: '3', type: 'g6-nanode-1', region: 'us-east', image: 'linode/debian12' };
const optionsOf = (more: Partial<RunOptions> = {}): RunOptions => ({
  ...{ ...SPEC, budget: '0.1', yes: true, detach: false, into, ...more },
});

/** The looks at a job that comes up, runs, prints, and ends. */
function play(fake: FakeOnebuck, exitCode = 0): void {
  fake.looks.push(
    () => {},
    () => setState(fake, 'running'),
    () => fake.logs.set(0, 'first\nsec'),
    () => fake.logs.set(0, 'first\nsecond\n'),
    () => setState(fake, 'collecting', exitCode),
    () => {
      fake.logs.set(0, 'first\nsecond\nlast');
      fake.archives.set(0, archiveOf([{ path: 'out/pi.txt', content: '3.14159\n' }]));
      setState(fake, exitCode === 0 ? 'done' : 'failed', exitCode);
      if (exitCode === 0) setGone(fake);
    },
  );
}

describe('onebuck run', () => {
  it('uploads, launches, follows, fetches and closes with a line', async () => {
    const fake = await startFakeOnebuck();
    play(fake);
    const folder = mkdtempSync(join(root, 'project-'));
    writeFileSync(join(folder, 'pi.c'), 'int main;');
    const { context, out, notes } = contextOf(fake, { env });
    const options = optionsOf({
      upload: [folder],
      results: ['out/'],
      env: ['SEED=7'],
      grace: '5m',
    });
    expect(await run(context, options, ['make', 'a b', "it's"])).toBe(0);
    expect(out).toEqual(['first', 'second', 'last']);
    expect(readFileSync(join(into, 'out/pi.txt'), 'utf8')).toBe('3.14159\n');
    const [launched] = fake.launches.values();
    const [uploaded] = [...fake.uploads.keys()];
    expect(launched).toMatchObject({
      nodes: 3,
      job: {
        ...{ command: "make 'a b' 'it'\\''s'", results: ['out/'], env: { SEED: '7' } },
        ...{ gracePeriodSeconds: 300, inputs: [uploaded] },
      },
    });
    expect(notes.filter((line) => !/^(Packing|Uploading|Downloading)/.test(line))).toEqual([
      'caaaaaaaaaa "job" is launched. Ctrl-C leaves it running.',
      'caaaaaaaaaa: 3 of 3 nodes up, 0 ready',
      'The command runs on node 0.',
      'The command has ended. Its results are being collected.',
      'caaaaaaaaaa "job": done in 41 min, exit 0, $0.045 of $0.10, $0.045 not spent, ' +
        `results in ${fromHere(join(into, 'out'))}/`,
    ]);
    expect(notes).toContainEqual(expect.stringMatching(/^Uploading: \d+ bytes in [\d.]+ s\.$/));
  });

  it('ends with the exit code of the command, and says how long its nodes can be looked at', async () => {
    const fake = await startFakeOnebuck();
    play(fake, 7);
    const { context, notes } = contextOf(fake, { env });
    expect(await run(context, optionsOf(), ['./run'])).toBe(7);
    expect(notes.at(-2)).toContain(': failed after 41 min, exit 7, $0.045 of $0.10, results in ');
    expect(notes.at(-1)).toMatch(
      /^Its nodes live on, in the hour that is paid anyway: teardown in 03:2\d:\d\d, .* "onebuck ssh caaaaaaaaaa" looks, "onebuck rm caaaaaaaaaa" ends it\.$/,
    );
  });

  it('takes one word as text for the shell', async () => {
    const fake = await startFakeOnebuck();
    play(fake);
    await run(contextOf(fake, { env }).context, optionsOf(), ['a | b > c']);
    expect([...fake.launches.values()]).toMatchObject([{ job: { command: 'a | b > c' } }]);
  });

  it('--array runs on all nodes, --keep keeps them', async () => {
    const fake = await startFakeOnebuck();
    const { context, out } = contextOf(fake, { env, json: true });
    const options = optionsOf({ array: '1-100', keep: true, detach: true });
    expect(await run(context, options, ['./run'])).toBe(0);
    const kept = { onDone: 'keep', onFailure: 'keep', on: 'all', tasks: '1-100' };
    expect([...fake.launches.values()]).toMatchObject([{ job: kept }]);
    expect(JSON.parse(out.join())).toMatchObject({ id: 'caaaaaaaaaa' });
  });

  it('is told at once of faults and of a budget that is too small, before it uploads', async () => {
    const fake = await startFakeOnebuck();
    fake.cluster = { ...fake.cluster, affordableHours: 0 };
    const { context } = contextOf(fake, { env });
    const running = run(context, optionsOf({ upload: [root] }), ['./run']);
    await expect(running).rejects.toMatchObject({ failure: 'refused' });
    expect(fake.uploads.size).toBe(0);
    expect(fake.launches.size).toBe(0);
  });

  it.each([
    ['no command', {}, [], 'Say what to run, after --'],
    ['no time', { grace: 'soon' }, ['x'], '--grace soon must be a time such as 2m or 90s.'],
    ['no variable', { env: ['NOT_SET'] }, ['x'], '--env NOT_SET must be NAME=value'],
    ['what every object has', { env: ['toString'] }, ['x'], '--env toString must be NAME=value'],
    ['no upload', { upload: ['/none'] }, ['x'], '--upload /none cannot be read'],
  ])('with %s is wrong usage', async (_, more, command, message) => {
    const { context } = contextOf({ url: 'http://127.0.0.1:9' }, { env });
    const running = run(context, optionsOf(more), command);
    await expect(running).rejects.toThrow(message);
  });

  describe('whose launch has no answer', () => {
    const upload = () => {
      const folder = mkdtempSync(join(root, 'project-'));
      writeFileSync(join(folder, 'a'), 'a');
      return [folder];
    };

    it('launches once, as the request is repeated with its key', async () => {
      const fake = await startFakeOnebuck();
      play(fake);
      fake.lost = 2;
      expect(
        await run(contextOf(fake, { env }).context, optionsOf({ upload: upload() }), ['x']),
      ).toBe(0);
      expect(fake.launches.size).toBe(1);
    });

    it('launches once if the same command comes again with the key, and uploads once', async () => {
      const fake = await startFakeOnebuck();
      const options = optionsOf({ upload: upload(), detach: true });
      fake.lost = 9;
      const { context } = contextOf(fake, { env });
      const failed = await run(context, options, ['x']).catch((error) => error);
      const [, key = ''] = /--idempotency-key (\w+) tells/.exec(failed.message) ?? [];
      expect(key).toMatch(/^\w{32}$/);
      fake.lost = 0;
      const uploads = fake.uploads.size;
      expect(await run(context, { ...options, idempotencyKey: key }, ['x'])).toBe(0);
      expect(fake.launches.size).toBe(1);
      expect(fake.uploads.size).toBe(uploads);
      expect(readdirSync(join(env.XDG_STATE_HOME ?? '', 'onebuck/runs'))).toEqual([]);
    });
  });

  it('goes on through an outage, and says so once', async () => {
    const fake = await startFakeOnebuck();
    play(fake);
    fake.looks.unshift(() => {
      fake.away = 8;
    });
    const { context, out, notes } = contextOf(fake, { env });
    expect(await run(context, optionsOf(), ['x'])).toBe(0);
    expect(out).toEqual(['first', 'second', 'last']);
    expect(notes.filter((line) => line.endsWith('Trying again.'))).toHaveLength(1);
  });

  it('that is interrupted says how to go on', async () => {
    const fake = await startFakeOnebuck();
    play(fake);
    const { context, interrupted } = contextOf(fake, { env });
    const said = new Set<string>();
    fake.looks.splice(3, 0, () => void said.add(interrupted()));
    await run(context, optionsOf(), ['x']);
    expect([...said]).toEqual([
      'Detached: caaaaaaaaaa goes on. "onebuck attach caaaaaaaaaa" follows it, ' +
        '"onebuck stop caaaaaaaaaa" stops it and saves its results.',
    ]);
    expect(interrupted()).toBe('');
  });

  it('in a terminal draws the nodes as they come up, and keeps colours of the log alone', async () => {
    const fake = await startFakeOnebuck();
    fake.looks.push(
      () => {},
      () => setState(fake, 'running'),
      () => fake.logs.set(0, '\x1b[32mok\x1b[0m \x1b]0;title\x07\x1b[2J\n'),
      () => {
        setState(fake, 'done', 0);
        setGone(fake);
      },
    );
    const { context, out, drawn } = contextOf(fake, { env, isTerminal: true });
    await run(context, optionsOf(), ['x']);
    expect(drawn[0]).toEqual([`|${'#'.repeat(38)}|`, 'caaaaaaaaaa: 3 of 3 nodes up, 0 ready']);
    expect(out).toEqual(['\x1b[32mok\x1b[0m \x1b[0m']);
  });
});

describe('a job on all nodes', () => {
  const start = async () => {
    const fake = await startFakeOnebuck({ on: 'all' });
    fake.logs.set(0, 'zero\n');
    fake.logs.set(1, `${'long '.repeat(500)}\n`);
    fake.logs.set(2, 'two\n');
    for (const index of [0, 1, 2]) {
      fake.archives.set(index, archiveOf([{ path: 'out/r', content: `${index}` }]));
    }
    setState(fake, 'failed', 3);
    fake.job = { ...fake.job, node: 1, reason: 'The command ended with 3.' };
    return fake;
  };

  it('marks lines with their node, and has a folder of results for each', async () => {
    const fake = await start();
    const { context, out, notes } = contextOf(fake);
    expect(await followToEnd(context, context.api(), 'caaaaaaaaaa', into)).toBe(3);
    expect(out).toEqual(['[0] zero', `[1] ${'long '.repeat(500)}`, '[2] two']);
    expect(notes.at(-2)).toContain('exit 3 on node 1, The command ended with 3, ');
    expect(notes.at(-2)).toContain(`results in ${fromHere(into)}/`);
    const contents = ['n0', 'n1', 'n2'].map((node) =>
      readFileSync(join(into, node, 'out/r'), 'utf8'),
    );
    expect(contents).toEqual(['0', '1', '2']);
  });

  it('onebuck logs --rank prints the log of one node, unmarked', async () => {
    const fake = await start();
    fake.launches.set('key', {});
    const { context, out } = contextOf(fake);
    await logs(context, 'job', { follow: false, rank: '2' });
    expect(out).toEqual(['two']);
    await expect(logs(context, 'job', { follow: false, rank: '9' })).rejects.toThrow(
      'Node 9 does not run the job: give one of 0, 1, 2.',
    );
  });

  it('onebuck logs --json has an object for each line', async () => {
    const fake = await start();
    const { context, out } = contextOf(fake, { json: true });
    await logs(context, 'caaaaaaaaaa', { follow: true });
    expect(out.map((line) => JSON.parse(line))).toContainEqual({ rank: 2, line: 'two' });
  });
});

describe('results that a node has made up', () => {
  it('are left out and named; the rest is fetched', async () => {
    const fake = await startFakeOnebuck();
    setState(fake, 'done', 0);
    const members = ['../x', '/etc/x', 'out/ok', '.bashrc', 'out/\x1b[2J'];
    fake.archives.set(0, archiveOf(members.map((path) => ({ path, content: 'x' }))));
    const { context, out, notes } = contextOf(fake);
    await results(context, 'caaaaaaaaaa', { into });
    expect(out).toEqual([`Results in ${fromHere(join(into, 'out'))}/`]);
    expect(readdirSync(into)).toEqual(['out']);
    expect(notes.slice(-5)).toEqual([
      'Left out of the results of node 0, 4 members:',
      '  ../x: it would leave the folder',
      '  /etc/x: it would leave the folder',
      '  .bashrc: it was not asked for',
      '  out/?[2J: its name has control characters',
    ]);
  });

  it('that are longer than was said end with what to do', async () => {
    const fake = await startFakeOnebuck();
    setState(fake, 'done', 0);
    fake.archives.set(0, archiveOf([{ path: 'out/x', content: 'x'.repeat(200_000) }]));
    const fetching = results(contextOf(fake).context, 'caaaaaaaaaa', { into });
    await expect(fetching).rejects.toThrow(
      /^The results have more .*\n"onebuck results caaaaaaaaaa --into <folder>" fetches the results again\.$/,
    );
  });
});

describe('a job that is over', () => {
  const gone = async () => {
    const fake = await startFakeOnebuck();
    fake.launches.set('key', {});
    setState(fake, 'done', 0);
    setGone(fake);
    fake.archives.set(0, archiveOf([{ path: 'out', content: 'x' }]));
    fake.logs.set(0, 'last words');
    return fake;
  };

  it('is found by the name of its cluster, and attached to as to one that runs', async () => {
    const fake = await gone();
    const { context, out, notes } = contextOf(fake);
    expect(await attach(context, 'job', { into })).toBe(0);
    expect(out).toEqual(['last words']);
    expect(notes.at(-1)).toContain(`results in ${fromHere(join(into, 'out'))}`);
  });

  it('is not stopped', async () => {
    const fake = await gone();
    const { context, out } = contextOf(fake);
    await stop(context, 'caaaaaaaaaa');
    expect(out).toEqual(['The job of caaaaaaaaaa "job" is over: done.']);
    expect(fake.requests.filter((request) => request.startsWith('DELETE'))).toEqual([]);
  });

  it('onebuck show has the command, how it ended, and what that saved', async () => {
    const fake = await gone();
    fake.job = { ...fake.job, state: 'failed', exitCode: 9, node: 2, reason: 'no\x1b[2Jdisk' };
    const { context, out } = contextOf(fake);
    await showOne(context, 'caaaaaaaaaa');
    expect(out.filter((line) => /^(command|job|saved)/.test(line))).toEqual([
      expect.stringMatching(/^command +\.\/run \(on node 0\)$/),
      expect.stringMatching(/^job +failed at .* 10:41 UTC, exit 9 on node 2, no\?\[2Jdisk$/),
      expect.stringMatching(/^saved +\$0\.045 until its teardown$/),
    ]);
  });

  it('onebuck ps --all shows its state, exit code and time', async () => {
    const { context, out } = contextOf(await gone());
    await ps(context, { all: true });
    expect(out[0]).toBe('ID           NAME  COMMAND  STATE  EXIT  TIME      NODES   SPENT  BUDGET');
    expect(out[1]).toBe('caaaaaaaaaa  job   ./run    done      0  00:39:00      3  $0.045   $0.10');
  });
});

it('onebuck stop asks for the last call of a job that runs', async () => {
  const fake = await startFakeOnebuck();
  setState(fake, 'running');
  const { context, out } = contextOf(fake);
  await stop(context, 'caaaaaaaaaa');
  expect(fake.requests).toContain('DELETE /clusters/caaaaaaaaaa/job');
  expect(out.join(' ')).toContain('the command gets SIGTERM and 02:00 min');
});

it('a cluster without a job says where those with one are', async () => {
  const fake = await startFakeOnebuck();
  fake.cluster = { ...fake.cluster, spec: { ...fake.cluster.spec, job: null } };
  await expect(results(contextOf(fake).context, 'caaaaaaaaaa', {})).rejects.toThrow(
    'caaaaaaaaaa "job" has no job: "onebuck ps --all" lists those.',
  );
});

it.each([
  ['done', 0, 0],
  ['failed', 7, 7],
  ['failed', null, 125],
  ['failed', 0, 125],
  ['stopped', 143, 143],
  ['stopped', 0, 143],
  ['stopped', null, 125],
] as const)('a job that is %s with %s ends onebuck with %s', (state, exitCode, code) => {
  expect(exitCodeOf({ state, exitCode })).toBe(code);
});
