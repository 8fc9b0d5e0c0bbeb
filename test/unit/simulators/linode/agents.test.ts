import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readAgentToken } from '../../../../lib/app/agent-token.ts';
import { nodeUserData, plainUserData, type Room } from '../../../../lib/app/user-data.ts';
import { epochMs, hours, minutes, plus, seconds, toIso } from '../../../../lib/core/base/units.ts';
import { SimulatedAgent } from '../../../../simulators/linode/agent.ts';
import { agentFilesIn } from '../../../../simulators/linode/agent-files.ts';
import type { Instance } from '../../../../simulators/linode/instance.ts';
import { monthNameAt } from '../../../../simulators/linode/sending.ts';
import { listen } from '../../../../simulators/listen.ts';
import { aSpec, at, ID, LAUNCH } from '../../../support/builders.ts';
import { anInstanceAt } from '../../../support/instances.ts';
import { anInstance, callLinode, startSimulator } from '../../../support/simulated-linode.ts';

const GB = 1e9;
const KEY = 'a password key of 32 characters!';
const TEARDOWN = plus(LAUNCH, hours(3));

const aRoom = (publicUrl: string | null, spec: Partial<Room['spec']> = {}): Room => ({
  id: ID,
  spec: aSpec(spec),
  subnet: { block: 0, bits: 24 },
  agent:
    publicUrl === null
      ? null
      : { publicUrl, expiresAt: plus(LAUNCH, hours(168)), teardownAt: TEARDOWN },
  slice: null,
  key: KEY,
});

describe('the files of an agent', () => {
  const url = `https://onebuck.example.com/agent/${ID}/7`;

  it('are those that the boot script in the user data would write', () => {
    const files = agentFilesIn(nodeUserData(aRoom('https://onebuck.example.com'), 7));
    expect(files).toMatchObject({ url, teardownAt: TEARDOWN, nodes: aSpec().nodes });
    expect(readAgentToken(KEY, files?.token ?? '', LAUNCH)).toMatchObject({ rank: 7 });
  });

  it('are found in gzip, too', () => {
    const plain = Buffer.from(nodeUserData(aRoom('https://onebuck.example.com'), 7), 'base64');
    expect(agentFilesIn(gzipSync(plain).toString('base64'))).toMatchObject({ url });
  });

  it.each([
    ['no user data', null],
    ['user data of a room without an agent', nodeUserData(aRoom(null), 0)],
    ["only the user's own", plainUserData(aSpec({ userData: '#!/bin/sh\necho hello\n' }))],
    ['broken gzip', Buffer.from([0x1f, 0x8b, 1, 2, 3]).toString('base64')],
  ])('are not there with %s', (_, userData) => {
    expect(agentFilesIn(userData)).toBeNull();
  });
});

describe('a simulated agent', () => {
  const done = plus(LAUNCH, minutes(1));
  const files = {
    ...{ url: `https://a.example/agent/${ID}/31`, token: 'oba_1', teardownAt: TEARDOWN },
    ...{ nodes: 32, slice: null },
  };
  const answer = (teardownAt = TEARDOWN) => ({ token: 'oba_2', teardownAt: toIso(teardownAt) });

  it('says that its node is ready once cloud-init is done, again each 30 s until it is heard', () => {
    const agent = new SimulatedAgent(files, done);
    expect(agent.callAt(plus(LAUNCH, seconds(59)))).toBeNull();
    const call = agent.callAt(done);
    expect(call).toEqual({ event: 'ready', detail: '' });
    if (call === null) return;
    agent.answered(call, null, done);
    expect(agent.nextAt()).toBe(plus(done, seconds(30)));
    agent.answered(call, answer(), agent.nextAt());
    expect(agent.token).toBe('oba_2');
    expect(agent.nextAt()).toBe(TEARDOWN + 16_000);
  });

  it('says why it failed', () => {
    const agent = new SimulatedAgent(files, done, 'status: error');
    expect(agent.callAt(done)).toEqual({ event: 'failed', detail: 'status: error' });
  });

  it('calls each six hours, and from its teardown time on each 30 s, by its rank', () => {
    const agent = new SimulatedAgent(files, done);
    const say = (event: string, at: number, teardownAt = TEARDOWN) => {
      const call = agent.callAt(at);
      expect(call?.event).toBe(event);
      if (call !== null) agent.answered(call, answer(teardownAt), at);
    };
    const later = plus(LAUNCH, hours(10));
    say('ready', done, later);
    expect(agent.nextAt()).toBe(plus(done, hours(6)));
    say('alive', agent.nextAt(), later);
    expect(agent.nextAt()).toBe(later + 16_000);
    say('due', agent.nextAt(), later);
    expect(agent.nextAt()).toBe(later + 46_000);
  });
});

describe('the agent of a simulated node with an allowance', () => {
  const url = `https://a.example/agent/${ID}/3`;
  const files = {
    url,
    token: 'oba_1',
    teardownAt: plus(LAUNCH, hours(1_000)),
    nodes: 9,
    slice: GB,
  };

  /** A node that sends 10 MB a second from its creation at `LAUNCH` on. */
  function aSender() {
    let instance: Instance = {
      ...anInstanceAt(LAUNCH),
      sends: [{ fromSeconds: 0, untilSeconds: null, bytesPerSecond: 10e6 }],
      limit: { slice: GB, grants: [], goneAt: null },
    };
    let now = LAUNCH;
    const allow = ({ month, bytes }: { month: string; bytes: number }) => {
      const { limit = { slice: 0, grants: [], goneAt: null } } = instance;
      const grants = [...limit.grants, { at: now, month, bytes }];
      instance = { ...instance, limit: { ...limit, grants } };
    };
    const agent = new SimulatedAgent(files, plus(LAUNCH, seconds(3)), null, {
      instance: () => instance,
      allow,
    });
    /** The next call, so many seconds after the launch, and the answer to it. */
    const next = (answer: object | null) => {
      now = epochMs(agent.nextAt());
      const call = agent.callAt(now);
      if (call !== null) agent.answered(call, answer && { ...OK, ...answer }, now);
      return { ...call, second: (now - LAUNCH) / 1_000 };
    };
    return { next, limit: () => instance.limit };
  }

  const OK = { token: 'oba_2', teardownAt: toIso(files.teardownAt) };
  const granted = (bytes: number) => ({
    allowanceMonth: monthNameAt(LAUNCH),
    allowanceBytes: bytes,
  });

  it('asks within 10 s of when half of it is sent, by what it counts itself', () => {
    const { next, limit } = aSender();
    expect(next({})).toMatchObject({ event: 'ready', second: 3 });
    expect(next(granted(4 * GB))).toEqual({
      ...{ event: 'sending', detail: '', sentBytes: 530e6, countedSince: LAUNCH / 1_000 },
      second: 53,
    });
    expect(limit()?.grants).toEqual([
      { at: plus(LAUNCH, seconds(53)), month: '2026-11', bytes: 4 * GB },
    ]);
    expect(next(granted(4.1 * GB))).toMatchObject({ sentBytes: 2_030e6, second: 203 });
    expect(next(granted(5 * GB))).toMatchObject({ second: 213 });
  });

  it('asks again after 5 minutes if it got no more, and soon if it got no answer', () => {
    const { next, limit } = aSender();
    next({});
    next(granted(GB));
    expect(next({})).toMatchObject({ second: 353 });
    expect(next(null)).toMatchObject({ second: 653 });
    expect(next(granted(9 * GB))).toMatchObject({ second: 673 });
    expect(limit()?.grants.at(-1)?.bytes).toBe(9 * GB);
  });

  it('asks again in a new month, which begins with its slice', () => {
    const { next } = aSender();
    next({});
    next(granted(1e15));
    const december = (at('2026-12-01T00:00:00Z') - LAUNCH) / 1_000;
    const calls = Array.from({ length: 90 }, () => next({}));
    const first = calls.find(({ event }) => event === 'sending');
    expect(first?.second).toBeGreaterThanOrEqual(december + 50);
    expect(first?.second).toBeLessThanOrEqual(december + 60);
  });
});

describe('a simulated Linode that plays the agents', () => {
  it('has a node ask for a larger allowance over HTTP, and keeps what it is granted', async () => {
    const month = monthNameAt(LAUNCH);
    const asked: unknown[] = [];
    let heard = () => {};
    const server = createServer(async (request, response) => {
      const { event, sentBytes } = JSON.parse(await text(request));
      const allowance = { allowanceMonth: month, allowanceBytes: 5 * GB };
      if (event === 'sending') asked.push(sentBytes);
      const answer = { teardownAt: toIso(TEARDOWN), status: 'running', token: 'oba_2' };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ ...answer, ...(event === 'sending' && allowance) }));
      if (event === 'sending') heard();
    });
    onTestFinished(() => void server.close());
    const room = { ...aRoom(await listen(server, 0)), slice: GB };
    let now = LAUNCH;
    const sends = [{ label: '.', fromSeconds: 0, untilSeconds: null, bytesPerSecond: 10e6 }];
    const simulator = await startSimulator({
      ...{ now: () => now, playsAgents: true },
      settings: { sends },
    });
    const metadata = { user_data: nodeUserData(room, 0) };
    await callLinode(simulator, 'POST', '/linode/instances', {
      body: { ...anInstance, metadata },
    });
    const called = new Promise<void>((resolve) => (heard = resolve));
    now = plus(LAUNCH, seconds(120));
    await called;
    // Of its slice for 100 seconds, and 96 kB a second after that.
    expect(asked[0]).toBe(GB + 20 * 96_000);
    await expect
      .poll(() => simulator.instances()[0]?.limit?.grants)
      .toEqual([{ at: now, month, bytes: 5 * GB }]);
  });

  it('calls the URL in its user data as its node would, and no more once it is deleted', async () => {
    const calls: unknown[] = [];
    let heard = () => {};
    const server = createServer(async (request, response) => {
      const { method, url, headers } = request;
      const [kind, token = ''] = (headers.authorization ?? '').split(' ');
      const claim = readAgentToken(KEY, token, LAUNCH);
      calls.push({ method, url, kind, claim, body: JSON.parse(await text(request)) });
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ teardownAt: toIso(TEARDOWN), status: 'running', token }));
      heard();
    });
    onTestFinished(() => void server.close());
    const publicUrl = await listen(server, 0);
    let now = LAUNCH;
    const simulator = await startSimulator({
      ...{ now: () => now, playsAgents: true },
      settings: { unreadyLabels: ['-1$'] },
    });
    const create = (index: number) =>
      callLinode(simulator, 'POST', '/linode/instances', {
        body: {
          ...anInstance,
          label: `onebuck-${ID}-${index}`,
          metadata: { user_data: nodeUserData(aRoom(publicUrl), index) },
        },
      });
    const [first, second] = [await create(0), await create(1)];
    const called = () => new Promise<void>((resolve) => (heard = resolve));
    expect([first.status, second.status]).toEqual([200, 200]);
    let next = called();
    now = plus(LAUNCH, seconds(70));
    await next;
    while (calls.length < 2) await called();
    expect(calls).toContainEqual({
      ...{
        method: 'POST',
        url: `/agent/${ID}/0`,
        kind: 'Bearer',
        body: { event: 'ready', detail: '' },
      },
      claim: expect.objectContaining({ clusterId: ID, rank: 0 }),
    });
    expect(calls).toContainEqual(
      expect.objectContaining({
        url: `/agent/${ID}/1`,
        body: { event: 'failed', detail: expect.stringContaining('cloud-init: error') },
      }),
    );
    await callLinode(simulator, 'DELETE', `/linode/instances/${second.json.id}`);
    calls.length = 0;
    next = called();
    now = plus(TEARDOWN, seconds(60));
    await next;
    expect(calls).toMatchObject([{ url: `/agent/${ID}/0`, body: { event: 'due' } }]);
  });
});
