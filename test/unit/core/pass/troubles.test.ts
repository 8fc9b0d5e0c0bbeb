import { describe, expect, it } from 'vitest';
import { type EpochMs, hours, minutes, plus, seconds } from '../../../../lib/core/base/units.ts';
import { overspentAt, spentAt } from '../../../../lib/core/cluster/bills.ts';
import { lifeOf } from '../../../../lib/core/cluster/life.ts';
import type { Deleting } from '../../../../lib/core/cluster/record.ts';
import { deletionPause, nodesText } from '../../../../lib/core/cluster/record.ts';
import { observe } from '../../../../lib/core/pass/observe.ts';
import { plan } from '../../../../lib/core/pass/plan.ts';
import {
  aDeleting,
  aLinode,
  aRunning,
  created,
  deleting,
  eventsOf,
  gone,
  LAUNCH,
  usd,
} from '../../../support/builders.ts';

const atSecond = (ms: number): EpochMs => plus(LAUNCH, seconds(ms));
const IGNORED = 'Linode accepts its deletion, and still lists it';
const trouble = { since: LAUNCH, reason: 'locked', tries: 1, triedAt: LAUNCH };
/** A cluster of one node, whose deletion was accepted, or refused, at LAUNCH. */
const aGoing = (node = deleting(0), overrides: Partial<Deleting> = {}) =>
  aDeleting({ nodes: [node], ...overrides });
const planned = (record: Deleting, now: EpochMs, linodes = [aLinode()]) =>
  plan(record, linodes, now);

describe('the pause after deletions without effect', () => {
  it('doubles from 10 seconds, up to 5 minutes', () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7, 50].map(deletionPause);
    expect(pauses).toEqual([10, 20, 40, 80, 160, 300, 300, 300].map(seconds));
  });

  it('lasts from the answer: until then a pass waits, and then asks again', () => {
    expect(planned(aGoing(), atSecond(9)).steps).toMatchObject([
      { kind: 'wait', until: atSecond(10) },
    ]);
    expect(planned(aGoing(), atSecond(10)).steps).toMatchObject([{ kind: 'deleteNode', index: 0 }]);
    const locked = aDeleting({ nodes: [created(0, { trouble })], deletingSince: LAUNCH });
    expect(planned(locked, atSecond(9)).steps).toMatchObject([
      { kind: 'wait', until: atSecond(10) },
    ]);
    expect(planned(locked, atSecond(10)).steps).toMatchObject([{ kind: 'deleteNode', index: 0 }]);
  });

  it('does not hold up the first deletion of a teardown', () => {
    const long = { ...trouble, tries: 9 };
    const locked = aDeleting({
      nodes: [created(0, { trouble: long })],
      deletingSince: atSecond(1),
    });
    expect(planned(locked, atSecond(1)).steps).toMatchObject([{ kind: 'deleteNode', index: 0 }]);
  });

  it('ends when the bill passes the budget, so that the record says so at once', () => {
    const long = { ...trouble, tries: 9, triedAt: plus(LAUNCH, minutes(59)) };
    const node = created(0, { trouble: long });
    const record = aDeleting({ nodes: [node], budget: usd(0.0075), deletingSince: LAUNCH });
    const waits = planned(record, plus(LAUNCH, minutes(59)));
    const passedAt = LAUNCH + hours(1) + 1;
    expect(waits.steps).toMatchObject([{ kind: 'wait', until: passedAt }]);
    const passed = planned(record, passedAt as EpochMs);
    expect(passed.next).toMatchObject({ overBudgetAt: passedAt });
    const event = 'has passed its budget of $0.0075, and Linode bills on';
    expect(eventsOf(passed.next as Deleting).at(-1)).toBe(event);
    expect(passed.steps).toMatchObject([{ kind: 'wait', until: plus(long.triedAt, minutes(5)) }]);
  });

  it('of one node does not hold up the look at another that is going', () => {
    const record = aDeleting({ nodes: [deleting(0, { accepted: 5 }), deleting(1)] });
    const linodes = [aLinode(), aLinode({ index: 1, status: 'deleting' })];
    expect(planned(record, atSecond(20), linodes).steps).toMatchObject([
      { kind: 'wait', until: atSecond(30) },
    ]);
  });

  it('also counts for a Linode that is none of the nodes, until a list lacks it', () => {
    const strays = [{ linodeId: 7, tries: 2, triedAt: LAUNCH }];
    const record = aDeleting({ nodes: [gone(0)], strays });
    const copy = aLinode({ id: 7, label: 'a-copy' });
    expect(planned(record, atSecond(19), [copy]).steps).toMatchObject([
      { kind: 'wait', until: atSecond(20) },
    ]);
    expect(planned(record, atSecond(20), [copy]).steps).toMatchObject([
      { kind: 'deleteNode', linodeId: 7 },
    ]);
    expect(planned(record, atSecond(20), []).next).not.toHaveProperty('strays');
    const running = aRunning({ nodes: [created(0)], strays, retagAfter: plus(LAUNCH, hours(1)) });
    const waits = plan(running, [aLinode(), copy], atSecond(19)).steps;
    expect(waits).toMatchObject([{ kind: 'wait', until: atSecond(20) }]);
  });
});

describe('a node that a list shows after its deletion was accepted', () => {
  const seen = (node: Parameters<typeof aGoing>[0], now: EpochMs) =>
    observe(aGoing(node), [aLinode()], now);

  it('may be in an old list: one accepted deletion, or a young one, proves nothing', () => {
    expect(seen(deleting(0), atSecond(60)).nodes).toEqual([deleting(0)]);
    const twice = deleting(0, { accepted: 2 });
    expect(seen(twice, atSecond(19)).nodes).toEqual([twice]);
  });

  it('lives, and is billed on, once the second deletion has had no effect either', () => {
    const record = seen(deleting(0, { accepted: 2 }), atSecond(20));
    const found = { since: atSecond(20), reason: IGNORED, tries: 2, triedAt: LAUNCH };
    expect(record.nodes).toEqual([
      deleting(0, { accepted: 2, trouble: { ...found, seenAt: atSecond(20) } }),
    ]);
    expect(eventsOf(record).at(-1)).toBe(`can't delete node 0: ${IGNORED}`);
    expect(spentAt(record, plus(LAUNCH, minutes(61)))).toBe(usd(0.015));
    expect(overspentAt({ ...record, budget: usd(0.01) }, plus(LAUNCH, minutes(61)))).toBe(
      usd(0.005),
    );
    expect(lifeOf(record, atSecond(20)).nodes).toMatchObject([{ billedUntil: null }]);
  });

  it('is noted once in the history, and again when it was seen later', () => {
    const record = seen(deleting(0, { accepted: 2 }), atSecond(20));
    const later = observe(record, [aLinode()], atSecond(40));
    expect(later.history).toEqual(record.history);
    expect(later.nodes).toMatchObject([{ trouble: { since: atSecond(20), seenAt: atSecond(40) } }]);
  });

  it('is gone when a list lacks it: since the last deletion, or now if it was seen later', () => {
    const seenAt = atSecond(20);
    const lived = { since: seenAt, reason: IGNORED, tries: 2, triedAt: LAUNCH, seenAt };
    const ends = [
      deleting(0, { trouble: lived }),
      deleting(0, { billedUntil: atSecond(21), trouble: lived }),
    ];
    const gones = ends.map((node) => observe(aGoing(node), [], atSecond(30)).nodes[0]);
    expect(gones).toEqual([
      gone(0, { billedUntil: atSecond(30) }),
      gone(0, { billedUntil: atSecond(21) }),
    ]);
  });

  it('keeps the reason of a refused deletion while it is listed', () => {
    const record = observe(
      aRunning({ nodes: [created(0, { trouble })] }),
      [aLinode()],
      atSecond(5),
    );
    expect(record.nodes).toEqual([created(0, { trouble })]);
  });
});

it('names at most ten nodes, and counts the others', () => {
  const indexes = Array.from({ length: 13 }, (_, index) => index);
  expect([nodesText([4]), nodesText([4, 7])]).toEqual(['node 4', 'nodes 4, 7']);
  expect(nodesText(indexes)).toBe('nodes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more');
});
