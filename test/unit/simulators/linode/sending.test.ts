import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { composeUserData } from '../../../../lib/core/room/user-data.ts';
import type { Grant, Instance } from '../../../../simulators/linode/instance.ts';
import {
  allowanceAt,
  bytesBetween,
  bytesInMonth,
  countedInMonth,
  countsSince,
  reachesAt,
  SLOWED_BYTES_PER_SECOND,
} from '../../../../simulators/linode/sending.ts';
import { overageOf, transferOfInstance } from '../../../../simulators/linode/transfer.ts';
import { anInstanceAt } from '../../../support/instances.ts';
import { someFacts } from '../../../support/room.ts';

const GB = 1e9;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const CREATED = Date.parse('2026-11-30T20:00:00Z');
const DECEMBER = Date.parse('2026-12-01T00:00:00Z');

interface Given {
  readonly slice?: number;
  /** Bytes a second from the creation on. */
  readonly rate?: number;
  readonly grants?: readonly Grant[];
  readonly more?: Partial<Instance>;
}

/** A node whose allowance is 2 GB, and that wants to send 10 MB a second. */
function aNode({ slice = 2 * GB, rate = 10e6, grants = [], more = {} }: Given = {}): Instance {
  return {
    ...anInstanceAt(CREATED),
    sends: [{ fromSeconds: 0, untilSeconds: null, bytesPerSecond: rate }],
    limit: { slice, grants, goneAt: null },
    ...more,
  };
}

const sent = (node: Instance, seconds: number) =>
  bytesBetween(node, CREATED, CREATED + seconds * 1_000);

describe('a node with an allowance', () => {
  it('sends at full rate until it is used up, then at most 96 kB a second', () => {
    const node = aNode();
    expect([100, 200, 201, 210].map((second) => sent(node, second))).toEqual([
      GB,
      2 * GB,
      2 * GB + 96_000,
      2 * GB + 960_000,
    ]);
    expect(SLOWED_BYTES_PER_SECOND).toBe(96_000);
    expect(sent(aNode({ rate: 50_000 }), 2 * 3_600)).toBe(2 * 3_600 * 50_000);
  });

  it('begins with its slice once more, of its own count, when that is lost', () => {
    const grants = [{ at: CREATED + 100_000, month: '2026-11', bytes: 3 * GB }];
    const lostAt = [CREATED + 250_000];
    const node = aNode({ more: { limit: { slice: 2 * GB, grants, lostAt, goneAt: null } } });
    const at = (second: number) => CREATED + second * 1_000;
    expect([250, 350, 450, 451].map((second) => sent(node, second))).toEqual([
      2.5 * GB,
      3.5 * GB,
      4.5 * GB,
      4.5 * GB + 96_000,
    ]);
    expect(allowanceAt(node, at(240))).toBe(3 * GB);
    expect(allowanceAt(node, at(260))).toBe(2 * GB);
    expect(countedInMonth(node, at(350))).toBe(GB);
    expect(reachesAt(node, 1.5 * GB, at(300))).toBe(at(400));
    expect(countedInMonth(node, DECEMBER + 10_000)).toBe(0.1 * GB);
    expect([countsSince(node), countsSince(aNode())]).toEqual([at(250) / 1_000, at(0) / 1_000]);
  });

  it('goes on at full rate with a larger one, of which it has sent a part', () => {
    const grants = [{ at: CREATED + 300_000, month: '2026-11', bytes: 3 * GB }];
    const node = aNode({ grants });
    const slowed = 100 * 96_000;
    expect(sent(node, 300)).toBe(2 * GB + slowed);
    expect(sent(node, 310)).toBe(2 * GB + slowed + 100e6);
    expect(sent(node, 1_000)).toBeGreaterThan(3 * GB);
    expect(sent(node, 1_000)).toBeLessThan(3 * GB + 602 * 96_000);
    expect(allowanceAt(node, CREATED + 299_999)).toBe(2 * GB);
    expect(allowanceAt(node, CREATED + 300_000)).toBe(3 * GB);
  });

  it('has its slice again in a new month, whatever it was granted in the last', () => {
    const grants = [{ at: CREATED, month: '2026-11', bytes: 500 * GB }];
    const node = aNode({ grants });
    expect(bytesInMonth(node, DECEMBER)).toBe(0);
    expect(bytesBetween(node, CREATED, DECEMBER)).toBe(4 * 3_600 * 10e6);
    expect(bytesInMonth(node, DECEMBER + 200_000)).toBe(2 * GB);
    expect(bytesInMonth(node, DECEMBER + 201_000)).toBe(2 * GB + 96_000);
    expect(bytesBetween(node, DECEMBER - 10_000, DECEMBER + 10_000)).toBe(200e6);
  });

  it('sends of what comes at once as much as is left', () => {
    const more = {
      sends: [],
      sentAtOnce: [7, 9].map((at) => ({ at: CREATED + at, bytes: 1.5 * GB })),
    };
    expect(sent(aNode({ more }), 1)).toBe(2 * GB);
    expect(bytesBetween(aNode({ more }), CREATED, CREATED + 9)).toBe(1.5 * GB);
  });

  it('sends all that it wants to once somebody has taken the firewall away', () => {
    const limit = { slice: 2 * GB, grants: [], goneAt: CREATED + 300_000 };
    const node = aNode({ more: { limit } });
    expect(sent(node, 400)).toBe(2 * GB + 100 * 96_000 + GB);
    expect(allowanceAt(node, CREATED + 300_000)).toBe(Number.POSITIVE_INFINITY);
  });

  it('is measured and billed by what it really sent, until its deletion', () => {
    const node = aNode({ rate: 100e6 });
    const now = CREATED + 2 * HOUR;
    const slowed = 7_180 * 96_000;
    expect(transferOfInstance(node, now)).toEqual({ used: 2 * GB + slowed, quota: 2, billable: 1 });
    // It brings 2.78 GB, and would have sent 720.
    expect(overageOf([node], now)).toBe(0);
    const gone = { ...node, deleted: CREATED + 10_000 };
    expect(transferOfInstance(gone, now).used).toBe(GB);
  });
});

describe('the limit of a node', () => {
  const text = composeUserData(someFacts());
  const limitOf = (userData: string | null) => {
    const encoded = userData === null ? null : Buffer.from(userData).toString('base64');
    return anInstanceAt(CREATED, encoded === null ? {} : { metadata: { user_data: encoded } })
      .limit;
  };

  it('is the slice in its user data, from its first byte on', () => {
    const limited = composeUserData(someFacts({ slice: 7_000 }));
    expect(limitOf(limited)).toEqual({ slice: 7_000, grants: [], goneAt: null });
  });

  it.each([
    ['no user data', null],
    ['user data of a room without a slice', text],
    ["the user's own, whatever it says", '#!/bin/sh\nslice=5\n'],
    ["the user's own beside Onebuck's", `${text}\nslice=5\n`],
  ])('is none with %s', (_, userData) => {
    expect(limitOf(userData)).toBeUndefined();
  });
});

/** Second by second; all times are whole seconds from the creation. */
function byTheSecond(node: Instance, seconds: number): number {
  let inMonth = 0;
  let total = 0;
  for (let second = 0; second < seconds; second += 1) {
    const at = CREATED + second * 1_000;
    if (at === DECEMBER) inMonth = 0;
    const rate = (node.sends ?? [])
      .filter(({ fromSeconds: from, untilSeconds: until }) => {
        return from <= second && (until === null || second < until);
      })
      .reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0);
    const fast = Math.min(rate, Math.max(0, allowanceAt(node, at) - inMonth));
    const rest = rate === 0 ? 0 : 1 - fast / rate;
    const bytes = fast + rest * Math.min(rate, 96_000);
    inMonth += bytes;
    total += bytes;
  }
  return total;
}

describe('what nodes send', () => {
  const SECONDS = 4 * 3_600 + 1_800;
  const second = fc.nat({ max: SECONDS });
  const sending = fc.record({
    fromSeconds: second,
    untilSeconds: fc.option(second),
    bytesPerSecond: fc.nat({ max: 3e5 }),
  });
  const grant = fc.record({
    at: second.map((seconds) => CREATED + seconds * 1_000),
    month: fc.constantFrom('2026-11', '2026-12'),
    bytes: fc.nat({ max: 2 * GB }),
  });
  const node = fc
    .record({
      slice: fc.nat({ max: GB / 2 }),
      sends: fc.array(sending, { maxLength: 3 }),
      grants: fc.array(grant, { maxLength: 4 }),
      goneAt: fc.option(second.map((seconds) => CREATED + seconds * 1_000)),
    })
    .map(({ slice, sends, grants, goneAt }) =>
      aNode({ more: { sends, limit: { slice, grants, goneAt } } }),
    );

  it('is what one reckons second by second', () => {
    const property = fc.property(node, second, (made, until) => {
      expect(Math.abs(sent(made, until) - byTheSecond(made, until))).toBeLessThan(1);
    });
    fc.assert(property, { numRuns: 60 });
  });

  it('reaches an amount when so much is sent, and not before', () => {
    const property = fc.property(node, second, fc.nat({ max: GB }), (made, from, bytes) => {
      const start = CREATED + from * 1_000;
      const at = reachesAt(made, bytes, start);
      const monthEnd = start < DECEMBER ? DECEMBER : DECEMBER + 31 * 24 * HOUR;
      if (at === null) {
        expect(bytesInMonth(made, monthEnd - 1)).toBeLessThan(bytes);
        return;
      }
      expect(at).toBeGreaterThanOrEqual(start);
      expect(bytesInMonth(made, at) - bytes).toBeGreaterThan(-0.01);
      if (at > start) expect(bytesInMonth(made, at - 1)).toBeLessThan(bytes);
    });
    fc.assert(property, { numRuns: 200 });
  });
});
