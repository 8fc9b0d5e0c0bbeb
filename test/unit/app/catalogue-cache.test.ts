import { describe, expect, it } from 'vitest';
import { createCatalogueCache } from '../../../lib/app/catalogue-cache.ts';
import {
  type DurationMs,
  type EpochMs,
  minutes,
  plus,
  seconds,
} from '../../../lib/core/base/units.ts';
import type { LinodeApi } from '../../../lib/ports.ts';
import { LAUNCH } from '../../support/builders.ts';
import { aClock, silentLog } from '../../support/doubles.ts';

const BY = plus(LAUNCH, minutes(60));

/** A catalogue whose lists may be used for `maxAge`, and how often each list was asked for. */
function aCatalogue(
  maxAge: DurationMs | null,
  availability: LinodeApi['availability'] = async () => [],
) {
  const clock = aClock();
  const asked: string[] = [];
  const warnings: string[] = [];
  const list = (name: string) => async () => {
    asked.push(name);
    await Promise.resolve();
    return { value: [], maxAge };
  };
  const linode = {
    types: list('types'),
    regions: list('regions'),
    images: list('images'),
    backupsForced: async () => asked.push('backups') < 0,
    availability: (region: string, by: EpochMs) => {
      asked.push(region);
      return availability(region, by);
    },
  };
  const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
  const catalogue = createCatalogueCache(linode, clock, log);
  return { catalogue, clock, asked, warnings };
}

type ListName = 'types' | 'regions' | 'images' | 'backups';

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
    'of %s that may be used for %s ms is kept for %i ms',
    async (name, maxAge, kept) => {
      const { catalogue, clock, asked } = aCatalogue(maxAge);
      await catalogue[name](BY);
      clock.set(plus(LAUNCH, (kept - 1) as DurationMs));
      await catalogue[name](BY);
      expect(asked).toEqual([name]);
      clock.set(plus(LAUNCH, kept));
      await catalogue[name](BY);
      expect(asked).toEqual([name, name]);
    },
  );

  it('that must not be kept is shared by those alone who ask at the same time', async () => {
    const { catalogue, asked } = aCatalogue(seconds(0));
    await Promise.all([catalogue.types(BY), catalogue.types(BY), catalogue.types(BY)]);
    expect(asked).toEqual(['types']);
    await catalogue.types(BY);
    expect(asked).toEqual(['types', 'types']);
  });

  it('is as old as the question, not as its answer', async () => {
    const { catalogue, clock, asked } = aCatalogue(seconds(20));
    const answer = catalogue.types(BY);
    clock.set(plus(LAUNCH, seconds(19)));
    await answer;
    clock.set(plus(LAUNCH, seconds(20)));
    await catalogue.types(BY);
    expect(asked).toEqual(['types', 'types']);
  });

  it('is not kept for longer by a clock that was set back', async () => {
    const { catalogue, clock, asked } = aCatalogue(null);
    await catalogue.types(BY);
    clock.set(plus(LAUNCH, minutes(-60)));
    await catalogue.types(BY);
    expect(asked).toEqual(['types', 'types']);
  });
});

describe('what is sold out', () => {
  const rows = [
    { type: 'g6-nanode-1', available: false },
    { type: 'g7-premium-2', available: true },
  ];

  it('is asked for once a minute and region', async () => {
    const { catalogue, clock, asked } = aCatalogue(null, async () => rows);
    expect(await catalogue.soldOut('us-east', BY)).toEqual(new Set(['g6-nanode-1']));
    await Promise.all([catalogue.soldOut('us-east', BY), catalogue.soldOut('us-ord', BY)]);
    expect(asked).toEqual(['us-east', 'us-ord']);
    clock.set(plus(LAUNCH, seconds(60)));
    await catalogue.soldOut('us-east', BY);
    expect(asked).toEqual(['us-east', 'us-ord', 'us-east']);
  });

  it('is asked for with little time to answer', async () => {
    const times: number[] = [];
    const { catalogue } = aCatalogue(null, async (_region, by) => {
      times.push(by - LAUNCH);
      return [];
    });
    await catalogue.soldOut('us-east', BY);
    await catalogue.soldOut('us-ord', plus(LAUNCH, seconds(1)));
    expect(times).toEqual([2_000, 1_000]);
  });

  it('is unknown where Linode does not say, which is logged once and does no harm', async () => {
    let works = false;
    const { catalogue, clock, asked, warnings } = aCatalogue(null, async () => {
      if (works) return rows;
      throw new Error('there is no such route');
    });
    const nothing = new Set();
    expect(await catalogue.soldOut('us-east', BY)).toEqual(nothing);
    // Nobody waits for it again within the minute, in no region.
    expect(await catalogue.soldOut('us-ord', BY)).toEqual(nothing);
    expect(asked).toEqual(['us-east']);
    clock.set(plus(LAUNCH, seconds(61)));
    expect(await catalogue.soldOut('us-east', BY)).toEqual(nothing);
    expect(warnings).toEqual(['availability is unknown']);
    works = true;
    clock.set(plus(LAUNCH, seconds(122)));
    expect((await catalogue.soldOut('us-east', BY)).size).toBe(1);
    expect(asked).toEqual(['us-east', 'us-east', 'us-east']);
  });

  it('is remembered of some regions, however many are asked for', async () => {
    const { catalogue, asked } = aCatalogue(null);
    for (let index = 0; index <= 64; index += 1) await catalogue.soldOut(`r-${index}`, BY);
    await catalogue.soldOut('r-64', BY);
    await catalogue.soldOut('r-1', BY);
    expect(asked).toHaveLength(65);
    await catalogue.soldOut('r-0', BY);
    expect(asked).toHaveLength(66);
  });
});
