import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { JOB_AGENT } from '../../lib/core/room/scripts/job.ts';
import { aSandbox } from './sandbox.ts';

const { stdout: python } = spawnSync(
  'python3',
  ['-c', 'import ctypes, sys; print(sys.executable)'],
  {
    encoding: 'utf8',
  },
);

/** Whether this machine can run the agent of a job, which needs Linux and Python. */
export const canRunJobs = process.platform === 'linux' && (python ?? '') !== '';
export const skippedJobs = canRunJobs ? '' : ' (skipped: this machine lacks Linux or python3)';

export interface AgentCall {
  readonly event: string;
  readonly segment?: number;
  readonly data?: string;
  readonly exitCode?: number | null;
  readonly detail?: string;
  readonly bytes?: number;
  readonly lastCall?: boolean;
  readonly results?: {
    readonly name: string;
    readonly bytes: number;
    readonly unpackedBytes: number;
    readonly files: number;
  } | null;
}

/** How Onebuck's answer to a call differs; a number is the status of a refusal. */
export type Answer = object | number | 'lost' | 'nonsense' | undefined;

export interface JobNode {
  readonly command: string;
  readonly on?: 'head' | 'all';
  readonly env?: Readonly<Record<string, string>>;
  readonly tasks?: string | null;
  readonly results?: readonly string[];
  readonly gracePeriodSeconds?: number;
  /** tar.gz files. */
  readonly inputs?: readonly Buffer[];
  readonly rank?: number;
  readonly nodes?: number;
  /** In seconds of the node after its start; by default ten hours. */
  readonly teardownAt?: number;
  /** How many seconds of the node's clock are one real second; by default 10. */
  readonly rate?: number;
  /** `count`: the how manyth call of its event it is, from 1. */
  readonly answer?: (call: AgentCall, count: number) => Answer;
  /** The statuses of the first GETs of inputs and of the first PUTs; `short`: the end is missing. */
  readonly storage?: (method: string, count: number) => number | 'short' | undefined;
}

/**
 * A node in a folder, with a job, whose agent calls a server here that plays Onebuck and S3. It has
 * no systemd, and its clock may be faster than the real one.
 */
export async function aJobNode(node: JobNode) {
  const { rank = 0, nodes = 1, rate = 10, inputs = [], storage, results = [] } = node;
  const start = Date.now();
  const now = () => (Date.now() - start) * (rate / 1_000);
  const iso = (second: number) => new Date(start + second * 1_000).toISOString();
  const sandbox = aSandbox({});
  const calls: (AgentCall & { readonly at: number })[] = [];
  const log: Buffer[] = [];
  const uploaded = new Map<string, Buffer>();
  const counts = new Map<string, number>();
  const children: ChildProcess[] = [];
  const times = (key: string) => {
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return count;
  };
  let teardownAt = node.teardownAt ?? 36_000;
  let url = '';

  const more = (call: AgentCall): object => {
    if (call.event === 'staged') return { start: 'go', share: { index: rank, of: nodes } };
    if (call.event === 'upload') {
      const name = `r${'abcdefghij'.slice(0, 9)}${uploaded.size + (counts.get('PUT') ?? 0)}`;
      return { upload: { name, url: `${url}/results/${name}` } };
    }
    if (call.event !== 'job') return {};
    const { command, on = 'all', env = {}, tasks = null, gracePeriodSeconds = 10 } = node;
    const files = inputs.map(({ length }, index) => ({
      url: `${url}/inputs/${index}`,
      bytes: length,
    }));
    const job = { command, on, env, tasks, results, gracePeriodSeconds, logEverySeconds: 20 };
    return { job: { ...job, inputs: files } };
  };
  const hear = (body: Buffer, response: ServerResponse) => {
    const call = JSON.parse(`${body}`) as AgentCall;
    calls.push({ ...call, at: now() });
    const answer = node.answer?.(call, times(call.event));
    if (answer === 'lost') return response.destroy();
    if (answer === 'nonsense') return response.end('<html>');
    if (typeof answer === 'number') return response.writeHead(answer).end('{}');
    if (call.event === 'log') log[call.segment ?? 0] = Buffer.from(call.data ?? '', 'base64');
    const known = { teardownAt: iso(teardownAt), status: 'running', stop: false };
    return response.end(
      JSON.stringify({ ...known, token: `token-${calls.length}`, ...more(call), ...answer }),
    );
  };
  const store = (request: IncomingMessage, body: Buffer, response: ServerResponse) => {
    const { method = '', url: path = '' } = request;
    const fault = storage?.(method, times(method));
    if (typeof fault === 'number') return response.writeHead(fault).end();
    const last = path.split('/').at(-1) ?? '';
    if (method === 'PUT') {
      uploaded.set(last, body);
      return response.end();
    }
    const input = inputs[Number(last)] ?? Buffer.alloc(0);
    return response.end(fault === 'short' ? input.subarray(0, input.length / 2) : input);
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      if (request.method === 'POST') hear(body, response);
      else store(request, body, response);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  sandbox.put('etc/onebuck/url', `${url}/agent/cabcdefghij/${rank}\n`);
  sandbox.put('etc/onebuck/token', 'token-0\n');
  sandbox.put('etc/onebuck/teardown-at', `${iso(teardownAt)}\n`);
  sandbox.put(
    'etc/onebuck/environment',
    `ONEBUCK_RANK=${rank}\nONEBUCK_NODES=${nodes}\nMASTER_ADDR=10.128.0.1\n`,
  );
  mkdirSync(`${sandbox.root}/var/log`, { recursive: true });
  const clock = `import time as clock, types
clock.time = lambda real=clock.time: ${start / 1_000} + (real() - ${start / 1_000}) * ${rate}
clock.sleep = lambda seconds, real=clock.sleep: real(seconds / ${rate})
`;
  const script = sandbox.put(
    'usr/local/lib/onebuck/job',
    sandbox.inside(JOB_AGENT.replace('\n', `\n${clock}`)),
  );

  onTestFinished(async () => {
    for (const child of children) child.kill('SIGKILL');
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    sandbox.remove();
  });
  const parentOfCommand = () => {
    const pid = Number(sandbox.read('run/onebuck-job'));
    // 0 would be this process and its relatives.
    if (!(pid > 1)) throw new Error('no process runs the command');
    return pid;
  };

  return {
    ...sandbox,
    calls,
    /** The events in the order of their first calls, without heartbeats. */
    events: () => [...new Set(calls.map(({ event }) => event))].filter((each) => each !== 'alive'),
    count: (event: string) => calls.filter((call) => call.event === event).length,
    last: (event: string) => calls.findLast((call) => call.event === event),
    now,
    log: () => Buffer.concat(log),
    uploaded,
    moveTeardown: (second: number) => {
      teardownAt = second;
    },
    lose: (path: string) => rmSync(join(sandbox.root, path)),
    link(path: string, target: string) {
      const at = join(sandbox.root, path);
      mkdirSync(dirname(at), { recursive: true });
      symlinkSync(target, at);
    },
    /** Starts the agent; `ended` has its exit code. */
    begin() {
      const child = spawn(python.trim(), [script], { env: sandbox.env, stdio: 'ignore' });
      children.push(child);
      const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
      return { ended, kill: () => child.kill('SIGKILL') };
    },
    async run(): Promise<number | null> {
      return this.begin().ended;
    },
    /** Ends the process that runs the command, and all of its own. */
    killCommand(): void {
      const parent = parentOfCommand();
      const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ');
      for (const pid of [parent, ...children.map(Number)])
        if (pid > 1) process.kill(pid, 'SIGKILL');
    },
    /** What systemd does with the process that runs the command. */
    shutDown(): void {
      process.kill(parentOfCommand(), 'SIGTERM');
    },
  };
}

/** What a program prints, a line of JSON each, that has the functions of the agent. */
export function inAgent<Printed>(program: string, given: unknown): Printed[] {
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

/** The members of a tar.gz by their names: `dir`, `link` with its target, or `file` with its text. */
export function contentOf(archive: Buffer | undefined) {
  const program = `
import io, json, sys, tarfile
kinds = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "link"}
with tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read()), mode="r:gz") as tar:
    print(json.dumps({m.name: [kinds[m.type], m.linkname or
        (tar.extractfile(m).read().decode() if m.isreg() else "")] for m in tar}))`;
  const { stdout, stderr } = spawnSync('python3', ['-c', program], { input: archive });
  if (stderr.length > 0) throw new Error(`${stderr}`);
  return JSON.parse(`${stdout}`) as Record<string, [string, string]>;
}

/** A member of an archive; the fields are those of Python's TarInfo. */
export type Member = Readonly<Record<string, string | number>> & { readonly name: string };

/** A tar.gz with these members. `text`: what is in a file. */
export function archiveOf(members: readonly Member[]): Buffer {
  const program = `
import io, json, sys, tarfile
out = io.BytesIO()
with tarfile.open(fileobj=out, mode="w:gz") as tar:
    for member in json.load(sys.stdin):
        text = member.pop("text", "").encode()
        info = tarfile.TarInfo()
        info.size = len(text)
        for name, value in member.items():
            setattr(info, name, value.encode() if name == "type" else value)
        tar.addfile(info, io.BytesIO(text))
sys.stdout.buffer.write(out.getvalue())`;
  const { stdout, stderr } = spawnSync('python3', ['-c', program], {
    input: JSON.stringify(members),
    maxBuffer: 1 << 26,
  });
  if (stderr.length > 0) throw new Error(`${stderr}`);
  return stdout;
}
