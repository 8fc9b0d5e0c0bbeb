import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { Context } from '../../../../cli/context.ts';
import { asciiLook } from '../../../../cli/fuse.ts';
import type { Terminal } from '../../../../cli/terminal.ts';
import type { Cluster, Job, JobNode } from '../../../../client/answers.ts';
import { createApi } from '../../../../client/api.ts';
import { freePort, listen } from '../../../../simulators/listen.ts';
import { aCluster } from '../../client/builders.ts';

/*
 * A stand-in for Onebuck's API and for S3, which does what a test says, also what Onebuck never would.
 */

export interface FakeOnebuck {
  readonly url: string;
  cluster: Cluster;
  job: Job;
  /** The log of each node so far. */
  readonly logs: Map<number, string>;
  /** The archive of each node. */
  readonly archives: Map<number, Buffer>;
  /** What happens before the next looks at the job, one after the other. */
  readonly looks: (() => void)[];
  /** How many of the next answers to launches are lost, after the server has taken them. */
  lost: number;
  /** How many of the next requests meet no server. */
  away: number;
  /** `POST /clusters {…}`, in the order of the requests. */
  readonly requests: string[];
  readonly uploads: Map<string, Buffer>;
  /** The specs of the launches, by their keys. */
  readonly launches: Map<string, unknown>;
}

const aNode = (index: number): JobNode => ({
  ...{ index, state: 'waiting', exitCode: null, reason: null, logBytes: 0 },
  ...{ stagedAt: null, startedAt: null, exitedAt: null, endedAt: null, heardAt: null },
});

const QUOTED = {
  typeLabel: 'Nanode 1GB',
  smallestBudgetUsd: 0.0225,
  warnings: [],
  alternatives: [],
};

type SpecJob = NonNullable<Cluster['spec']['job']>;

export const aSpecJob = (overrides: Partial<SpecJob> = {}): SpecJob => ({
  ...{ command: './run', on: 'head', env: {}, inputs: [], results: ['out/'], tasks: null },
  ...{ onDone: 'destroy', onFailure: 'keepPaidHour', gracePeriodSeconds: 120 },
  ...overrides,
});

/** A cluster of three nodes with a job, before the nodes are there. */
export async function startFakeOnebuck(spec: Partial<SpecJob> = {}): Promise<FakeOnebuck> {
  const job = aSpecJob(spec);
  const base = aCluster();
  const { command, on, onDone, onFailure } = job;
  const server = createServer((incoming, outgoing) => {
    void answer(incoming, outgoing);
  });
  const url = `http://127.0.0.1:${await listenOn(server)}`;
  const fake: FakeOnebuck = {
    url,
    cluster: { ...base, status: 'provisioning', spec: { ...base.spec, job } },
    job: {
      ...{ command, on, onDone, onFailure, state: 'waiting', exitCode: null, node: null },
      ...{ reason: null, startedAt: null, endedAt: null, stopAskedAt: null },
      nodes: (on === 'head' ? [0] : [0, 1, 2]).map(aNode),
    },
    ...{ logs: new Map(), archives: new Map(), looks: [], requests: [], uploads: new Map() },
    ...{ lost: 0, away: 0, launches: new Map() },
  };

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = '', url: path = '' } = incoming;
    if (fake.away > 0) {
      fake.away -= 1;
      incoming.socket.destroy();
      return;
    }
    const body = await buffer(incoming);
    const said = path.startsWith('/s3/') ? `${body.length} bytes` : `${body}`;
    fake.requests.push(`${method} ${path} ${said}`.trim());
    const { status, content } = answerTo(method, path, body, incoming.headers);
    if (method === 'POST' && path === '/clusters' && fake.lost > 0) {
      fake.lost -= 1;
      incoming.socket.destroy();
      return;
    }
    outgoing.writeHead(status).end(content);
  }

  function answerTo(
    method: string,
    path: string,
    body: Buffer,
    headers: IncomingMessage['headers'],
  ) {
    const ok = (content: unknown, status = 200) => ({ status, content: JSON.stringify(content) });
    const { id } = fake.cluster;
    const { pathname, searchParams } = new URL(path, url);
    switch (`${method} ${pathname}`) {
      case 'GET /health':
        return ok({ status: 'ok', time: '2026-11-10T10:30:00.000Z' });
      case 'GET /clusters':
        return ok({ clusters: fake.launches.size > 0 ? [{ ...fake.cluster, job: fake.job }] : [] });
      case 'POST /quotes':
        return ok({ ...fake.cluster, ...QUOTED });
      case 'POST /uploads': {
        const upload = `u${`${fake.uploads.size}`.padStart(10, 'a')}`;
        fake.uploads.set(upload, Buffer.alloc(0));
        return ok({ id: upload, url: `${url}/s3/${upload}`, expiresAt: '' }, 201);
      }
      case 'POST /clusters': {
        const key = `${headers['idempotency-key']}`;
        const sent = JSON.parse(`${body}`);
        const before = fake.launches.get(key);
        if (before !== undefined && JSON.stringify(before) !== JSON.stringify(sent)) {
          return ok({ detail: 'The key was used with another body.', code: 'conflict' }, 409);
        }
        fake.launches.set(key, sent);
        return ok({ ...fake.cluster, job: fake.job }, 202);
      }
      case `GET /clusters/${id}`:
        return ok({ ...fake.cluster, job: fake.job });
      case `GET /clusters/${id}/job`:
        fake.looks.shift()?.();
        return ok(withLogs());
      case `GET /clusters/${id}/job/log`: {
        const rank = Number(searchParams.get('rank'));
        const from = Number(searchParams.get('from'));
        const all = Buffer.from(fake.logs.get(rank) ?? '');
        const part = all.subarray(from, from + 1_000);
        const next = from + part.length;
        const isOver = fake.job.nodes.find(({ index }) => index === rank)?.endedAt !== null;
        const data = part.toString('base64');
        return ok({
          rank,
          from,
          next,
          bytes: all.length,
          isWhole: isOver && next === all.length,
          data,
        });
      }
      case `GET /clusters/${id}/job/results`:
        return ok({
          results: [...fake.archives].map(([index, archive]) => ({
            ...{ index, name: `n${index}.tar.gz`, bytes: archive.length, files: 10 },
            ...{ unpackedBytes: 100_000, url: `${url}/s3/results-${index}`, expiresAt: '' },
          })),
        });
      case `DELETE /clusters/${id}/job`:
        return ok({ ...fake.cluster, job: fake.job }, 202);
    }
    const [, name = ''] = /^\/s3\/(.*)$/.exec(pathname) ?? [];
    if (method === 'PUT') {
      fake.uploads.set(name, body);
      return { status: 200, content: '' };
    }
    const archive = fake.archives.get(Number(name.replace('results-', '')));
    if (archive !== undefined) return { status: 200, content: archive };
    return ok({ detail: `There is no ${path}.`, code: 'notFound' }, 404);
  }

  const withLogs = (): Job => ({
    ...fake.job,
    nodes: fake.job.nodes.map((node) => ({
      ...node,
      logBytes: Buffer.byteLength(fake.logs.get(node.index) ?? ''),
    })),
  });
  return fake;
}

async function listenOn(server: ReturnType<typeof createServer>): Promise<number> {
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const port = await freePort();
  await listen(server as never, port);
  return port;
}

/** The state of the job that it and all of its nodes have from now on. */
export function setState(fake: FakeOnebuck, state: Job['state'], exitCode: number | null = null) {
  const isOver = ['done', 'failed', 'stopped'].includes(state);
  const at = '2026-11-10T10:41:00.000Z';
  const nodes = fake.job.nodes.map((node) => ({
    ...node,
    ...{ state, exitCode, stagedAt: at, startedAt: at, endedAt: isOver ? at : null },
  }));
  const startedAt = state === 'waiting' ? null : '2026-11-10T10:02:00.000Z';
  fake.job = { ...fake.job, state, exitCode, nodes, startedAt, endedAt: isOver ? at : null };
  if (state !== 'waiting') fake.cluster = { ...fake.cluster, status: 'running' };
}

/** The cluster is gone, and what that has saved. */
export function setGone(fake: FakeOnebuck): void {
  fake.cluster = {
    ...fake.cluster,
    ...{ status: 'deleted', endedAt: '2026-11-10T10:42:00.000Z', endReason: 'done' },
    ...{ saved: { ofBudgetUsd: 0.055, untilTeardownUsd: 0.045 } },
  } as Cluster;
}

export interface Told {
  readonly context: Context;
  readonly out: string[];
  readonly notes: string[];
  readonly drawn: string[][];
  /** What Ctrl-C would say now. */
  interrupted(): string;
}

/** A context that keeps what is printed; `isTerminal`: as a terminal shows it. */
export function contextOf(
  { url }: Pick<FakeOnebuck, 'url'>,
  { json = false, isTerminal = false, env = {} } = {},
): Told {
  const [out, notes, drawn, sayings] = [[], [], [], []] as [
    string[],
    string[],
    string[][],
    (() => string)[],
  ];
  const terminal = {
    out: (lines: string | readonly string[]) => void out.push(...[lines].flat()),
    note: (line: string) => void notes.push(line),
    dim: (line: string) => line,
    redraw: (lines: string[]) => void drawn.push(lines),
    settle: () => {},
    look: () => asciiLook(40),
    columns: () => 100,
    ...{ canRedraw: isTerminal, hasColour: isTerminal, canAsk: false },
  } as unknown as Terminal;
  const context: Context = {
    ...{ env, terminal, json },
    api: () => createApi({ url, token: 'token' }),
    onInterrupt(say) {
      sayings.push(say);
      return { over: () => void sayings.splice(sayings.indexOf(say), 1) };
    },
    holdInterrupts: () => ({ over: () => {} }),
  };
  return { context, out, notes, drawn, interrupted: () => sayings.at(-1)?.() ?? '' };
}
