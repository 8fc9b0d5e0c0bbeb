import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ClusterId,
  clusterOfTags,
  clusterTag,
  isClusterId,
  isScheduleId,
  nodeLabel,
  ownershipTag,
  reapTag,
  reapTimeOfTags,
  withReapTag,
} from '../../../../lib/core/base/names.ts';
import { type EpochMs, epochMs } from '../../../../lib/core/base/units.ts';

const at = (iso: string): EpochMs => epochMs(Date.parse(iso));
const ID: ClusterId = 'cabcdefg234';

/** Linode's rules for labels, by its pattern and by its prose: docs/linode.md#labels-and-tags. */
const LINODE_LABEL = /^[a-zA-Z](?:(?!--|__|\.\.)[a-zA-Z0-9\-_.]){1,62}[a-zA-Z0-9]$/;
const MINUTE = 60_000;

const anId = fc
  .array(fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz234567'), { minLength: 10, maxLength: 10 })
  .map((letters): ClusterId => `c${letters.join('')}`);
/** An instant in a year of four digits, which is what a reap tag can hold. */
const anInstant = fc
  .integer({ min: 0, max: at('9999-12-31T23:59:59.999Z') })
  .map((ms) => epochMs(ms));

describe('ids', () => {
  it('are c for a cluster or s for a schedule, and ten digits of base 32', () => {
    expect([isClusterId(ID), isScheduleId(ID)]).toEqual([true, false]);
    const ofSchedule = ID.replace('c', 's');
    expect([isClusterId(ofSchedule), isScheduleId(ofSchedule)]).toEqual([false, true]);
  });

  it.each([
    '',
    'c',
    'cabcdefg23',
    'cabcdefg2345',
    'xabcdefg234',
    'cABCDEFG234',
    'cabcdefg018',
    'cabcdefg234\n',
    ' cabcdefg234',
  ])('are not %j', (text) => {
    expect(isClusterId(text)).toBe(false);
    expect(isScheduleId(text.replace('c', 's'))).toBe(false);
  });
});

describe('labels', () => {
  it('name the cluster and the node', () => {
    expect(nodeLabel(ID, 7)).toBe('onebuck-cabcdefg234-7');
  });

  it("keep Linode's rules, and differ for different nodes", () => {
    const anIndex = fc.integer({ min: 0, max: 9_999 });
    fc.assert(
      fc.property(anId, anIndex, anId, anIndex, (id, index, otherId, otherIndex) => {
        expect(nodeLabel(id, index)).toMatch(LINODE_LABEL);
        const isSame = id === otherId && index === otherIndex;
        expect(nodeLabel(id, index) === nodeLabel(otherId, otherIndex)).toBe(isSame);
      }),
    );
  });
});

describe('tags', () => {
  it('name the stage, the cluster and the teardown time', () => {
    expect(ownershipTag('prod')).toBe('onebuck-prod');
    expect(clusterTag(ID)).toBe('onebuck=cabcdefg234');
    expect(reapTag(at('2026-11-22T15:57:00Z'))).toBe('reap=20261122T1557Z');
  });

  it('have 3 to 50 characters, of which each was seen in real tags', () => {
    fc.assert(
      fc.property(anId, anInstant, (id, instant) => {
        for (const tag of [ownershipTag('a'), clusterTag(id), reapTag(instant)]) {
          expect(tag).toMatch(/^[a-zA-Z0-9=-]{3,50}$/);
        }
      }),
    );
  });
});

describe('a new reap tag', () => {
  it('replaces every reap tag, in upper or lower case, and no other tag', () => {
    const tags = ['onebuck-prod', 'reap=20261122T1557Z', clusterTag(ID), 'REAP=soon', 'no-reap=1'];
    expect(withReapTag(tags, 'reap=20261123T0000Z')).toEqual([
      'onebuck-prod',
      clusterTag(ID),
      'no-reap=1',
      'reap=20261123T0000Z',
    ]);
  });
});

describe('the cluster of a Linode', () => {
  it('is the cluster in its cluster tag', () => {
    expect(clusterOfTags(['onebuck-prod', clusterTag(ID), 'mine'])).toBe(ID);
  });

  it('is null without a cluster tag, with a malformed one, or with two', () => {
    expect(clusterOfTags([])).toBeNull();
    expect(clusterOfTags(['onebuck-prod', 'reap=20261122T1557Z'])).toBeNull();
    expect(clusterOfTags(['onebuck='])).toBeNull();
    expect(clusterOfTags(['onebuck=CABCDEFG234'])).toBeNull();
    expect(clusterOfTags([clusterTag(ID), clusterTag('czzzzzzzzzz')])).toBeNull();
    expect(clusterOfTags([clusterTag(ID), 'onebuck=?'])).toBeNull();
  });

  it('is read back from every cluster tag', () => {
    fc.assert(
      fc.property(anId, fc.array(fc.string()), (id, others) => {
        const otherTags = others.filter((tag) => !tag.startsWith('onebuck='));
        expect(clusterOfTags([...otherTags, clusterTag(id)])).toBe(id);
      }),
    );
  });
});

describe('the reap time of a Linode', () => {
  it('is the earliest of its reap tags', () => {
    const tags = ['onebuck-prod', 'reap=20261122T1557Z', 'reap=20261122T1457Z'];
    expect(reapTimeOfTags(tags)).toBe(at('2026-11-22T14:57:00Z'));
  });

  it('is null without a reap tag', () => {
    expect(reapTimeOfTags([])).toBeNull();
    expect(reapTimeOfTags(['reap', 'onebuck=20261122T1557Z'])).toBeNull();
  });

  it.each([
    'reap=',
    'reap=never',
    'reap=20261122T1557',
    'reap=20261122T155700Z',
    'reap=2026-11-22T15:57Z',
    'reap=20261322T1557Z',
    'reap=20260231T1557Z',
    'reap=20260229T0000Z',
    'reap=20261122T2400Z',
    'reap=20261122T2360Z',
    ' reap=20261122T1557Z',
    'reap=20261122T1557Z ',
    'reap=20261122T1557Z\n',
  ])('ignores the malformed tag %j, but not another reap tag', (tag) => {
    expect(reapTimeOfTags([tag])).toBeNull();
    expect(reapTimeOfTags([tag, 'reap=20261122T1557Z'])).toBe(at('2026-11-22T15:57:00Z'));
  });

  it('may be a leap day, and the tag may be in lower case', () => {
    expect(reapTimeOfTags(['reap=20280229T0000Z'])).toBe(at('2028-02-29T00:00:00Z'));
    // It is not known whether Linode keeps the case of tags.
    expect(reapTimeOfTags(['reap=20280229t0000z'])).toBe(at('2028-02-29T00:00:00Z'));
  });

  it('is read back from every tag, rounded down to the minute', () => {
    fc.assert(
      fc.property(anInstant, (instant) => {
        const time = reapTimeOfTags([reapTag(instant)]);
        expect(time).toBe(instant - (instant % MINUTE));
      }),
    );
  });

  it('is an instant or null for any tags', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.string().map((text) => `reap=${text}`),
          ),
        ),
        (tags) => {
          const time = reapTimeOfTags(tags);
          expect(time === null || Number.isSafeInteger(time)).toBe(true);
        },
      ),
    );
  });
});
