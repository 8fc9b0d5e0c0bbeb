import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { plus, seconds, toIso } from '../../../../lib/core/base/units.ts';
import { SimulatedAgent } from '../../../../simulators/linode/agent.ts';
import type { AgentCall } from '../../../../simulators/linode/agent-call.ts';
import { archiveOf } from '../../../../simulators/linode/archive.ts';
import type { Transfer } from '../../../../simulators/linode/job.ts';
import { ID, LAUNCH } from '../../../support/builders.ts';

const JOB = {
  command: 'make',
  on: 'all',
  tasks: null,
  results: [],
  gracePeriodSeconds: 60,
  logEverySeconds: 20,
  inputs: [],
};

interface Case {
  readonly rank?: number;
  readonly job?: Partial<Omit<typeof JOB, 'results' | 'inputs' | 'tasks'>> & {
    readonly results?: readonly string[];
    readonly inputs?: readonly { url: string; bytes: number }[];
    readonly tasks?: string;
  };
  /** After how many seconds an answer first says so. */
  readonly stopAt?: number;
  readonly teardownAt?: number;
  /** What an answer has beside the usual; null: there is none. */
  readonly answer?: (call: AgentCall, second: number) => object | null;
  readonly moves?: (url: string) => boolean;
}

/** What a node does whose cloud-init is done at second 0, until nothing more is to come. */
async function played({ rank = 1, job, stopAt, teardownAt = 7_200, ...given }: Case) {
  const { answer = () => ({}), moves = () => true } = given;
  const url = `https://a.example/agent/${ID}/${rank}`;
  const files = { url, token: 'oba_1', nodes: 3, slice: null };
  const teardown = plus(LAUNCH, seconds(teardownAt));
  const agent = new SimulatedAgent({ ...files, teardownAt: teardown }, LAUNCH);
  const calls: (AgentCall & { readonly second: number })[] = [];
  const moved: string[] = [];
  const replies: Readonly<Record<string, object>> = {
    job: { job: { ...JOB, ...job } },
    staged: { start: 'go' },
    upload: { upload: { url: 'https://files.example/r', name: 'raaaaaaaaaa' } },
  };
  let now: number = LAUNCH;
  let isOver = false;
  async function post(call: AgentCall) {
    const second = (now - LAUNCH) / 1_000;
    calls.push({ ...call, second });
    const own = answer(call, second);
    isOver = call.event === 'ended' && own !== null;
    const stop = stopAt !== undefined && second >= stopAt;
    const usual = { token: 'oba_2', teardownAt: toIso(teardown), stop };
    return own && { ...usual, ...replies[call.event], ...own };
  }
  const move = async ({ kind, url }: Transfer) => {
    moved.push(`${kind} ${url}`);
    return moves(url);
  };
  while (now < teardown && !isOver) {
    await agent.act({ now: () => now, isGone: () => isOver, post, move });
    now = agent.nextAt();
  }
  const logs = new Map(calls.map(({ segment, data }) => [segment, data]));
  return {
    calls: calls.map(({ event, second }) => `${second} ${event}`),
    end: calls.findLast(({ event }) => event === 'ended'),
    moved,
    log: Buffer.concat(
      [...logs.values()].map((data) => Buffer.from(data ?? '', 'base64')),
    ).toString(),
  };
}

describe('a simulated node with a job', () => {
  it('goes through all that the agent of a real one does', async () => {
    const { calls, end, moved, log } = await played({
      job: { command: 'sleep 90; exit 3', results: ['out/', '*.csv'], inputs: [IN] },
    });
    expect(calls).toEqual([
      ...['0 ready', '0 job', '0 staged', '0 started', '0 log', '20 log', '40 log', '80 log'],
      ...['90 exited', '90 upload', '90 ended'],
    ]);
    expect(moved).toEqual(['get https://files.example/in', 'put https://files.example/r']);
    const results = { name: 'raaaaaaaaaa', files: 2, unpackedBytes: 60 };
    expect(end).toMatchObject({ exitCode: 3, lastCall: false, results });
    expect(log).toContain('$ sleep 90; exit 3\nrank 1: 5 s have passed\n');
  });

  it('says each minute that it is there', async () => {
    const { calls } = await played({ job: { command: 'sleep 1h' } });
    const times = calls.map((call) => Number(call.split(' ')[0]));
    const gaps = times.map((time, index) => time - (times[index - 1] ?? 0));
    expect(calls.at(-1)).toBe('3600 ended');
    expect(Math.max(...gaps)).toBe(60);
  });

  it('asks again while it waits, and repeats what is not answered, ever later', async () => {
    const { calls } = await played({
      answer: ({ event }, second) => {
        if (event === 'staged' && second < 5) return { start: 'wait', askAgainSeconds: 2 };
        return event === 'started' && second < 15 ? null : {};
      },
    });
    expect(calls.slice(0, 9)).toEqual([
      ...['0 ready', '0 job', '0 staged', '2 staged', '4 staged', '6 staged'],
      ...['6 started', '8 started', '12 started'],
    ]);
    expect(calls).toContain('20 started');
  });

  it('makes the last call before the teardown by the grace period, or when it is to stop', async () => {
    const command = 'sleep 3h';
    const late = await played({ job: { command, results: ['a'] }, teardownAt: 1_000 });
    expect(late.calls.slice(-3)).toEqual(['940 exited', '940 upload', '940 ended']);
    expect(late.end).toMatchObject({ exitCode: 143, lastCall: true, results: { files: 1 } });
    expect(late.log).toContain('rank 1: SIGTERM\n');
    const stopped = await played({ job: { command }, stopAt: 100 });
    expect(stopped.end).toMatchObject({ second: 140, exitCode: 143, lastCall: true });
    const waiting = { answer: () => ({ start: 'wait' }), stopAt: 100 };
    expect((await played(waiting)).end).toMatchObject({
      second: 101,
      exitCode: null,
      lastCall: true,
    });
  });

  it('runs nothing on other nodes than the head, or if the job never starts', async () => {
    const events = ['0 ready', '0 job', '0 staged'];
    expect((await played({ job: { on: 'head' } })).calls).toEqual(expect.arrayContaining(events));
    expect((await played({ job: { on: 'head' } })).end).toBeUndefined();
    expect((await played({ answer: () => ({ start: 'never' }) })).end).toBeUndefined();
    expect((await played({ job: { on: 'head' }, rank: 0 })).end).toMatchObject({ exitCode: 0 });
  });

  it('has its share of the tasks, and does nothing without one', async () => {
    expect((await played({ job: { tasks: '1-7,9' } })).log).toContain('ONEBUCK_TASK_IDS=2 5 9\n');
    expect((await played({ job: { tasks: '4' } })).end).toMatchObject({
      ...{ second: 0, exitCode: 0, detail: 'this node has no task' },
    });
  });

  it('gives up a file that can not be moved after some minutes', async () => {
    const fetches = await played({ job: { inputs: [IN] }, moves: () => false });
    expect(fetches.end).toMatchObject({ exitCode: null, detail: 'an input can not be fetched' });
    expect(fetches.end?.second).toBeLessThan(600);
    const sends = await played({ job: { results: ['a'] }, moves: () => false });
    expect(sends.end).toMatchObject({ exitCode: 0, results: null });
    expect(sends.moved).toHaveLength(25);
  });

  it('sends a long log in segments', async () => {
    const { log, calls } = await played({ job: { command: 'seq 30000' } });
    expect(log).toContain('\n1\n2\n3\n');
    expect(log).toContain('\n29999\n30000\n');
    expect(calls.filter((call) => call === '0 log')).toHaveLength(3);
  });
});

const IN = { url: 'https://files.example/in', bytes: 5 };

it('an archive is one that tar reads', () => {
  const text = 'x'.repeat(1_000);
  const files = new Map([
    ['out/a.txt', text],
    ['b', ''],
  ]);
  const tar = (...args: string[]) =>
    execFileSync('tar', ['-z', ...args, '-f', '-'], { input: archiveOf(files) }).toString();
  expect(tar('-t')).toBe('out/a.txt\nb\n');
  expect(tar('-xO')).toBe(text);
});
