import { describe, expect, it } from 'vitest';
import type { NodeLabel, Tag } from '../../lib/core/base/names.ts';
import {
  type Answer,
  aRawLinode,
  aRequest,
  FRESH_TOKEN,
  LATER,
  LIMITS,
  served,
} from '../support/linode-server.ts';
import { hasShared, skipped } from '../support/shared.ts';
import { recordedLists, type Sample, sampleNamed, samples } from './recorded.ts';

/*
 * Serves recorded answers of the real Linode over HTTP to Onebuck's client: with all fields, also
 * those that the client ignores, and with the recorded headers.
 */

const CREATED = Date.UTC(2018, 0, 2, 3, 4, 5);

function answerOf({ response }: Sample): Answer {
  const headers = {
    'content-type': response.content_type,
    ...(response.x_ratelimit_limit && { 'x-ratelimit-limit': response.x_ratelimit_limit }),
    ...(response.x_oauth_scopes && { 'x-oauth-scopes': response.x_oauth_scopes }),
    ...(response.expires && { expires: response.expires }),
  };
  return { status: response.status, headers, json: response.body };
}

const worldOf = (...answers: (Answer | string)[]) =>
  served(
    answers.map((answer) => (typeof answer === 'string' ? answerOf(sampleNamed(answer)) : answer)),
  );

const listWorld = (path: string) =>
  worldOf(
    ...recordedLists()
      .filter(({ name }) => name === `list of ${path}`)
      .map(answerOf),
  );

const isInstance = ({ request, response }: Sample) =>
  /\/linode\/instances(\/\d+)?(\?|$)/.test(request.url) && response.status === 200;

/** Each Linode in the recorded answers, with the name of its answer. */
const recordedLinodes = (hasShared ? samples() : []).filter(isInstance).flatMap((sample) => {
  const { body } = sample.response;
  const found = body.data ?? (body.id === undefined ? [] : [body]);
  return found.map((raw: Record<string, unknown>) => [sample.name, raw] as const);
});

describe.skipIf(!hasShared)(`Onebuck's client reads recorded answers of Linode${skipped}`, () => {
  it('as types with prices in micro-dollars', async () => {
    const { api } = await listWorld('/linode/types');
    const { value: types } = await api.types(LATER);
    expect(types).toHaveLength(35);
    expect(types[0]).toEqual({
      id: 'g6-nanode-1',
      label: 'Nanode 1GB',
      class: 'nanode',
      vcpus: 1,
      memoryMb: 1024,
      diskMb: 25600,
      gpus: 0,
      transferGb: 1000,
      price: {
        hourly: 7_500,
        monthly: 5_000_000,
        byRegion: {
          'id-cgk': { hourly: 9_000, monthly: 6_000_000 },
          'br-gru': { hourly: 10_500, monthly: 7_000_000 },
        },
      },
      backupsPrice: {
        hourly: 3_000,
        monthly: 2_000_000,
        byRegion: {
          'id-cgk': { hourly: 3_600, monthly: 2_400_000 },
          'br-gru': { hourly: 4_000, monthly: 2_800_000 },
        },
      },
    });
    const byId = new Map(types.map((type) => [type.id, type]));
    expect(byId.get('g7-premium-56')?.price).toMatchObject({ monthly: 2_765_000_000 });
    expect(byId.get('g1-gpu-rtx6000-1')).toMatchObject({ gpus: 1, class: 'gpu' });
    for (const { price } of types) {
      // The monthly price is worth 600 to 700 hours, fewer than a month has.
      expect((price?.monthly ?? 0) / (price?.hourly ?? 1)).toBeGreaterThan(600);
      expect((price?.monthly ?? 0) / (price?.hourly ?? 1)).toBeLessThan(700);
    }
  });

  it('as regions, core and distributed', async () => {
    const { api } = await listWorld('/regions');
    const { value: regions } = await api.regions(LATER);
    const ofType = (type: string) => regions.filter(({ siteType }) => siteType === type);
    expect([ofType('core').length, ofType('distributed').length]).toEqual([34, 12]);
    const newark = regions.find(({ id }) => id === 'us-east');
    expect(newark).toMatchObject({ label: 'Newark, NJ', country: 'us', siteType: 'core' });
    expect(newark?.capabilities).toEqual(expect.arrayContaining(['Linodes', 'Metadata', 'Vlans']));
    expect(newark?.capabilities).not.toContain('Premium Plans');
  });

  it('as images, some deprecated, and one without cloud-init', async () => {
    const { api } = await listWorld('/images');
    const { value: images } = await api.images(LATER);
    expect(images).toHaveLength(34);
    const byId = new Map(images.map((image) => [image.id, image]));
    expect(byId.get('linode/debian12')).toEqual({
      id: 'linode/debian12',
      label: 'Debian 12',
      deprecated: false,
      diskMb: 1800,
      vendor: 'Debian',
      isRecovery: false,
      status: 'available',
      capabilities: expect.arrayContaining(['cloud-init']),
    });
    expect(byId.get('linode/slackware15.0')?.capabilities).not.toContain('cloud-init');
    expect(byId.get('linode/centos7')?.deprecated).toBe(true);
  });

  it.each(recordedLinodes)('as a Linode: %s', async (_name, raw) => {
    const { api } = await worldOf({ json: raw });
    const { id, label, status, type, region, ipv4, ipv6, tags } = raw;
    expect(await api.get(raw.id as number, LATER)).toEqual({
      ...{ id, label, status, type, region, ipv4, ipv6, tags },
      created: CREATED,
      backupsEnabled: false,
    });
  });

  it('with nine Linodes, in three states', () => {
    const states = recordedLinodes.map(([, raw]) => raw.status);
    expect(states).toHaveLength(9);
    expect(new Set(states)).toEqual(new Set(['provisioning', 'booting', 'running']));
  });

  it('as the Linode that a create made', async () => {
    const { api } = await worldOf('create, VLAN interface, image, booted');
    const label = 'go-ins-test-list-0' as NodeLabel;
    expect(await api.create(aRequest({ label }), LIMITS)).toEqual({
      kind: 'created',
      linode: {
        id: 97900609,
        label,
        status: 'provisioning',
        created: CREATED,
        type: 'g6-nanode-1',
        region: 'au-mel',
        ipv4: ['192.0.2.0'],
        ipv6: '1234::5678/128',
        tags: [],
        backupsEnabled: false,
      },
    });
  });

  it('as the tags that were put, and as successful deletions', async () => {
    const { api } = await worldOf('update tags', 'delete running', 'delete while provisioning');
    const tags = ['go-tag-test', 'go-tag-test-bar'] as Tag[];
    expect(await api.setTags(97190737, tags, LATER)).toMatchObject({ id: 97190737, tags });
    expect(await api.delete(97900611, LATER)).toBe('deleted');
    expect(await api.delete(82372946, LATER)).toBe('deleted');
  });

  it('as a list of one Linode, and as an empty list of no pages', async () => {
    const listOfOne = 'list instances filtered by id straight after create';
    const { api } = await worldOf(listOfOne, 'filter with no hits', 'filter with no hits');
    const label = 'go-test-ins-wo-disk-jwn61up693k2' as NodeLabel;
    expect(await api.findByLabel(label, LATER)).toMatchObject({ id: 82372946, label, tags: [] });
    expect(await api.listByTag('onebuck-dev', LATER)).toEqual([]);
    expect((await api.images(LATER)).value).toEqual([]);
  });

  it('as a VLAN with two Linodes', async () => {
    const { api } = await worldOf('list VLANs by label');
    const vlan = { region: 'au-mel', label: 'go-vlan-test-list', linodes: 2 };
    expect(await api.vlans('au-mel', LATER)).toEqual([vlan]);
  });

  it('as the settings of an account that forces backups', async () => {
    const { api } = await worldOf('account settings');
    expect(await api.accountSettings(LATER)).toEqual({
      backupsForced: true,
      managed: true,
      networkHelper: true,
      interfaces: 'legacy_config',
    });
  });
});

describe.skipIf(!hasShared)(`Onebuck's client reads recorded errors of Linode${skipped}`, () => {
  it("as the refusal of a create, with Linode's reason", async () => {
    const { api, requests } = await worldOf('create without any credential');
    expect(await api.create(aRequest(), LIMITS)).toEqual({
      kind: 'refused',
      reason: 'Must provide valid root_pass, authorized_keys, or authorized_users',
    });
    expect(requests).toHaveLength(1);
  });

  it('as a rejection that names the field of a filter', async () => {
    const { api } = await worldOf('bad filter');
    await expect(api.listByTag('onebuck-dev', LATER)).rejects.toMatchObject({
      code: 'linodeRejected',
      message: 'GET /linode/instances: 400: Cannot filter on foo (X-Filter)',
    });
  });

  it('as notFound', async () => {
    const { api } = await worldOf(...Array(3).fill('type not found'));
    expect(await api.get(1, LATER)).toBe('notFound');
    expect(await api.delete(1, LATER)).toBe('notFound');
    expect(await api.setTags(1, [], LATER)).toBe('notFound');
  });

  it('as busy or over the rate limit, and sends the call again', async () => {
    const last = { json: aRawLinode() };
    const { api, clock, requests } = await worldOf('busy', 'rate limited', last);
    expect(await api.setTags(101, [], LATER)).toMatchObject({ id: 101 });
    expect(requests).toHaveLength(3);
    // The recordings lack Retry-After, so the client waits by its own schedule.
    expect(clock.sleptMs).toEqual([500, 1_000]);
  });

  it('as an invalid token, and reads the token afresh; throws if that is refused', async () => {
    const retried = await worldOf('invalid token', { json: aRawLinode() });
    expect(await retried.api.get(101, LATER)).toMatchObject({ id: 101 });
    expect(retried.requests[1]?.headers.authorization).toBe(`Bearer ${FRESH_TOKEN}`);
    const { api } = await worldOf('invalid token', 'invalid token');
    await expect(api.get(101, LATER)).rejects.toMatchObject({ code: 'linodeDenied' });
  });
});
