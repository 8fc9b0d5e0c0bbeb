import { describe, expect, it } from 'vitest';
import {
  decodeErrors,
  decodeLinode,
  decodePage,
  decodeType,
} from '../../../../lib/adapters/linode/wire.ts';
import { aRawLinode } from '../../../support/linode-server.ts';

const aRawType = (over: Record<string, unknown> = {}) => ({
  id: 'g6-nanode-1',
  label: 'Nanode 1GB',
  class: 'nanode',
  vcpus: 1,
  memory: 1024,
  disk: 25600,
  gpus: 0,
  transfer: 1000,
  price: { hourly: 0.0075, monthly: 5.0 },
  region_prices: [{ id: 'id-cgk', hourly: 0.009, monthly: 6.0 }],
  addons: { backups: { price: { hourly: 0.003, monthly: 2.0 }, region_prices: [] } },
  ...over,
});

const typeOf = (over: Record<string, unknown> = {}) => {
  const decoded = decodeType(aRawType(over));
  if (!decoded.ok) throw new Error(decoded.fault);
  return decoded.value;
};

const linodeOf = (over: Record<string, unknown> = {}) => {
  const decoded = decodeLinode(aRawLinode(over));
  if (!decoded.ok) throw new Error(decoded.fault);
  return decoded.value;
};

describe('a type', () => {
  it('has its prices in micro-dollars, and those of regions that differ', () => {
    expect(typeOf()).toEqual({
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
        monthly: 5e6,
        byRegion: { 'id-cgk': { hourly: 9_000, monthly: 6e6 } },
      },
      backupsPrice: { hourly: 3_000, monthly: 2e6, byRegion: {} },
    });
  });

  it('may lack region prices, addons, gpus and transfer', () => {
    const absent = { region_prices: undefined, addons: undefined, gpus: undefined };
    const bare = typeOf({ ...absent, transfer: undefined });
    const none = { gpus: 0, transferGb: 0 };
    expect(bare).toMatchObject({ price: { byRegion: {} }, backupsPrice: null, ...none });
  });

  it('has no monthly price where Linode gives none, or a price of 0', () => {
    expect(typeOf({ price: { hourly: 0.07, monthly: null } }).price?.monthly).toBeNull();
    expect(typeOf({ price: { hourly: 0.07 } }).price?.monthly).toBeNull();
    expect(typeOf({ price: { hourly: 0.07, monthly: 0 } }).price?.monthly).toBeNull();
  });

  it('has no price if it lacks the hourly price, also in only one region', () => {
    expect(typeOf({ price: { hourly: null, monthly: 43 } }).price).toBeNull();
    expect(typeOf({ price: null }).price).toBeNull();
    const row = { id: 'br-gru', hourly: null, monthly: 7 };
    expect(typeOf({ region_prices: [row] }).price).toBeNull();
  });

  it('for nothing has no price: Linode gives nothing away', () => {
    expect(typeOf({ price: { hourly: 0, monthly: 0 } }).price).toBeNull();
    expect(typeOf({ region_prices: [{ id: 'br-gru', hourly: 0, monthly: 0 }] }).price).toBeNull();
  });

  it('with a negative price is a fault, which names the field but not its value', () => {
    const decoded = decodeType(aRawType({ price: { hourly: -1, monthly: null } }));
    expect(decoded).toEqual({ ok: false, fault: 'price.hourly is not as it should be' });
  });
});

describe('a Linode', () => {
  it('has its public addresses first, also where Linode lists private ones before them', () => {
    const listed = ['192.168.130.5', '192.0.2.7', '10.0.0.1', '172.31.0.1', '172.32.0.1'];
    const first = ['192.0.2.7', '172.32.0.1', '192.168.130.5', '10.0.0.1', '172.31.0.1'];
    expect(linodeOf({ ipv4: listed })).toMatchObject({ ipv4: first });
    expect(linodeOf({ ipv4: ['10.77.1.8'] })).toMatchObject({ ipv4: ['10.77.1.8'] });
  });

  it("is read from Linode's JSON, without unknown fields", () => {
    expect(linodeOf({ a_new_field: { of: 'theirs' } })).toEqual({
      id: 101,
      label: 'onebuck-cabcdefghij-0',
      status: 'provisioning',
      created: Date.UTC(2026, 0, 1),
      type: 'g6-nanode-1',
      region: 'us-east',
      ipv4: ['192.0.2.1'],
      ipv6: '2001:db8::1/128',
      tags: ['onebuck-dev', 'onebuck=cabcdefghij', 'reap=20260101T0157Z'],
      backupsEnabled: false,
    });
  });

  it.each([
    ['2026-07-01T12:00:00', Date.UTC(2026, 6, 1, 12)],
    ['2026-07-01T12:00:00Z', Date.UTC(2026, 6, 1, 12)],
    ['2026-07-01T12:00:00.250', Date.UTC(2026, 6, 1, 12, 0, 0, 250)],
    ['2026-07-01T12:00:00+02:00', Date.UTC(2026, 6, 1, 10)],
  ])('created at %s has that time in UTC, unless it names a zone', (created, instant) => {
    expect(linodeOf({ created }).created).toBe(instant);
  });

  it.each(['yesterday', '2026-13-01T00:00:00', '', 5, null])(
    'is a fault if created at %j',
    (created) => {
      expect(decodeLinode(aRawLinode({ created }))).toMatchObject({ ok: false });
    },
  );

  it('has the status "unknown" for a status that Onebuck does not know', () => {
    expect(linodeOf({ status: 'hibernating' }).status).toBe('unknown');
  });

  it("is a fault without tags: it could be a stranger's", () => {
    const decoded = decodeLinode(aRawLinode({ tags: undefined }));
    expect(decoded).toEqual({ ok: false, fault: 'tags is no array' });
  });

  it('shows whether its backups are enabled', () => {
    expect(linodeOf({ backups: { enabled: true } }).backupsEnabled).toBe(true);
  });
});

describe('a page', () => {
  it('with a wrong item is a fault that names the item', () => {
    const data = [aRawLinode(), aRawLinode({ id: 'x' })];
    const decoded = decodePage(decodeLinode)({ data, page: 1, pages: 1, results: 2 });
    expect(decoded).toMatchObject({
      ok: false,
      fault: expect.stringMatching(/^data\.1: id is no/),
    });
  });

  it.each([null, [], '<html>', { data: [] }])('can not be %j', (body) => {
    expect(decodePage(decodeLinode)(body)).toMatchObject({ ok: false });
  });
});

describe('an answer', () => {
  it('has errors only in the form of the API', () => {
    expect(decodeErrors({ errors: [{ reason: 'r', field: 'f' }] })).toEqual([
      { reason: 'r', field: 'f' },
    ]);
    expect(decodeErrors({ error: 'r' })).toBeNull();
  });
});
