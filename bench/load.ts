import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http, { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { projectDir } from '../build/project.ts';
import { freePort } from '../simulators/listen.ts';
import { markdown } from './report.ts';
import { quantile } from './times.ts';

/**
 * `npm run bench:load` sends 50 launches and 200 reads a second to `npm start` for a minute. Each
 * request is sent at its time, even if earlier requests have no answer yet.
 */
const SECONDS = 60;
const LAUNCHES_A_SECOND = 50;
const READS_A_SECOND = 200;
const TOKEN = 'onebuck-local';
const SPEC = {
  nodes: 1,
  type: 'g6-nanode-1',
  region: 'us-east',
  image: 'linode/ubuntu24.04',
  budgetUsd: 0.1,
};

interface Answer {
  readonly status: number | string;
  readonly ms: number;
  readonly body: string;
}

const launched: string[] = [];

/** Keeps connections, as a gateway does; with 200 open, a request waits for a free connection. */
const agent = new Agent({ keepAlive: true, maxSockets: 200 });

async function request(url: URL, body: string | null): Promise<Omit<Answer, 'ms'>> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const method = body === null ? 'GET' : 'POST';
  return new Promise((resolve, reject) => {
    const sent = http.request(url, { agent, headers, method }, (response) => {
      text(response).then((answer) => {
        resolve({ status: response.statusCode ?? 0, body: answer });
      }, reject);
    });
    sent.once('error', (error: NodeJS.ErrnoException) => {
      // The server had closed the kept connection; Node's manual says to send the request again.
      const isStale = sent.reusedSocket && error.code === 'ECONNRESET';
      if (isStale) request(url, body).then(resolve, reject);
      else reject(error);
    });
    sent.end(body ?? undefined);
  });
}

async function main(url: string): Promise<void> {
  const call = async (at: number, path: string, body: string | null = null): Promise<Answer> => {
    const answer = await request(new URL(path, url), body).catch((error: unknown) => ({
      status: String(error),
      body: '',
    }));
    return { ...answer, ms: performance.now() - at };
  };
  const launch = async (at: number) => {
    const answer = await call(at, '/clusters', JSON.stringify(SPEC));
    if (answer.status === 202) launched.push(JSON.parse(answer.body).id);
    return answer;
  };
  const read = (at: number, index: number) =>
    call(at, index % 10 === 0 || launched.length === 0 ? '/clusters?limit=20' : pathOfAny(index));

  await Promise.all([launch(performance.now()), read(performance.now(), 0)]);
  const from = performance.now() + 1_000;
  const [launches, reads] = await Promise.all([
    send(from, LAUNCHES_A_SECOND, launch),
    send(from, READS_A_SECOND, read),
  ]);
  const last = Math.max(...launches.map(({ end }) => end), ...reads.map(({ end }) => end));
  const rows = Object.entries({ 'POST /clusters': launches, reads: reads }).map(([name, sent]) => {
    const times = sent.map(({ answer }) => answer.ms);
    const failed = sent.filter(({ answer }) => ![200, 202].includes(Number(answer.status)));
    const ms = [0.5, 0.99, 1].map((at) => quantile(times, at).toFixed(0));
    return [name, `${sent.length}`, `${failed.length}`, ...ms, summaryOf(failed)];
  });
  const heads = ['request', 'sent', 'failed', 'p50, ms', 'p99, ms', 'longest, ms', 'failures'];
  console.log(markdown([heads, ...rows]));
  console.log(
    `\nThe last answer came ${((last - from) / 1_000).toFixed(1)} s after the first request.`,
  );
}

const pathOfAny = (index: number) => `/clusters/${launched[(index * 7_919) % launched.length]}`;

interface Sent {
  readonly answer: Answer;
  readonly end: number;
}

/** Sends requests at a steady rate from `from` on. `make` gets the time at which it was due. */
async function send(
  from: number,
  perSecond: number,
  make: (at: number, index: number) => Promise<Answer>,
): Promise<Sent[]> {
  const answers: Promise<Sent>[] = [];
  for (let index = 0; index < perSecond * SECONDS; index += 1) {
    const at = from + (index * 1_000) / perSecond;
    const ms = at - performance.now();
    if (ms > 1) await delay(ms);
    answers.push(make(at, index).then((answer) => ({ answer, end: performance.now() })));
  }
  return Promise.all(answers);
}

function summaryOf(failed: readonly Sent[]): string {
  const counts = new Map<string, number>();
  for (const { answer } of failed) {
    const failure = `${answer.status} ${answer.body.slice(0, 60)}`;
    counts.set(failure, (counts.get(failure) ?? 0) + 1);
  }
  return [...counts].map(([failure, count]) => `${count} × ${failure}`).join('; ');
}

const dataDir = mkdtempSync(join(tmpdir(), 'onebuck-load-'));
const port = await freePort();
const stack = spawn(process.execPath, ['--import', 'tsx', 'dev/start.ts'], {
  cwd: projectDir,
  env: { ...process.env, PORT: `${port}`, DATA_DIR: dataDir },
  stdio: ['ignore', 'pipe', 'ignore'],
});
try {
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: stack.stdout }).on('line', (line) => {
      if (line.startsWith('Onebuck runs')) resolve();
    });
    stack.once('exit', (code) => reject(new Error(`npm start exited with ${code}`)));
  });
  await main(`http://127.0.0.1:${port}`);
} finally {
  const ended = new Promise((resolve) => stack.once('exit', resolve));
  stack.kill('SIGINT');
  await ended;
  rmSync(dataDir, { recursive: true, force: true });
}
