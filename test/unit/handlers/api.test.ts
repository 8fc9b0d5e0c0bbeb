import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it, vi } from 'vitest';
import { type ClusterId, isClusterId } from '../../../lib/core/base/names.ts';
import { hours, minutes, plus, toIso } from '../../../lib/core/base/units.ts';
import type { LiveRecord } from '../../../lib/core/cluster/record.ts';
import { examples, problemExamples } from '../../../lib/http/examples.ts';
import { type Operation, operations } from '../../../lib/http/operations.ts';
import { problemSchema } from '../../../lib/http/schemas.ts';
import { type Answer, startApi, TEN_NANODES } from '../../support/api-world.ts';
import {
  aDeleting,
  anEnded,
  aRunning,
  aSchedule,
  at,
  created,
  gone,
  ID,
  LAUNCH,
  neverCreated,
  OTHER_ID,
} from '../../support/builders.ts';
import { ED25519 } from '../../support/public-keys.ts';

const problemType = { 'content-type': 'application/problem+json' };
const pathsOf = ({ json }: Answer) => json.errors.map(({ path }: { path: string }) => path);

describe('GET /health', () => {
  it('answers the time without a token', async () => {
    const { call } = await startApi();
    const { status, json } = await call('GET', '/health', { owner: null });
    expect({ status, json }).toEqual({
      status: 200,
      json: { status: 'ok', time: expect.stringMatching(/^2026-11-22T12:00:\d\d/) },
    });
  });
});

describe('GET /openapi.json', () => {
  it('describes every route in valid OpenAPI 3.1, without a token', async () => {
    const { call } = await startApi({ env: { MAX_NODES: '7' } });
    const { status, json } = await call('GET', '/openapi.json', { owner: null });
    expect(status).toBe(200);
    const { valid, errors } = await new Validator().validate(structuredClone(json));
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    const described = Object.entries(json.paths as Record<string, object>).flatMap(
      ([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const known = Object.values(operations).map(({ method, path }) => `${method} ${path}`);
    expect(described.toSorted()).toEqual(known.toSorted());
    // The description has the limits of the deployment, which also hold for requests.
    expect(json.components.schemas.Spec.properties.nodes).toMatchObject({ minimum: 1, maximum: 7 });
  });
});

it('every pattern in the description is one that generators of requests can use', async () => {
  const { call } = await startApi();
  const { text } = await call('GET', '/openapi.json', { owner: null });
  const patterns = [...text.matchAll(/"pattern":"((?:[^"\\]|\\.)*)"/g)].map(([, found]) => found);
  expect(patterns.length).toBeGreaterThan(5);
  expect(patterns.filter((found) => /\\p\{|\(\?[=!<]/.test(found ?? ''))).toEqual([]);
});

it('every amount in the description is a number, in requests as in answers', async () => {
  const { describeApi } = await import('../../../lib/http/document.ts');
  const { settings } = await startApi().then(() => import('../../../lib/wire.ts'));
  const amounts: [string, unknown][] = [];
  (function collect(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      if (name.endsWith('Usd') && inner !== null && typeof inner === 'object') {
        amounts.push([name, inner]);
      }
      collect(inner);
    }
  })(describeApi(settings()).components);
  expect(amounts.length).toBeGreaterThan(20);
  // A cap may also be "none".
  const typesOf = ({ type, anyOf, const: only }: Described): unknown[] =>
    anyOf?.flatMap(typesOf) ?? (only === 'none' ? [] : [type].flat());
  for (const [name, described] of amounts as [string, Described][]) {
    expect(
      typesOf(described).filter((type) => type !== 'null'),
      name,
    ).toEqual(['number']);
  }
});

interface Described {
  readonly type?: string | string[];
  readonly anyOf?: readonly Described[];
  readonly const?: unknown;
}

describe('the examples of the description', () => {
  const answers = (Object.values(operations) as Operation[]).flatMap(({ id, answers }) =>
    Object.entries(answers).flatMap(([status, { json }]) =>
      json === undefined ? [] : [[`${id} ${status}`, json] as const],
    ),
  );

  it.each(answers)('have an answer of %s that fits its schema', (key, schema) => {
    expect(schema.safeParse(examples[key]).error?.issues).toBeUndefined();
  });

  it('have no answer that the description lacks', () => {
    expect(Object.keys(examples).toSorted()).toEqual(answers.map(([key]) => key).toSorted());
  });

  it.each(Object.entries(problemExamples))('have a problem of status %s', (status, example) => {
    expect(problemSchema.safeParse(example).error?.issues).toBeUndefined();
    expect(example).toMatchObject({ status: Number(status) });
  });

  it('have bodies of requests that the API accepts', async () => {
    const { call } = await startApi();
    for (const { method, path, body, answers } of Object.values(operations) as Operation[]) {
      if (body === null || path.includes('{')) continue;
      const { status } = await call(method, path, { body: body.example });
      expect(Object.keys(answers), path).toContain(`${status}`);
    }
  });
});

describe('a parameter of a route', () => {
  it.each(['0630-06', '1969-12', '2026-13', '2026-1', ''])('month=%s is refused', async (month) => {
    const { call } = await startApi();
    for (const path of ['/clusters', '/report']) {
      const answer = await call('GET', `${path}?month=${month}`);
      expect(answer.status, path).toBe(400);
      expect(pathsOf(answer)).toEqual(['month']);
    }
  });

  it('month may be 1970-01 and 9999-12', async () => {
    const { call } = await startApi();
    for (const month of ['1970-01', '9999-12']) {
      expect((await call('GET', `/clusters?month=${month}`)).status, month).toBe(200);
      expect((await call('GET', `/report?month=${month}`)).status, month).toBeLessThan(500);
    }
  });

  it.each(['', 'o'.repeat(257)])(
    'owner=%s is refused: DynamoDB allows no such key',
    async (owner) => {
      const { call } = await startApi();
      for (const path of ['/clusters', '/report']) {
        const answer = await call('GET', `${path}?owner=${owner}`);
        expect(answer.status, path).toBe(400);
        expect(pathsOf(answer)).toEqual(['owner']);
      }
    },
  );

  it('that comes twice is refused', async () => {
    const { call } = await startApi();
    const answer = await call('GET', '/clusters?limit=1&limit=2');
    expect(answer).toMatchObject({ status: 400, headers: problemType });
    expect(pathsOf(answer)).toEqual(['limit']);
  });

  it('that the route does not have is refused, also where the route has none', async () => {
    const { call } = await startApi();
    const answer = await call('GET', '/clusters/caaaaaaaaaa?verbose=1');
    expect(answer.status).toBe(400);
    expect(answer.json.errors[0].message).toContain('it has none');
  });
});

describe('GET /clusters/{id}/credentials', () => {
  it('shows root passwords only to the owner, and forbids to cache them', async () => {
    const { call, store } = await startApi();
    await store.insert(aRunning({ owner: 'ann' }));
    const mine = await call('GET', `/clusters/${ID}/credentials`, { owner: 'ann' });
    expect(mine).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
    const [first, second] = mine.json.nodes;
    expect(first).toMatchObject({ index: 0, user: 'root', rootPassword: expect.any(String) });
    expect(first.rootPassword).not.toBe(second.rootPassword);
    for (const owner of ['bob', 'admin']) {
      const theirs = await call('GET', `/clusters/${ID}/credentials`, { owner });
      expect(theirs, owner).toMatchObject({ status: 404, headers: problemType });
    }
  });
});

describe('GET /clusters/{id}/inventory', () => {
  it('lists the nodes that have addresses, as JSON or in the format of a tool', async () => {
    const { call, store } = await startApi();
    await store.insert(aRunning({ owner: 'ann', nodes: [created(0), neverCreated(1)] }));
    const path = `/clusters/${ID}/inventory`;
    const { json } = await call('GET', path, { owner: 'ann' });
    expect(json.nodes).toEqual([
      {
        ...{ index: 0, label: `onebuck-${ID}-0`, name: 'n0', ipv4: '192.0.2.0', ipv6: null },
        ...{ privateIp: null, vcpus: 1, user: 'root' },
      },
    ]);
    const mpi = await call('GET', `${path}?format=mpi`, { owner: 'ann' });
    expect(mpi).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
      text: expect.stringContaining('\n192.0.2.0 slots=1\n'),
    });
    expect((await call('GET', path, { owner: 'bob' })).status).toBe(404);
    expect((await call('GET', `${path}?format=yaml`)).status).toBe(400);
  });
});

describe('/schedules', () => {
  const NIGHTLY = {
    cron: '30 2 * * *',
    timezone: 'Europe/Berlin',
    spec: TEN_NANODES,
    monthlyCapUsd: 20,
  };

  it('lets an owner create, show, pause and delete a schedule', async () => {
    const { call } = await startApi();
    const ann = { owner: 'ann' };
    const made = await call('POST', '/schedules', { ...ann, body: NIGHTLY });
    const path = `/schedules/${made.json.id}`;
    expect(made).toMatchObject({ status: 201, headers: { location: path } });
    expect(made.json).toMatchObject({ owner: 'ann', enabled: true, overlap: 'skip', runs: [] });
    expect(made.json.nextRuns).toEqual(
      [23, 24, 25, 26, 27].map((day) => `2026-11-${day}T01:30:00.000Z`),
    );
    expect((await call('GET', path, ann)).json).toEqual(made.json);
    expect((await call('GET', '/schedules', ann)).json).toEqual({ schedules: [made.json] });
    const paused = await call('PATCH', path, { ...ann, body: { enabled: false } });
    expect(paused).toMatchObject({ status: 200, json: { enabled: false, nextRuns: [] } });
    expect(await call('DELETE', path, ann)).toMatchObject({ status: 204, text: '' });
    expect((await call('GET', path, ann)).status).toBe(404);
  });

  it('hides a schedule from other owners, but not from the admin', async () => {
    const { call } = await startApi();
    const { json } = await call('POST', '/schedules', { owner: 'ann', body: NIGHTLY });
    const path = `/schedules/${json.id}`;
    const bob = { owner: 'bob' };
    for (const method of ['GET', 'DELETE'])
      expect((await call(method, path, bob)).status).toBe(404);
    const change = await call('PATCH', path, { ...bob, body: { enabled: false } });
    expect(change.status).toBe(404);
    expect((await call('GET', '/schedules', bob)).json).toEqual({ schedules: [] });
    expect((await call('GET', path)).json).toEqual(json);
  });

  it('refuses a schedule with all its faults, with paths such as spec.nodes', async () => {
    const { call } = await startApi();
    const body = {
      cron: '61 * * * *',
      timezone: 'Mars/Olympus',
      spec: { ...TEN_NANODES, nodes: 0 },
    };
    const answer = await call('POST', '/schedules', { body });
    expect(answer).toMatchObject({ status: 400, headers: problemType });
    expect(pathsOf(answer).toSorted()).toEqual(['cron', 'spec.nodes', 'timezone']);
    const tooLittle = { ...NIGHTLY, spec: { ...TEN_NANODES, budgetUsd: 0.07 } };
    expect(await call('POST', '/schedules', { body: tooLittle })).toMatchObject({
      status: 422,
      json: { smallestBudgetUsd: 0.075 },
    });
  });

  it('lets only its owner delete a schedule whose record is damaged, which a list names', async () => {
    const { call, schedules } = await startApi();
    const id = 'saaaaaaaaaa';
    await schedules.insert(aSchedule({ id, enabled: 'yes' as never }));
    const own = { owner: 'ann' };
    const { json } = await call('GET', '/schedules', own);
    expect(json).toEqual({ schedules: [], unreadable: [id] });
    expect((await call('GET', `/schedules/${id}`, own)).json.code).toBe('unreadable');
    expect((await call('DELETE', `/schedules/${id}`, { owner: 'bob' })).status).toBe(404);
    expect((await call('DELETE', `/schedules/${id}`, own)).status).toBe(204);
    expect((await call('GET', '/schedules', own)).json).toEqual({ schedules: [] });
  });

  it('lists schedules page by page', async () => {
    const { call, schedules } = await startApi();
    const ids = ['saaaaaaaaaa', 'sbbbbbbbbbb', 'scccccccccc'] as const;
    for (const [n, id] of ids.entries()) {
      await schedules.insert(aSchedule({ id, createdAt: plus(LAUNCH, minutes(n)) }));
    }
    const first = (await call('GET', '/schedules?limit=2', { owner: 'ann' })).json;
    const next = `/schedules?limit=2&cursor=${first.nextCursor}`;
    const second = (await call('GET', next, { owner: 'ann' })).json;
    const listed = [...first.schedules, ...second.schedules].map(({ id }) => id);
    expect(listed).toEqual([...ids].reverse());
    expect(second).not.toHaveProperty('nextCursor');
  });

  it('creates one schedule for two requests with one Idempotency-Key', async () => {
    const { call } = await startApi();
    const keyed = { body: NIGHTLY, headers: { 'idempotency-key': 'nightly' } };
    const [first, second] = await Promise.all([
      call('POST', '/schedules', keyed),
      call('POST', '/schedules', keyed),
    ]);
    expect(second.json.id).toBe(first.json.id);
    const other = { ...keyed, body: { ...NIGHTLY, cron: '0 3 * * *' } };
    expect((await call('POST', '/schedules', other)).status).toBe(409);
  });
});

describe('GET /report', () => {
  it('sums up the present month, or the month of the query; by owner for the admin', async () => {
    const { call, store } = await startApi();
    const october = at('2026-10-10T10:00:00Z');
    const lived = { createdAt: october, startedAt: october, endedAt: plus(october, hours(2)) };
    await store.insert(
      anEnded({
        owner: 'ann',
        ...lived,
        nodes: [gone(0, { billedFrom: october, billedUntil: plus(october, hours(2)) })],
      }),
    );
    expect((await call('GET', '/report', { owner: 'ann' })).json).toMatchObject({
      month: '2026-11',
      clusters: 0,
      billedUsd: 0,
    });
    const anns = await call('GET', '/report?month=2026-10', { owner: 'ann' });
    expect(anns.json).toMatchObject({ month: '2026-10', clusters: 1, nodeHours: 2 });
    // Until the end of October the node would have been billed for 518 hours.
    expect(anns.json).toMatchObject({ billedUsd: 0.015, savedUsd: 3.87 });
    expect(anns.json).not.toHaveProperty('owners');
    const all = await call('GET', '/report?month=2026-10');
    expect(all.json.owners).toMatchObject([{ owner: 'ann', billedUsd: 0.015 }]);
    expect((await call('GET', '/report?month=October')).status).toBe(400);
    expect((await call('GET', '/report?owner=bob', { owner: 'ann' })).status).toBe(400);
  });
});

describe('GET /regions and /images', () => {
  it('list the regions and images that a spec can name', async () => {
    const { call } = await startApi();
    const regions = (await call('GET', '/regions')).json.regions;
    expect(regions).toContainEqual({
      id: 'us-east',
      label: expect.any(String),
      country: 'us',
      siteType: 'core',
      capabilities: expect.arrayContaining(['Linodes', 'Metadata']),
    });
    expect((await call('GET', '/images')).json.images).toContainEqual({
      id: 'linode/ubuntu24.04',
      label: 'Ubuntu 24.04 LTS',
      deprecated: false,
      recovery: false,
      diskMb: 3500,
      capabilities: expect.arrayContaining(['cloud-init']),
    });
  });
});

describe('GET /types', () => {
  it('lists the size and price of each type, the cheapest first', async () => {
    const { call } = await startApi();
    const { status, json } = await call('GET', '/types?vcpus=1&memoryMb=1024');
    expect(status).toBe(200);
    expect(json.types[0]).toEqual({
      id: 'g6-nanode-1',
      label: 'Nanode 1GB',
      class: 'nanode',
      vcpus: 1,
      memoryMb: 1024,
      diskMb: 25_600,
      gpus: 0,
      hourlyUsd: 0.0075,
      monthlyUsd: 5,
    });
    const prices = json.types.map(({ hourlyUsd }: { hourlyUsd: number }) => hourlyUsd);
    expect(prices).toEqual(prices.toSorted((a: number, b: number) => a - b));
  });

  it('leaves out types that are smaller or dearer than the query allows', async () => {
    const { call } = await startApi();
    const query = 'vcpus=2&memoryMb=4096&region=us-east&maxHourlyUsd=0.05';
    const { json } = await call('GET', `/types?${query}`);
    expect(json.types.length).toBeGreaterThan(0);
    for (const type of json.types) {
      expect(type.vcpus).toBeGreaterThanOrEqual(2);
      expect(type.memoryMb).toBeGreaterThanOrEqual(4096);
      expect(type.hourlyUsd).toBeLessThanOrEqual(0.05);
    }
  });

  it('names the wrong parameter', async () => {
    const { call } = await startApi();
    const cases = [
      ['vcpus=0', 'vcpus'],
      ['vcpus=two', 'vcpus'],
      ['memoryMb=1.5', 'memoryMb'],
      ['maxHourlyUsd=cheap', 'maxHourlyUsd'],
      ['region=mars', 'region'],
      ['color=red', 'color'],
    ] as const;
    for (const [query, path] of cases) {
      const answer = await call('GET', `/types?${query}`);
      expect(answer, query).toMatchObject({ status: 400, headers: problemType });
      expect(pathsOf(answer), query).toEqual([path]);
    }
  });

  it('names all wrong parameters of a query at once', async () => {
    const { call } = await startApi();
    const answer = await call('GET', '/types?vcpus=none&memoryMb=none&size=1&colour=red');
    expect(pathsOf(answer)).toEqual(['vcpus', 'memoryMb', 'size', 'colour']);
  });
});

describe('POST /quotes', () => {
  it('answers the price and hours of ten nanodes for $1, and buys nothing', async () => {
    const { call, clock, simulator, nudged } = await startApi();
    const { status, json } = await call('POST', '/quotes', { body: TEN_NANODES });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      nodes: 10,
      type: 'g6-nanode-1',
      region: 'us-east',
      image: 'linode/ubuntu24.04',
      hourlyUsd: 0.075,
      smallestBudgetUsd: 0.075,
      affordableHours: 13,
      spentAtTeardownUsd: 0.975,
      unspentUsd: 0.025,
    });
    // The teardown starts 3 minutes before the end of the 13 hours.
    expect(Date.parse(json.teardownAt) - clock.now()).toBe(hours(13) - minutes(3));
    expect({ nudged, bought: simulator.instances() }).toEqual({ nudged: [], bought: [] });
  });

  it('answers the smallest budget where the given budget does not pay the first hour', async () => {
    const { call } = await startApi();
    const { status, json } = await call('POST', '/quotes', {
      body: { ...TEN_NANODES, budgetUsd: 0.07 },
    });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      affordableHours: 0,
      teardownAt: null,
      smallestBudgetUsd: 0.075,
      unspentUsd: 0.07,
    });
  });
});

describe('POST /clusters', () => {
  it('answers 202 with the location, the record and the quote, and nudges a pass', async () => {
    const { call, store, nudged } = await startApi();
    const { status, headers, json } = await call('POST', '/clusters', { body: TEN_NANODES });
    expect(status).toBe(202);
    expect(isClusterId(json.id)).toBe(true);
    expect(headers.location).toBe(`/clusters/${json.id}`);
    expect(json).toMatchObject({
      status: 'provisioning',
      owner: 'admin',
      type: 'g6-nanode-1',
      image: 'linode/ubuntu24.04',
      budgetUsd: 1,
      hourlyUsd: 0.075,
      spentUsd: 0,
      leftUsd: 1,
      affordableHours: 13,
      endedAt: null,
      spec: { nodes: 10, vcpus: 1, memoryMb: 1024, image: 'Ubuntu 24.04 LTS', budgetUsd: 1 },
      quote: { hourlyUsd: 0.075, affordableHours: 13, spentAtTeardownUsd: 0.975 },
    });
    expect(json.nodes).toHaveLength(10);
    expect(json.nodes[9]).toEqual({
      index: 9,
      label: `onebuck-${json.id}-9`,
      status: 'planned',
      linodeId: null,
      ipv4: null,
      ipv6: null,
      privateIp: '10.128.0.10',
      createdAt: null,
      readyAt: null,
    });
    expect([json.agent, json.readyAt]).toEqual([true, null]);
    expect(json.network).toMatchObject({ kind: 'private', cidr: '10.128.0.0/24' });
    expect(json.quote.network).toBe('private');
    expect(json.quote.teardownAt).toBe(
      toIso(plus(at(json.createdAt), (hours(13) - minutes(3)) as never)),
    );
    expect(nudged).toEqual([json.id]);
    expect(await store.get(json.id)).toMatchObject({ phase: 'provisioning', revision: 1 });
  });

  it('reads the body as JSON although curl -d sends the content type of a form', async () => {
    const { call } = await startApi();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await call('POST', '/clusters', { body: TEN_NANODES, headers })).status).toBe(202);
  });

  it('refuses a budget below the first hour, and names the smallest that would do', async () => {
    const { call, nudged } = await startApi();
    const body = { ...TEN_NANODES, budgetUsd: 0.07 };
    const { status, headers, json } = await call('POST', '/clusters', { body });
    expect({ status, headers }).toMatchObject({ status: 422, headers: problemType });
    expect(json).toMatchObject({ status: 422, smallestBudgetUsd: 0.075 });
    expect(json.detail).toContain('The smallest budget that would do is $0.075; you gave $0.07.');
    expect(nudged).toEqual([]);
    expect((await call('GET', '/clusters')).json).toEqual({ clusters: [] });
    const enough = await call('POST', '/clusters', { body: { ...TEN_NANODES, budgetUsd: 0.075 } });
    expect(enough).toMatchObject({ status: 202, json: { affordableHours: 1 } });
  });

  it('names five faults of a body at once, also those that need the catalogue', async () => {
    const { call, nudged } = await startApi();
    const body = { nodes: 0, type: 'g6-nanode-l', region: 'us-eest', image: 'Windows', budget: 1 };
    const answer = await call('POST', '/clusters', { body: { ...body, budgetUsd: 1 } });
    expect(answer).toMatchObject({ status: 400, headers: problemType });
    expect(pathsOf(answer).toSorted()).toEqual(['budget', 'image', 'nodes', 'region', 'type']);
    const messages = answer.json.errors.map(({ message }: { message: string }) => message);
    expect(messages).toContainEqual(expect.stringContaining('did you mean us-east'));
    expect(messages).toContainEqual(expect.stringContaining('did you mean g6-nanode-1'));
    expect(nudged).toEqual([]);
  });

  it('answers 400 to a body that is no spec, of any kind', async () => {
    const { call } = await startApi();
    const cases = [
      ['nothing', undefined],
      ['no JSON', '{"nodes": 10'],
      ['a form', 'nodes=10&budgetUsd=1'],
      ['JSON of many levels', `${'['.repeat(60_000)}${']'.repeat(60_000)}`],
      [
        'a spec with a field of many levels',
        `{"tags":${'{"a":'.repeat(9_999)}1${'}'.repeat(10_000)}`,
      ],
      ['a list', '[]'],
      ['null', 'null'],
    ] as const;
    for (const [kind, body] of cases) {
      const answer = await call('POST', '/clusters', { body });
      expect(answer, kind).toMatchObject({ status: 400, headers: problemType });
      expect(answer.json.errors.length, kind).toBeGreaterThan(0);
    }
  });

  it('answers 413 to a body over 128 KiB, and 415 to other content types than JSON', async () => {
    const { call, nudged } = await startApi();
    const long = JSON.stringify({ ...TEN_NANODES, userData: '#'.repeat(131_072) });
    const tooLong = await call('POST', '/clusters', { body: long });
    expect(tooLong).toMatchObject({
      status: 413,
      headers: problemType,
      json: { code: 'tooLarge' },
    });
    for (const type of ['text/xml', 'multipart/form-data; boundary=x', 'application/jsonp']) {
      const headers = { 'content-type': type };
      const answer = await call('POST', '/clusters', { body: TEN_NANODES, headers });
      expect(answer, type).toMatchObject({ status: 415, json: { code: 'unsupported' } });
    }
    const accepted = [
      'application/json; charset=utf-8',
      'application/vnd.api+json',
      'text/plain',
      '',
    ];
    for (const type of accepted) {
      const headers = { 'content-type': type };
      expect((await call('POST', '/quotes', { body: TEN_NANODES, headers })).status, type).toBe(
        200,
      );
    }
    expect(nudged).toEqual([]);
  });

  it('answers the quote, and launches nothing, with dryRun=true', async () => {
    const { call, nudged } = await startApi();
    const { status, json } = await call('POST', '/clusters?dryRun=true', { body: TEN_NANODES });
    expect(status).toBe(200);
    expect(json).toEqual({
      ...(await call('POST', '/quotes', { body: TEN_NANODES })).json,
      startsAt: json.startsAt,
      teardownAt: json.teardownAt,
    });
    expect(nudged).toEqual([]);
    expect((await call('GET', '/clusters')).json).toEqual({ clusters: [] });
  });

  it.each(['dryRun=yes', 'dryrun=true'])(
    'answers 400 to ?%s, and launches nothing',
    async (query) => {
      const { call, nudged } = await startApi();
      expect((await call('POST', `/clusters?${query}`, { body: TEN_NANODES })).status).toBe(400);
      expect(nudged).toEqual([]);
    },
  );

  it('launches though the nudge is lost: the record is due, so the reaper finds it', async () => {
    const { call, clock, store } = await startApi({ env: { RECONCILE_FUNCTION: 'not-there' } });
    const { status, json } = await call('POST', '/clusters', { body: TEN_NANODES });
    expect(status).toBe(202);
    const due: string[] = [];
    for await (const { id } of store.due(clock.now())) due.push(id);
    expect(due).toEqual([json.id]);
  });

  it('names the missing passwordKey of the secret where nobody could log in', async () => {
    const { call, nudged } = await startApi({ secret: { passwordKey: null } });
    const refused = await call('POST', '/clusters', { body: TEN_NANODES });
    expect(refused).toMatchObject({ status: 500, headers: problemType });
    expect(refused.json.detail).toContain('passwordKey');
    expect(nudged).toEqual([]);
    const authorizedKeys = [ED25519];
    const withKey = await call('POST', '/clusters', { body: { ...TEN_NANODES, authorizedKeys } });
    expect(withKey.status).toBe(202);
    const withUser = { ...TEN_NANODES, authorizedUsers: ['ann'] };
    const { status, json } = await call('POST', '/clusters', { body: withUser });
    expect(status).toBe(202);
    expect(json.spec).toMatchObject({ authorizedUsers: ['ann'], userDataBase64: null });
  });
});

describe('POST /clusters with Prefer: wait', () => {
  const prefer = (wait: string) => ({ headers: { prefer: wait }, body: TEN_NANODES });

  it('answers once all nodes have addresses', async () => {
    const { call, store, clock, listClusters } = await startApi({
      async whileAsleep() {
        const [record] = (await listClusters()) as LiveRecord[];
        if (record === undefined || clock.sleptMs.length !== 3) return;
        await store.save({ ...record, nodes: record.nodes.map(({ index }) => created(index)) });
      },
    });
    const { status, json } = await call('POST', '/clusters', prefer('respond-async, wait=20'));
    expect(status).toBe(202);
    expect(json.nodes.map(({ ipv4 }: { ipv4: string }) => ipv4)).toEqual(
      json.nodes.map((_: unknown, index: number) => `192.0.2.${index}`),
    );
    expect(clock.sleptMs).toHaveLength(3);
  });

  it('answers the sixth launch of 20 seconds at once, and a repeated one', async () => {
    const { call, clock } = await startApi();
    const nodes = { ...TEN_NANODES, nodes: 1 };
    for (const _ of [1, 2, 3, 4]) await call('POST', '/clusters', { body: nodes });
    const keyed = { 'idempotency-key': 'fifth', prefer: 'wait=1' };
    await call('POST', '/clusters', { body: nodes, headers: keyed });
    expect(clock.sleptMs).toHaveLength(1);
    await call('POST', '/clusters', { body: nodes, headers: keyed });
    await call('POST', '/clusters', prefer('wait=20'));
    expect(clock.sleptMs).toHaveLength(1);
  });

  it('answers before the time of the invocation ends, though the wait is longer', async () => {
    const { call, clock } = await startApi();
    const before = clock.now();
    const answer = await call('POST', '/clusters', { ...prefer('wait=20'), remainingMs: 5_500 });
    expect(answer).toMatchObject({ status: 202, json: { status: 'provisioning' } });
    expect(clock.now() - before).toBeLessThan(5_500);
  });
});

describe('an Idempotency-Key', () => {
  const withKey = (key: string, body: object = TEN_NANODES, owner = 'ann') => ({
    headers: { 'idempotency-key': key },
    body,
    owner,
  });

  it('returns the same cluster for the same body, in any order of its fields', async () => {
    const { call, nudged } = await startApi();
    const first = await call('POST', '/clusters', withKey('once'));
    const reversed = Object.fromEntries(Object.entries(TEN_NANODES).reverse());
    const second = await call('POST', '/clusters', withKey('once', reversed));
    expect(second).toMatchObject({ status: 202, headers: { location: first.headers.location } });
    expect(second.json.quote).toEqual(first.json.quote);
    expect(nudged).toEqual([first.json.id]);
  });

  it('refuses another body', async () => {
    const { call, nudged } = await startApi();
    await call('POST', '/clusters', withKey('once'));
    const other = await call('POST', '/clusters', withKey('once', { ...TEN_NANODES, nodes: 9 }));
    expect(other).toMatchObject({ status: 409, headers: problemType });
    expect(nudged).toHaveLength(1);
  });

  it('launches one cluster for 50 requests at once, with 50 equal answers', async () => {
    const { call, nudged } = await startApi();
    const fifty = Array.from({ length: 50 }, () => call('POST', '/clusters', withKey('once')));
    const answers = await Promise.all(fifty);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    // The teardown time may differ, since it depends on the instant of each answer.
    const lasting = answers.map(({ json: { teardownAt: _, ...rest } }) => JSON.stringify(rest));
    expect(new Set(lasting).size).toBe(1);
    expect(nudged).toHaveLength(1);
    expect((await call('GET', '/clusters')).json.clusters).toHaveLength(1);
  });

  it('of another owner launches another cluster', async () => {
    const { call } = await startApi();
    const anns = await call('POST', '/clusters', withKey('once', TEN_NANODES, 'ann'));
    const bobs = await call('POST', '/clusters', withKey('once', TEN_NANODES, 'bob'));
    expect(bobs.status).toBe(202);
    expect(bobs.json.id).not.toBe(anns.json.id);
  });

  it('can be used again after a refused launch', async () => {
    const { call } = await startApi();
    const poor = { ...TEN_NANODES, budgetUsd: 0.07 };
    expect((await call('POST', '/clusters', withKey('once', poor))).status).toBe(422);
    expect((await call('POST', '/clusters', withKey('once'))).status).toBe(202);
  });

  it('returns the cluster also after it was destroyed, and launches no other', async () => {
    const { call, nudged } = await startApi();
    const { json } = await call('POST', '/clusters', withKey('once'));
    await call('DELETE', `/clusters/${json.id}`, { owner: 'ann' });
    const again = await call('POST', '/clusters', withKey('once'));
    expect(again).toMatchObject({ status: 202, json: { id: json.id, status: 'deleting' } });
    expect(nudged).toEqual([json.id, json.id]);
  });

  it('is answered while Linode is down when it is repeated', async () => {
    const { call, simulator } = await startApi();
    const first = await call('POST', '/clusters', withKey('once'));
    simulator.setFaults([{ kind: 'status503' }]);
    const again = await call('POST', '/clusters', { ...withKey('once'), remainingMs: 5_100 });
    expect(again).toMatchObject({ status: 202, json: { id: first.json.id } });
  });

  it.each(['', 'two words', 'x'.repeat(201)])('"%s" is refused', async (key) => {
    const { call, nudged } = await startApi();
    const answer = await call('POST', '/clusters', withKey(key));
    expect(answer.status).toBe(400);
    expect(pathsOf(answer)).toEqual(['Idempotency-Key']);
    expect(nudged).toEqual([]);
  });
});

describe('GET /clusters', () => {
  it("lists an owner's clusters, newest first, and everybody's to the admin", async () => {
    const { call } = await startApi();
    const launched: string[] = [];
    for (const owner of ['ann', 'bob', 'ann']) {
      launched.push((await call('POST', '/clusters', { body: TEN_NANODES, owner })).json.id);
    }
    const [first, second, third] = launched;
    const idsFor = async (owner: string) =>
      (await call('GET', '/clusters', { owner })).json.clusters.map((c: { id: string }) => c.id);
    expect(await idsFor('ann')).toEqual([third, first]);
    expect(await idsFor('bob')).toEqual([second]);
    expect(await idsFor('admin')).toEqual([third, second, first]);
    expect(await idsFor('eve')).toEqual([]);
  });

  it('lists a page at a time, and the clusters of a status', async () => {
    const { call } = await startApi();
    const launched: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      launched.push((await call('POST', '/clusters', { body: TEN_NANODES })).json.id);
    }
    const [first, second, third] = launched;
    const page = await call('GET', '/clusters?limit=2');
    expect(page.json.clusters).toMatchObject([{ id: third }, { id: second }]);
    const rest = await call('GET', `/clusters?limit=2&cursor=${page.json.nextCursor}`);
    expect(rest.json).toMatchObject({ clusters: [{ id: first }] });
    expect(rest.json).not.toHaveProperty('nextCursor');

    await call('DELETE', `/clusters/${second}`);
    const deleting = await call('GET', '/clusters?status=deleting');
    expect(deleting.json.clusters).toMatchObject([{ id: second }]);
    const others = await call('GET', '/clusters?status=provisioning');
    expect(others.json.clusters).toMatchObject([{ id: third }, { id: first }]);
  });

  it('names the wrong parameter', async () => {
    const { call } = await startApi();
    const cases = [
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['limit=ten', 'limit'],
      ['status=alive', 'status'],
      ['cursor=abc', 'cursor'],
      [`cursor=${Buffer.from('9999999999999999/caaaaaaaaaa').toString('base64url')}`, 'cursor'],
      ['page=2', 'page'],
    ] as const;
    for (const [query, path] of cases) {
      const answer = await call('GET', `/clusters?${query}`);
      expect(answer, query).toMatchObject({ status: 400, headers: problemType });
      expect(pathsOf(answer), query).toEqual([path]);
    }
  });
});

it('GET /clusters?status=live lists the clusters that come up, run or go', async () => {
  const { call, store, clock } = await startApi();
  const common = { owner: 'ann', createdAt: clock.now(), nodes: [] };
  await store.insert(aRunning({ ...common, id: ID }));
  await store.insert(anEnded({ ...common, id: OTHER_ID }));
  const { json } = await call('GET', '/clusters?status=live', { owner: 'ann' });
  expect(json.clusters.map(({ id }: { id: string }) => id)).toEqual([ID]);
});

describe('a cluster whose record is damaged', () => {
  it('is a clear problem by its id, and hides no other from lists and reports', async () => {
    const { call, store, clock } = await startApi();
    const record = (id: ClusterId) =>
      aRunning({ id, owner: 'ann', createdAt: clock.now(), nodes: [] });
    await store.insert(record(OTHER_ID));
    await store.insert({ ...record(ID), budget: 'much' as never });
    const options = { owner: 'ann' };
    const { status, json } = await call('GET', `/clusters/${ID}`, options);
    expect([status, json.code]).toEqual([500, 'unreadable']);
    expect(json.detail).toMatch(/can't be read: its field record\.budget is damaged.*reap tags/);
    expect((await call('GET', `/clusters/${ID}`, { owner: 'bob' })).status).toBe(404);
    const { json: page } = await call('GET', '/clusters', options);
    expect(page.clusters).toMatchObject([{ id: OTHER_ID }]);
    expect(page.unreadable).toEqual([ID]);
    expect((await call('GET', '/report', options)).json).toMatchObject({ unreadable: [ID] });
  });
});

describe('GET /clusters/{id}', () => {
  it('shows a new cluster to its owner and the admin as the launch answered it', async () => {
    const { call } = await startApi();
    const { json } = await call('POST', '/clusters', { body: TEN_NANODES, owner: 'ann' });
    const { quote: _, ...launched } = json;
    for (const owner of ['ann', 'admin']) {
      const shown = await call('GET', `/clusters/${json.id}`, { owner });
      const { teardownAt } = shown.json; // moves until the nodes exist
      expect(shown).toMatchObject({ status: 200, json: { ...launched, teardownAt } });
    }
  });

  it.each(['caaaaaaaaaa', 'nonsense', 'CAAAAAAAAAA', '%00'])(
    'answers 404 for the id %s',
    async (id) => {
      const { call } = await startApi();
      const answer = await call('GET', `/clusters/${id}`);
      expect(answer).toMatchObject({ status: 404, headers: problemType });
      expect(answer.json).toMatchObject({ status: 404, title: 'Not found' });
    },
  );

  it("answers the same 404 for another owner's cluster as for an unknown id", async () => {
    const { call } = await startApi();
    const { json } = await call('POST', '/clusters', { body: TEN_NANODES, owner: 'ann' });
    for (const method of ['GET', 'DELETE']) {
      const hidden = await call(method, `/clusters/${json.id}`, { owner: 'bob' });
      const none = await call(method, '/clusters/caaaaaaaaaa', { owner: 'bob' });
      expect(hidden.status).toBe(404);
      expect(hidden.text.replaceAll(json.id, 'caaaaaaaaaa')).toBe(none.text);
    }
    expect((await call('GET', `/clusters/${json.id}`)).json.status).toBe('provisioning');
  });

  it('shows the spend, the rest of the budget, and the teardown time', async () => {
    const { call, store, clock } = await startApi();
    const launchedAt = plus(clock.now(), -hours(2.5) as never);
    const nodes = [created(0, { billedFrom: launchedAt }), created(1, { billedFrom: launchedAt })];
    await store.insert(aRunning({ nodes, startedAt: launchedAt, createdAt: launchedAt }));
    const { json } = await call('GET', `/clusters/${ID}`);
    expect(json).toMatchObject({
      status: 'running',
      hourlyUsd: 0.015,
      spentUsd: 0.045, // three started hours of two nodes
      leftUsd: 0.955,
      affordableHours: 66,
      teardownAt: toIso(plus(launchedAt, (hours(66) - minutes(3)) as never)),
      startedAt: toIso(launchedAt),
      nodes: [{ status: 'running', linodeId: 100, ipv4: '192.0.2.0' }, { linodeId: 101 }],
    });
  });

  it('shows no affordable hours for a cluster in deletion', async () => {
    const { call, store } = await startApi();
    const nodes = [neverCreated(0), neverCreated(1)];
    await store.insert(aDeleting({ nodes, endReason: 'failed', failure: 'no capacity' }));
    const { json } = await call('GET', `/clusters/${ID}`);
    expect(json).toMatchObject({
      status: 'deleting',
      affordableHours: null,
      spentUsd: 0,
      endReason: 'failed',
      failure: 'no capacity',
      nodes: [{ status: 'neverCreated', reason: 'no capacity' }, { status: 'neverCreated' }],
    });
  });
});

describe('PATCH /clusters/{id}', () => {
  async function startWithCluster(env: Readonly<Record<string, string>> = {}) {
    const api = await startApi({ env });
    const { json } = await api.call('POST', '/clusters', { owner: 'ann', body: TEN_NANODES });
    const patch = (body: unknown, owner = 'ann') =>
      api.call('PATCH', `/clusters/${json.id}`, { owner, body });
    return { ...api, patch, id: json.id };
  }

  it('moves the teardown time with the budget, and nudges a pass', async () => {
    const { patch, nudged, id } = await startWithCluster();
    const { status, json } = await patch({ budgetUsd: 2 });
    expect(status).toBe(200);
    expect(json).toMatchObject({ budgetUsd: 2, affordableHours: 26, spec: { budgetUsd: 1 } });
    expect(json.history.at(-1).event).toMatch(/^budget raised from \$1\.00 to \$2\.00 by ann/);
    expect(nudged).toEqual([id, id]);
    const hours = await patch({ maxHours: 5 });
    expect(hours.json).toMatchObject({ budgetUsd: 2, maxHours: 5, affordableHours: 5 });
    expect((await patch({ maxHours: null })).json).toMatchObject({ affordableHours: 26 });
  });

  it('changes nothing where the cluster has the budget already', async () => {
    const { patch, nudged, id } = await startWithCluster();
    expect(await patch({ budgetUsd: 1.0 })).toMatchObject({ status: 200 });
    expect(nudged).toEqual([id]);
  });

  it('refuses a budget that can not be kept, and names the smallest that can', async () => {
    const { patch } = await startWithCluster();
    expect(await patch({ budgetUsd: 0.0749 })).toMatchObject({
      status: 422,
      json: { smallestBudgetUsd: 0.075 },
    });
    expect((await patch({ budgetUsd: 0.075 })).status).toBe(200);
  });

  it('names all faults of a change at once', async () => {
    const { patch } = await startWithCluster();
    const answer = await patch({ budgetUsd: -1, maxHours: 0, nodes: 20 });
    expect(answer).toMatchObject({ status: 400, headers: problemType });
    expect(pathsOf(answer).toSorted()).toEqual(['budgetUsd', 'maxHours', 'nodes']);
    for (const body of [{}, [], null, 'more']) expect((await patch(body)).status).toBe(400);
  });

  it('is allowed to the owner and the admin until the teardown has begun', async () => {
    const { call, patch, id } = await startWithCluster();
    expect((await patch({ budgetUsd: 2 }, 'bob')).status).toBe(404);
    expect((await patch({ budgetUsd: 2 }, 'admin')).status).toBe(200);
    await call('DELETE', `/clusters/${id}`);
    expect(await patch({ budgetUsd: 3 })).toMatchObject({
      status: 409,
      json: { code: 'conflict', detail: expect.stringContaining('has begun') },
    });
  });

  it('is refused beyond a cap, and an accepted change counts once', async () => {
    const { call, patch } = await startWithCluster({ MAX_OPEN_BUDGET_USD: '3' });
    expect(await patch({ budgetUsd: 3.000001 })).toMatchObject({
      status: 422,
      json: { cap: 'openBudget', capUsd: 3, largestBudgetUsd: 3 },
    });
    expect((await patch({ budgetUsd: 2 })).status).toBe(200);
    const another = (budgetUsd: number) =>
      call('POST', '/clusters', { body: { ...TEN_NANODES, budgetUsd } });
    expect((await another(1.01)).status).toBe(422);
    expect((await another(1)).status).toBe(202);
  });
});

describe('DELETE /clusters/{id}', () => {
  it('begins the teardown, and answers the same when it is repeated', async () => {
    const { call, nudged } = await startApi();
    const { json } = await call('POST', '/clusters', { body: TEN_NANODES });
    const first = await call('DELETE', `/clusters/${json.id}`);
    expect(first).toMatchObject({
      status: 202,
      json: { id: json.id, status: 'deleting', endReason: 'requested' },
    });
    const second = await call('DELETE', `/clusters/${json.id}`);
    expect(second).toMatchObject({ status: 202, json: { history: first.json.history } });
    expect(nudged).toEqual([json.id, json.id]);
  });

  it('begins one teardown for ten requests at once', async () => {
    const { call } = await startApi();
    const { json } = await call('POST', '/clusters', { body: TEN_NANODES });
    const ten = Array.from({ length: 10 }, () => call('DELETE', `/clusters/${json.id}`));
    const answers = await Promise.all(ten);
    expect(answers.map(({ status }) => status)).toEqual(ten.map(() => 202));
    const { history } = (await call('GET', `/clusters/${json.id}`)).json;
    const begun = history.filter(({ event }: { event: string }) => event.includes('teardown'));
    expect(begun).toHaveLength(1);
  });
});

describe('an error of another service', () => {
  const SHORT = { remainingMs: 5_100, body: TEN_NANODES };

  it.each([
    ['answers 503', 'status503'],
    ['answers 500', 'status500'],
    ['answers with a page of its web server', 'html502'],
    ['closes the connection', 'dropBefore'],
  ] as const)('is a 503 with Retry-After where Linode %s', async (_, kind) => {
    const { call, simulator, nudged } = await startApi();
    simulator.setFaults([{ kind }]);
    const answer = await call('POST', '/clusters', SHORT);
    expect(answer).toMatchObject({ status: 503, headers: { ...problemType, 'retry-after': '30' } });
    expect(nudged).toEqual([]);
    simulator.setFaults([]);
    expect((await call('POST', '/clusters', { body: TEN_NANODES })).status).toBe(202);
  });

  it('is a 503 where Linode can not be reached', async () => {
    const { call, simulator } = await startApi();
    await simulator.close();
    const answer = await call('POST', '/quotes', SHORT);
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '30' } });
  });

  it('is a 502 without the token where Linode refuses the token', async () => {
    const linodeToken = 'not-a-token-of-the-account';
    const { call } = await startApi({ secret: { linodeToken } });
    const answer = await call('POST', '/quotes', SHORT);
    expect(answer).toMatchObject({ status: 502, headers: problemType });
    expect(answer.text).not.toContain(linodeToken);
  });

  it('is a 500 with only the id of a log entry where the table is missing', async () => {
    const lines: string[] = [];
    const write = vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
      lines.push(String(line));
      return true;
    });
    const env = { TABLE_NAME: 'a-table-that-is-not-there', POWERTOOLS_LOG_LEVEL: 'ERROR' };
    const { call } = await startApi({ env });
    const answer = await call('GET', '/clusters/caaaaaaaaaa');
    write.mockRestore();
    expect(answer).toMatchObject({ status: 500, headers: problemType });
    const { id } = answer.json;
    expect(answer.json).toEqual({
      title: 'Internal error',
      status: 500,
      code: 'internal',
      detail: `Onebuck failed to answer. Its log has the error under the id ${id}.`,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const [logged] = lines.map((line) => JSON.parse(line));
    expect(logged).toMatchObject({ level: 'ERROR', id, path: '/clusters/caaaaaaaaaa' });
    expect(logged.reason).toContain('ResourceNotFoundException');
  });
});

it('the API answers its event in events/', async () => {
  const { handler } = await startApi();
  const { default: event } = await import('../../../events/api.json', { with: { type: 'json' } });
  const { aContext } = await import('../../support/handler-world.ts');
  const answer = await handler(event as never, aContext());
  expect(answer).toMatchObject({
    statusCode: 200,
    body: expect.stringContaining('"hourlyUsd":0.075'),
  });
});
