import { describe, expect, it } from 'vitest';
import { catalogueFor, createCatalogueCache } from '../../../lib/app/catalogue-cache.ts';
import {
  type DurationMs,
  type EpochMs,
  minutes,
  plus,
  seconds,
} from '../../../lib/core/base/units.ts';
import type { LinodeApi } from '../../../lib/ports.ts';
import { LAUNCH } from '../../support/builders.ts';
import { aClock, anAccount, silentLog } from '../../support/doubles.ts';

const BY = plus(LAUNCH, minutes(60));

/**
 * A cache over a Linode whose lists may be used for `maxAge`, null for no bound. `requests` has the
 * name of each list, or the region, in the order of the calls.
 */
function aCatalogue(
  maxAge: DurationMs | null,
  availability: LinodeApi['availability'] = async () => [],
  defaultFirewalls: LinodeApi['defaultFirewalls'] = async () => 'unreadable',
  transferPrices: LinodeApi['transferPrices'] = async () => ({ value: null, maxAge: null }),
) {
  const clock = aClock();
  const requests: string[] = [];
  const warnings: string[] = [];
  const list = (name: string) => async () => {
    requests.push(name);
    await Promise.resolve();
    return { value: [], maxAge };
  };
  const linode = {
    types: list('types'),
    regions: list('regions'),
    images: list('images'),
    recoveryImages: list('recoveryImages'),
    accountSettings: async () => {
      requests.push('backups');
      return anAccount();
    },
    defaultFirewalls,
    transferPrices,
    vlans: async (region: string | null) => {
      requests.push(`VLANs of ${region}`);
      if (region === 'xx-out') throw new Error('Linode is out');
      return [{ region: `${region}`, label: 'lab', linodes: 0 }];
    },
    availability: (region: string, by: EpochMs) => {
      requests.push(region);
      return availability(region, by);
    },
  };
  const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
  const catalogue = createCatalogueCache(linode, clock, log);
  return { catalogue, clock, requests, warnings };
}

type ListName = 'types' | 'regions' | 'images' | 'recoveryImages' | 'backups';

describe('a list', () => {
  const CASES: readonly [ListName, DurationMs | null, DurationMs][] = [
    ['types', null, seconds(60)],
    ['types', seconds(900), seconds(60)],
    ['types', seconds(20), seconds(20)],
    ['backups', null, seconds(60)],
    ['regions', null, minutes(15)],
    ['regions', seconds(60), seconds(60)],
    ['regions', seconds(86_400), minutes(15)],
    ['images', null, minutes(15)],
    ['images', seconds(90), seconds(90)],
    ['images', seconds(0), seconds(60)],
  ];

  it.each(CASES)(
    'of %s that Linode lets be used for %s ms is kept for %i ms',
    async (name, maxAge, keptMs) => {
      const { catalogue, clock, requests } = aCatalogue(maxAge);
      await catalogue[name](BY);
      clock.set(plus(LAUNCH, (keptMs - 1) as DurationMs));
      await catalogue[name](BY);
      expect(requests).toEqual([name]);
      clock.set(plus(LAUNCH, keptMs));
      await catalogue[name](BY);
      expect(requests).toEqual([name, name]);
    },
  );

  it('that must not be kept is shared only by callers at the same time', async () => {
    const { catalogue, requests } = aCatalogue(seconds(0));
    await Promise.all([catalogue.types(BY), catalogue.types(BY), catalogue.types(BY)]);
    expect(requests).toEqual(['types']);
    await catalogue.types(BY);
    expect(requests).toEqual(['types', 'types']);
  });

  it("'s age counts from the request, not from the answer", async () => {
    const { catalogue, clock, requests } = aCatalogue(seconds(20));
    const answer = catalogue.types(BY);
    clock.set(plus(LAUNCH, seconds(19)));
    await answer;
    clock.set(plus(LAUNCH, seconds(20)));
    await catalogue.types(BY);
    expect(requests).toEqual(['types', 'types']);
  });

  it('is read again when the clock is set back', async () => {
    const { catalogue, clock, requests } = aCatalogue(null);
    await catalogue.types(BY);
    clock.set(plus(LAUNCH, minutes(-60)));
    await catalogue.types(BY);
    expect(requests).toEqual(['types', 'types']);
  });
});

describe('the list of types that are sold out', () => {
  const rows = [
    { type: 'g6-nanode-1', available: false },
    { type: 'g7-premium-2', available: true },
  ];

  it('is read at most once a minute for each region', async () => {
    const { catalogue, clock, requests } = aCatalogue(null, async () => rows);
    expect(await catalogue.soldOut('us-east', BY)).toEqual(new Set(['g6-nanode-1']));
    await Promise.all([catalogue.soldOut('us-east', BY), catalogue.soldOut('us-ord', BY)]);
    expect(requests).toEqual(['us-east', 'us-ord']);
    clock.set(plus(LAUNCH, seconds(60)));
    await catalogue.soldOut('us-east', BY);
    expect(requests).toEqual(['us-east', 'us-ord', 'us-east']);
  });

  it('is read with a deadline of 2 seconds at most', async () => {
    const times: number[] = [];
    const { catalogue } = aCatalogue(null, async (_region, by) => {
      times.push(by - LAUNCH);
      return [];
    });
    await catalogue.soldOut('us-east', BY);
    await catalogue.soldOut('us-ord', plus(LAUNCH, seconds(1)));
    expect(times).toEqual([2_000, 1_000]);
  });

  it('is empty where Linode does not answer, which is logged once', async () => {
    let isRouteThere = false;
    const { catalogue, clock, requests, warnings } = aCatalogue(null, async () => {
      if (isRouteThere) return rows;
      throw new Error('there is no such route');
    });
    const noTypes = new Set();
    expect(await catalogue.soldOut('us-east', BY)).toEqual(noTypes);
    // After a failure the cache does not ask again for a minute, in any region.
    expect(await catalogue.soldOut('us-ord', BY)).toEqual(noTypes);
    expect(requests).toEqual(['us-east']);
    clock.set(plus(LAUNCH, seconds(61)));
    expect(await catalogue.soldOut('us-east', BY)).toEqual(noTypes);
    expect(warnings).toEqual(['availability is unknown']);
    isRouteThere = true;
    clock.set(plus(LAUNCH, seconds(122)));
    expect((await catalogue.soldOut('us-east', BY)).size).toBe(1);
    expect(requests).toEqual(['us-east', 'us-east', 'us-east']);
  });

  it('is kept for the 64 newest regions', async () => {
    const { catalogue, requests } = aCatalogue(null);
    for (let index = 0; index <= 64; index += 1) await catalogue.soldOut(`r-${index}`, BY);
    await catalogue.soldOut('r-64', BY);
    await catalogue.soldOut('r-1', BY);
    expect(requests).toHaveLength(65);
    await catalogue.soldOut('r-0', BY);
    expect(requests).toHaveLength(66);
  });
});

describe('the default firewalls', () => {
  const noTypes: LinodeApi['availability'] = async () => [];

  it('are remembered for a minute, for both generations of interfaces', async () => {
    let calls = 0;
    const { catalogue, clock } = aCatalogue(null, noTypes, async () => {
      calls += 1;
      return { legacy_config: 7, linode: null };
    });
    expect(await catalogue.defaultFirewall('legacy_config', BY)).toBe(7);
    expect(await catalogue.defaultFirewall('linode', BY)).toBeNull();
    expect(calls).toBe(1);
    clock.set(plus(LAUNCH, seconds(60)));
    await catalogue.defaultFirewall('linode', BY);
    expect(calls).toBe(2);
  });

  it('are none where the token may not read them', async () => {
    const { catalogue, warnings } = aCatalogue(null);
    expect(await catalogue.defaultFirewall('legacy_config', BY)).toBeNull();
    expect(warnings).toEqual([]);
  });

  it('are none for a minute where Linode does not answer within 2 seconds', async () => {
    const times: number[] = [];
    const { catalogue, warnings } = aCatalogue(null, noTypes, async (by) => {
      times.push(by - LAUNCH);
      throw new Error('no answer');
    });
    expect(await catalogue.defaultFirewall('legacy_config', BY)).toBeNull();
    expect(await catalogue.defaultFirewall('legacy_config', BY)).toBeNull();
    expect(times).toEqual([2_000]);
    expect(warnings).toEqual(['default firewalls are unknown']);
  });
});

describe('recovery images', () => {
  it.each([
    ['private/7', true],
    ['linode/debian12', false],
    ['Solver', false],
    [undefined, false],
  ])('are asked for if the spec names %s: %s', async (image, asked) => {
    const { catalogue, requests } = aCatalogue(null);
    const deps = { catalogue, settings: { monthEndHour: 'bothMonths' } as const };
    await catalogueFor(deps, image === undefined ? {} : { image }, BY);
    expect(requests.includes('recoveryImages')).toBe(asked);
  });
});

describe('the VLANs of a region', () => {
  it('are remembered for 15 seconds, unless they must be of now', async () => {
    const { catalogue, clock, requests } = aCatalogue(null);
    const read = (fresh: boolean, region = 'us-east') => catalogue.vlans(region, { fresh, by: BY });
    expect(await read(false)).toEqual(['lab']);
    clock.set(plus(LAUNCH, (seconds(15) - 1) as DurationMs));
    await read(false);
    expect(requests).toEqual(['VLANs of us-east']);
    await read(true);
    await read(false, 'us-ord');
    expect(requests).toHaveLength(3);
    clock.set(plus(LAUNCH, seconds(15)));
    await read(false);
    expect(requests).toHaveLength(4);
  });

  it('are unknown where Linode does not say, and nobody asks again for a while', async () => {
    const { catalogue, requests, warnings } = aCatalogue(null);
    const read = () => catalogue.vlans('xx-out', { fresh: false, by: BY });
    expect([await read(), await read()]).toEqual([null, null]);
    expect(requests).toHaveLength(1);
    expect(warnings).toEqual(['VLANs are unknown']);
  });
});

describe('the prices of transfer', () => {
  it('are those of the records while Linode does not say, and none of a server without them', async () => {
    const refuse = async () => {
      throw new Error('Linode is out');
    };
    const { catalogue, warnings } = aCatalogue(null, undefined, undefined, refuse);
    const byRegion = { 'id-cgk': 15_000, 'br-gru': 7_000 };
    expect(await catalogue.transferPrices(BY)).toEqual({ gb: 5_000, byRegion });
    expect(await catalogue.transferPrices(BY)).toEqual({ gb: 5_000, byRegion });
    expect(warnings).toEqual(['prices of transfer are unknown']);
    expect(await aCatalogue(null).catalogue.transferPrices(BY)).toBeNull();
  });
});
