import { describe, expect, it } from 'vitest';
import { type Exchange, publishExchange } from '../../simulators/linode/exchange.ts';
import { hasShared, readShared, skipped } from '../support/shared.ts';
import { contractOf } from './contract.ts';
import { type Known, known } from './deviations.ts';
import {
  exchangeOf,
  listOf,
  recordedLists,
  type Sample,
  sampleNamed,
  samples,
} from './recorded.ts';
import { takeViolations } from './watch.ts';

describe.skipIf(!hasShared)(`Linode's contract${skipped}`, () => {
  const document = hasShared ? readShared('linode-openapi.json') : { paths: {} };
  const contract = hasShared ? contractOf(document) : null;
  const violations = (exchange: Exchange) => contract?.violations(exchange);

  it('is kept by every recorded answer of the real API on its routes', () => {
    const all = [...samples(), ...recordedLists()].map((sample) => exchangeOf(sample, 'other'));
    const broken = all.flatMap((exchange) => violations(exchange) ?? []);
    expect(all.length).toBeGreaterThan(35);
    expect(broken).toEqual([]);
  });

  /**
   * The recordings and three facts seen elsewhere: a plan without prices, a filter by two tags, and a
   * create with the network helper (linode/terraform-provider-linode, pull request 1899).
   */
  const evidence = (): Exchange[] => {
    if (!hasShared) return [];
    const [type] = readShared('linode/types.json');
    const price = { hourly: null, monthly: null };
    const addons = { backups: { price, region_prices: [] } };
    const g8 = listOf('/linode/types', [{ ...type, price, addons }]);
    const list = listOf('/linode/instances', []);
    const x_filter = '{"+and":[{"tags":"one"},{"tags":"two"}]}';
    const filtered = { ...list, request: { ...list.request, x_filter } };
    const created = sampleNamed('create with Linode interfaces (public + vpc)');
    const body = { ...(created.request.body as object), network_helper: true };
    const helped = { ...created, request: { ...created.request, body } };
    const all = [...samples(), ...recordedLists(), g8, filtered, helped];
    return all.map((sample) => exchangeOf(sample));
  };
  const contractWith = (changes: Partial<Known>) => contractOf(document, { ...known, ...changes });

  const stricter = [
    ...known.deviations.map((deviation): [string, Partial<Known>] => [
      `${deviation.of}: ${Object.keys(deviation.fields).join(', ')} (${deviation.source})`,
      { deviations: known.deviations.filter((other) => other !== deviation) },
    ]),
    ...known.parameters.map((deviation): [string, Partial<Known>] => [
      `${deviation.operations.join(', ')}: ${deviation.why} (${deviation.source})`,
      { parameters: known.parameters.filter((other) => other !== deviation) },
    ]),
  ];

  const knownViolations = new Set(evidence().flatMap((exchange) => violations(exchange)));

  it.each(stricter)('is wrong, by the recorded answers, about %s', (_name, changes) => {
    const strict = contractWith(changes);
    const found = evidence().flatMap((exchange) => strict.violations(exchange));
    expect(found.filter((line) => !knownViolations.has(line))).not.toEqual([]);
  });

  const missing = known.gaps.map(({ method = 'get', path, why, source }) => [
    `${method.toUpperCase()} ${path}`,
    `${why} (${source})`,
  ]);

  it.each(missing)('lacks %s: %s', (operation) => {
    expect(contractWith({ gaps: [] }).operations).not.toContain(operation);
    expect(contract?.operations).toContain(operation);
  });

  describe('is broken', () => {
    const create = (change: Partial<Sample['request']>, body = {}) => {
      const sample = sampleNamed('create empty Linode with tag');
      const request = { ...sample.request, ...change };
      const answered = { ...sample.response.body, ...body };
      return exchangeOf({ ...sample, request, response: { ...sample.response, body: answered } });
    };
    const answered = (change: Partial<Sample['response']>, name = 'type not found') => {
      const sample = sampleNamed(name);
      return exchangeOf({ ...sample, response: { ...sample.response, ...change } });
    };
    const asked = (method: string, path: string, change: Partial<Sample['request']> = {}) => {
      const url = `https://api.linode.com/v4${path}`;
      const request = { method, url, x_filter: null, body: null, ...change };
      const response = { status: 200, content_type: 'application/json', body: {} };
      return { ...exchangeOf({ name: path, request, response }), replacedBy: 'test' } as const;
    };
    const wanted = { type: 'g6-nanode-1', region: 'us-east', image: 'linode/debian12' };

    it.each([
      ['without tags', { tags: undefined }, "must have required property 'tags'"],
      ['with an id that is text', { id: '101' }, '.id must be integer'],
      ['with an unknown status', { status: 'hibernating' }, '.status must be equal to one of'],
      ['with an unknown field', { colour: 'blue' }, 'must NOT have additional properties: colour'],
      ['with a zone', { created: '2026-01-01T00:00:00Z' }, '.created must match format "date-'],
      ['with an incomplete address', { ipv4: ['192.0.2'] }, '.ipv4[] must match format "ipv4"'],
      ['with a tag that is a number', { tags: ['one', 2] }, '.tags[] must be string'],
      ['with a forbidden label', { label: 'a--b' }, '.label must match pattern'],
      ['with null in a field that always has a value', { specs: null }, '.specs must be object'],
    ])('by the answer to a create %s', (_name, body, fault) => {
      const found = violations(create({}, body));
      expect(found).toEqual([expect.stringMatching('^POST /linode/instances: answer: 200')]);
      expect(found?.[0]).toContain(fault);
    });

    it.each([
      ['a page of HTML', { content_type: 'text/html' }, '404 comes as text/html, not JSON'],
      ['a 201', { status: 201 }, '201 is no documented status'],
      ['an error without a reason', { body: { errors: [{ field: 'x' }] } }, "property 'reason'"],
      [
        'another form of errors',
        { body: { error: 'x' } },
        "404 must have required property 'errors'",
      ],
      ['an error that says 200', { status: 200 }, "200 must have required property 'vcpus'"],
    ])('by %s', (_name, change, fault) => {
      expect(violations(answered(change))).toContainEqual(expect.stringContaining(fault));
    });

    it('by a field in the answer to a DELETE, which is empty', () => {
      const found = violations(answered({ body: { deleted: true } }, 'delete running'));
      expect(found).toContainEqual(expect.stringContaining('NOT have additional properties'));
    });

    it('by a wrong field in an item of a list', () => {
      const sample = sampleNamed('list instances filtered by id straight after create');
      const body = structuredClone(sample.response.body);
      body.data[0].backups.schedule.day = 'Someday';
      const found = violations(exchangeOf({ ...sample, response: { ...sample.response, body } }));
      expect(found).toEqual([
        expect.stringMatching(/^GET .linode.instances: answer: 200.data\[\].backups.schedule.day/),
      ]);
    });

    it.each([
      ['for an unknown path', asked('GET', '/linode/nodes'), 'is not in the contract'],
      ['for a path that can not be decoded', asked('GET', '/%zz'), 'is not in the contract'],
      ['with an unknown method', asked('PUT', '/regions'), 'is not in the contract'],
      [
        'for a Linode by its name',
        asked('GET', '/linode/instances/abc'),
        'path.linodeId must be integer',
      ],
      ['with an unknown query', asked('GET', '/images?sort=id'), 'query must NOT have additional'],
      [
        'with small pages',
        asked('GET', '/images?page=1&page_size=10'),
        'query.page_size must be >= 25',
      ],
      ['with two pages', asked('GET', '/images?page=1&page=2'), 'query has a parameter twice'],
      [
        'with a filter that is no JSON',
        asked('GET', '/linode/instances', { x_filter: 'tags=x' }),
        'X-Filter is no JSON',
      ],
      [
        'with an unknown operator',
        asked('GET', '/linode/instances', { x_filter: '{"tags":"x","+sort":"id"}' }),
        'X-Filter must NOT have additional properties: +sort',
      ],
      [
        'with a filter for a list that takes none',
        asked('GET', '/linode/types', { x_filter: '{"vcpus":1}' }),
        'takes no X-Filter',
      ],
      [
        'with a body for a DELETE',
        asked('DELETE', '/linode/instances/1', { body: {} }),
        'takes no body',
      ],
      ['without a body', asked('POST', '/linode/instances'), 'body is no JSON'],
      [
        'without a type',
        asked('POST', '/linode/instances', { body: { ...wanted, type: undefined } }),
        "body must have required property 'type'",
      ],
      [
        'with an unknown field',
        asked('POST', '/linode/instances', { body: { ...wanted, size: 'big' } }),
        'body must NOT have additional properties: size',
      ],
      [
        'with a field of the wrong type',
        asked('POST', '/linode/instances', { body: { ...wanted, tags: 'one' } }),
        'body.tags must be array',
      ],
      [
        'with a field that only answers have',
        asked('PUT', '/linode/instances/1', { body: { status: 'offline' } }),
        'body must NOT have additional properties: status',
      ],
      [
        'with a tag that is too short',
        asked('POST', '/tags', { body: { label: 'x' } }),
        'body.label must NOT have fewer',
      ],
    ])("by a request of Onebuck's client %s", (_name, exchange, fault) => {
      expect(violations(exchange)).toEqual([expect.stringContaining(`request: ${fault}`)]);
    });

    it('by a body without a content type', () => {
      const exchange = create({});
      const { 'content-type': _, ...headers } = exchange.request.headers;
      const untyped = { ...exchange, request: { ...exchange.request, headers } };
      expect(violations(untyped)).toEqual([
        expect.stringMatching(/request: body has no content type/),
      ]);
    });

    it('by no request of another client: tests send wrong requests on purpose', () => {
      const { request, ...rest } = asked('PUT', '/regions', { body: 5 });
      const headers = { ...request.headers, 'user-agent': 'node' };
      expect(violations({ ...rest, request: { ...request, headers } })).toEqual([]);
    });

    it("by no fault in a proxy's place, but by a malformed fault in the API's place", () => {
      const page = answered({ content_type: 'text/html', status: 502 });
      expect(violations({ ...page, replacedBy: 'html502' })).toEqual([]);
      expect(violations({ ...page, reply: 'drop', replacedBy: 'dropAfter' })).toEqual([]);
      const limited = answered({ status: 429, body: { errors: ['Too many requests'] } });
      expect(violations({ ...limited, replacedBy: 'status429' })).not.toEqual([]);
    });

    it('by an exchange with the simulator, which is reported once', async () => {
      expect(await takeViolations()).toEqual([]);
      publishExchange(asked('GET', '/linode/nodes'));
      publishExchange(asked('GET', '/linode/nodes'));
      const line = 'GET /v4/linode/nodes: request: is not in the contract';
      expect(await takeViolations()).toEqual([line]);
    });
  });
});
