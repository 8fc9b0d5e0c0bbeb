import { describe, expect, it, vi } from 'vitest';
import {
  type AgentClaim,
  agentToken,
  expiryFrom,
  readAgentToken,
} from '../../../lib/app/agent-token.ts';
import {
  type EpochMs,
  hours,
  minus,
  minutes,
  plus,
  seconds,
  toIso,
} from '../../../lib/core/base/units.ts';
import { lifeOf } from '../../../lib/core/cluster/life.ts';
import type { AgentReport } from '../../../lib/core/cluster/readiness.ts';
import type { Running } from '../../../lib/core/cluster/record.ts';
import { type Operation, operations } from '../../../lib/http/operations.ts';
import { startApi } from '../../support/api-world.ts';
import {
  anEnded,
  aRunning,
  at,
  created,
  ID,
  LAUNCH,
  OTHER_ID,
  usd,
} from '../../support/builders.ts';
import { PASSWORD_KEY } from '../../support/handler-world.ts';

const ready = (after: number): AgentReport => ({ kind: 'ready', at: plus(LAUNCH, minutes(after)) });
const failed = (reason: string): AgentReport => ({ kind: 'failed', at: LAUNCH, reason });
const twoNodes = { agent: true, nodes: [created(0), created(1)], owner: 'ann' } as const;

describe('a cluster', () => {
  it('is shown with what its nodes have said, and is ready when both are', async () => {
    const { call, store, reports } = await startApi();
    await store.insert(aRunning(twoNodes));
    const show = async () => (await call('GET', `/clusters/${ID}`, { owner: 'ann' })).json;
    await reports.report(ID, 0, ready(2), LAUNCH);
    await reports.report(ID, 1, failed('status: error, exit 1'), LAUNCH);
    const before = await show();
    expect(before).toMatchObject({ agent: true, readyAt: null });
    expect(before.nodes[0]).toMatchObject({ readyAt: toIso(plus(LAUNCH, minutes(2))) });
    expect(before.nodes[0]).not.toHaveProperty('agentReason');
    expect(before.nodes[1]).toMatchObject({ readyAt: null, agentReason: 'status: error, exit 1' });
    await reports.report(ID, 1, ready(3), LAUNCH);
    const after = await show();
    expect(after.readyAt).toBe(toIso(plus(LAUNCH, minutes(3))));
    expect(after.nodes[1]).not.toHaveProperty('agentReason');
  });

  it('is listed with the same, and with the beginning of a long reason', async () => {
    const { call, store, reports } = await startApi();
    await store.insert(aRunning(twoNodes));
    await store.insert(aRunning({ ...twoNodes, id: OTHER_ID }));
    for (const rank of [0, 1]) await reports.report(ID, rank, ready(rank), LAUNCH);
    await reports.report(OTHER_ID, 1, failed('x'.repeat(500)), LAUNCH);
    const { json } = await call('GET', '/clusters', { owner: 'ann' });
    const shown = Object.fromEntries(json.clusters.map((one: { id: string }) => [one.id, one]));
    expect(shown[ID].readyAt).toBe(toIso(plus(LAUNCH, minutes(1))));
    expect(shown[OTHER_ID].nodes[1].agentReason).toBe(`${'x'.repeat(77)}…`);
  });

  it('without an agent is shown as not ready, whatever is in the table', async () => {
    const { call, store, reports } = await startApi();
    const { agent: _, ...without } = twoNodes;
    await store.insert(aRunning(without));
    for (const rank of [0, 1]) await reports.report(ID, rank, ready(rank), LAUNCH);
    const { json } = await call('GET', `/clusters/${ID}`, { owner: 'ann' });
    expect(json).toMatchObject({ agent: false, readyAt: null });
  });
});

describe('POST /agent/{id}/{rank}', () => {
  /** At noon; two nodes since eleven, which the budget of $1 pays for days. */
  async function aCalledApi(overrides: Partial<Running> = {}) {
    const api = await startApi();
    const now = api.clock.now();
    const started = minus(now, hours(1));
    const record = aRunning({
      ...twoNodes,
      createdAt: started,
      nodes: [created(0, { billedFrom: started }), created(1, { billedFrom: started })],
      dueAt: plus(now, hours(10)),
      ...overrides,
    });
    await api.store.insert(record);
    const token = (claim: Partial<AgentClaim> = {}, key = PASSWORD_KEY) =>
      agentToken(key, { clusterId: ID, rank: 0, expiresAt: plus(now, hours(1)), ...claim });
    const say = (body: unknown, { path = `${ID}/0`, bearer = token() } = {}) =>
      api.call('POST', `/agent/${path}`, { body, headers: { authorization: `Bearer ${bearer}` } });
    const said = async () => Object.fromEntries((await api.reports.read([ID])).get(ID) ?? []);
    return { ...api, record, token, say, said };
  }

  it('keeps that a node is ready, and answers when the teardown begins', async () => {
    const { clock, say, said, record, store, nudged } = await aCalledApi();
    const answer = await say({ event: 'ready' });
    expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
    const { teardownAt } = lifeOf(record, clock.now());
    expect(answer.json).toMatchObject({ teardownAt: toIso(teardownAt), status: 'running' });
    expect(await said()).toEqual({ 0: { kind: 'ready', at: clock.now() } });
    expect(await store.get(ID)).toEqual(record);
    expect(nudged).toEqual([]);
  });

  it('answers with a token that is taken for another week', async () => {
    const { clock, say, token } = await aCalledApi();
    const renewed = (await say({ event: 'alive' })).json.token;
    expect(readAgentToken(PASSWORD_KEY, renewed, clock.now())).toMatchObject({
      ...{ clusterId: ID, rank: 0 },
      expiresAt: Math.ceil(expiryFrom(clock.now()) / 1_000) * 1_000,
    });
    clock.set(plus(clock.now(), hours(2)));
    expect((await say({ event: 'alive' }, { bearer: token() })).status).toBe(403);
    expect((await say({ event: 'alive' }, { bearer: renewed })).status).toBe(200);
  });

  it('keeps nothing of a call that says nothing new', async () => {
    const { say, said } = await aCalledApi();
    expect((await say({ event: 'alive' })).status).toBe(200);
    expect((await say({ event: 'due' })).status).toBe(200);
    expect(await said()).toEqual({});
  });

  it('keeps why a node failed, in one line without control characters', async () => {
    const { say, said } = await aCalledApi();
    const detail = `status: error\n\u001b[31mscript exited with 1\u0007\n${'é'.repeat(400)}`;
    expect((await say({ event: 'failed', detail })).status).toBe(200);
    const { 0: report } = await said();
    expect(report).toMatchObject({ kind: 'failed' });
    const { reason } = report as { reason: string };
    expect(reason).toMatch(/^status: error \[31mscript exited with 1 é+…$/);
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(500);
  });

  it('takes a failure without a reason, and a ready that follows it, for good', async () => {
    const { clock, say, said } = await aCalledApi();
    await say({ event: 'failed' });
    expect(await said()).toMatchObject({ 0: { reason: 'it gave no reason' } });
    await say({ event: 'ready' });
    const readyAt = clock.now();
    await say({ event: 'failed', detail: 'late' });
    await say({ event: 'ready' });
    expect(await said()).toEqual({ 0: { kind: 'ready', at: readyAt } });
  });

  it.each([
    ['a pass that is overdue', { dueAt: 0 as EpochMs }],
    ['a teardown that is overdue, though the record says otherwise', { budget: usd(0.03) }],
  ])('nudges %s, once for all calls of the next seconds', async (_, overrides) => {
    const { clock, say, nudged, token } = await aCalledApi(overrides);
    const other = { path: `${ID}/1`, bearer: token({ rank: 1 }) };
    clock.set(plus(clock.now(), minutes(59)));
    for (let times = 0; times < 3; times += 1) {
      await say({ event: 'due' });
      await say({ event: 'alive' }, other);
    }
    expect(nudged).toEqual([ID]);
    clock.set(plus(clock.now(), seconds(10)));
    await say({ event: 'due' }, other);
    expect(nudged).toEqual([ID, ID]);
  });

  it('nudges nothing while a pass destroys the cluster, nor before the teardown time', async () => {
    const { say, nudged } = await aCalledApi();
    await say({ event: 'due' });
    expect(nudged).toEqual([]);
    const deleting = await aCalledApi();
    const { phase: _, startedAt, ...common } = deleting.record;
    const since = { deletingSince: deleting.clock.now(), endReason: 'budget' as const };
    await deleting.store.save({
      ...{ ...common, ...since, phase: 'deleting', startedAt, failure: null, tagsRemoved: false },
      dueAt: plus(deleting.clock.now(), seconds(30)),
    });
    const { json } = await deleting.say({ event: 'due' });
    expect(json).toMatchObject({ status: 'deleting', teardownAt: toIso(since.deletingSince) });
    expect(deleting.nudged).toEqual([]);
  });

  it('answers although the nudge is lost', async () => {
    const { say, unreachable } = await aCalledApi({ dueAt: 0 as EpochMs });
    unreachable.add(ID);
    expect((await say({ event: 'due' })).status).toBe(200);
  });

  it('lets no node call more than ten times at once, and the others go on', async () => {
    const { clock, say, said, token } = await aCalledApi();
    const statuses: number[] = [];
    for (let times = 0; times < 1_000; times += 1) {
      statuses.push((await say({ event: times === 999 ? 'ready' : 'alive' })).status);
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(10);
    expect(await said()).toEqual({});
    const refused = await say({ event: 'ready' });
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '30' } });
    const other = { path: `${ID}/1`, bearer: token({ rank: 1 }) };
    expect((await say({ event: 'ready' }, other)).status).toBe(200);
    clock.set(plus(clock.now(), seconds(30)));
    expect((await say({ event: 'ready' })).status).toBe(200);
  });

  it('logs who calls, and never a token', async () => {
    const lines: string[] = [];
    const { say, token } = await aCalledApi({ dueAt: 0 as EpochMs });
    const { log } = await import('../../../lib/wire.ts');
    for (const level of ['info', 'warn', 'error'] as const) {
      vi.spyOn(log(), level).mockImplementation((message, details) => {
        lines.push(JSON.stringify([message, details]));
      });
    }
    const { json } = await say({ event: 'due' });
    await say({ event: 'due' }, { path: `${ID}/1` });
    expect(lines.join()).toContain(ID);
    for (const secret of [token(), json.token, 'oba_']) expect(lines.join()).not.toContain(secret);
  });

  describe('refuses, and keeps and nudges nothing:', () => {
    type Called = Awaited<ReturnType<typeof aCalledApi>>;
    const refusals: [
      attack: string,
      status: number,
      code: string,
      attempt: (own: Called) => ReturnType<Called['say']>,
    ][] = [
      [
        'a call without a token',
        401,
        'noToken',
        ({ call }) => call('POST', `/agent/${ID}/0`, { body: { event: 'due' }, owner: null }),
      ],
      [
        'a forged MAC',
        403,
        'unknownToken',
        ({ say, token }) => say({ event: 'due' }, { bearer: `${token().slice(0, -4)}AAAA` }),
      ],
      [
        'a token of another deployment',
        403,
        'unknownToken',
        ({ say, token }) =>
          say({ event: 'due' }, { bearer: token({}, 'the key of another stage') }),
      ],
      [
        'an expired token',
        403,
        'unknownToken',
        ({ say, token, clock }) =>
          say({ event: 'due' }, { bearer: token({ expiresAt: clock.now() }) }),
      ],
      [
        'an expiry made later by hand',
        403,
        'unknownToken',
        ({ say, token }) =>
          say({ event: 'due' }, { bearer: token().replace(/_\w{6}_/, '_zzzzzz_') }),
      ],
      [
        'the token of another cluster',
        403,
        'notAllowed',
        ({ say, token }) => say({ event: 'due' }, { bearer: token({ clusterId: OTHER_ID }) }),
      ],
      [
        'the token of another rank',
        403,
        'notAllowed',
        ({ say, token }) => say({ event: 'due' }, { bearer: token({ rank: 1 }) }),
      ],
      [
        'the same rank in other digits',
        403,
        'notAllowed',
        ({ say }) => say({ event: 'due' }, { path: `${ID}/00` }),
      ],
      [
        'a path that is no id',
        403,
        'notAllowed',
        ({ say }) => say({ event: 'due' }, { path: 'ledger/0' }),
      ],
      [
        'a rank beyond the nodes',
        404,
        'notFound',
        ({ say, token }) => say({ event: 'due' }, { path: `${ID}/2`, bearer: token({ rank: 2 }) }),
      ],
      [
        'a cluster that there is not',
        404,
        'notFound',
        ({ say, token }) =>
          say({ event: 'due' }, { path: `${OTHER_ID}/0`, bearer: token({ clusterId: OTHER_ID }) }),
      ],
      [
        "the admin's API token",
        403,
        'unknownToken',
        ({ call }) => call('POST', `/agent/${ID}/0`, { body: { event: 'due' }, owner: 'admin' }),
      ],
      [
        'a body that is too long',
        413,
        'tooLarge',
        ({ say }) => say({ event: 'failed', detail: 'x'.repeat(100_000) }),
      ],
      [
        'a detail that is too long',
        400,
        'invalid',
        ({ say }) => say({ event: 'failed', detail: 'x'.repeat(2_001) }),
      ],
      ['a body that is no JSON', 400, 'invalid', ({ say }) => say('{"event": ready}')],
      ['a body that is no object', 400, 'invalid', ({ say }) => say('["ready"]')],
      ['an event that there is not', 400, 'invalid', ({ say }) => say({ event: 'destroy' })],
      [
        'a field that there is not',
        400,
        'invalid',
        ({ say }) => say({ event: 'ready', teardownAt: '2030-01-01T00:00:00Z' }),
      ],
    ];

    it.each(refusals)('%s: %i %s', async (_, status, code, attempt) => {
      const called = await aCalledApi();
      const answer = await attempt(called);
      expect(answer).toMatchObject({ status, json: { code } });
      expect(answer.json.detail).toMatch(/\.$/);
      expect(await called.said()).toEqual({});
      expect(called.nudged).toEqual([]);
      expect(await called.store.get(ID)).toEqual(called.record);
    });

    it('a cluster that has ended: 409 conflict', async () => {
      const called = await startApi();
      await called.store.insert(anEnded());
      const expiresAt = plus(called.clock.now(), hours(1));
      const bearer = agentToken(PASSWORD_KEY, { clusterId: ID, rank: 0, expiresAt });
      const headers = { authorization: `Bearer ${bearer}` };
      const answer = await called.call('POST', `/agent/${ID}/0`, {
        headers,
        body: { event: 'ready' },
      });
      expect(answer).toMatchObject({ status: 409, json: { code: 'conflict' } });
      expect(await called.reports.read([ID])).toEqual(new Map());
      expect(called.nudged).toEqual([]);
    });

    it('every other route, with the token of an agent: 403 unknownToken', async () => {
      const { call, token } = await aCalledApi();
      const headers = { authorization: `Bearer ${token()}` };
      const others = (Object.values(operations) as Operation[]).filter(
        ({ access }) => access !== 'open' && access !== 'agent',
      );
      expect(others.length).toBeGreaterThan(10);
      for (const { method, path } of others) {
        const answer = await call(method, path.replace('{id}', ID), { headers });
        expect(answer, path).toMatchObject({ status: 403, json: { code: 'unknownToken' } });
      }
    });

    it('all agents, where the secret has no passwordKey: 403 unknownToken', async () => {
      const { call } = await startApi({ secret: { passwordKey: null } });
      const bearer = agentToken(PASSWORD_KEY, {
        ...{ clusterId: ID, rank: 0 },
        expiresAt: plus(at('2026-11-22T12:00:00Z'), hours(1)),
      });
      const headers = { authorization: `Bearer ${bearer}` };
      const answer = await call('POST', `/agent/${ID}/0`, { headers, body: { event: 'due' } });
      expect(answer).toMatchObject({ status: 403, json: { code: 'unknownToken' } });
    });
  });
});
