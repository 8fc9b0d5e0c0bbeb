import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { FaultRule } from '../../../../simulators/linode/simulator.ts';
import {
  type Answer,
  aWorld,
  EPOCH,
  errors,
  labelsOf,
  type World,
} from '../../../support/simulated-linode.ts';

/** The status of the answer, or `lost` where the connection broke. */
const outcome = (answer: Promise<Answer>): Promise<number | 'lost'> =>
  answer.then(
    ({ status }) => status,
    () => 'lost' as const,
  );

const labels = async ({ call }: World): Promise<string[]> =>
  labelsOf(await call('GET', '/linode/instances'));

describe('rate limits', () => {
  const statuses = async (calls: number, send: () => Promise<Answer>): Promise<number[]> => {
    const found: number[] = [];
    for (let sent = 0; sent < calls; sent += 1) found.push((await send()).status);
    return found;
  };

  it('allow 20 creates in 15 virtual seconds, also counting refused creates', async () => {
    const { create, advanceSeconds } = await aWorld();
    const attempts = await statuses(20, () => create({ label: 'same' }));
    expect(attempts).toEqual([200, ...Array(19).fill(400)]);
    const { status, text, headers } = await create();
    expect(status).toBe(429);
    expect(text).toBe('{"errors": [{"reason": "Too many requests"}]}');
    expect(headers.get('Content-Length')).toBe('45');
    expect(headers.get('X-RateLimit-Remaining')).toBe('0');
    expect(headers.get('X-RateLimit-Reset')).toBe(String(Math.ceil(EPOCH / 1000) + 15));
    advanceSeconds(14);
    const late = await create();
    expect([late.status, late.headers.get('Retry-After')]).toEqual([429, '1']);
    advanceSeconds(1);
    expect((await create()).status).toBe(200);
  });

  it.each([
    ['/images', 20],
    ['/linode/instances', 200],
    ['/profile', 1600],
  ])('allow on %s %i calls a minute', async (path, count) => {
    const { call, advanceSeconds } = await aWorld();
    const found = await statuses(count + 1, () => call('GET', path));
    expect(found.indexOf(429)).toBe(count);
    advanceSeconds(60);
    expect((await call('GET', path)).status).toBe(200);
  });

  it('count the calls of each token, and those without a token, separately', async () => {
    const { call } = await aWorld({ tokens: { other: '*' } });
    await statuses(20, () => call('GET', '/images'));
    expect((await call('GET', '/images')).status).toBe(429);
    expect((await call('GET', '/images', { token: 'other' })).status).toBe(200);
    expect((await call('GET', '/images', { token: null })).status).toBe(200);
  });

  it('allow calls again when the clock is set back', async () => {
    const { call, advanceSeconds } = await aWorld();
    await statuses(20, () => call('GET', '/images'));
    advanceSeconds(-3600);
    expect((await call('GET', '/images')).status).toBe(200);
  });

  it('can be set, and switched off, by the settings', async () => {
    const rateLimits = { images: { count: 1, seconds: 5 } };
    const { call, simulator } = await aWorld({ settings: { rateLimits } });
    expect(await statuses(2, () => call('GET', '/images'))).toEqual([200, 429]);
    expect(simulator.settings.rateLimits.createInstance.count).toBe(20);
    simulator.updateSettings({ rateLimited: false });
    const { status, headers } = await call('GET', '/images');
    expect([status, headers.get('X-RateLimit-Limit')]).toEqual([200, '1']);
  });
});

describe('faults in place of an answer', () => {
  const reasons: [FaultRule, number, string][] = [
    [{ kind: 'status408' }, 408, 'Please try again'],
    [{ kind: 'status429' }, 429, 'Too many requests'],
    [{ kind: 'status500' }, 500, 'Internal server error'],
    [{ kind: 'status503' }, 503, 'Service unavailable'],
    [{ kind: 'maintenance503' }, 503, 'Service unavailable'],
    [{ kind: 'busy' }, 400, 'Linode busy.'],
    [
      { kind: 'capacity' },
      403,
      'The Linode plan you chose is not currently available in the selected region. Please ' +
        'select another region or plan type, or contact Support for assistance.',
    ],
    [
      { kind: 'limit' },
      400,
      "You've reached a limit for the number of active services on your account. Please " +
        'contact Support to request an increase and provide the total number of services you ' +
        'may need.',
    ],
    [{ kind: 'invalidToken' }, 401, 'Invalid Token'],
    [{ kind: 'missingScope' }, 401, 'Your OAuth token is not authorized to use this endpoint.'],
  ];

  it.each(reasons)(
    '%j answers a create with %i, and creates nothing',
    async (rule, status, reason) => {
      const { create, simulator } = await aWorld({ faults: [rule] });
      expect(await create()).toMatchObject({ status, json: errors([reason]) });
      expect(simulator.instances()).toEqual([]);
    },
  );

  it.each([
    ['html502', 502],
    ['nginx400', 400],
    ['html200', 200],
  ] as const)('%s answers with HTML', async (kind, status) => {
    const { call } = await aWorld({ faults: [{ kind }] });
    const answer = await call('GET', '/linode/instances');
    expect([answer.status, answer.headers.get('Content-Type')]).toEqual([status, 'text/html']);
    expect(answer.headers.get('Server')).toBe(kind === 'nginx400' ? 'nginx' : null);
  });

  it('have the headers that Linode sends with their status', async () => {
    const { call, simulator } = await aWorld();
    const headersOf = async (rule: FaultRule, names: string[]) => {
      simulator.setFaults([rule]);
      const { headers } = await call('GET', '/profile');
      return names.map((name) => headers.get(name));
    };
    const rate = ['X-RateLimit-Remaining', 'X-RateLimit-Reset', 'Retry-After'];
    const second = Math.floor(EPOCH / 1000);
    expect(await headersOf({ kind: 'status429', retryAfterSeconds: 7 }, rate)).toEqual([
      '0',
      String(second + 7),
      '7',
    ]);
    expect((await headersOf({ kind: 'status500' }, rate)).slice(1)).toEqual([
      '-1',
      `${-1 - second}`,
    ]);
    const maintenance = ['X-Maintenance-Mode'];
    expect(await headersOf({ kind: 'maintenance503' }, maintenance)).toEqual(['true']);
    expect(await headersOf({ kind: 'status503' }, maintenance)).toEqual([null]);
    const scopes = ['X-OAuth-Scopes'];
    expect(await headersOf({ kind: 'missingScope' }, scopes)).toEqual(['images:read_only']);
  });

  it('dropBefore ends the connection without effect', async () => {
    const { create, simulator } = await aWorld({ faults: [{ kind: 'dropBefore', times: 1 }] });
    expect(await outcome(create())).toBe('lost');
    expect(simulator.instances()).toEqual([]);
    expect(await outcome(create())).toBe(200);
  });

  it('hang gives no answer until the simulator is closed', async () => {
    const { create, simulator } = await aWorld({ faults: [{ kind: 'hang' }] });
    const answer = outcome(create());
    while (simulator.faults()[0]?.struck !== 1) await turn();
    await simulator.close();
    expect(await answer).toBe('lost');
    expect(simulator.instances()).toEqual([]);
  });
});

describe('faults after the effect', () => {
  it.each([
    ['dropAfter', 'lost'],
    ['error500After', 500],
    ['status408After', 408],
    ['busyAfter', 400],
  ] as const)('%s creates the Linode and answers as if it had failed', async (kind, status) => {
    const world = await aWorld({ faults: [{ kind, method: 'POST', times: 1 }] });
    expect(await outcome(world.create({ label: 'made-anyway' }))).toBe(status);
    expect(await labels(world)).toEqual(['made-anyway']);
    expect(await outcome(world.create({ label: 'made-anyway' }))).toBe(400);
    expect(world.simulator.instances()).toHaveLength(1);
  });

  it('hangAfter creates the Linode and never answers', async () => {
    const world = await aWorld({ faults: [{ kind: 'hangAfter', method: 'POST' }] });
    const answer = outcome(world.create({ label: 'made-anyway' }));
    while (world.simulator.faults()[0]?.struck !== 1) await turn();
    expect(await labels(world)).toEqual(['made-anyway']);
    await world.simulator.close();
    expect(await answer).toBe('lost');
  });

  it('dropAfter deletes the Linode and closes the connection', async () => {
    const world = await aWorld({ faults: [{ kind: 'dropAfter', method: 'DELETE', times: 1 }] });
    const { json } = await world.create();
    const path = `/linode/instances/${json.id}`;
    expect(await outcome(world.call('DELETE', path))).toBe('lost');
    expect(await outcome(world.call('DELETE', path))).toBe(404);
  });
});

describe('faults in lists', () => {
  it('staleList lists the Linodes as they were some seconds ago', async () => {
    const world = await aWorld();
    const { call, create, simulator } = world;
    const { json: old } = await create({ label: 'old' });
    world.advanceSeconds(60);
    await call('DELETE', `/linode/instances/${old.id}`);
    await create({ label: 'new' });
    world.advanceSeconds(10);
    simulator.setFaults([{ kind: 'staleList', seconds: 30, times: 1 }]);
    expect((await call('GET', `/linode/instances/${old.id}`)).status).toBe(404);
    const { json } = await call('GET', '/linode/instances');
    expect(json.data).toMatchObject([{ label: 'old', status: 'provisioning' }]);
    expect(await labels(world)).toEqual(['new']);
  });

  it('truncatedList leaves out the last Linodes, and lowers the totals or not', async () => {
    const { call, create, simulator } = await aWorld();
    for (const label of ['aaa', 'bbb', 'ccc']) await create({ label });
    const page = async (keepTotals: boolean) => {
      simulator.setFaults([{ kind: 'truncatedList', items: 2, keepTotals }]);
      const { json } = await call('GET', '/linode/instances');
      return [json.data.length, json.results];
    };
    expect(await page(false)).toEqual([1, 1]);
    expect(await page(true)).toEqual([1, 3]);
  });
});

describe('a fault', () => {
  it('strikes the requests with its method, path and label', async () => {
    const { call, create, simulator } = await aWorld();
    simulator.setFaults([
      { kind: 'status500', label: '-2$' },
      { kind: 'status408', method: 'DELETE', path: '^/linode/instances/\\d+$' },
      { kind: 'html502', path: '^/regions' },
    ]);
    const { json } = await create({ label: 'node-1' });
    expect((await create({ label: 'node-2' })).status).toBe(500);
    expect((await call('GET', `/linode/instances/${json.id}`)).status).toBe(200);
    expect((await call('DELETE', `/linode/instances/${json.id}`)).status).toBe(408);
    expect((await call('GET', '/regions/us-east', { version: 'v4beta' })).status).toBe(502);
    expect((await call('GET', '/linode/types')).status).toBe(200);
  });

  it('does not strike calls for which it makes no sense', async () => {
    const faults: FaultRule[] = [{ kind: 'capacity' }, { kind: 'limit' }, { kind: 'busy' }];
    const { call } = await aWorld({ faults });
    expect((await call('GET', '/linode/instances')).status).toBe(200);
    expect((await call('POST', '/tags', { body: { label: 'abc' } })).status).toBe(200);
  });

  it('skips the first requests, and then strikes as often as the rule says', async () => {
    const { call, simulator } = await aWorld({
      faults: [{ kind: 'status500', skip: 2, times: 2 }],
    });
    const statuses: number[] = [];
    for (let sent = 0; sent < 6; sent += 1) statuses.push((await call('GET', '/profile')).status);
    expect(statuses).toEqual([200, 200, 500, 500, 200, 200]);
    expect(simulator.faults()).toMatchObject([{ matched: 4, struck: 2 }]);
  });

  it('with a probability strikes the same requests for the same seed', async () => {
    const draws = async (seed: number): Promise<string> => {
      const { call, simulator } = await aWorld({ settings: { seed } });
      simulator.setFaults([{ kind: 'status500', probability: 0.5 }]);
      let drawn = '';
      for (let sent = 0; sent < 40; sent += 1) drawn += (await call('GET', '/profile')).status;
      return drawn;
    };
    const [first, repeated, ofOtherSeed] = [await draws(7), await draws(7), await draws(8)];
    expect(first).toBe(repeated);
    expect(first).not.toBe(ofOtherSeed);
    const struck = first.match(/500/g)?.length ?? 0;
    expect(struck).toBeGreaterThan(8);
    expect(struck).toBeLessThan(32);
  });

  it.each([
    [{ kind: 'meteor' }, /no fault meteor/],
    [{ kind: 'staleList' }, /needs seconds/],
    [{ kind: 'status500', path: '(' }, /can't have path/],
    [{ kind: 'status500', seconds: 1 }, /can't have seconds/],
    [{ kind: 'status500', probability: 2 }, /can't have probability/],
  ])('can not have the rule %j', async (rule, message) => {
    const { simulator } = await aWorld();
    expect(() => simulator.setFaults([rule as FaultRule])).toThrow(message);
  });
});

describe('latency', () => {
  it('delays each answer by real time', async () => {
    const { call } = await aWorld({ settings: { latencyMs: 40 } });
    const start = performance.now();
    await call('GET', '/profile');
    expect(performance.now() - start).toBeGreaterThanOrEqual(39);
  });
});

describe('the admin routes', () => {
  const admin = async ({ simulator }: World, method: string, path: string, body?: unknown) => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(simulator.adminUrl + path, { method, ...sent });
    // biome-ignore lint/suspicious/noExplicitAny: the assertions say what is in it
    return { status: response.status, json: (await response.json()) as any };
  };

  it('show the bill and all Linodes, or those of a tag', async () => {
    const world = await aWorld();
    const { json } = await world.create({ tags: ['red'] });
    await world.create({ tags: ['blue'] });
    await world.call('DELETE', `/linode/instances/${json.id}`);
    expect((await admin(world, 'GET', '/bill')).json).toEqual(world.simulator.bill());
    expect((await admin(world, 'GET', '/bill?tag=red')).json.totalMicroUsd).toBe(7_500);
    const { json: instances } = await admin(world, 'GET', '/instances?tag=red');
    expect(instances).toMatchObject([{ id: json.id, deleted: EPOCH }]);
  });

  it('change faults and settings', async () => {
    const world = await aWorld();
    const rules = [{ kind: 'status500', times: 1 }];
    const { json: set } = await admin(world, 'PUT', '/faults', rules);
    expect(set).toEqual([{ rule: rules[0], matched: 0, struck: 0 }]);
    expect((await world.call('GET', '/profile')).status).toBe(500);
    expect((await admin(world, 'GET', '/faults')).json).toMatchObject([{ struck: 1 }]);
    const { json: settings } = await admin(world, 'PATCH', '/settings', { accountLimit: 0 });
    expect(settings).toMatchObject({ accountLimit: 0, imageSeconds: 45 });
    expect((await admin(world, 'GET', '/settings')).json).toEqual(settings);
    expect((await world.create()).status).toBe(400);
  });

  it('refuse unknown faults, settings and routes', async () => {
    const world = await aWorld();
    const statuses = await Promise.all([
      admin(world, 'PUT', '/faults', [{ kind: 'meteor' }]),
      admin(world, 'PUT', '/faults', {}),
      admin(world, 'PATCH', '/settings', { gravity: 1 }),
      admin(world, 'PATCH', '/settings', { latencyMs: -1 }),
      admin(world, 'PATCH', '/settings'),
      admin(world, 'GET', '/nothing'),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400, 404]);
  });

  it('have the number of requests by route and status', async () => {
    const world = await aWorld({ faults: [{ kind: 'dropAfter', method: 'DELETE' }] });
    const { json } = await world.create();
    await world.create({ label: 'x' });
    await outcome(world.call('DELETE', `/linode/instances/${json.id}`));
    const { json: counts } = await admin(world, 'GET', '/requests');
    expect(counts).toEqual({
      'POST /linode/instances': { total: 2, byStatus: { 200: 1, 400: 1 } },
      'DELETE /linode/instances/{}': { total: 1, byStatus: { drop: 1 } },
    });
    expect(world.simulator.requests()).toEqual(counts);
  });
});
