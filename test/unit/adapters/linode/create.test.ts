import { describe, expect, it } from 'vitest';
import { type EpochMs, epochMs, plus, seconds } from '../../../../lib/core/base/units.ts';
import type { CreateOutcome } from '../../../../lib/ports.ts';
import {
  type Answer,
  aRawLinode,
  aRequest,
  errors,
  FRESH_TOKEN,
  htmlPage,
  LABEL,
  LATER,
  LIMITS,
  page,
  type Script,
  type Served,
  START,
  served,
  TAGS,
  TOKEN,
} from '../../../support/linode-server.ts';

const CREATED: Answer = { json: aRawLinode() };
const INVALID_TOKEN: Answer = { status: 401, json: errors('Invalid Token') };
const tooMany = (headers: Record<string, string> = {}): Answer => ({
  status: 429,
  headers,
  json: errors('Too many requests'),
});

const postsOf = ({ requests }: Served) => requests.filter(({ method }) => method === 'POST');

describe('a create', () => {
  it('sends the whole request, and sets what the account could choose otherwise', async () => {
    const { api, requests } = await served([CREATED]);
    const request = aRequest({ authorizedKeys: ['ssh-ed25519 A'], authorizedUsers: ['ann'] });
    const outcome = await api.create(request, LIMITS);
    expect(outcome).toMatchObject({ kind: 'created', linode: { id: 101, label: LABEL } });
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ method: 'POST', path: '/v4/linode/instances' });
    expect(requests[0]?.headers['content-type']).toBe('application/json');
    expect(requests[0]?.body).toEqual({
      label: LABEL,
      type: 'g6-nanode-1',
      region: 'us-east',
      image: 'linode/debian12',
      tags: TAGS,
      booted: true,
      backups_enabled: false,
      interface_generation: 'legacy_config',
      firewall_id: -1,
      interfaces: [{ purpose: 'public' }],
      root_pass: 'correct-horse-battery',
      authorized_keys: ['ssh-ed25519 A'],
      authorized_users: ['ann'],
      metadata: { user_data: 'I2Nsb3VkLWNvbmZpZwo=' },
    });
  });

  it('sends no password, keys or user data that the request lacks', async () => {
    const { api, requests } = await served([CREATED]);
    const bare = aRequest({ rootPassword: null, userData: null, authorizedKeys: [] });
    await api.create(bare, LIMITS);
    expect(requests[0]?.body).not.toHaveProperty('root_pass');
    expect(requests[0]?.body).not.toHaveProperty('authorized_users');
    expect(requests[0]?.body).not.toHaveProperty('authorized_keys');
    expect(requests[0]?.body).not.toHaveProperty('metadata');
  });

  it('joins a VLAN by its second interface', async () => {
    const { api, requests } = await served([CREATED]);
    const vlan = { label: 'onebuck-dev', address: '10.128.0.1/24' };
    await api.create(aRequest({ vlan }), LIMITS);
    expect(requests[0]?.body).toMatchObject({
      firewall_id: -1,
      interfaces: [
        { purpose: 'public' },
        { purpose: 'vlan', label: 'onebuck-dev', ipam_address: '10.128.0.1/24' },
      ],
    });
  });

  it('has interfaces of its own in an account that takes no others', async () => {
    const { api, requests } = await served([CREATED]);
    const vlan = { label: 'onebuck-dev', address: '10.128.0.1/24' };
    await api.create(aRequest({ interfaces: 'linode', vlan }), LIMITS);
    expect(requests[0]?.body).toMatchObject({
      interface_generation: 'linode',
      network_helper: true,
      interfaces: [
        {
          public: { ipv4: { addresses: [{ address: 'auto', primary: true }] }, ipv6: {} },
          default_route: { ipv4: true, ipv6: true },
          firewall_id: -1,
        },
        { vlan: { vlan_label: 'onebuck-dev', ipam_address: '10.128.0.1/24' } },
      ],
    });
    // Linode takes this field for the other generation only.
    expect(requests[0]?.body).not.toHaveProperty('firewall_id');
  });

  it("is refused with all of Linode's reasons", async () => {
    const reasons = [
      'region is not valid @region',
      'A valid plan type by that ID was not found @type',
    ];
    const { api, requests } = await served([{ status: 400, json: errors(...reasons) }]);
    expect(await api.create(aRequest(), LIMITS)).toEqual({
      kind: 'refused',
      reason: 'region is not valid (region); A valid plan type by that ID was not found (type)',
    });
    expect(requests).toHaveLength(1);
  });

  it('is refused by a 403 where Linode has no capacity', async () => {
    const reason = 'The Linode plan you chose is not currently available in the selected region.';
    const { api } = await served([{ status: 403, json: errors(reason) }]);
    expect(await api.create(aRequest(), LIMITS)).toEqual({ kind: 'refused', reason });
  });

  it.each([
    [403, errors('Unauthorized')],
    [401, errors('Your OAuth token is not authorized to use this endpoint.')],
  ])(
    'throws where the token may not create (%s), since no Linode was created',
    async (status, json) => {
      const { api } = await served([{ status, json }]);
      await expect(api.create(aRequest(), LIMITS)).rejects.toMatchObject({ code: 'linodeDenied' });
    },
  );
});

const labelTaken: Answer = {
  status: 400,
  json: errors('Label must be unique among your linodes @label'),
};

/** Answers after which Linode may or may not have created the Linode. */
const DOUBTS: [string, Answer][] = [
  ['408', { status: 408, json: errors('Please try again') }],
  ['500', { status: 500, json: errors('Internal server error') }],
  ['501', { status: 501, json: errors('Not implemented') }],
  ['502', htmlPage(502)],
  ['503', { status: 503, json: errors('Sorry') }],
  ['503 of a maintenance', { ...htmlPage(503, { 'x-maintenance-mode': 'all' }) }],
  ['504', htmlPage(504)],
  ['a lost connection', { lost: 'drop' }],
  ['silence', { lost: 'hang' }],
  ['200 in HTML', htmlPage(200)],
  ['302', { status: 302, headers: { location: '/elsewhere' } }],
  ['400 of nginx', htmlPage(400, { server: 'nginx' })],
  ['a busy Linode', { status: 400, json: errors('Linode busy.') }],
  ['200 of another shape', { json: { id: 101 } }],
  ['200 with another label', { json: aRawLinode({ label: 'linode101' }) }],
  ['a label that is taken', labelTaken],
];

describe.each(DOUBTS)('a create with an unknown result after %s', (_what, answer) => {
  async function createWith(lookedUp: Answer): Promise<[CreateOutcome, Served]> {
    const script: Script = ({ method }) => (method === 'POST' ? answer : lookedUp);
    const started = await served(script);
    return [await started.api.create(aRequest(), LIMITS), started];
  }

  it('has created the Linode that has its label and all its tags', async () => {
    const ours = aRawLinode({ id: 777, tags: ['another', ...TAGS] });
    const [outcome, started] = await createWith(page([ours]));
    expect(outcome).toMatchObject({ kind: 'created', linode: { id: 777 } });
    expect(postsOf(started)).toHaveLength(1);
    expect(started.requests[1]?.filter).toMatchObject({ label: LABEL });
  });

  it('is refused if the Linode with its label lacks one of its tags', async () => {
    const [outcome, started] = await createWith(page([aRawLinode({ tags: TAGS.slice(1) })]));
    expect(outcome).toEqual({
      kind: 'refused',
      reason: `label ${LABEL} is in use by a Linode that is not ours`,
    });
    expect(postsOf(started)).toHaveLength(1);
  });

  it('stays unknown if no Linode has its label', async () => {
    const [outcome, started] = await createWith(page([aRawLinode({ label: `${LABEL}0` })]));
    expect(outcome.kind).toBe('unknown');
    expect(outcome).toMatchObject({ reason: expect.stringMatching(/^POST \/linode\/instances: /) });
    expect(postsOf(started)).toHaveLength(1);
  });

  it('stays unknown if the label can not be looked up in time', async () => {
    const [outcome, started] = await createWith(htmlPage(502));
    expect(outcome).toMatchObject({ kind: 'unknown', reason: expect.stringMatching(/502/) });
    expect(started.clock.now()).toBeLessThanOrEqual(LATER);
    expect(postsOf(started)).toHaveLength(1);
  });
});

describe('the adoption of a Linode by its label', () => {
  it('is refused if the request has no tags', async () => {
    const { api } = await served([labelTaken, page([aRawLinode()])]);
    const outcome = await api.create(aRequest({ tags: [] }), LIMITS);
    expect(outcome.kind).toBe('refused');
  });

  it('repeats the lookup of the label until it is answered', async () => {
    const { api } = await served([{ lost: 'drop' }, htmlPage(502), page([aRawLinode()])]);
    expect(await api.create(aRequest(), LIMITS)).toMatchObject({ kind: 'created' });
  });

  it('looks the label up once even after the deadline', async () => {
    const { api, clock, requests } = await served(({ method }) => {
      clock.set(plus(LATER, seconds(1)));
      return method === 'POST' ? htmlPage(502) : page([aRawLinode()]);
    });
    expect(await api.create(aRequest(), LIMITS)).toMatchObject({ kind: 'created' });
    expect(requests).toHaveLength(2);
  });
});

describe('a create with a refused token', () => {
  it('is sent again with a fresh token, since no Linode was created', async () => {
    const { api, requests, tokenCalls } = await served([INVALID_TOKEN, CREATED]);
    expect(await api.create(aRequest(), LIMITS)).toMatchObject({ kind: 'created' });
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([
      `Bearer ${TOKEN}`,
      `Bearer ${FRESH_TOKEN}`,
    ]);
    expect(tokenCalls).toEqual([{ fresh: false }, { fresh: true }]);
  });

  it('throws if Linode refuses the fresh token too', async () => {
    const { api, requests } = await served(() => INVALID_TOKEN);
    await expect(api.create(aRequest(), LIMITS)).rejects.toMatchObject({ code: 'linodeDenied' });
    expect(requests).toHaveLength(2);
  });

  it('is not sent again after notAfter', async () => {
    const { api, clock, requests } = await served(() => {
      clock.set(plus(LIMITS.notAfter, seconds(1)));
      return INVALID_TOKEN;
    });
    expect(await api.create(aRequest(), LIMITS)).toMatchObject({ kind: 'notSent' });
    expect(requests).toHaveLength(1);
  });
});

describe('the connection of a call', () => {
  it('is closed after a create, and kept alive after other calls', async () => {
    const { api, requests } = await served([CREATED, page([]), CREATED]);
    await api.create(aRequest(), LIMITS);
    await api.listByTag('onebuck-dev', LATER);
    await api.create(aRequest(), LIMITS);
    const connections = requests.map(({ headers }) => headers.connection);
    expect(connections).toEqual(['close', 'keep-alive', 'close']);
  });
});

describe('a create with limits', () => {
  it('is not sent after notAfter', async () => {
    const { api, requests } = await served([CREATED]);
    const notAfter = plus(START, seconds(-1));
    expect(await api.create(aRequest(), { notAfter, by: LATER })).toEqual({
      kind: 'notSent',
      reason: 'it is too late',
      retryAt: START,
    });
    expect(requests).toHaveLength(0);
  });

  it('is not sent if the token was read only after notAfter', async () => {
    const token = async () => {
      started.clock.set(plus(LIMITS.notAfter, seconds(1)));
      return TOKEN;
    };
    const started = await served([CREATED], { token });
    expect(await started.api.create(aRequest(), LIMITS)).toMatchObject({ kind: 'notSent' });
    expect(started.requests).toHaveLength(0);
  });

  it('is sent at notAfter, even after the deadline for its repetitions', async () => {
    const { api } = await served([CREATED]);
    const limits = { notAfter: START, by: plus(START, seconds(-5)) };
    expect(await api.create(aRequest(), limits)).toMatchObject({ kind: 'created' });
  });
});

describe('a create over the rate limit', () => {
  it('waits as long as Retry-After says, and is sent again', async () => {
    const started = await served([tooMany({ 'retry-after': '9' }), CREATED]);
    expect(await started.api.create(aRequest(), LIMITS)).toMatchObject({ kind: 'created' });
    expect(started.clock.now() - START).toBeGreaterThanOrEqual(9_000);
    expect(started.clock.now() - START).toBeLessThanOrEqual(16_000);
    expect(started.logged).toEqual([
      [
        'Linode call is repeated',
        { method: 'POST', path: '/linode/instances', status: 429, attempt: 1, waitMs: 9_000 },
      ],
    ]);
  });

  it.each(['notAfter', 'by'] as const)(
    'is not sent again if the wait would pass %s',
    async (limit) => {
      const started = await served([tooMany({ 'retry-after': '30' })]);
      const limits = { ...LIMITS, [limit]: plus(START, seconds(20)) };
      expect(await started.api.create(aRequest(), limits)).toEqual({
        kind: 'notSent',
        reason: "Linode's rate limit leaves no time for it",
        retryAt: plus(START, seconds(30)),
      });
      expect(started.clock.now()).toBe(START);
      expect(started.requests).toHaveLength(1);
    },
  );

  it('is not sent again after several 429s', async () => {
    const started = await served(() => tooMany());
    const outcome = await started.api.create(aRequest(), LIMITS);
    expect(outcome.kind).toBe('notSent');
    expect(started.clock.now()).toBeLessThanOrEqual(LIMITS.notAfter);
    expect(started.requests.length).toBeLessThan(10);
  });
});

describe('many creates at once', () => {
  /** A server with Linode's rate limit: 20 creates in each window of 15 s of the test's clock. */
  function limitedServer(now: () => EpochMs): Script & { sent: number[] } {
    let reset = 0;
    let remaining = 0;
    const sent: number[] = [];
    const script = ({ body }: { body: unknown }): Answer => {
      if (now() >= reset) {
        reset = Math.ceil(now() / 1_000) * 1_000 + 15_000;
        remaining = 20;
      }
      sent.push(now());
      if (remaining === 0) return tooMany({ 'retry-after': '1' });
      remaining -= 1;
      const headers = {
        'x-ratelimit-limit': '20',
        'x-ratelimit-remaining': String(remaining),
        'x-ratelimit-reset': String(reset / 1_000),
      };
      return { headers, json: aRawLinode({ id: sent.length, ...(body as object) }) };
    };
    return Object.assign(script, { sent });
  }

  const createAll = ({ api }: Served, length: number, notAfter: EpochMs) =>
    Promise.all(
      Array.from({ length }, (_, index) =>
        api.create(aRequest({ label: `onebuck-x-${index}` }), { notAfter, by: LATER }),
      ),
    );

  it('are sent in parallel and without a wait, up to 20', async () => {
    const waiting: (() => void)[] = [];
    const started = await served(async ({ body }) => {
      // The server answers no create before all 20 have come. In sequence they would wait for ever.
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 20) for (const release of waiting) release();
      });
      return { json: aRawLinode({ ...(body as object) }) };
    });
    const outcomes = await createAll(started, 20, LIMITS.notAfter);
    expect(outcomes.filter(({ kind }) => kind === 'created')).toHaveLength(20);
    expect(started.clock.sleptMs).toEqual([]);
  });

  it('wait for the next window beyond 20, so that Linode refuses none', async () => {
    const server = limitedServer(() => started.clock.now());
    const started = await served(server);
    const first = await createAll(started, 20, LIMITS.notAfter);
    const second = await createAll(started, 20, LIMITS.notAfter);
    expect([...first, ...second].map(({ kind }) => kind)).toEqual(Array(40).fill('created'));
    expect(server.sent).toHaveLength(40);
    expect(started.clock.now() - START).toBe(15_000);
  });

  it('are answered when to come back, if the rate limit leaves no time for them', async () => {
    const server = limitedServer(() => started.clock.now());
    const started = await served(server);
    await createAll(started, 20, LIMITS.notAfter);
    const notAfter = plus(START, seconds(10));
    const [outcome] = await createAll(started, 1, notAfter);
    const retryAt = epochMs(START + 15_000);
    expect(outcome).toMatchObject({ kind: 'notSent', retryAt });
    expect(server.sent).toHaveLength(20);
    expect(started.clock.now()).toBe(START);
  });
});
