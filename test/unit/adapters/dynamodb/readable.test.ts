import { deflateRawSync } from 'node:zlib';
import { marshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterIn } from '../../../../lib/adapters/dynamodb/readable.ts';
import type { ClusterId } from '../../../../lib/core/base/names.ts';
import { hours, minutes, plus } from '../../../../lib/core/base/units.ts';
import { monthName } from '../../../../lib/core/billing/bill.ts';
import { readAs } from '../../../../lib/core/billing/price.ts';
import { audit, EMPTY_LEDGER } from '../../../../lib/core/caps/ledger.ts';
import { inventory, inventoryNodes } from '../../../../lib/core/cluster/inventory.ts';
import { isOverdue, livingOf } from '../../../../lib/core/cluster/metrics.ts';
import { totalsOf } from '../../../../lib/core/cluster/month-totals.ts';
import { findOrphans } from '../../../../lib/core/cluster/orphans.ts';
import { type ClusterRecord, isLive } from '../../../../lib/core/cluster/record.ts';
import { plan } from '../../../../lib/core/pass/plan.ts';
import { renderCluster, renderLaunchQuote } from '../../../../lib/http/render.ts';
import { isUnreadable } from '../../../../lib/ports.ts';
import {
  aBought,
  aCluster,
  aDeleting,
  aLinode,
  anEnded,
  aRunning,
  created,
  creating,
  deleting,
  gone,
  LAUNCH,
  neverCreated,
  planned,
  price,
  STAGE,
  usd,
} from '../../../support/builders.ts';

const NOW = plus(LAUNCH, hours(1));

const itemOf = (record: unknown, version: unknown = 2) =>
  marshall(
    { id: 'cabcdefg234', owner: 'ann', revision: 1, version, record },
    { removeUndefinedValues: true, allowImpreciseNumbers: true },
  );

/** All that reads records of many clusters in one go, so that an error would harm the others. */
function useAll(record: ClusterRecord): void {
  const read = { records: [record], unreadable: [], listed: new Set<ClusterId>() };
  findOrphans([aLinode()], read, { stage: STAGE, now: NOW });
  audit(EMPTY_LEDGER, read, NOW);
  isOverdue(record, NOW);
  livingOf([record]);
  totalsOf(record, monthName(LAUNCH), NOW);
  JSON.stringify([renderCluster(record, NOW), renderLaunchQuote(record)]);
  inventoryNodes(record);
  inventory(record, 'ansible', null);
  if (isLive(record)) plan(record, [aLinode()], NOW);
}

const KIND = { type: 'g6-standard-2', region: 'us-east' };
const TROUBLE = { since: LAUNCH, reason: 'Linode is out' };
const nodes = [
  { ...planned(0), createTrouble: TROUBLE },
  { ...creating(1), refused: 'no capacity', createTrouble: TROUBLE },
  created(2, { checkedAt: LAUNCH, changes: [{ ...KIND, from: LAUNCH, to: LAUNCH }] }),
  deleting(3, { trouble: { ...TROUBLE, tries: 1, triedAt: LAUNCH, seenAt: LAUNCH }, accepted: 2 }),
  {
    ...created(3, { knownAs: 'mine' }),
    untaggedAt: LAUNCH,
    tagLostAt: LAUNCH,
    trouble: { ...TROUBLE, tries: 1, triedAt: LAUNCH },
  },
  gone(4),
  neverCreated(5),
];
const everyField = {
  nodes,
  network: {
    kind: 'private' as const,
    vlan: 'onebuck-test',
    subnet: { block: 4, bits: 22 as const },
  },
  retagAfter: LAUNCH,
  createFrom: LAUNCH,
  strays: [{ linodeId: 7, tries: 1, triedAt: LAUNCH }],
  trouble: TROUBLE,
  lookedAt: LAUNCH,
  retaggedAt: LAUNCH,
  kindPrices: [{ ...KIND, price: price(0.036, 24), backupsPrice: null }],
  pricesReadAt: LAUNCH,
  priceRises: [{ ...KIND, price: price(0.04, 26), backupsPrice: null, from: LAUNCH, to: LAUNCH }],
  transferGb: 480,
  transferReserved: usd(1.5),
  sent: {
    ...{ at: LAUNCH, month: '2026-11', before: { '2026-10': 3 }, rate: 9 },
    ...{ bytes: [7, 0], measuredAt: [LAUNCH, null], expected: [0, 7] },
  },
  gbPrice: usd(0.006),
  tagLosses: 1,
  overBudgetAt: LAUNCH,
  notified: ['launched' as const],
  warnedOf: { half: LAUNCH },
  bought: aBought({
    price: readAs(price(0.0075, null), 'startMonth'),
    transfer: { gb: 1_000, gbPrice: usd(0.005) },
  }),
  advice: {
    warnings: ['dear'],
    alternatives: [
      {
        kind: 'fewerNodes' as const,
        change: { nodes: 1 },
        hourly: usd(1),
        affordableHours: 3,
        spentAtTeardown: usd(3),
        sentence: 'Take one.',
      },
    ],
  },
};
const records: ClusterRecord[] = [
  aCluster(everyField),
  aRunning(everyField),
  aDeleting(everyField),
  anEnded({ ...everyField, endedAt: plus(LAUNCH, minutes(30)) }),
];

type Path = readonly (string | number)[];

/** The path of each value in the record, the record's own first. */
const pathsOf = (value: unknown, path: Path = []): Path[] =>
  value === null || typeof value !== 'object'
    ? [path]
    : [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];

function withValue(value: unknown, [key, ...rest]: Path, junk: unknown): unknown {
  if (key === undefined) return junk;
  const copy: Record<string, unknown> = Array.isArray(value)
    ? ([...value] as never)
    : { ...(value as object) };
  copy[key] = withValue(copy[key], rest, junk);
  return copy;
}

const junk = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, '', 'junk', true, -1, 0, 1.5, 2 ** 53, 1e300, [], {}),
  fc.constantFrom<unknown>([null], ['junk'], [{}], { at: 'junk' }),
);

describe('clusterIn', () => {
  it('reads every phase, every state of a node and every field that Onebuck writes', () => {
    for (const record of records) expect(clusterIn(itemOf(record))).toEqual(record);
  });

  it('keeps fields that later code may add', () => {
    const record = { ...aRunning(), added: { later: true } };
    expect(clusterIn(itemOf(record))).toEqual(record);
  });

  it.each([0, 4, 99, 'two', null])('reads no item of version %s', (version) => {
    expect(clusterIn(itemOf(aRunning(), version))).toEqual({
      id: 'cabcdefg234',
      owner: 'ann',
      unreadable: `its version ${version} is not known`,
    });
  });

  it('reads a deflated record, and not one whose bytes are damaged', () => {
    const record = aRunning(everyField);
    const bytes = deflateRawSync(JSON.stringify(record));
    const item = (deflated: unknown) =>
      marshall({ id: record.id, owner: 'ann', revision: 1, version: 3, deflated });
    expect(clusterIn(item(bytes))).toEqual(record);
    for (const damaged of [bytes.subarray(9), 'text', deflateRawSync('{'), null]) {
      expect(clusterIn(item(damaged))).toMatchObject({
        unreadable: 'its field record is damaged',
      });
    }
  });

  it.each([{ block: 1, bits: 22 }, { block: 32_768, bits: 24 }, { block: 0, bits: 16 }, null])(
    'reads no record of the subnet %j, which no ledger hands out',
    (subnet) => {
      const network = { kind: 'private', vlan: 'onebuck-test', subnet };
      expect(clusterIn(itemOf({ ...aRunning(), network }))).toMatchObject({
        unreadable: 'its field record.network.subnet is damaged',
      });
    },
  );

  it('reads no record whose hours across a month’s end are billed in an unknown way', () => {
    const damaged = { ...price(0.0075, 5), monthEndHour: 'endMonth' };
    expect(clusterIn(itemOf(withValue(aRunning(), ['bought', 'price'], damaged)))).toMatchObject({
      unreadable: 'its field record.bought.price.monthEndHour is damaged',
    });
  });

  it('names the damaged field, without its content', () => {
    const record = withValue(aRunning(), ['nodes', 1, 'billedFrom'], 'a secret');
    expect(clusterIn(itemOf(record))).toMatchObject({
      unreadable: 'its field record.nodes.1.billedFrom is damaged',
    });
    expect(clusterIn(itemOf(undefined))).toMatchObject({
      unreadable: 'its field record is damaged',
    });
  });

  it.each([1, 2])(
    'takes a record of version %i with any one damaged value for unreadable, unless all can use it',
    (version) => {
      const drawn = fc
        .constantFrom(...records)
        .chain((record) =>
          fc.tuple(fc.constant(record), fc.constantFrom(...pathsOf(record)), junk),
        );
      const property = fc.property(drawn, ([record, path, value]) => {
        const found = clusterIn(itemOf(withValue(record, path, value), version));
        if (!isUnreadable(found)) useAll(found as ClusterRecord);
      });
      fc.assert(property, { numRuns: 3_000 });
    },
  );
});

it('a record from before networks, setups and open ports has none', () => {
  const record = aRunning();
  const { network: _, setup: __, openPorts: ___, ...spec } = record.spec;
  expect(clusterIn(itemOf({ ...record, spec }))).toEqual(record);
});

it('a record from before users and user data as bytes has none', () => {
  const record = aRunning();
  const { authorizedUsers: _, userDataBase64: __, ...spec } = record.spec;
  expect(clusterIn(itemOf({ ...record, spec }))).toEqual(record);
});
