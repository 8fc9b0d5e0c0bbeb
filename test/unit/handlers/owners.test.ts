import { describe, expect, it } from 'vitest';
import { hours, plus, toIso } from '../../../lib/core/base/units.ts';
import { startApi } from '../../support/api-world.ts';
import { aBody } from '../../support/builders.ts';

type World = Awaited<ReturnType<typeof startApi>>;

const ONE_NODE = aBody({ nodes: 1, budgetUsd: 1 });
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

async function added(world: World, body: object): Promise<string> {
  const answer = await world.call('POST', '/owners', { body });
  expect(answer.status, answer.text).toBe(201);
  return answer.json.token;
}

describe('a new owner', () => {
  it('has a token that is shown once, launches within the cap, and sees the own bars only', async () => {
    const world = await startApi();
    const { call } = world;
    const answer = await call('POST', '/owners', { body: { owner: 'zoe', weeklyCapUsd: 2 } });
    expect(answer).toMatchObject({ status: 201, headers: { location: '/owners/zoe' } });
    expect(answer.json).toMatchObject({
      ...{ owner: 'zoe', revokedAt: null, tokensInSecret: 0 },
      ...{ dailyCapUsd: null, weeklyCapUsd: 2, monthlyCapUsd: null },
      tokens: [{ expiresAt: null, may: 'manage', monthlyCapUsd: null }],
    });
    const { token } = answer.json;
    expect(token).toMatch(/^onebuck_zoe\.[\w-]{43}$/);
    const shown = await call('GET', '/owners/zoe');
    expect(shown.text).not.toContain(token);

    const launch = () => call('POST', '/clusters', { body: ONE_NODE, ...bearer(token) });
    expect((await launch()).json).toMatchObject({ owner: 'zoe' });
    expect((await launch()).status).toBe(202);
    expect(await launch()).toMatchObject({
      status: 422,
      json: {
        ...{ cap: 'ownerWeeklySpend', capUsd: 2, committedUsd: 2, largestBudgetUsd: 0 },
        resetsAt: '2026-11-23T00:00:00.000Z',
      },
    });
    const week = {
      ...{ period: 'week', capUsd: 2, spentUsd: 0, openUsd: 2, leftUsd: 0 },
      ...{ startedAt: '2026-11-16T00:00:00.000Z', resetsAt: '2026-11-23T00:00:00.000Z' },
    };
    const budget = await call('GET', '/budget', bearer(token));
    expect(budget.json).toEqual({
      owner: 'zoe',
      periods: [
        expect.objectContaining({ period: 'day', capUsd: null, openUsd: 2, leftUsd: null }),
        week,
        expect.objectContaining({ period: 'month', resetsAt: '2026-12-01T00:00:00.000Z' }),
      ],
    });
    expect((await call('GET', '/owners/zoe')).json.periods).toEqual(budget.json.periods);
    expect((await call('GET', '/budget', { owner: 'ann' })).json.periods[1]).toMatchObject({
      ...{ capUsd: null, openUsd: 0 },
    });
  });

  it.each([
    ['exists', 'zoe', 409, 'There is an owner zoe already.'],
    ['has tokens in the secret', 'ann', 409, 'There is an owner ann already.'],
    ['is the admin', 'admin', 422, "admin can't be added here"],
  ])('is refused who %s', async (_, owner, status, detail) => {
    const world = await startApi();
    const token = await added(world, { owner: 'zoe' });
    const answer = await world.call('POST', '/owners', { body: { owner } });
    expect(answer).toMatchObject({ status, json: { detail: expect.stringContaining(detail) } });
    expect((await world.call('GET', '/budget', bearer(token))).status).toBe(200);
  });

  it('is refused with all faults at once', async () => {
    const { call } = await startApi();
    const token = {
      ...{ expiresAt: '2026-11-22T11:00:00Z', may: 'manage', monthlyCapUsd: 2 },
      month: 3,
    };
    const body = { owner: 'No Name', dailyCapUsd: 0, weeklyCapUsd: 'lots', cap: 1, token };
    const { status, json } = await call('POST', '/owners', { body });
    expect(status).toBe(400);
    expect(json.errors.map(({ path }: { path: string }) => path).toSorted()).toEqual([
      ...['cap', 'dailyCapUsd', 'owner', 'token.expiresAt', 'token.may', 'token.month'],
      'weeklyCapUsd',
    ]);
    for (const wrong of ['ann', [], null, { owner: 'zoe', token: 'x' }]) {
      expect((await call('POST', '/owners', { body: wrong })).status).toBe(400);
    }
    expect((await call('GET', '/owners/zoe')).status).toBe(404);
  });
});

describe('the caps of an owner', () => {
  it('change with the next launch, to an amount, to none, and back to the deployment', async () => {
    const env = { MAX_DAILY_SPEND_PER_OWNER_USD: '0.5' };
    const { call } = await startApi({ env });
    const launch = async () =>
      (await call('POST', '/clusters', { body: ONE_NODE, owner: 'ann' })).status;
    const set = (body: object) => call('PATCH', '/owners/ann', { body });
    expect(await launch()).toBe(422);
    expect((await set({ dailyCapUsd: 'none' })).json).toMatchObject({ dailyCapUsd: 'none' });
    expect(await launch()).toBe(202);
    expect((await set({ dailyCapUsd: 1.5 })).json).toMatchObject({
      ...{ dailyCapUsd: 1.5, tokensInSecret: 1, tokens: [] },
    });
    expect(await launch()).toBe(422);
    expect((await set({ weeklyCapUsd: 100 })).json).toMatchObject({ dailyCapUsd: 1.5 });
    const back = await set({ dailyCapUsd: null });
    expect(back.json).toMatchObject({ dailyCapUsd: null, weeklyCapUsd: 100 });
    expect(back.json.periods[0]).toMatchObject({ period: 'day', capUsd: 0.5, leftUsd: 0 });
    expect(await launch()).toBe(422);
  });

  it('hold for a raise of a budget, too', async () => {
    const { call } = await startApi();
    const { json: cluster } = await call('POST', '/clusters', { body: ONE_NODE, owner: 'ann' });
    await call('PATCH', '/owners/ann', { body: { weeklyCapUsd: 1.5 } });
    const raise = (budgetUsd: number) =>
      call('PATCH', `/clusters/${cluster.id}`, { body: { budgetUsd }, owner: 'ann' });
    expect(await raise(2)).toMatchObject({
      status: 422,
      json: { cap: 'ownerWeeklySpend', largestBudgetUsd: 1.5 },
    });
    expect((await raise(1.5)).status).toBe(200);
  });

  it('are refused with all faults at once, and where there is no such owner', async () => {
    const { call } = await startApi();
    const change = (owner: string, body: unknown) => call('PATCH', `/owners/${owner}`, { body });
    expect((await change('ann', { weeklyCapUsd: -1, day: 2 })).json.errors).toHaveLength(2);
    expect((await change('ann', {})).status).toBe(400);
    expect((await change('nobody', { weeklyCapUsd: 1 })).status).toBe(404);
    expect((await change('No-Body', { weeklyCapUsd: 1 })).status).toBe(404);
  });
});

describe('further tokens', () => {
  it('have limits of their own, and can be revoked one by one, at once', async () => {
    const world = await startApi();
    const { call, clock } = world;
    const first = await added(world, { owner: 'zoe' });
    const expiresAt = toIso(plus(clock.now(), hours(1)));
    const body = { expiresAt, monthlyCapUsd: 0.5 };
    const second = await call('POST', '/owners/zoe/tokens', { body });
    expect(second).toMatchObject({
      status: 201,
      json: { expiresAt, may: 'launch', monthlyCapUsd: 0.5 },
    });
    const launched = await call('POST', '/clusters', {
      body: ONE_NODE,
      ...bearer(second.json.token),
    });
    expect(launched.json).toMatchObject({ cap: 'tokenMonthlySpend' });
    const budget = await call('GET', '/budget', bearer(second.json.token));
    expect(budget.json.periods[2]).toMatchObject({ period: 'month', capUsd: 0.5, leftUsd: 0.5 });

    const gone = await call('DELETE', `/owners/zoe/tokens/${second.json.id}`);
    expect(gone.status).toBe(204);
    expect((await call('GET', '/budget', bearer(second.json.token))).status).toBe(403);
    expect((await call('GET', '/budget', bearer(first))).status).toBe(200);
    expect((await call('DELETE', `/owners/zoe/tokens/${second.json.id}`)).status).toBe(404);
  });

  it('are at most twenty that have not expired', async () => {
    const world = await startApi();
    await added(world, { owner: 'zoe' });
    const add = (body = {}) => world.call('POST', '/owners/zoe/tokens', { body });
    const expiresAt = toIso(plus(world.clock.now(), hours(1)));
    for (let count = 1; count < 20; count += 1) {
      expect((await add({ expiresAt })).status).toBe(201);
    }
    expect(await add()).toMatchObject({ status: 422 });
    world.clock.set(plus(world.clock.now(), hours(2)));
    expect((await add()).status).toBe(201);
    expect((await world.call('GET', '/owners/zoe')).json.tokens).toHaveLength(2);
  });

  it('may be made for an owner of the secret, but not for the admin', async () => {
    const { call } = await startApi();
    const { json } = await call('POST', '/owners/ann/tokens', { body: { may: 'read' } });
    expect((await call('GET', '/budget', bearer(json.token))).json.owner).toBe('ann');
    const launch = await call('POST', '/clusters', { body: ONE_NODE, ...bearer(json.token) });
    expect(launch.status).toBe(403);
    expect((await call('POST', '/owners/admin/tokens', { body: {} })).status).toBe(422);
    expect((await call('DELETE', '/owners/admin')).status).toBe(422);
  });
});

describe('an owner who is revoked', () => {
  it('has no token any more, and launches nothing by one of the secret', async () => {
    const world = await startApi();
    const { call } = world;
    const { json: cluster } = await call('POST', '/clusters', { body: ONE_NODE, owner: 'ann' });
    const { json: further } = await call('POST', '/owners/ann/tokens', { body: {} });
    const revoked = await call('DELETE', '/owners/ann');
    expect(revoked.json).toMatchObject({
      ...{ tokens: [], tokensInSecret: 1, revokedAt: toIso(world.clock.now()) },
    });
    expect((await call('GET', '/budget', bearer(further.token))).status).toBe(403);
    const detail = expect.stringContaining('The owner ann was revoked');
    const refused = { status: 422, json: { detail } };
    expect(await call('POST', '/clusters', { body: ONE_NODE, owner: 'ann' })).toMatchObject(
      refused,
    );
    const raise = { body: { budgetUsd: 2 }, owner: 'ann' };
    expect(await call('PATCH', `/clusters/${cluster.id}`, raise)).toMatchObject(refused);
    expect((await call('POST', '/owners/ann/tokens', { body: {} })).status).toBe(422);
    // A second time changes nothing, and the cluster lives on.
    expect((await call('DELETE', '/owners/ann')).json).toEqual(revoked.json);
    expect((await call('GET', `/clusters/${cluster.id}`)).json.status).toBe('provisioning');
  });

  it('can be added anew, with a new token and new caps', async () => {
    const world = await startApi();
    const before = await added(world, { owner: 'zoe', weeklyCapUsd: 2 });
    await world.call('DELETE', '/owners/zoe');
    const after = await added(world, { owner: 'zoe', dailyCapUsd: 1 });
    expect((await world.call('GET', '/budget', bearer(before))).status).toBe(403);
    const { json } = await world.call('GET', '/budget', bearer(after));
    expect(json.periods.map(({ capUsd }: { capUsd: unknown }) => capUsd)).toEqual([1, null, null]);
  });
});

describe('the list of owners', () => {
  it('has those of the secret and those of the table, by name', async () => {
    const world = await startApi();
    await added(world, { owner: 'carl' });
    const { json } = await world.call('GET', '/owners');
    const seen = json.owners.map(
      ({ owner, tokens, tokensInSecret }: { owner: string; tokens: []; tokensInSecret: number }) =>
        `${owner} ${tokens.length} ${tokensInSecret}`,
    );
    expect(seen).toEqual(['admin 0 1', 'ann 0 1', 'bob 0 1', 'carl 1 0', 'eve 0 1']);
  });

  it('has no token in the secret of an owner whose name every object has', async () => {
    const world = await startApi();
    await added(world, { owner: 'constructor' });
    const { json } = await world.call('GET', '/owners/constructor');
    expect(json).toMatchObject({ tokens: [{ may: 'manage' }], tokensInSecret: 0 });
  });

  it.each([
    ['GET', '/owners', undefined],
    ['POST', '/owners', { owner: 'zoe' }],
    ['GET', '/owners/ann', undefined],
    ['PATCH', '/owners/ann', { weeklyCapUsd: 'none' }],
    ['DELETE', '/owners/bob', undefined],
    ['POST', '/owners/ann/tokens', {}],
    ['DELETE', '/owners/bob/tokens/1a2b3c4d', undefined],
  ])('and %s %s are for nobody but the admin', async (method, path, body) => {
    const { call } = await startApi();
    const answer = await call(method, path, { owner: 'ann', ...(body && { body }) });
    expect(answer).toMatchObject({ status: 403, json: { code: 'notAllowed' } });
    expect((await call('GET', '/owners')).json.owners).toHaveLength(4);
  });
});
