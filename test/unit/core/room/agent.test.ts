import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { AGENT } from '../../../../lib/core/room/scripts/agent.ts';
import { type AgentWorld, agentIn, DONE, iso } from '../../../support/agent.ts';
import { aSandbox } from '../../../support/sandbox.ts';

const removals: (() => void)[] = [];
afterEach(() => {
  for (const remove of removals.splice(0)) remove();
});

function callsOf(world: AgentWorld) {
  const agent = agentIn(world);
  removals.push(agent.remove);
  return agent;
}

describe('an agent', () => {
  it('says once that the node is ready, within two seconds after cloud-init', () => {
    const { events, has } = callsOf({ doneAt: 7, seconds: 100 });
    expect(events).toEqual([[8, 'ready']]);
    expect(has('etc/onebuck/told')).toBe(true);
  });

  it('tells of failure with the words of cloud-init and of its log', () => {
    const errors = `"('scripts-user', RuntimeError('Runparts: 1 failures (user-data)'))"`;
    const result = DONE.replace('[]', `[\n   ${errors}\n  ]`);
    const { calls } = callsOf({ result, seconds: 3 });

    expect(calls).toEqual([
      {
        at: 2,
        token: 'first',
        event: 'failed',
        detail: `cloud-init: error. ${errors}\nit "fails" because\\of ??`,
      },
    ]);
  });

  it('tells of a fault of the boot script, though cloud-init is content', () => {
    const { calls } = callsOf({ fault: 'no interface has it\n', seconds: 3 });
    expect(calls.map(({ event, detail }) => [event, detail.split('\n')[0]])).toEqual([
      ['failed', 'cloud-init: error. no interface has it'],
    ]);
  });

  it('keeps a reason within 500 bytes', () => {
    const result = DONE.replace('[]', `[ "${'a'.repeat(400)}" ]`);
    const { calls } = callsOf({ result, fault: 'f'.repeat(400), seconds: 3 });
    expect(calls[0]?.detail.length).toBeLessThanOrEqual(500);
    expect(calls[0]?.detail.length).toBeGreaterThan(400);
  });

  it('repeats what Onebuck did not take, every 30 seconds', () => {
    const { events, has } = callsOf({ answer: 'exit 22', seconds: 70 });
    expect(events).toEqual([
      [2, 'ready'],
      [32, 'ready'],
      [62, 'ready'],
    ]);
    expect(has('etc/onebuck/told')).toBe(false);
  });

  it('asks for the end 15 seconds and a spread after the teardown time, and every 30 seconds', () => {
    const { events } = callsOf({ rank: 37, teardownAt: 1_000, told: 'ready', seconds: 1_090 });
    expect(events).toEqual([
      [0, 'alive'],
      [1_022, 'due'],
      [1_052, 'due'],
      [1_082, 'due'],
    ]);
  });

  it('does so also while cloud-init still runs', () => {
    const { events } = callsOf({ teardownAt: 100, doneAt: 500, seconds: 120 });
    expect(events).toEqual([[115, 'due']]);
  });

  it('calls at its start after a reboot, and every six hours', () => {
    const { events } = callsOf({
      told: 'ready',
      teardownAt: 90_000,
      slowness: 20,
      seconds: 44_000,
    });
    expect(events).toEqual([
      [0, 'alive'],
      [21_600, 'alive'],
      [43_200, 'alive'],
    ]);
  });

  it('tries ten minutes later what Onebuck did not take then', () => {
    const { events } = callsOf({ told: 'ready', answer: 'exit 22', slowness: 20, seconds: 22_500 });
    expect(events).toEqual([
      [0, 'alive'],
      [21_600, 'alive'],
      [22_200, 'alive'],
    ]);
  });

  it('keeps the token and the teardown time of each answer, and tells the environment', () => {
    const answer = `echo '{ "teardownAt": "${iso(50)}", "status": "running", "token": "second" }'`;
    const { calls, read } = callsOf({ answer, seconds: 70 });

    expect(calls.map(({ at, token, event }) => [at, token, event])).toEqual([
      [2, 'first', 'ready'],
      [65, 'second', 'due'],
    ]);
    expect(read('etc/onebuck/environment')).toBe(
      `ONEBUCK_RANK=0\nONEBUCK_TEARDOWN_AT=${iso(50)}\n`,
    );
    expect(read('etc/environment')).toBe(`LANG=C\nONEBUCK_TEARDOWN_AT=${iso(50)}\n`);
    expect(read('etc/systemd/system.conf.d/onebuck.conf')).toBe(
      `[Manager]\nDefaultEnvironment=A=1 ONEBUCK_TEARDOWN_AT=${iso(50)} B=2 \n`,
    );
    expect(read('systemctl')).toBe('daemon-reload\n');
  });

  it('starts the agent of the job when Onebuck knows that the node is ready', () => {
    const { read } = callsOf({ hasJob: true, seconds: 100 });
    expect(read('job')).toBe('started\n');

    const { has } = callsOf({ hasJob: true, answer: 'exit 22', seconds: 100 });
    expect(has('job')).toBe(false);
  });

  it('starts the agent of the job again after a reboot', () => {
    const { read } = callsOf({ hasJob: true, told: 'ready', answer: 'exit 22', seconds: 100 });
    expect(read('job')).toBe('started\n');
  });

  it.each([{ fault: 'no interface has it\n' }, { told: 'failed' }, { hasJob: false }] as const)(
    'starts no agent of a job given %j',
    (world) => {
      const { has } = callsOf({ hasJob: true, seconds: 100, ...world });
      expect(has('job')).toBe(false);
    },
  );

  it('calls by Python where there is no curl', async () => {
    const heard: unknown[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { authorization, 'content-type': type } = request.headers;
        heard.push({ url: request.url, authorization, type, body: `${Buffer.concat(chunks)}` });
        response.end('{"token":"second"}');
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    removals.push(() => void server.close());
    const sandbox = aSandbox({ sleep: 'kill $PPID' });
    removals.push(sandbox.remove);
    const { port } = server.address() as AddressInfo;
    sandbox.put('etc/onebuck/environment', 'ONEBUCK_RANK=0\n');
    sandbox.put('etc/onebuck/token', 'first\n');
    sandbox.put('etc/onebuck/url', `http://127.0.0.1:${port}/agent/cabcdefghij/0\n`);
    sandbox.put('etc/onebuck/teardown-at', '2099-01-01T00:00:00.000Z\n');
    sandbox.put('etc/onebuck/told', '');
    const script = sandbox.inside(AGENT.replace('command -v curl', 'command -v no-such-curl'));
    const child = spawn('sh', ['-c', script], { env: sandbox.env });
    await new Promise((ended) => child.on('close', ended));

    expect(heard).toEqual([
      {
        url: '/agent/cabcdefghij/0',
        authorization: 'Bearer first',
        type: 'application/json',
        body: '{"event":"alive","detail":""}',
      },
    ]);
    expect(sandbox.read('etc/onebuck/token')).toBe('second\n');
  });
});
