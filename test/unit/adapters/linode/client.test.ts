import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createTransport } from '../../../../lib/adapters/linode/axios-transport.ts';
import { type EpochMs, plus, seconds } from '../../../../lib/core/base/units.ts';
import { AppError, PartialListError } from '../../../../lib/errors.ts';
import type { LinodeApi } from '../../../../lib/ports.ts';
import { anAccount } from '../../../support/doubles.ts';
import {
  type Answer,
  aRawLinode,
  aRequest,
  errors,
  FRESH_TOKEN,
  htmlPage,
  LABEL,
  LATER,
  page,
  type Script,
  type SeenRequest,
  START,
  served,
  TAGS,
  TOKEN,
} from '../../../support/linode-server.ts';

async function errorFrom(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    (value) => new Error(`no error, but ${inspect(value)}`),
    (thrown: unknown) => thrown,
  );
  if (error instanceof AppError) return error;
  throw error;
}

const INVALID_TOKEN: Answer = {
  status: 401,
  headers: { 'x-oauth-scopes': 'unknown', 'x-accepted-oauth-scopes': 'linodes:read_only' },
  json: errors('Invalid Token'),
};

const MISSING_SCOPE: Answer = {
  status: 401,
  headers: {
    'x-oauth-scopes': 'events:read_only',
    'x-accepted-oauth-scopes': 'linodes:read_write',
  },
  json: errors('Your OAuth token is not authorized to use this endpoint.'),
};

const BUSY: Answer = { status: 400, json: errors('Linode busy.') };
const DELETED: Answer = { json: {} };
const NOT_FOUND: Answer = { status: 404, json: errors('Not found') };

describe('a request', () => {
  it('has the User-Agent onebuck, accepts JSON, and follows no redirect', async () => {
    const { api, requests } = await served([{ status: 302, headers: { location: '/elsewhere' } }]);
    const error = await errorFrom(api.get(5, LATER));
    expect(error).toMatchObject({ code: 'linodeUnavailable' });
    expect(error.message).toMatch(/^GET \/linode\/instances\/5: 302: /);
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({
      method: 'GET',
      path: '/v4/linode/instances/5',
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${TOKEN}`,
        'user-agent': expect.stringMatching(/^onebuck\/\d/),
      },
    });
  });

  it('is not sent with a token that can not be in a header', async () => {
    const { api, requests } = await served([], { token: async () => 'two\nlines' });
    expect(await errorFrom(api.get(5, LATER))).toMatchObject({ code: 'linodeDenied' });
    expect(requests).toHaveLength(0);
  });
});

describe('a list', () => {
  it('is requested in the largest pages, and Linodes ordered by id', async () => {
    const { api, requests } = await served([page([aRawLinode()]), page([]), page([]), page([])]);
    await api.listByTag('onebuck-dev', LATER);
    await api.regions(LATER);
    await api.images(LATER);
    await api.recoveryImages(LATER);
    const [linodes, regions, images, recovery] = requests;
    expect(linodes?.filter).toEqual({ tags: 'onebuck-dev', '+order_by': 'id' });
    expect(Object.fromEntries(linodes?.query ?? [])).toEqual({ page: '1', page_size: '500' });
    expect(regions).toMatchObject({ path: '/v4/regions', filter: undefined });
    expect(images).toMatchObject({ path: '/v4/images', filter: { type: 'manual' } });
    expect(recovery).toMatchObject({ path: '/v4/images', filter: { type: 'automatic' } });
  });

  it('reads each page of Linodes from the last id of the page before', async () => {
    const [a, b, c] = [1, 2, 3].map((id) => aRawLinode({ id, label: `onebuck-${id}` }));
    const { api, requests } = await served([
      page([a, b], { pages: 2, results: 3 }),
      page([c], { results: 1 }),
    ]);
    const found = await api.listByTag('onebuck-dev', LATER);
    expect(found.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(requests.map(({ query, filter }) => [query.get('page'), filter])).toEqual([
      ['1', { tags: 'onebuck-dev', '+order_by': 'id' }],
      ['1', { tags: 'onebuck-dev', '+order_by': 'id', id: { '+gt': 2 } }],
    ]);
  });

  it('is empty if it has no pages', async () => {
    const { api } = await served([{ json: { data: [], page: 0, pages: 0, results: 0 } }]);
    expect(await api.listByTag('onebuck-dev', LATER)).toEqual([]);
  });

  it("has only Linodes with the tag, whatever Linode's filter lets through", async () => {
    const strangers = [[], ['onebuck-dev2'], ['Onebuck-dev'], ['x onebuck-dev']];
    const rows = strangers.map((tags, index) => aRawLinode({ id: 7 + index, tags }));
    const { api } = await served([page([...rows, aRawLinode({ id: 99, tags: ['onebuck-dev'] })])]);
    expect((await api.listByTag('onebuck-dev', LATER)).map(({ id }) => id)).toEqual([99]);
  });

  it('may have a filter with non-ASCII characters', async () => {
    const { api, requests } = await served([page([])]);
    await api.listByTag('schön ☂', LATER);
    expect(requests[0]?.filter).toMatchObject({ tags: 'schön ☂' });
  });

  it('has each Linode that stays, though others come and go while the client reads it', async () => {
    const { api } = await served([
      page([aRawLinode({ id: 1 }), aRawLinode({ id: 2 })], { pages: 2, results: 4 }),
      page([aRawLinode({ id: 4 })], { results: 3, pages: 1 }),
      page([aRawLinode({ id: 5 }), aRawLinode({ id: 6 })]),
    ]);
    const found = await api.listByTag('onebuck-dev', LATER);
    expect(found.map(({ id }) => id)).toEqual([1, 2, 4, 5, 6]);
  });

  it.each([
    ['answers no further page', { status: 500, json: {} }],
    ['answers a page in another order', page([aRawLinode({ id: 1 })])],
    ['answers pages that lack items', page([], { results: 7 })],
  ])('throws an error that has the Linodes that were read, if Linode %s', async (_how, rest) => {
    const first = page([aRawLinode({ id: 1 }), aRawLinode({ id: 2 })], { pages: 2, results: 3 });
    let calls = 0;
    const { api, clock } = await served(() => {
      calls += 1;
      if (calls > 20) clock.set(plus(LATER, seconds(1)));
      return calls === 1 ? first : rest;
    });
    const error = await errorFrom(api.listByTag('onebuck-dev', LATER));
    expect(error).toBeInstanceOf(PartialListError);
    expect((error as PartialListError).found.map(({ id }) => id)).toEqual([1, 2]);
    expect(error).toMatchObject({ code: 'linodeUnavailable' });
  });

  it.each([
    [
      'changes all the time',
      (n: string) => page([{}], { page: Number(n), pages: 2, results: 9 - +n }),
    ],
    ['has fewer items than it says', () => page([], { results: 12 })],
    [
      'answers another page than the requested one',
      () => page([], { page: 4, pages: 9, results: 9 }),
    ],
    ['has no end', () => page([], { pages: 201, results: 100_000 })],
  ])('is an error if it %s', async (_how, answer) => {
    const { api, requests } = await served(({ query }) => answer(query.get('page') ?? ''));
    const error = await errorFrom(api.regions(LATER));
    expect(error).toMatchObject({ code: 'linodeUnavailable' });
    expect(error.message).toMatch(/^GET \/regions: /);
    expect(requests.length).toBeLessThanOrEqual(10);
  });

  it('throws, and returns no part, if the deadline passes between its pages', async () => {
    const { api, clock } = await served(() => {
      clock.set(plus(LATER, seconds(1)));
      return page([aRawLinode()], { pages: 2, results: 2 });
    });
    const error = await errorFrom(api.listByTag('onebuck-dev', LATER));
    expect(error).toMatchObject({ code: 'linodeUnavailable' });
  });

  it('throws an error that names the field, if an item has a wrong field', async () => {
    const { api, requests } = await served([page([aRawLinode(), aRawLinode({ created: 'now' })])]);
    const error = await errorFrom(api.listByTag('onebuck-dev', LATER));
    expect(error.message).toMatch(
      /^GET \/linode\/instances: 200: unexpected answer: data\.1: created/,
    );
    expect(error).toMatchObject({ code: 'linodeUnavailable' });
    expect(requests).toHaveLength(1);
  });

  it('of types leaves out those that are not as they should be, and says so', async () => {
    const type = { id: 'g6-nanode-1', vcpus: 1, memory: 1024, disk: 25600 };
    const odd = [
      { ...type, id: 'no-disk', disk: null },
      { ...type, id: 'priced-in-words', price: { hourly: '0.01', monthly: 5 } },
    ];
    const { api, logged } = await served([page([odd[0], type, odd[1]])]);
    expect((await api.types(LATER)).value.map(({ id }) => id)).toEqual(['g6-nanode-1']);
    expect(logged).toEqual([
      ['row of a list skipped', { path: '/linode/types', fault: 'data.0: disk is no number' }],
      [
        'row of a list skipped',
        { path: '/linode/types', fault: 'data.2: price.hourly is no number' },
      ],
    ]);
  });

  it('of types, of regions and of images has its own path', async () => {
    const type = { id: 'g6-nanode-1', vcpus: 1, memory: 1024, disk: 25600 };
    const { api, requests } = await served([page([type]), page([{ id: 'us-east' }]), page([])]);
    expect((await api.types(LATER)).value).toMatchObject([{ id: 'g6-nanode-1', price: null }]);
    expect((await api.regions(LATER)).value).toMatchObject([{ id: 'us-east', siteType: 'core' }]);
    expect((await api.images(LATER)).value).toEqual([]);
    expect(requests.map(({ path }) => path)).toEqual([
      '/v4/linode/types',
      '/v4/regions',
      '/v4/images',
    ]);
  });
});

describe('the time that a list may be kept', () => {
  const aged = (cacheControl: string | null, of: Parameters<typeof page>[1] = {}): Answer => ({
    ...page([{ id: `us-${of.page ?? 1}` }], of),
    ...(cacheControl === null ? {} : { headers: { 'cache-control': cacheControl } }),
  });

  it.each([
    ['private, max-age=900', seconds(900)],
    // Linode was seen to send two Cache-Control headers, which Node joins.
    ['private, max-age=900, private, max-age=60, s-maxage=60', seconds(60)],
    ['private, max-age=0, s-maxage=0, no-cache, no-store, private, max-age=60', 0],
    ['Max-Age="30"', seconds(30)],
    ['no-store', 0],
    ['s-maxage=5, max-age=soon', null],
    ['', null],
    [null, null],
  ])('is read from the header %j', async (cacheControl, maxAge) => {
    const { api } = await served([aged(cacheControl)]);
    expect(await api.regions(LATER)).toMatchObject({ value: [{ id: 'us-1' }], maxAge });
  });

  it('is the shortest of its pages', async () => {
    const two = { pages: 2, results: 2 };
    const { api } = await served([
      aged('max-age=90', two),
      aged('max-age=30', { page: 2, ...two }),
      aged(null, two),
      aged('max-age=60', { page: 2, ...two }),
    ]);
    expect((await api.regions(LATER)).maxAge).toBe(seconds(30));
    expect((await api.regions(LATER)).maxAge).toBe(seconds(60));
  });
});

describe('availability', () => {
  const rows = [
    { region: 'us-east', plan: 'g7-premium-2', available: false },
    { plan: 'g1-gpu-rtx6000-1', available: true },
  ];

  it('is a list without pages, of the types of one region', async () => {
    const { api, requests } = await served([{ json: rows }, { json: [] }]);
    expect(await api.availability('us-east', LATER)).toEqual([
      { type: 'g7-premium-2', available: false },
      { type: 'g1-gpu-rtx6000-1', available: true },
    ]);
    expect(await api.availability('a/b', LATER)).toEqual([]);
    expect(requests.map(({ path }) => path)).toEqual([
      '/v4/regions/us-east/availability',
      '/v4/regions/a%2Fb/availability',
    ]);
  });

  it.each([
    ['linodeRejected', NOT_FOUND],
    ['linodeUnavailable', { status: 501, json: errors('Not simulated') }],
    ['linodeUnavailable', page([])],
    ['linodeUnavailable', { json: [{ plan: 'x', available: 'yes' }] }],
  ] as const)('throws %s where Linode does not answer with such a list', async (code, answer) => {
    const { api, requests } = await served([answer]);
    expect(await errorFrom(api.availability('us-east', LATER))).toMatchObject({ code });
    expect(requests).toHaveLength(1);
  });

  it('has a time-out of 3 seconds, shorter than other calls', async () => {
    const { api, timeouts } = await served(() => ({ lost: 'hang' }));
    const error = await errorFrom(api.availability('us-east', LATER));
    expect(error).toMatchObject({ code: 'linodeUnavailable' });
    expect(error.message).toContain('no answer within 3000 ms');
    expect(new Set(timeouts.lengthsMs)).toEqual(new Set([3_000]));
  });
});

describe('one Linode', () => {
  it('is found by its id, or answers notFound', async () => {
    const { api } = await served([{ json: aRawLinode() }, NOT_FOUND]);
    expect(await api.get(101, LATER)).toMatchObject({ id: 101, label: LABEL });
    expect(await api.get(102, LATER)).toBe('notFound');
  });

  it('of another id than the requested one is an error', async () => {
    const { api } = await served([{ json: aRawLinode({ id: 7 }) }]);
    expect(await errorFrom(api.get(8, LATER))).toMatchObject({ code: 'linodeUnavailable' });
  });

  it('is not gone because a page of HTML has the status 404', async () => {
    const { api } = await served(() => htmlPage(404));
    expect(await errorFrom(api.get(8, LATER))).toMatchObject({ code: 'linodeUnavailable' });
    expect(await errorFrom(api.delete(8, LATER))).toMatchObject({ code: 'linodeUnavailable' });
  });

  it('is found only by its exact label', async () => {
    const near = aRawLinode({ id: 1, label: `${LABEL}1` });
    const { api, requests } = await served([page([near, aRawLinode({ id: 2 })]), page([near])]);
    expect(await api.findByLabel(LABEL, LATER)).toMatchObject({ id: 2 });
    expect(await api.findByLabel(LABEL, LATER)).toBe('notFound');
    expect(requests[0]?.filter).toMatchObject({ label: LABEL });
  });

  it('is deleted, and a second deletion answers notFound', async () => {
    const { api, requests } = await served([DELETED, NOT_FOUND]);
    expect(await api.delete(101, LATER)).toBe('deleted');
    expect(await api.delete(101, LATER)).toBe('notFound');
    expect(requests[0]).toMatchObject({ method: 'DELETE', path: '/v4/linode/instances/101' });
  });

  it('is deleted also where the answer is a 204 without content', async () => {
    const { api } = await served([{ status: 204 }]);
    expect(await api.delete(101, LATER)).toBe('deleted');
  });
});

describe('a tag', () => {
  it('is deleted by its percent-encoded name, also if it is gone already', async () => {
    const { api, requests } = await served([DELETED, NOT_FOUND]);
    await api.deleteTag('onebuck=c/1', LATER);
    await api.deleteTag('onebuck=c/1', LATER);
    expect(requests[0]).toMatchObject({ method: 'DELETE', path: '/v4/tags/onebuck%3Dc%2F1' });
  });

  it.each([MISSING_SCOPE, { status: 403, json: errors('Unauthorized') }])(
    'throws where the token may not delete tags: %j',
    async (answer) => {
      const { api } = await served([answer]);
      expect(await errorFrom(api.deleteTag('t', LATER))).toMatchObject({ code: 'linodeDenied' });
    },
  );
});

describe("a Linode's tags", () => {
  it('are all replaced by one PUT, which answers the changed Linode', async () => {
    const { api, requests } = await served([{ json: aRawLinode({ tags: ['a', 'b'] }) }]);
    expect(await api.setTags(101, ['a', 'b'], LATER)).toMatchObject({ id: 101, tags: ['a', 'b'] });
    const path = '/v4/linode/instances/101';
    expect(requests).toMatchObject([{ method: 'PUT', path, body: { tags: ['a', 'b'] } }]);
  });

  it('are put again after a lost answer: the PUT may be repeated', async () => {
    const busy = { status: 400, json: errors('Linode busy.') };
    const answers = [busy, { status: 503 }, { lost: 'drop' } as const, { json: aRawLinode() }];
    const { api, requests } = await served(answers);
    expect(await api.setTags(101, TAGS, LATER)).toMatchObject({ tags: TAGS });
    expect(requests).toHaveLength(4);
  });

  it('answer notFound where the Linode does not exist', async () => {
    const { api } = await served([NOT_FOUND]);
    expect(await api.setTags(101, TAGS, LATER)).toBe('notFound');
  });

  it.each([
    ['of another shape', { json: { ...aRawLinode(), tags: 'a,b' } }],
    ['of an empty object', DELETED],
    ['about another Linode', { json: aRawLinode({ id: 7 }) }],
  ])('throw after an answer %s, since the PUT may have failed', async (_what, answer) => {
    const { api, requests } = await served([answer]);
    const error = await errorFrom(api.setTags(101, TAGS, LATER));
    expect(error).toMatchObject({ code: 'linodeUnavailable' });
    expect(error.message).toMatch(/^PUT \/linode\/instances\/101: 200: unexpected answer: /);
    expect(requests).toHaveLength(1);
  });

  it('are put with a fresh token after an invalid one, but not without the scope', async () => {
    const { api, requests } = await served([INVALID_TOKEN, { json: aRawLinode() }, MISSING_SCOPE]);
    expect(await api.setTags(101, TAGS, LATER)).toMatchObject({ tags: TAGS });
    const tokens = requests.map(({ headers }) => headers.authorization);
    expect(tokens).toEqual([`Bearer ${TOKEN}`, `Bearer ${FRESH_TOKEN}`]);
    expect(await errorFrom(api.setTags(101, TAGS, LATER))).toMatchObject({ code: 'linodeDenied' });
    expect(requests).toHaveLength(3);
  });

  it('that Linode rejects throw', async () => {
    const { api } = await served([{ status: 400, json: errors('Tags are wrong @tags') }]);
    const error = await errorFrom(api.setTags(101, TAGS, LATER));
    expect(error).toMatchObject({ code: 'linodeRejected' });
  });
});

describe('the settings of the account', () => {
  const NEITHER = anAccount();

  it.each([
    [anAccount({ backupsForced: true }), { json: { backups_enabled: true, managed: false } }],
    [
      anAccount({ networkHelper: false }),
      { json: { backups_enabled: false, network_helper: false } },
    ],
    [anAccount({ managed: true }), { json: { backups_enabled: false, managed: true } }],
    ...[
      ['legacy_config_only', 'legacy_config'],
      ['legacy_config_default_but_linode_allowed', 'legacy_config'],
      ['linode_default_but_legacy_config_allowed', 'legacy_config'],
      ['linode_only', 'linode'],
    ].map(
      ([allowed, interfaces]) =>
        [
          { ...NEITHER, interfaces },
          { json: { backups_enabled: false, interfaces_for_new_linodes: allowed } },
        ] as const,
    ),
    [NEITHER, { json: { backups_enabled: false } }],
    ['unreadable', MISSING_SCOPE],
    ['unreadable', { status: 403, json: errors('Unauthorized') }],
    [NEITHER, NOT_FOUND],
    [NEITHER, htmlPage(404)],
    [NEITHER, { status: 405, json: errors('Method Not Allowed') }],
    [NEITHER, { status: 501, json: errors('Not simulated') }],
  ] as const)('are %j by the answer %j', async (settings, answer) => {
    const { api, requests } = await served([answer]);
    expect(await api.accountSettings(LATER)).toEqual(settings);
    expect(requests).toHaveLength(1);
  });

  it('throw with an invalid token, and with an answer of another shape', async () => {
    const { api } = await served([INVALID_TOKEN, INVALID_TOKEN, { json: { backups: 'yes' } }]);
    expect(await errorFrom(api.accountSettings(LATER))).toMatchObject({ code: 'linodeDenied' });
    expect(await errorFrom(api.accountSettings(LATER))).toMatchObject({
      code: 'linodeUnavailable',
    });
  });
});

describe('the default firewalls of the account', () => {
  const ids = { linode: 7, nodebalancer: 8, public_interface: null, vpc_interface: 9 };

  it.each([
    [{ legacy_config: 7, linode: null }, { json: { default_firewall_ids: ids } }],
    [{ legacy_config: null, linode: null }, { json: { default_firewall_ids: {} } }],
    ['unreadable', MISSING_SCOPE],
    ['unreadable', NOT_FOUND],
  ] as const)('are %j by the answer %j', async (firewalls, answer) => {
    const { api, requests } = await served([answer]);
    expect(await api.defaultFirewalls(LATER)).toEqual(firewalls);
    expect(requests).toMatchObject([{ method: 'GET', path: '/v4/networking/firewalls/settings' }]);
  });

  it('throw with an answer of another shape', async () => {
    const { api } = await served([{ json: { default_firewall_ids: { linode: 'x' } } }]);
    expect(await errorFrom(api.defaultFirewalls(LATER))).toMatchObject({
      code: 'linodeUnavailable',
    });
  });
});

describe('VLANs', () => {
  const aVlan = (region: string, label: string, ...linodes: number[]) => ({
    ...{ region, label, linodes, created: '2026-01-01T00:00:00' },
  });

  it('are those of the region, from all pages, with the number of their Linodes', async () => {
    const first = page([aVlan('us-east', 'one', 1, 2)], { pages: 2, results: 3 });
    const rest = [aVlan('us-ord', 'one', 3), aVlan('us-east', 'two')];
    const second = page(rest, { page: 2, pages: 2, results: 3 });
    const { api, requests } = await served([first, second]);
    expect(await api.vlans('us-east', LATER)).toEqual([
      { region: 'us-east', label: 'one', linodes: 2 },
      { region: 'us-east', label: 'two', linodes: 0 },
    ]);
    expect(requests.map(({ filter }) => filter)).toEqual(Array(2).fill({ region: 'us-east' }));
  });

  it('are those of all regions where none is named', async () => {
    const all = [aVlan('us-east', 'one', 1), aVlan('us-ord', 'one')];
    const { api, requests } = await served([page(all)]);
    expect(await api.vlans(null, LATER)).toEqual([
      { region: 'us-east', label: 'one', linodes: 1 },
      { region: 'us-ord', label: 'one', linodes: 0 },
    ]);
    expect(requests[0]?.filter).toBeUndefined();
  });

  it('are deleted by region and label, also twice, but not with a Linode', async () => {
    const attached = { status: 400, json: errors('This VLAN has Linodes attached.') };
    const { api, requests } = await served([{ json: {} }, NOT_FOUND, attached]);
    expect(await api.deleteVlan('us-east', 'one', LATER)).toBe('deleted');
    expect(await api.deleteVlan('us-east', 'one', LATER)).toBe('notFound');
    expect(await errorFrom(api.deleteVlan('us-east', 'one', LATER))).toMatchObject({
      code: 'linodeRejected',
    });
    expect(requests[0]).toMatchObject({
      method: 'DELETE',
      path: '/v4/networking/vlans/us-east/one',
    });
  });
});

const TRANSIENT: [string, Answer][] = [
  ['408', { status: 408, json: errors('Please try again') }],
  ['500', { status: 500, json: errors('Internal server error') }],
  ['502 in HTML', htmlPage(502)],
  ['503', { status: 503, json: errors('Service unavailable') }],
  ['504', htmlPage(504)],
  ['400 of nginx', htmlPage(400, { server: 'nginx', 'content-type': 'text/html' })],
  ['403 of an edge', htmlPage(403)],
  ['200 in HTML', htmlPage(200)],
  ['200 cut short', { text: '{"data": [', headers: { 'content-type': 'application/json' } }],
  ['200 of nothing', {}],
  ['a busy Linode', BUSY],
  ['a lost connection', { lost: 'drop' }],
];

/** Answers `first` to the first request and `later` to all others. */
function firstThen(first: Answer, later: Answer): Script {
  let requests = 0;
  return () => {
    requests += 1;
    return requests === 1 ? first : later;
  };
}

describe('a call that fails and may be repeated', () => {
  it.each(TRANSIENT)('is repeated after %s', async (_what, answer) => {
    const { api, clock, logged } = await served([answer, answer, answer, DELETED]);
    expect(await api.delete(101, LATER)).toBe('deleted');
    expect(clock.sleptMs).toEqual([500, 1_000, 2_000]);
    expect(logged).toHaveLength(3);
    expect(logged[0]).toEqual([
      'Linode call is repeated',
      {
        method: 'DELETE',
        path: '/linode/instances/101',
        status: answer.status ?? (answer.lost === undefined ? 200 : expect.any(String)),
        attempt: 1,
        waitMs: 500,
      },
    ]);
  });

  it('is repeated after a time-out', async () => {
    const { api } = await served(firstThen({ lost: 'hang' }, DELETED));
    expect(await api.delete(101, LATER)).toBe('deleted');
  });

  it('is repeated after an answer that drips byte by byte without an end', async () => {
    const { api } = await served(firstThen({ lost: 'drip' }, DELETED));
    expect(await api.delete(101, LATER)).toBe('deleted');
  });

  it('has a time-out of 3 seconds at least, though its deadline has come', async () => {
    const { api, timeouts } = await served(() => ({ lost: 'hang' }));
    const error = await errorFrom(api.get(1, START));
    expect(error).toMatchObject({ code: 'linodeUnavailable' });
    expect(error.message).toContain('no answer within 3000 ms');
    expect(timeouts.lengthsMs).toEqual([3_000]);
  });

  it('waits at most 8 s between attempts, and throws after 50 attempts', async () => {
    const { api, clock, requests } = await served(() => htmlPage(502));
    const error = await errorFrom(api.get(1, plus(START, seconds(100_000))));
    expect(error.message).toBe(
      'GET /linode/instances/1: 502: an answer in text/html (attempts: 50)',
    );
    expect(requests).toHaveLength(50);
    expect(Math.max(...clock.sleptMs)).toBe(8_000);
  });

  it.each(TRANSIENT)('after %s does not wait beyond its deadline', async (_what, answer) => {
    const by = plus(START, seconds(3));
    const { api, clock, requests } = await served(() => answer);
    const error = await errorFrom(api.delete(1, by));
    expect(error).toMatchObject({ code: 'linodeUnavailable' });
    expect(error.message).toMatch(/^DELETE \/linode\/instances\/1: .+ \(attempts: 3\)$/);
    expect(clock.now()).toBeLessThanOrEqual(by);
    expect(requests).toHaveLength(3);
  });

  it('is sent once even after its deadline', async () => {
    const past = plus(START, seconds(-1));
    const { api, requests, clock } = await served([DELETED, htmlPage(502)]);
    expect(await api.delete(1, past)).toBe('deleted');
    expect(await errorFrom(api.delete(1, past))).toMatchObject({ code: 'linodeUnavailable' });
    expect(requests).toHaveLength(2);
    expect(clock.sleptMs).toEqual([]);
  });

  it.each([
    [503, { status: 503, json: errors('Sorry'), headers: { 'x-maintenance-mode': 'all,x' } }],
    [200, htmlPage(200, { 'x-maintenance-mode': 'all' })],
  ])('is not repeated while Linode is in maintenance (%s)', async (status, answer) => {
    const { api } = await served([answer]);
    const error = await errorFrom(api.get(1, LATER));
    expect(error).toMatchObject({
      code: 'linodeUnavailable',
      message: `GET /linode/instances/1: ${status}: Linode is in maintenance`,
    });
  });
});

describe('a call over the rate limit', () => {
  it.each([
    ['7', 7_000],
    ['60', 30_000],
    ['0', 1_000],
    ['-1509450059', 1_000],
    ['soon', 1_000],
    ['', 1_000],
  ])('waits as Retry-After says (%j), within 1 to 30 s', async (text, waitMs) => {
    const tooMany = {
      status: 429,
      headers: { 'retry-after': text },
      json: errors('Too many requests'),
    };
    const { api, clock } = await served([tooMany, DELETED]);
    expect(await api.delete(1, LATER)).toBe('deleted');
    expect(clock.sleptMs).toEqual([waitMs]);
  });

  it('ignores Retry-After in an answer that is no 429', async () => {
    const { api, clock } = await served([htmlPage(502, { 'retry-after': '30' }), DELETED]);
    await api.delete(1, LATER);
    expect(clock.sleptMs).toEqual([500]);
  });
});

const ADVICE = 'Put a valid one into the secret.';

describe('a refused token', () => {
  it('is read afresh once, and the call sent again', async () => {
    const { api, requests, tokenCalls } = await served([INVALID_TOKEN, DELETED]);
    expect(await api.delete(1, LATER)).toBe('deleted');
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([
      `Bearer ${TOKEN}`,
      `Bearer ${FRESH_TOKEN}`,
    ]);
    expect(tokenCalls).toEqual([{ fresh: false }, { fresh: true }]);
  });

  it('throws if Linode refuses the fresh token too', async () => {
    const { api, requests } = await served(() => INVALID_TOKEN);
    const error = await errorFrom(api.types(LATER));
    expect(error).toMatchObject({
      code: 'linodeDenied',
      message: `Linode refused the token: it is wrong, expired or revoked. ${ADVICE}`,
    });
    expect(requests).toHaveLength(2);
  });

  it('is not read afresh after the deadline of the call', async () => {
    const { api, requests } = await served(() => INVALID_TOKEN);
    const error = await errorFrom(api.types(plus(START, seconds(-1))));
    expect(error).toMatchObject({ code: 'linodeDenied' });
    expect(requests).toHaveLength(1);
  });

  it.each([MISSING_SCOPE, { ...MISSING_SCOPE, json: errors('Not with this one') }])(
    'that lacks a scope throws an error with the scopes',
    async (answer) => {
      const { api, requests } = await served([answer]);
      const error = await errorFrom(api.delete(1, LATER));
      expect(error.code).toBe('linodeDenied');
      expect(error.message).toContain('linodes:read_write');
      expect(error.message).toContain('events:read_only');
      expect(requests).toHaveLength(1);
    },
  );

  it('whose user lacks a grant throws an error about the user', async () => {
    const { api } = await served([{ status: 403, json: errors('Unauthorized') }]);
    const error = await errorFrom(api.get(1, LATER));
    expect(error.code).toBe('linodeDenied');
    expect(error.message).toMatch(/user/);
  });

  it('that can not be read throws the error of the reader', async () => {
    const token = () => Promise.reject(new AppError('misconfigured', 'no such secret'));
    const { api } = await served([], { token });
    expect(await errorFrom(api.get(1, LATER))).toMatchObject({ code: 'misconfigured' });
  });
});

describe('a request that Linode rejects', () => {
  it("throws an error with all of Linode's reasons", async () => {
    const answer = { status: 400, json: errors('Cannot filter on foo @X-Filter', 'And more') };
    const { api, requests } = await served([answer]);
    expect(await errorFrom(api.images(LATER))).toMatchObject({
      code: 'linodeRejected',
      message: 'GET /images: 400: Cannot filter on foo (X-Filter); And more',
    });
    expect(requests).toHaveLength(1);
  });
});

describe('secrets', () => {
  const { rootPassword, userData } = aRequest();
  const secrets = [TOKEN, FRESH_TOKEN, rootPassword, userData] as string[];
  /** The secrets in a request, as a server might quote them in its answer. */
  const echoOf = ({ headers, body }: SeenRequest) => {
    const sent = `${headers.authorization} ${JSON.stringify(body)}`;
    return `you sent ${secrets.filter((secret) => sent.includes(secret))}`;
  };
  const answers: ((echo: string) => Answer)[] = [
    (echo) => ({ status: 400, json: errors(`${echo} @${echo}`) }),
    (echo) => ({ status: 400, json: errors(`Label must be unique ${echo}`) }),
    (echo) => ({ status: 401, json: errors(`Invalid Token ${echo}`) }),
    (echo) => ({ ...MISSING_SCOPE, headers: { 'x-oauth-scopes': echo } }),
    (echo) => ({ ...MISSING_SCOPE, headers: { 'x-accepted-oauth-scopes': echo } }),
    (echo) => ({ status: 403, json: errors(echo) }),
    (echo) => ({ status: 408, json: errors(echo) }),
    (echo) => ({ status: 429, json: errors(echo) }),
    (echo) => ({ status: 500, json: errors(echo) }),
    (echo) => ({ status: 503, json: errors(echo), headers: { 'x-maintenance-mode': echo } }),
    (echo) => ({ status: 502, text: echo, headers: { 'content-type': echo } }),
    (echo) => ({ status: 302, text: echo, headers: { location: `http://127.0.0.1:9/${echo}` } }),
    (echo) => ({ text: echo }),
    (echo) => ({ json: aRawLinode({ id: echo }) }),
    (echo) => ({ ...page([{ [echo]: echo }]) }),
    () => ({ lost: 'drop' }),
    () => ({ lost: 'hang' }),
    () => INVALID_TOKEN,
  ];
  const uses: [string, (api: LinodeApi, by: EpochMs) => Promise<unknown>][] = [
    ['list', (api, by) => api.listByTag('t', by)],
    ['get', (api, by) => api.get(1, by)],
    ['delete', (api, by) => api.delete(1, by)],
    ['setTags', (api, by) => api.setTags(1, TAGS, by)],
    ['settings', (api, by) => api.accountSettings(by)],
    ['create', (api, by) => api.create(aRequest(), { notAfter: by, by })],
  ];

  it.each(uses)('are in no error, outcome or log line of a failing %s', async (_name, use) => {
    for (const [index, answer] of answers.entries()) {
      const { api, logged } = await served((request) => answer(echoOf(request)), {});
      const result = await use(api, plus(START, seconds(5))).catch((error: unknown) => error);
      const error = result instanceof Error ? [result.message, result.stack, result.cause] : [];
      const shown = [result, error, logged]
        .flatMap((value) => [
          JSON.stringify(value),
          inspect(value, { depth: null, showHidden: true, getters: true }),
        ])
        .join('\n');
      for (const secret of secrets) {
        expect(shown, `${secret} after answer ${index}`).not.toContain(secret);
      }
      if (result instanceof Error) expect(result).toBeInstanceOf(AppError);
    }
  });

  it('are in no error if there is no server to connect to', async () => {
    const { api, logged } = await served([], {
      transport: createTransport('http://127.0.0.1:9/v4'),
    });
    const error = await errorFrom(api.get(1, plus(START, seconds(2))));
    expect(error.message).toMatch(/^GET \/linode\/instances\/1: ECONNREFUSED/);
    expect(inspect([error, logged], { depth: null, showHidden: true })).not.toContain(TOKEN);
  });
});
