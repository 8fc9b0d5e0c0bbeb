import { describe, expect, it } from 'vitest';
import { exampleSpec, type Operation, operations } from '../../../lib/http/operations.ts';
import { startApi } from '../../support/api-world.ts';
import { sha256 } from '../../support/aws.ts';

const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
const withToken = (Object.values(operations) as Operation[]).filter(
  ({ access }) => access !== 'open',
);
const problemType = { 'content-type': 'application/problem+json' };

describe('a route that needs a token', () => {
  it.each(withToken.map(({ method, path }) => [method, path] as const))(
    '%s %s answers a problem without a token, and with a wrong one',
    async (method, path) => {
      const { call } = await startApi();
      const target = path.replace('{id}', 'caaaaaaaaaa');
      const none = await call(method, target, { owner: null });
      expect(none).toMatchObject({
        status: 401,
        headers: { ...problemType, 'www-authenticate': 'Bearer' },
        json: { status: 401, code: 'noToken' },
      });
      const wrong = await call(method, target, { headers: { authorization: 'Bearer wrong' } });
      expect(wrong).toMatchObject({
        status: 403,
        headers: problemType,
        json: { status: 403, code: 'unknownToken' },
      });
    },
  );

  it('takes a token whatever the case of the header', async () => {
    const { call } = await startApi();
    const headers = { Authorization: 'Bearer anns-token' };
    expect(await call('GET', '/clusters', { owner: null, headers })).toMatchObject({ status: 200 });
  });

  it('says nothing of the deployment to strangers where the secret is malformed', async () => {
    const { call } = await startApi({ secret: { apiTokens: { admin: 'no hash' } } });
    const { status, json } = await call('GET', '/clusters');
    expect({ status, code: json.code }).toEqual({ status: 500, code: 'internal' });
    expect(json.detail).not.toMatch(/secret|apiTokens/);
  });
});

describe('a browser without a token', () => {
  it.each([
    ['/clusters', '/#/clusters'],
    ['/clusters/caaaaaaaaaa', '/#/clusters'],
    ['/schedules', '/#/schedules'],
    ['/report?month=2026-11', '/#/history'],
    ['/types', '/'],
  ])('is sent from %s to the console at %s', async (path, location) => {
    const { call } = await startApi();
    const answer = await call('GET', path, { owner: null, headers: BROWSER });
    expect(answer).toMatchObject({ status: 303, headers: { location } });
  });

  it('gets what it asks for with a token, and from open routes', async () => {
    const { call } = await startApi();
    expect(await call('GET', '/clusters', { headers: BROWSER })).toMatchObject({ status: 200 });
    const open = { owner: null, headers: BROWSER };
    expect(await call('GET', '/health', open)).toMatchObject({ status: 200 });
  });

  it('is not sent elsewhere with what it posts', async () => {
    const { call } = await startApi();
    const answer = await call('POST', '/clusters', { owner: null, headers: BROWSER });
    expect(answer.status).toBe(401);
  });
});

describe('an unknown route', () => {
  it.each([
    ['GET', '/'],
    ['GET', '/nowhere'],
    ['GET', '/clusters/caaaaaaaaaa/nodes'],
    ['PUT', '/clusters'],
    ['OPTIONS', '/clusters'],
  ])('%s %s is a problem that names it', async (method, path) => {
    const { call } = await startApi();
    const { status, headers, json } = await call(method, path, { owner: null });
    expect({ status, headers, json }).toMatchObject({
      status: 404,
      headers: problemType,
      json: { code: 'notFound', detail: expect.stringContaining(`${method} ${path}`) },
    });
  });
});

describe('a token with limits', () => {
  const withLimits = async (limits: object) => {
    const apiTokens = { ci: { sha256: sha256('short'), ...limits } };
    const { call } = await startApi({ secret: { apiTokens } });
    const headers = { authorization: 'Bearer short' };
    return (method: string, path: string, body?: unknown) =>
      call(method, path, { owner: null, headers, ...(body === undefined ? {} : { body }) });
  };

  it('that may read looks, and launches nothing', async () => {
    const call = await withLimits({ may: 'read' });
    expect(await call('GET', '/clusters')).toMatchObject({ status: 200 });
    const forbidden = { status: 403, headers: problemType, json: { code: 'notAllowed' } };
    expect(await call('POST', '/clusters', exampleSpec)).toMatchObject(forbidden);
    expect(await call('DELETE', '/clusters/caaaaaaaaaa')).toMatchObject(forbidden);
    expect(await call('GET', '/clusters/caaaaaaaaaa/credentials')).toMatchObject(forbidden);
    expect(await call('GET', '/clusters/caaaaaaaaaa')).toMatchObject({ status: 404 });
  });

  it('that may launch makes no schedule, which would outlive the token', async () => {
    const call = await withLimits({ may: 'launch' });
    expect(await call('POST', '/schedules', {})).toMatchObject({
      status: 403,
      json: {
        detail:
          'The token may only read, and launch, change and destroy clusters. This needs a token ' +
          'that may manage.',
      },
    });
  });

  it('of money makes no schedule either, whose launches would pass the limit', async () => {
    const call = await withLimits({ monthlyUsd: 5 });
    expect(await call('POST', '/schedules', {})).toMatchObject({ status: 403 });
    const asManager = await withLimits({ monthlyUsd: 5, may: 'manage' });
    expect(await asManager('POST', '/schedules', {})).toMatchObject({ status: 403 });
  });

  it('launches and extends up to its monthly limit, and not beyond', async () => {
    const call = await withLimits({ may: 'launch', monthlyUsd: 2 });
    const launched = await call('POST', '/clusters', exampleSpec);
    expect(launched).toMatchObject({ status: 202 });
    const refused = await call('POST', '/clusters', { ...exampleSpec, budgetUsd: 1.5 });
    expect(refused).toMatchObject({
      status: 422,
      json: { cap: 'tokenMonthlySpend', capUsd: 2, committedUsd: 1, largestBudgetUsd: 1 },
    });
    expect(refused.json.detail).toMatch(/^With this token the clusters of ci may cost, in 20/);
    expect((await call('GET', '/report')).json).toMatchObject({ monthlyCapUsd: 2 });
    const path = `/clusters/${launched.json.id}`;
    expect(await call('PATCH', path, { budgetUsd: 2.01 })).toMatchObject({ status: 422 });
    expect(await call('PATCH', path, { budgetUsd: 2 })).toMatchObject({ status: 200 });
  });
});
