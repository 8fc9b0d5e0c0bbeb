import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reapTag } from '../../../../lib/core/base/names.ts';
import { hours, plus } from '../../../../lib/core/base/units.ts';
import { cutTo, withinBytes } from '../../../../lib/core/cluster/bounds.ts';
import {
  aDeleting,
  anEnded,
  aRunning,
  created,
  gone,
  LAUNCH,
  neverCreated,
} from '../../../support/builders.ts';

const bytesOf = (text: string) => Buffer.byteLength(text);

describe('cutTo', () => {
  it('leaves a text that has room as it is', () => {
    expect(cutTo('no capacity', 64)).toBe('no capacity');
    expect(cutTo('ü'.repeat(32), 64)).toBe('ü'.repeat(32));
  });

  it('cuts a longer text at a character, and ends it with an ellipsis', () => {
    expect(cutTo('a'.repeat(65), 64)).toBe(`${'a'.repeat(61)}…`);
    expect(cutTo('ü'.repeat(33), 64)).toBe(`${'ü'.repeat(30)}…`);
    expect(cutTo('🧮'.repeat(17), 64)).toBe(`${'🧮'.repeat(15)}…`);
  });

  it('keeps every text within its bytes', () => {
    const property = fc.property(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.integer({ min: 64, max: 256 }),
      (text, bytesMax) => {
        const cut = cutTo(text, bytesMax);
        expect(bytesOf(cut)).toBeLessThanOrEqual(bytesMax);
        if (bytesOf(text) <= bytesMax) expect(cut).toBe(text);
      },
    );
    fc.assert(property);
  });
});

describe('withinBytes', () => {
  it('leaves an ordinary record as it is', () => {
    for (const record of [
      aRunning(),
      aDeleting(),
      anEnded({ nodes: [gone(0), neverCreated(1)] }),
    ]) {
      expect(withinBytes(record, 400_000)).toEqual(record);
    }
  });

  it('cuts each reason, event, failure and trouble to 1000 bytes, and no other text', () => {
    const long = 'x'.repeat(2_000);
    const record = aDeleting({
      nodes: [neverCreated(0, long), { ...created(1), added: { reason: long, tries: 3 } } as never],
      history: [{ at: LAUNCH, event: long }],
      trouble: { since: LAUNCH, reason: long },
      failure: long,
      requestHash: long,
    });
    const cut = `${'x'.repeat(997)}…`;
    expect(withinBytes(record, 400_000)).toEqual({
      ...record,
      nodes: [neverCreated(0, cut), { ...created(1), added: { reason: cut, tries: 3 } }],
      history: [{ at: LAUNCH, event: cut }],
      trouble: { since: LAUNCH, reason: cut },
      failure: cut,
    });
  });

  it('cuts texts shorter where the record would still be too large', () => {
    const nodes = Array.from({ length: 500 }, (_, index) => neverCreated(index, 'x'.repeat(900)));
    const { nodes: cut } = withinBytes(aDeleting({ nodes }), 400_000);
    expect(cut[499]).toEqual(neverCreated(499, `${'x'.repeat(247)}…`));
    expect(withinBytes(aDeleting({ nodes }), 100_000).nodes[0]).toEqual(
      neverCreated(0, `${'x'.repeat(61)}…`),
    );
  });

  it('keeps four addresses of a node, and the newest 200 reap tags', () => {
    const ipv4 = Array.from({ length: 9 }, (_, index) => `192.0.2.${index}`);
    const reapTags = Array.from({ length: 500 }, (_, index) => reapTag(plus(LAUNCH, hours(index))));
    const cut = withinBytes(aRunning({ nodes: [created(0, { ipv4 })], reapTags }), 400_000);
    expect(cut.nodes).toEqual([created(0, { ipv4: ipv4.slice(0, 4) })]);
    expect(cut.reapTags).toEqual(reapTags.slice(300));
  });
});
