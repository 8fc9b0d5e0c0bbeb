import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterTag, reapTag } from '../../../../lib/core/base/names.ts';
import {
  durationMs,
  type EpochMs,
  epochMs,
  hours,
  minutes,
  plus,
} from '../../../../lib/core/base/units.ts';
import type { Linode } from '../../../../lib/core/cluster/linode.ts';
import { findOrphans as findOrphansAmong } from '../../../../lib/core/cluster/orphans.ts';
import type { ClusterRecord } from '../../../../lib/core/cluster/record.ts';
import {
  aCluster,
  aDeleting,
  aLinode,
  anEnded,
  aRunning,
  at,
  ID,
  LAUNCH,
  OTHER_ID,
  OUR_TAG,
  OUR_TAGS,
  planned,
  STAGE,
  teardownOf,
} from '../../../support/builders.ts';

const NOW = plus(LAUNCH, hours(1));
const withReap = (...times: EpochMs[]) => aLinode({ tags: [...OUR_TAGS, ...times.map(reapTag)] });
const findOrphans = (
  linodes: readonly Linode[],
  records: readonly ClusterRecord[] | null,
  context: { readonly stage: string; readonly now: EpochMs },
) => findOrphansAmong(linodes, records === null ? null : { records, unreadable: [] }, context);
const found = (linode: Linode, records: readonly ClusterRecord[] | null, now = NOW) =>
  findOrphans([linode], records, { stage: STAGE, now });
/** The instant from which a Linode is an orphan; null: it never is. */
const orphanFrom = (linode: Linode, records: readonly ClusterRecord[] | null, now = NOW) =>
  found(linode, records, now)[0]?.at ?? null;

describe('a Linode with a record', () => {
  it('is an orphan from the end of its cluster, whatever its reap tag says', () => {
    const endedAt = plus(LAUNCH, minutes(30));
    for (const phase of ['deleted', 'failed'] as const) {
      const linode = withReap(plus(NOW, hours(9)));
      expect(found(linode, [anEnded({ phase, endedAt })])).toEqual([
        { linode, at: endedAt, reason: `its cluster is ${phase}` },
      ]);
    }
  });

  it('is protected until a minute after the teardown time of its cluster', () => {
    for (const record of [aRunning(), aCluster({ nodes: [planned(0)] })]) {
      const due = plus(teardownOf(record, NOW), minutes(1));
      expect(due).toBeGreaterThan(NOW);
      expect(orphanFrom(aLinode(), [record])).toBe(due);
    }
  });

  it('is protected by the record although its reap time has passed', () => {
    expect(orphanFrom(withReap(LAUNCH), [aRunning()])).toBeGreaterThan(NOW);
  });

  it('is an orphan when the teardown of its cluster is overdue by a minute', () => {
    const record = aRunning();
    const now = plus(teardownOf(record, NOW), minutes(1));
    expect(found(aLinode(), [record], now)).toMatchObject([
      { at: now, reason: 'the teardown of its cluster is overdue' },
    ]);
  });

  it('is an orphan a minute after the teardown of its cluster began', () => {
    const record = aDeleting({ deletingSince: plus(LAUNCH, minutes(10)) });
    expect(found(aLinode(), [record])).toMatchObject([
      {
        at: plus(LAUNCH, minutes(11)),
        reason: 'its cluster should have been destroyed by now',
      },
    ]);
  });

  it('is not protected by the record of another cluster', () => {
    const linode = withReap(LAUNCH);
    expect(orphanFrom(linode, [aRunning({ id: OTHER_ID, nodes: [] })])).toBe(LAUNCH);
  });

  it.each([
    ['id', { label: 'db-primary', tags: [OUR_TAG, reapTag(LAUNCH)] }, {}],
    ['label', { id: 7, tags: [OUR_TAG, reapTag(LAUNCH)] }, {}],
    ['id, though its tag names a cluster that has ended', { label: 'mine' }, { id: OTHER_ID }],
  ])('is protected by its recorded %s', (_, linode, record) => {
    const live = aRunning(record);
    const records = [live, ...(live.id === OTHER_ID ? [anEnded({ nodes: [] })] : [])];
    expect(orphanFrom(aLinode(linode), records)).toBe(plus(teardownOf(live, NOW), minutes(1)));
  });
});

describe('a Linode without a record', () => {
  it('is an orphan from its reap time on, in the past or future', () => {
    for (const time of [at('2026-11-10T15:30:00Z'), at('2026-11-10T17:00:00Z')]) {
      expect(found(withReap(time), [])).toMatchObject([
        { at: time, reason: 'it has no record and its reap time has come' },
      ]);
    }
  });

  it('is an orphan from the earliest of several reap times', () => {
    const times = [at('2026-11-10T18:00Z'), at('2026-11-10T15:45Z'), at('2026-11-10T17:00Z')];
    expect(orphanFrom(withReap(...times), [])).toBe(at('2026-11-10T15:45Z'));
  });

  it.each([[], ['reap=soon'], ['reap=20260231T1200Z'], ['reap=2026-11-10T15:00Z']])(
    'is an orphan 15 minutes after its creation with no other reap tag than %s',
    (...tags) => {
      const linode = aLinode({ tags: [...OUR_TAGS, ...tags] });
      expect(found(linode, [])).toEqual([
        { linode, at: plus(LAUNCH, minutes(15)), reason: 'it has no record and no reap tag' },
      ]);
    },
  );

  it('is an orphan by its reap tag when it bears the tags of two clusters', () => {
    const tags = [...OUR_TAGS, `onebuck=${OTHER_ID}`, reapTag(NOW)];
    const linode = aLinode({ tags, id: 7, label: 'a-copy' });
    expect(orphanFrom(linode, [aRunning(), aRunning({ id: OTHER_ID })])).toBe(NOW);
  });
});

describe('when the records can not be read', () => {
  it('only the reap tag counts', () => {
    expect(found(withReap(NOW), null)).toMatchObject([
      { at: NOW, reason: 'the records can not be read and its reap time has come' },
    ]);
  });

  it('a Linode without a reap tag is left alone, however old', () => {
    const linode = aLinode({ tags: OUR_TAGS });
    expect(found(linode, null, plus(LAUNCH, hours(9_999)))).toEqual([]);
  });
});

describe('a Linode whose own record is unreadable', () => {
  const orphans = (linodes: readonly Linode[], records: readonly ClusterRecord[] = []) =>
    findOrphansAmong(linodes, { records, unreadable: [{ id: ID }] }, { stage: STAGE, now: NOW });

  it('is protected until the time in its reap tag, in the past or future', () => {
    for (const time of [at('2026-11-10T15:30:00Z'), at('2026-11-10T17:00:00Z')]) {
      expect(orphans([withReap(time)])).toMatchObject([
        { at: time, reason: 'its record is unreadable and its reap time has come' },
      ]);
    }
  });

  it('is an orphan 15 minutes after its creation without a reap tag', () => {
    expect(orphans([aLinode({ tags: OUR_TAGS })])).toMatchObject([
      { at: plus(LAUNCH, minutes(15)), reason: 'its record is unreadable and no reap tag' },
    ]);
  });

  it('changes nothing for the Linodes of other clusters', () => {
    const other = aLinode({ id: 7, tags: [OUR_TAG, clusterTag(OTHER_ID), reapTag(LAUNCH)] });
    expect(orphans([other], [aRunning({ id: OTHER_ID })])).toMatchObject([
      { at: plus(teardownOf(aRunning(), NOW), minutes(1)) },
    ]);
  });
});

describe('a stranger', () => {
  it.each([
    ['without tags', []],
    ["with another stage's tag", ['onebuck-prod', 'onebuck=cabcdefg234']],
    ["with a tag that only begins like this stage's", ['onebuck-test2']],
    ["with only the cluster's tag", ['onebuck=cabcdefg234', 'reap=20200101T0000Z']],
  ])('%s is never an orphan', (_, tags) => {
    for (const records of [null, [], [anEnded()]]) {
      expect(found(aLinode({ tags }), records)).toEqual([]);
    }
  });
});

const arbitraryTags = fc.subarray([
  ...OUR_TAGS,
  `onebuck=${OTHER_ID}`,
  'onebuck-prod',
  'mine',
  reapTag(LAUNCH),
  reapTag(plus(LAUNCH, hours(2))),
  'reap=never',
]);
const arbitraryLinodes = fc
  .array(arbitraryTags, { maxLength: 5 })
  .map((all) => all.map((tags, index) => aLinode({ index, tags })));
const arbitraryRecords = fc.option(
  fc.subarray<ClusterRecord>([aRunning(), anEnded({ id: OTHER_ID }), aRunning({ id: OTHER_ID })]),
);
const anInstant = fc.integer({ min: 0, max: 200 * 3_600_000 }).map((ms) => epochMs(LAUNCH + ms));

describe('always', () => {
  it("no orphan is without this deployment's tag", () => {
    fc.assert(
      fc.property(arbitraryLinodes, arbitraryRecords, anInstant, (linodes, records, now) => {
        for (const { linode } of findOrphans(linodes, records, { stage: STAGE, now })) {
          expect(linode.tags).toContain(`onebuck-${STAGE}`);
        }
      }),
    );
  });

  it('a Linode is an orphan whatever else the list has, and the order is kept', () => {
    fc.assert(
      fc.property(arbitraryLinodes, arbitraryRecords, anInstant, (linodes, records, now) => {
        const context = { stage: STAGE, now };
        const apart = linodes.flatMap((linode) => findOrphans([linode], records, context));
        expect(findOrphans(linodes, records, context)).toEqual(apart);
      }),
    );
  });

  it('with readable records every Linode of the deployment is an orphan some day', () => {
    fc.assert(
      fc.property(arbitraryLinodes, arbitraryRecords, anInstant, (linodes, records, now) => {
        const ours = linodes.filter(({ tags }) => tags.includes(`onebuck-${STAGE}`));
        const orphans = findOrphans(linodes, records ?? [], { stage: STAGE, now });
        expect(orphans.map(({ linode }) => linode)).toEqual(ours);
      }),
    );
  });

  it('no Linode of a running cluster is an orphan before a minute after its teardown time', () => {
    fc.assert(
      fc.property(arbitraryLinodes, fc.nat(60 * 60_000), (linodes, ms) => {
        const record = aRunning();
        const now = plus(teardownOf(record, LAUNCH), durationMs(60_000 - 1 - ms));
        const ofCluster = linodes.map((linode) => ({ ...linode, tags: OUR_TAGS }));
        const orphans = findOrphans(ofCluster, [record], { stage: STAGE, now });
        expect(orphans.filter(({ at: from }) => from <= now)).toEqual([]);
      }),
    );
  });
});
