import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, type ClientOptions } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { projectDir } from '../../../build/project.ts';
import { specInput } from '../../../cli/mcp/server.ts';
import type { Cluster, Clusters } from '../../../client/answers.ts';
import { microUsd } from '../../../lib/core/base/money.ts';
import { specSchema } from '../../../lib/core/cluster/spec.ts';
import {
  binary,
  buildBinary,
  envIn,
  onebuck,
  type Service,
  startService,
  TOKEN,
} from './binary.ts';
import { hasSshd, startSshd, userOption } from './sshd.ts';

/* Tests of `onebuck mcp` with the protocol's official client, against `npm start`. */

const SPEC = { nodes: 2, type: 'g6-nanode-1', region: 'us-east', image: 'Ubuntu 24.04 LTS' };

let home: string;
let service: Service;
let env: Record<string, string>;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'onebuck-mcp-'));
  buildBinary();
  service = await startService();
  env = envIn(home, { ONEBUCK_URL: service.url, ONEBUCK_TOKEN: TOKEN });
});

afterAll(async () => {
  await service?.stop();
  rmSync(home, { recursive: true, force: true });
});

interface Said {
  readonly isError: boolean;
  readonly text: string;
}

interface Agent {
  readonly client: Client;
  call(name: string, args?: Record<string, unknown>): Promise<Said>;
  /** The questions that the client put to a person. */
  readonly asked: readonly string[];
}

/** An agent's client, whose person answers each question with `reply`; null: it has no person. */
async function startAgent(
  args: readonly string[],
  reply: boolean | null = null,
  options: ClientOptions = {},
): Promise<Agent> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [binary, 'mcp', ...args],
    env,
    stderr: 'pipe',
  });
  const asked: string[] = [];
  const client = new Client(
    { name: 'agent-of-the-tests', version: '1' },
    { ...options, ...(reply === null ? {} : { capabilities: { elicitation: { form: {} } } }) },
  );
  if (reply !== null) {
    client.setRequestHandler('elicitation/create', ({ params }) => {
      asked.push(params.message);
      return reply ? { action: 'accept', content: { confirm: true } } : { action: 'decline' };
    });
  }
  await client.connect(transport);
  onTestFinished(() => client.close());
  return {
    client,
    asked,
    async call(name, args = {}) {
      const result = await client.callTool({ name, arguments: args });
      const [content] = result.content;
      if (content?.type !== 'text') throw new Error(JSON.stringify(result));
      return { isError: result.isError === true, text: content.text };
    },
  };
}

const idIn = (text: string): string => /\bc[a-z2-7]{10}\b/.exec(text)?.[0] ?? '';

const json = async <Answer>(args: readonly string[]): Promise<Answer> =>
  JSON.parse((await onebuck([...args, '--json'], env)).stdout) as Answer;

const eras = [
  ['the revision of 2026', { versionNegotiation: { mode: 'auto' } }],
  ['revisions of before', { versionNegotiation: { mode: 'legacy' } }],
] as const;

describe.each(eras)('a client of %s', (_name, options) => {
  it('finds the tools, each with what it is for', async () => {
    const { client } = await startAgent(['--most', '1'], null, options);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(
      'types regions images quote launch status inventory upload logs results stop exec extend destroy'.split(
        ' ',
      ),
    );
    expect(client.getInstructions()).toContain('This agent may spend $1.00 more.');
  });

  it('without --most is asked before a launch, which a person refuses or confirms', async () => {
    const launch = { ...SPEC, budgetUsd: 0.5, name: 'asked' };
    const refusing = await startAgent([], false, options);
    expect(await refusing.call('launch', launch)).toEqual({
      isError: true,
      text: 'The person did not agree. Nothing was done.',
    });
    const agreeing = await startAgent([], true, options);
    const { isError, text } = await agreeing.call('launch', launch);
    expect({ isError, text }).toMatchObject({ isError: false });
    expect(agreeing.asked).toEqual([
      expect.stringMatching(/^2 × .*\$0\.50 lasts 33 hours, until 20.*Z, .* Launch it\?$/),
    ]);
    expect(await agreeing.call('extend', { cluster: idIn(text), budgetUsd: 0.6 })).toMatchObject({
      isError: false,
    });
    expect(agreeing.asked[1]).toBe(
      `Give ${idIn(text)} "asked" a budget of $0.60 instead of $0.50?`,
    );
    expect((await json<Cluster>(['show', idIn(text)])).budgetUsd).toBe(0.6);
    expect(await agreeing.call('destroy', { cluster: idIn(text) })).toMatchObject({
      isError: false,
    });
    expect(agreeing.asked).toHaveLength(2);
  });

  it('without --most and without a person buys nothing, and is told how it may', async () => {
    const agent = await startAgent([], null, options);
    expect(await agent.call('launch', { ...SPEC, budgetUsd: 0.5 })).toEqual({
      isError: true,
      text:
        'Nobody can be asked here. Start it as "onebuck mcp --most 5" to let the agent spend so ' +
        'many dollars by itself.',
    });
  });
});

describe('the limit of --most', () => {
  it('holds when 20 launches and 20 extensions come at once', async () => {
    const agent = await startAgent(['--most', '5']);
    const launches = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        agent.call('launch', { ...SPEC, budgetUsd: 1, name: `crowd-${index}` }),
      ),
    );
    const launched = launches.filter(({ isError }) => !isError);
    expect(launched).toHaveLength(5);
    for (const { isError, text } of launches) {
      if (isError) expect(text).toContain('is left of the $5.00 which this agent may spend');
    }
    const extensions = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        agent.call('extend', {
          cluster: idIn(launched[index % 5]?.text ?? ''),
          budgetUsd: 1.01 + index,
        }),
      ),
    );
    expect(extensions.filter(({ isError }) => !isError)).toEqual([]);
    const { clusters } = await json<Clusters>(['ls']);
    const budgets = clusters
      .filter(({ name }) => name?.startsWith('crowd'))
      .map(({ budgetUsd }) => budgetUsd);
    expect(budgets).toEqual([1, 1, 1, 1, 1]);
    for (const { text } of launched) await agent.call('destroy', { cluster: idIn(text) });
  });

  it('gives back what the budget of a cluster that is gone did not need', async () => {
    const agent = await startAgent(['--most', '1']);
    const first = await agent.call('launch', { ...SPEC, budgetUsd: 1 });
    const id = idIn(first.text);
    expect(await agent.call('launch', { ...SPEC, budgetUsd: 0.5 })).toMatchObject({
      isError: true,
    });
    expect(await onebuck(['rm', id, '--yes', '--wait'], env)).toMatchObject({ code: 0 });
    const second = await agent.call('launch', { ...SPEC, budgetUsd: 0.5 });
    expect(second).toMatchObject({ isError: false });
    await agent.call('destroy', { cluster: idIn(second.text) });
  });

  it('is not used up by what the API refuses', async () => {
    const agent = await startAgent(['--most', '1']);
    const refused = await agent.call('launch', { ...SPEC, region: 'atlantis', budgetUsd: 1 });
    expect(refused).toMatchObject({ isError: true });
    expect(refused.text).toContain('atlantis');
    expect((await agent.call('quote', { ...SPEC, budgetUsd: 1 })).text).toContain('$1.00 more.');
  });

  it('is one sentence on stderr if it is no amount', async () => {
    expect(await onebuck(['mcp', '--most', 'much'], env)).toEqual({
      code: 2,
      stdout: '',
      stderr: '--most much must be an amount in US dollars, such as 5.\n',
    });
  });
});

it('a cluster that others launched is destroyed and extended only if a person agrees', async () => {
  const { id } = await json<Cluster>([
    ...['launch', '--nodes', '1', '--type', SPEC.type, '--region', SPEC.region],
    ...['--image', SPEC.image, '--budget', '1', '--name', 'theirs', '--yes'],
  ]);
  const alone = await startAgent(['--most', '5']);
  for (const [tool, command] of [
    ['destroy', 'rm'],
    ['extend', 'extend'],
  ] as const) {
    const args = tool === 'extend' ? { cluster: id, hours: 1 } : { cluster: id };
    expect(await alone.call(tool, args)).toEqual({
      isError: true,
      text: `Nobody can be asked here. A person can do it: onebuck ${command} ${id}.`,
    });
  }
  const asking = await startAgent(['--most', '5'], true);
  expect(await asking.call('destroy', { cluster: id })).toMatchObject({ isError: false });
  expect(asking.asked).toEqual([expect.stringContaining('which this agent has not launched? ')]);
});

it('takes the fields that the API takes in a spec', () => {
  const limits = { nodesMax: 1, budgetMax: microUsd(1) };
  const fields = Object.keys(specSchema(limits).shape);
  expect(Object.keys(specInput.shape).sort()).toEqual(fields.sort());
});

/** A session's text without what differs each time. */
const known = (text: string) =>
  text
    .replaceAll(/\bc[a-z2-7]{10}\b/g, 'ID')
    .replaceAll(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    // The clock of the service runs fast, so that a slow machine finds another hour begun.
    .replaceAll(/\$[\d.]+ (of \$[\d.]+) spent, \$[\d.]+ left/g, 'SPENT $1')
    .replaceAll(/bill \$[\d.]+ for it; \$[\d.]+/g, 'BILL')
    .replaceAll(/\bu[a-z2-7]{10}\b/g, 'UPLOAD')
    .replaceAll(/gone: its job is over\. It cost \$[\d.]+/g, 'GONE')
    .replaceAll(/saved \$[\d.]+/g, 'saved')
    .replaceAll(/(rank 0: \d+ s have passed\n)+/g, 'PASSED\n')
    .replaceAll(/^\{.*\}$/gm, '{…}');

it.runIf(hasSshd)('goes as in docs/agents.md: quote, launch, exec, extend, destroy', async () => {
  const dir = mkdtempSync(join(home, 'sshd-'));
  const agent = await startAgent(['--most', '1', '-F', join(dir, 'ssh.conf'), '-o', userOption]);
  const lines: string[] = [];
  const session = async (name: string, args: Record<string, unknown>) => {
    const { text } = await agent.call(name, args);
    lines.push(`> ${name} ${JSON.stringify(args)}`, ...text.split('\n'));
    return text;
  };
  const spec = { ...SPEC, budgetUsd: 0.9, name: 'primes' };
  await session('quote', spec);
  const id = idIn(await session('launch', spec));
  await session('launch', { ...spec, budgetUsd: 0.5, name: 'more' });
  await session('status', { cluster: id, waitUntilUp: true });
  const { nodes } = await json<Cluster>(['show', id]);
  await startSshd(
    dir,
    nodes.map(({ ipv4 }) => ipv4 ?? ''),
    service.hostKeyOf(id),
  );
  await session('exec', { cluster: id, command: 'echo "primes of part $NODE"' });
  await session('extend', { cluster: id, budgetUsd: 1 });
  await session('destroy', { cluster: id });
  const page = readFileSync(join(projectDir, 'docs/agents.md'), 'utf8');
  expect(known(page)).toContain(known(lines.join('\n')));
});

it('runs a job as in docs/agents.md: upload, launch, status, logs, results', async () => {
  const agent = await startAgent(['--most', '1']);
  const dir = mkdtempSync(join(home, 'job-'));
  mkdirSync(join(dir, 'src'));
  writeFileSync(join(dir, 'src/primes.c'), 'int main;');
  const lines: string[] = [];
  const session = async (name: string, args: Record<string, unknown>) => {
    const { isError, text } = await agent.call(name, args);
    expect(isError, text).toBe(false);
    lines.push(`> ${name} ${JSON.stringify(args)}`, ...text.split('\n'));
    return text;
  };
  const uploaded = await session('upload', { paths: [join(dir, 'src')] });
  const [input = ''] = /\bu[a-z2-7]{10}\b/.exec(uploaded) ?? [];
  const job = { command: 'sh src/run.sh', inputs: [input], results: ['out/'] };
  const id = idIn(await session('launch', { ...SPEC, budgetUsd: 0.9, name: 'primes', job }));
  // The clock of the service runs fast: wait once for the end of the job, and once for the cluster's.
  await agent.call('status', { cluster: id, waitUntilDone: true });
  expect(await onebuck(['watch', id], env)).toMatchObject({ code: 0 });
  await session('status', { cluster: id, waitUntilDone: true });
  await session('logs', { cluster: id });
  await session('results', { cluster: id, into: dir });
  expect(readFileSync(join(dir, 'out/result.txt'), 'utf8')).toContain('sh src/run.sh');
  const page = readFileSync(join(projectDir, 'docs/agents.md'), 'utf8');
  const said = lines.join('\n').replaceAll(dir, '/home/ann/primes');
  expect(known(page)).toContain(known(said));
});
