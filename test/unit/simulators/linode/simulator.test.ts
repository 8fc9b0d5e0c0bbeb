import { describe, expect, it } from 'vitest';
import { images, regions, types, type WireType } from '../../../../simulators/linode/catalogue.ts';
import { hasShared, readShared, skipped } from '../../../support/shared.ts';
import { anInstance, aWorld, EPOCH, errors, labelsOf } from '../../../support/simulated-linode.ts';

describe('the simulated Linode', () => {
  it('answers Invalid Token for no token and for a wrong one, without rate headers', async () => {
    const { call } = await aWorld();
    for (const token of [null, 'garbage']) {
      const { status, text, headers } = await call('GET', '/linode/instances', { token });
      expect(status).toBe(401);
      expect(text).toBe('{"errors": [{"reason": "Invalid Token"}]}');
      expect(headers.get('X-OAuth-Scopes')).toBe('unknown');
      expect(headers.get('X-Accepted-OAuth-Scopes')).toBe('linodes:read_only');
      expect(headers.get('X-RateLimit-Limit')).toBeNull();
    }
  });

  it('answers 401 with the scopes of the token and the route where they do not match', async () => {
    const scopes = 'linodes:read_only events:read_only';
    const { call } = await aWorld({ tokens: { reader: scopes } });
    const answer = await call('POST', '/linode/instances', { token: 'reader', body: anInstance });
    expect(answer.status).toBe(401);
    expect(answer.json).toEqual(
      errors(['Your OAuth token is not authorized to use this endpoint.']),
    );
    expect(answer.headers.get('X-OAuth-Scopes')).toBe(scopes);
    expect(answer.headers.get('X-Accepted-OAuth-Scopes')).toBe('linodes:read_write');
    expect((await call('GET', '/linode/instances', { token: 'reader' })).status).toBe(200);
    expect((await call('GET', '/account/settings', { token: 'reader' })).status).toBe(401);
  });

  it('allows to read with read_write, and to read the profile with any scope', async () => {
    const { call } = await aWorld({ tokens: { writer: 'linodes:read_write' } });
    expect((await call('GET', '/linode/instances', { token: 'writer' })).status).toBe(200);
    expect((await call('GET', '/profile', { token: 'writer' })).json.restricted).toBe(false);
  });

  it.each([
    '/linode/types',
    '/linode/types/g6-nanode-1',
    '/regions',
    '/regions/us-east',
    '/regions/availability',
    '/regions/us-east/availability',
    '/images',
    '/images/linode%2Fdebian12',
    '/images/linode/debian12',
  ])('serves %s without a token, but not with a wrong token', async (path) => {
    const { call } = await aWorld();
    const answer = await call('GET', path, { token: null });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Cache-Control')).toBe('private, max-age=60');
    expect((await call('GET', path, { token: 'garbage' })).status).toBe(401);
  });
});

describe('answers', () => {
  it('have the headers of the real API, on the virtual clock', async () => {
    const { call } = await aWorld();
    const { headers } = await call('GET', '/linode/types/g6-nanode-1');
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'application/json',
      date: 'Sun, 22 Nov 2026 12:00:00 GMT',
      'x-oauth-scopes': '*',
      'x-accepted-oauth-scopes': '*',
      'x-ratelimit-limit': '1600',
      'x-ratelimit-remaining': '1599',
      'x-ratelimit-reset': String(Math.ceil(EPOCH / 1000) + 60),
      'retry-after': '60',
      'x-spec-version': '4.235.1',
      vary: 'Authorization, X-Filter',
    });
  });

  it('have the spaces in JSON that Python writes, but not within strings', async () => {
    const { call } = await aWorld();
    const { text } = await call('POST', '/tags', { body: { label: 'a,b: é\n  "c"' } });
    expect(text).toBe('{"label": "a,b: \\u00e9\\n  \\"c\\""}');
  });
});

describe('the simulated Linode, by path and method,', () => {
  it.each([
    ['GET', '/nothing', 404, 'Not found'],
    ['GET', '/linode/nothing', 404, 'Not found'],
    ['GET', '/account/nothing', 404, 'Not found'],
    ['GET', '/linode/types/none', 404, 'Not found'],
    ['GET', '/linode/instances/1', 404, 'Not found'],
    ['GET', '/linode/instances/x', 404, 'Not found'],
    ['GET', '/images/linode/none', 404, 'Not found'],
    ['GET', '/images/private/15', 404, 'Not found'],
    ['GET', '/images/linode%2Fnone', 404, 'Not found'],
    ['GET', '/regions/none/availability', 404, 'Not found'],
    ['DELETE', '/tags/none', 404, 'Not found'],
    ['DELETE', '/linode/types', 405, 'Method Not Allowed'],
    ['PATCH', '/linode/instances/1', 405, 'Method Not Allowed'],
    ['POST', '/images', 501, 'The simulator does not have POST /images'],
    ['GET', '/vpcs', 501, 'The simulator does not have GET /vpcs'],
    [
      'POST',
      '/linode/instances/1/boot',
      501,
      'The simulator does not have the call boot, as its Linodes boot nothing',
    ],
    ['GET', '/account/payments', 501, 'The simulator does not have GET /account/payments'],
  ])('answers %s %s with %i', async (method, path, status, reason) => {
    const { call } = await aWorld();
    const answer = await call(method, path);
    expect(answer).toMatchObject({ status, json: errors([reason]) });
  });

  it('serves v4beta like v4, and no other version', async () => {
    const { call } = await aWorld();
    expect((await call('GET', '/regions', { version: 'v4beta' })).status).toBe(200);
    expect((await call('GET', '/regions', { version: 'v3' })).status).toBe(404);
  });
});

describe('pages', () => {
  it('split a list, and a page beyond the last is a 404', async () => {
    const { call, create, simulator } = await aWorld();
    simulator.updateSettings({ rateLimited: false });
    for (let index = 0; index < 30; index += 1) await create();
    const path = '/linode/instances?page_size=25&page=';
    const [first, second, third] = await Promise.all([1, 2, 3].map((n) => call('GET', path + n)));
    expect(first?.json).toMatchObject({ page: 1, pages: 2, results: 30 });
    expect(first?.json.data).toHaveLength(25);
    expect(second?.json.data).toHaveLength(5);
    expect(third?.status).toBe(404);
    const ids = [...(first?.json.data ?? []), ...(second?.json.data ?? [])].map(({ id }) => id);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
  });

  it.each([
    ['page_size=24', 'Must be 25-500', 'page_size'],
    ['page_size=501', 'Must be 25-500', 'page_size'],
    ['page_size=many', 'Must be 25-500', 'page_size'],
    ['page=0', 'Must be at least 1', 'page'],
  ])('can not have %s', async (query, reason, field) => {
    const { call } = await aWorld();
    const answer = await call('GET', `/linode/types?${query}`);
    expect(answer).toMatchObject({ status: 400, json: errors([reason, field]) });
  });

  it('of an empty list are one page', async () => {
    const { call } = await aWorld();
    expect((await call('GET', '/linode/instances')).text).toBe(
      '{"data": [], "page": 1, "pages": 1, "results": 0}',
    );
  });
});

describe('X-Filter', () => {
  const typeIds = async (filter: unknown): Promise<string[]> => {
    const { call } = await aWorld();
    const { json } = await call('GET', '/linode/types', { filter });
    return json.data.map(({ id }: { id: string }) => id);
  };

  it.each([
    [{ vcpus: 1 }, ['g6-nanode-1', 'g6-standard-1']],
    [{ vcpus: 1, class: 'nanode' }, ['g6-nanode-1']],
    [
      { vcpus: { '+gte': 8 }, class: { '+neq': 'dedicated' } },
      ['g6-standard-8', 'g1-gpu-rtx6000-1'],
    ],
    [{ memory: { '+gt': 2048, '+lt': 8192 }, class: 'standard' }, ['g6-standard-2']],
    [{ memory: { '+lte': 2048 } }, ['g6-nanode-1', 'g6-standard-1']],
    [{ label: { '+contains': 'Prem' } }, ['g7-premium-2', 'g7-premium-4']],
    [{ '+or': [{ class: 'nanode' }, { gpus: 1 }] }, ['g6-nanode-1', 'g1-gpu-rtx6000-1']],
    [{ '+and': [{ vcpus: 2 }, { class: 'highmem' }] }, ['g7-highmem-1']],
    [
      { class: 'dedicated', '+order_by': 'disk', '+order': 'desc' },
      ['g6-dedicated-8', 'g6-dedicated-4', 'g6-dedicated-2', 'g8-dedicated-4-2'],
    ],
    [{ class: 'premium', '+order_by': 'label' }, ['g7-premium-2', 'g7-premium-4']],
  ])('%j selects %j', async (filter, ids) => {
    expect(await typeIds(filter)).toEqual(ids);
  });

  it('finds Linodes by tag, two tags, part of a tag, label and id', async () => {
    const { call, create } = await aWorld();
    const { json: first } = await create({ label: 'one', tags: ['red', 'blue'] });
    await create({ label: 'two', tags: ['red'] });
    const labels = async (filter: unknown) =>
      labelsOf(await call('GET', '/linode/instances', { filter }));
    expect(await labels({ tags: 'red' })).toEqual(['one', 'two']);
    expect(await labels({ '+and': [{ tags: 'red' }, { tags: 'blue' }] })).toEqual(['one']);
    expect(await labels({ tags: { '+contains': 'lu' } })).toEqual(['one']);
    expect(await labels({ tags: { '+neq': 'blue' } })).toEqual(['two']);
    expect(await labels({ label: 'two' })).toEqual(['two']);
    expect(await labels({ id: first.id })).toEqual(['one']);
    expect(await labels({ '+order_by': 'label', '+order': 'desc' })).toEqual(['two', 'one']);
  });

  it.each([
    ['/linode/types', 'id', { id: 'g6-nanode-1' }],
    ['/regions', 'id', { id: 'us-east' }],
    ['/regions/availability', 'foo', { foo: 1 }],
    ['/images', 'foo', { foo: 'bar' }],
    ['/linode/instances', 'status', { status: 'running' }],
    ['/linode/instances', 'type', { '+or': [{ label: 'x' }, { type: 'x' }] }],
    ['/linode/instances', 'created', { '+order_by': 'created' }],
    ['/account/events', 'status', { status: 'started' }],
    ['/linode/types', '+like', { label: { '+like': 'x' } }],
  ])('refuses on %s a filter on %s', async (path, field, filter) => {
    const { call } = await aWorld();
    const answer = await call('GET', path, { filter });
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual(errors([`Cannot filter on ${field}`, 'X-Filter']));
  });

  it.each(['{', '[]', '"x"', '{"+or": 1}'])(
    'refuses %s, which is no filter in JSON',
    async (filter) => {
      const { call } = await aWorld();
      const answer = await call('GET', '/linode/types', { filter });
      expect(answer.status).toBe(400);
      expect(answer.json).toEqual(errors(['Filter not valid JSON', 'X-Filter']));
    },
  );
});

describe('the catalogue', () => {
  it('has a type without monthly price, and images deprecated or without cloud-init', () => {
    expect(types.get('g8-dedicated-4-2')).toMatchObject({
      price: { hourly: 0.07, monthly: null },
      transfer: 0,
    });
    expect(images.get('linode/slackware15.0')?.capabilities).toEqual([]);
    expect(images.get('linode/ubuntu20.04')?.deprecated).toBe(true);
    expect([types.size, regions.size, images.size]).toEqual([14, 10, 10]);
  });

  it('lists the availability of types that some regions lack or that are sold out', async () => {
    const soldOut = [{ type: 'g6-nanode-1', region: 'us-east' }];
    const { call } = await aWorld({ settings: { soldOut } });
    const { json: rows } = await call('GET', '/regions/us-east/availability');
    expect(rows).toEqual([
      { region: 'us-east', plan: 'g6-nanode-1', available: false },
      { region: 'us-east', plan: 'g1-gpu-rtx6000-1', available: true },
      { region: 'us-east', plan: 'g7-premium-2', available: false },
      { region: 'us-east', plan: 'g7-premium-4', available: false },
    ]);
    const filter = { region: 'us-east' };
    const { json: page } = await call('GET', '/regions/availability', { filter });
    expect(page).toEqual({ data: rows, page: 1, pages: 1, results: 4 });
  });

  const read = (name: string) => readShared(`linode/${name}`);

  it.skipIf(!hasShared)(`agrees with the recorded types${skipped}`, () => {
    const recorded = (read('types.json') as WireType[]).filter(({ id }) => types.has(id));
    expect(recorded).toHaveLength(13);
    for (const type of recorded) {
      expect(types.get(type.id)).toEqual(type);
      expect(Object.keys(types.get(type.id) ?? {})).toEqual(Object.keys(type));
    }
  });

  it.skipIf(!hasShared)(`agrees with the recorded regions and images${skipped}`, () => {
    for (const region of read('regions.json')) {
      const ours = regions.get(region.id);
      if (ours === undefined) continue;
      const { label, country, site_type } = region;
      expect(ours).toMatchObject({ label, country, site_type });
      expect(region.capabilities).toEqual(expect.arrayContaining([...ours.capabilities]));
      expect(Object.keys(ours)).toEqual(Object.keys(region));
    }
    for (const image of read('images.json')) {
      const ours = images.get(image.id);
      if (ours !== undefined) expect(image).toMatchObject({ ...ours, eol: image.eol });
    }
  });

  it.skipIf(!hasShared)(`answers a create with the recorded keys in order${skipped}`, async () => {
    const recorded = read('recorded-samples.json').find(
      ({ name }: { name: string }) => name === 'create, VLAN interface, image, booted',
    ).response.body;
    const { call } = await aWorld();
    const body = { ...anInstance, label: 'recorded' };
    const { json } = await call('POST', '/linode/instances', { body, version: 'v4beta' });
    expect(keysOf(json)).toEqual(keysOf(recorded));
    const { json: stable } = await call('GET', `/linode/instances/${json.id}`);
    expect(keysOf(stable)).toEqual(keysOf(recorded).filter((key) => key !== 'locks'));
  });
});

function keysOf(value: unknown, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    prefix + key,
    ...keysOf(inner, `${prefix}${key}.`),
  ]);
}
