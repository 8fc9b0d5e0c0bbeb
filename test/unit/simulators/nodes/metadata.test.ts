import { beforeEach, describe, expect, it } from 'vitest';
import { MetadataService, type NodeFacts } from '../../../../simulators/nodes/metadata.ts';

/*
 * The requests are those of cloud-init's DataSourceAkamai: it puts for a token with an expiry of 300
 * seconds, parses `/v1/instance` as JSON, and decodes the text of `/v1/user-data` from base64.
 */

const facts: NodeFacts = {
  id: 90_000_001,
  label: 'onebuck-caaaaaaaaaa-0',
  region: 'us-east',
  type: 'g6-nanode-1',
  hostUuid: 'a'.repeat(40),
  tags: ['onebuck-local'],
  image: { id: 'linode/debian13', label: 'Debian 13' },
  specs: { vcpus: 1, memory: 1024, gpus: 0, transfer: 1000, disk: 25600 },
  backupsEnabled: false,
  ipv4: '10.77.0.10',
  ipv6: '2001:db8::1/128',
  interfaces: [
    { purpose: 'public' },
    { purpose: 'vlan', label: 'onebuck-local', address: '10.128.0.1/24' },
  ],
  authorizedKeys: ['ssh-ed25519 AAAA me'],
  userData: Buffer.from('#cloud-config\n').toString('base64'),
};
const other: NodeFacts = { ...facts, id: 90_000_002 };

let now: number;
let service: MetadataService;
beforeEach(() => {
  now = 1_000;
  service = new MetadataService(() => now);
});

const put = (headers: Readonly<Record<string, string>>, of: NodeFacts | null = facts) =>
  service.reply({ method: 'PUT', path: '/v1/token', headers }, of);

const tokenOf = (of = facts) => put({ 'metadata-token-expiry-seconds': '300' }, of).body;

const get = (
  path: string,
  { token = tokenOf(), accept = '*/*', of = facts as NodeFacts | null, method = 'GET' } = {},
) => service.reply({ method, path, headers: { 'metadata-token': token, accept } }, of);

describe('a token', () => {
  it('is plain text, and another one each time', () => {
    const reply = put({ 'metadata-token-expiry-seconds': '300' });
    expect(reply).toMatchObject({ status: 200, type: 'text/plain' });
    expect(reply.body).toMatch(/^[0-9a-f]{64}$/);
    expect(tokenOf()).not.toBe(reply.body);
  });

  it.each(['', '0', '-1', '86401', '1.5', 'soon'])('with the expiry %j is refused', (expiry) => {
    expect(put({ 'metadata-token-expiry-seconds': expiry }).status).toBe(400);
  });

  it('without an expiry is refused, and so is a GET for one', () => {
    expect(put({}).status).toBe(400);
    expect(get('/v1/token').status).toBe(405);
  });

  it('holds until its expiry', () => {
    const token = tokenOf();
    now += 299_999;
    expect(get('/v1/instance', { token }).status).toBe(200);
    now += 1;
    expect(get('/v1/instance', { token }).status).toBe(401);
  });

  it('of another Linode, and no token, are refused', () => {
    expect(get('/v1/user-data', { token: tokenOf(other) }).status).toBe(401);
    expect(get('/v1/user-data', { token: '' }).status).toBe(401);
  });
});

describe('the service', () => {
  it('tells of the instance as JSON with the fields that Linode documents', () => {
    const reply = get('/v1/instance', { accept: 'application/json' });
    expect(reply.type).toBe('application/json');
    expect(JSON.parse(reply.body)).toEqual({
      id: 90_000_001,
      label: 'onebuck-caaaaaaaaaa-0',
      region: 'us-east',
      type: 'g6-nanode-1',
      specs: { vcpus: 1, memory: 1024, gpus: 0, transfer: 1000, disk: 25600 },
      backups: { enabled: false, status: null },
      host_uuid: 'a'.repeat(40),
      tags: ['onebuck-local'],
      image: { id: 'linode/debian13', label: 'Debian 13' },
    });
  });

  it('tells of it as lines if JSON is not asked for', () => {
    const { body, type } = get('/v1/instance/');
    expect(type).toBe('text/plain');
    expect(body).toContain('id: 90000001\nlabel: onebuck-caaaaaaaaaa-0\n');
    expect(body).toContain('specs.memory: 1024\n');
  });

  it('gives user data in base64, and empty ones to a Linode that has none', () => {
    expect(Buffer.from(get('/v1/user-data').body, 'base64').toString()).toBe('#cloud-config\n');
    const none = get('/v1/user-data', { of: { ...facts, userData: null } });
    expect(none).toMatchObject({ status: 200, body: '' });
  });

  it('tells of the interfaces in their order, and of the keys', () => {
    const accept = 'application/json';
    expect(JSON.parse(get('/v1/network', { accept }).body)).toMatchObject({
      interfaces: [
        { label: null, purpose: 'public', ipam_address: null },
        { label: 'onebuck-local', purpose: 'vlan', ipam_address: '10.128.0.1/24' },
      ],
      ipv4: { public: ['10.77.0.10/32'] },
    });
    const keys = { users: { root: ['ssh-ed25519 AAAA me'] } };
    expect(JSON.parse(get('/v1/ssh-keys', { accept }).body)).toEqual(keys);
  });

  it('knows no other path, no other method, and nobody with another address', () => {
    expect(get('/v1/nothing').status).toBe(404);
    expect(get('/v1/instance', { method: 'POST' }).status).toBe(405);
    expect(put({ 'metadata-token-expiry-seconds': '300' }, null).status).toBe(404);
  });
});
