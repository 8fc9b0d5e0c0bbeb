import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationMs, minutes, plus, seconds } from '../../../../lib/core/base/units.ts';
import type { NodeRecord } from '../../../../lib/core/cluster/record.ts';
import {
  linodeOf,
  observe,
  possibleNodesOf,
  unknownLinodesOf,
} from '../../../../lib/core/pass/observe.ts';
import {
  aBought,
  aCluster,
  aDeleting,
  aLinode,
  aRunning,
  created,
  creating,
  deleting,
  gone,
  LAUNCH,
  neverCreated,
  planned,
} from '../../../support/builders.ts';

const NOW = plus(LAUNCH, minutes(5));
/** The node after a pass has observed `linodes`. */
const seenAs = (node: NodeRecord, ...linodes: ReturnType<typeof aLinode>[]) =>
  observe(aCluster({ nodes: [node] }), linodes, NOW).nodes[0];

describe('linodeOf', () => {
  it('finds a created node by its id, under any label', () => {
    const renamed = aLinode({ label: 'db-primary' });
    expect(linodeOf(created(0), [aLinode({ index: 1 }), renamed])).toBe(renamed);
  });

  it('does not find a created node by its label in a Linode of another id', () => {
    expect(linodeOf(created(0), [aLinode({ id: 999 })])).toBeUndefined();
  });

  it('finds a node that is not yet created by its label', () => {
    expect(linodeOf(creating(0), [aLinode({ id: 999 })])?.id).toBe(999);
    expect(linodeOf(creating(0), [aLinode({ index: 1 })])).toBeUndefined();
  });
});

describe('unknownLinodesOf', () => {
  it('returns the Linodes that belong to no node', () => {
    const copy = aLinode({ id: 7, label: 'copy' });
    const record = aRunning({ nodes: [created(0), creating(1)] });
    expect(unknownLinodesOf(record, [aLinode(), copy, aLinode({ index: 1 })])).toEqual([copy]);
  });
});

describe('possibleNodesOf', () => {
  const second = aLinode({ id: 8, label: 'second' });
  const first = aLinode({ id: 7, label: 'first' });

  it('returns unknown Linodes that may be unanswered creates, the oldest first', () => {
    const record = aRunning({ nodes: [created(0), creating(1)] });
    expect(possibleNodesOf(record, [second, aLinode(), first])).toEqual([first, second]);
  });

  it.each([planned(1), created(1), neverCreated(1), gone(1)])(
    'returns none where no node is creating, but %o',
    (node) => {
      expect(possibleNodesOf(aRunning({ nodes: [created(0), node] }), [first])).toEqual([]);
    },
  );
});

describe('observe', () => {
  it.each([planned(0), creating(0), neverCreated(0)])(
    'adopts a Linode by its label for the node %o',
    (node) => {
      const linode = aLinode({ id: 7, created: plus(LAUNCH, seconds(9)), status: 'booting' });
      expect(seenAs(node, linode)).toEqual(
        created(0, { linodeId: 7, billedFrom: plus(LAUNCH, seconds(9)), status: 'booting' }),
      );
    },
  );

  it.each([planned(0), creating(0), created(0), gone(0), neverCreated(0)])(
    'leaves the node %o as it is where the list does not show it',
    (node) => expect(seenAs(node)).toEqual(node),
  );

  it("bills a Linode from the pass that first sees it, if Linode's time is later", () => {
    expect(seenAs(creating(0), aLinode({ created: plus(NOW, seconds(90)) }))).toMatchObject({
      billedFrom: NOW,
    });
  });

  it("keeps the earliest start of a node's bill", () => {
    const later = aLinode({ created: plus(LAUNCH, seconds(30)) });
    expect(seenAs(created(0), later)).toMatchObject({ billedFrom: LAUNCH });
    const earlier = plus(LAUNCH, seconds(-30));
    expect(seenAs(created(0), aLinode({ created: earlier }))).toMatchObject({
      billedFrom: earlier,
    });
  });

  it('keeps the price of backups that were cancelled, since earlier hours have it', () => {
    const node = seenAs(created(0, { backups: true }), aLinode({ backupsEnabled: false }));
    expect(node).toMatchObject({ backups: true });
  });

  it('forgets the check of a node once the list shows the node', () => {
    expect(seenAs(created(0, { checkedAt: NOW }), aLinode())).toEqual(created(0));
  });

  it('makes a deleted node gone when the list does not show it', () => {
    expect(seenAs(deleting(0))).toEqual(gone(0));
  });

  it('keeps a deleted node that the list shows, and the end of its bill', () => {
    const billedUntil = plus(LAUNCH, minutes(1));
    expect(seenAs(deleting(0, { billedUntil }), aLinode({ status: 'deleting' }))).toEqual(
      deleting(0, { billedUntil, status: 'deleting' }),
    );
  });

  it('makes a gone node deleting again when the list shows it', () => {
    expect(seenAs(gone(0), aLinode({ status: 'running' }))).toEqual(deleting(0));
  });

  it('assumes backups for all nodes when one node has backups', () => {
    const record = aCluster({ nodes: [creating(0), planned(1)] });
    const seen = observe(record, [aLinode({ backupsEnabled: true })], NOW);
    expect(seen.bought).toEqual(aBought({ backupsAssumed: true }));
    expect(observe(record, [aLinode()], NOW).bought).toBe(record.bought);
  });

  describe('takes an unknown Linode for a node without an answer', () => {
    const renamed = aLinode({ id: 7, label: 'db-primary' });
    const shown = (nodes: NodeRecord[], linodes: ReturnType<typeof aLinode>[], seconds_: number) =>
      observe(aCluster({ nodes }), linodes, plus(LAUNCH, seconds(seconds_))).nodes;

    it('when its create would be sent again, and not before', () => {
      expect(shown([creating(0)], [renamed], 29)).toEqual([creating(0)]);
      expect(shown([creating(0)], [renamed], 30)).toEqual([
        created(0, { linodeId: 7, knownAs: 'db-primary' }),
      ]);
    });

    it('at once in deletion, where no create is sent again, so that it is billed', () => {
      const deleting = aDeleting({ nodes: [creating(0)] });
      expect(observe(deleting, [renamed], LAUNCH).nodes).toEqual([
        created(0, { linodeId: 7, knownAs: 'db-primary' }),
      ]);
    });

    it('for one node each, and never for a node that has its Linode', () => {
      const other = aLinode({ id: 8, label: 'db-second', ipv4: created(2).ipv4 });
      const nodes = [creating(0), created(1), creating(2), planned(3), creating(4)];
      const linodes = [other, aLinode({ index: 1 }), renamed, aLinode({ index: 4 })];
      expect(shown(nodes, linodes, 60)).toEqual([
        created(0, { linodeId: 7, knownAs: 'db-primary' }),
        created(1),
        created(2, { linodeId: 8, knownAs: 'db-second' }),
        planned(3),
        created(4),
      ]);
      expect(shown([creating(0), creating(1)], [renamed], 60)).toEqual([
        created(0, { linodeId: 7, knownAs: 'db-primary' }),
        creating(1),
      ]);
    });

    it.each([{ type: 'g6-standard-1' }, { region: 'eu-central' }])('but not with %o', (unlike) => {
      expect(shown([creating(0)], [{ ...renamed, ...unlike }], 60)).toEqual([creating(0)]);
    });
  });

  it('keeps phase and other fields of the record', () => {
    const record = aDeleting({ nodes: [created(0)] });
    expect(observe(record, [aLinode()], NOW)).toEqual(record);
  });
});

const aNode = fc.constantFrom<NodeRecord>(
  planned(0),
  creating(0),
  created(0),
  created(0, { backups: true, checkedAt: LAUNCH }),
  deleting(0),
  gone(0),
  neverCreated(0),
);
const aShown = fc.record({
  id: fc.constantFrom(100, 7),
  status: fc.constantFrom('running' as const, 'provisioning' as const, 'deleting' as const),
  created: fc
    .integer({ min: -3_600_000, max: 3_600_000 })
    .map((ms) => plus(LAUNCH, durationMs(ms))),
  backupsEnabled: fc.boolean(),
});

describe('always', () => {
  it('observing the same list a second time changes nothing', () => {
    fc.assert(
      fc.property(aNode, fc.option(aShown), (node, shown) => {
        const linodes = shown === null ? [] : [aLinode(shown)];
        const once = observe(aCluster({ nodes: [node] }), linodes, NOW);
        expect(observe(once, linodes, NOW)).toEqual(once);
      }),
    );
  });

  it('a node keeps its index and label, and its id once it has one', () => {
    fc.assert(
      fc.property(aNode, fc.option(aShown), (node, shown) => {
        const seen = seenAs(node, ...(shown === null ? [] : [aLinode(shown)]));
        expect(seen).toMatchObject({ index: node.index, label: node.label });
        if ('linodeId' in node) expect(seen).toMatchObject({ linodeId: node.linodeId });
      }),
    );
  });
});
