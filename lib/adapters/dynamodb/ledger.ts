import { deflateRawSync, inflateRawSync } from 'node:zlib';
import {
  type DynamoDBClient,
  ProvisionedThroughputExceededException,
  ThrottlingException,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { microUsd } from '../../core/base/money.ts';
import type { ClusterId } from '../../core/base/names.ts';
import { durationMs, epochMs, plus } from '../../core/base/units.ts';
import {
  EMPTY_LEDGER,
  type Entry,
  type Ledger,
  type Months,
  type Scope,
  type Spans,
} from '../../core/caps/ledger.ts';
import type { Subnet } from '../../core/room/network.ts';
import type { LedgerStore } from '../../ports.ts';
import { IS_NEW, isAt, itemAt, putIf } from './clusters.ts';

/**
 * The id of the ledger's item. It is no cluster's id, and the item has no keys of the indexes, so
 * no list shows it.
 */
const ID = 'ledger';
const VERSION = 2;
/**
 * The version while a cluster has a subnet. Code from before subnets would drop them with its next
 * write, so that two clusters could get one subnet: it must not read such a ledger.
 */
const SUBNETS_VERSION = 3;

/**
 * The ledger, in one item beside the records: DynamoDB decides on one item atomically, and the
 * embedded DynamoDB has no transactions. An item holds 400 KB, enough for about 20 000 live
 * clusters. Beyond that, DynamoDB refuses to save the ledger, so a launch fails before anything is
 * bought. DynamoDB takes 1 000 KB of writes to one item a second, including writes that conflict:
 * 500 writes with 100 live clusters (2 KB), three with 20 000. A throttled write counts as a
 * conflict, since other functions are writing.
 */
export function createLedgerStore(client: DynamoDBClient, TableName: string): LedgerStore {
  return {
    async read() {
      const item = await itemAt(client, TableName, ID);
      return item === null ? EMPTY_LEDGER : fromItem(unmarshall(item));
    },

    async save(ledger) {
      const { revision } = ledger;
      const Item = marshall(toItem({ ...ledger, revision: revision + 1 }));
      const unchanged = revision === 0 ? IS_NEW : isAt(revision);
      try {
        return (await putIf(client, { TableName, Item, ...unchanged })) ? 'saved' : 'conflict';
      } catch (error) {
        if (isThrottling(error)) return 'conflict';
        throw error;
      }
    },
  };
}

const isThrottling = (error: unknown) =>
  error instanceof ThrottlingException || error instanceof ProvisionedThroughputExceededException;

/** An entry without its field names, which would take more room than the values. */
type Row = readonly [
  owner: Entry['owner'],
  scheduleId: Entry['scheduleId'],
  budget: Entry['budget'],
  openedAt: Entry['openedAt'],
  /** Milliseconds from `openedAt` to `changedAt`: mostly 0, which takes little room. */
  changedAfter: number,
  /** Milliseconds from `openedAt` to `createFrom`; missing in rows of earlier versions. */
  createAfter?: number,
  /** Twice the block, and one more for a /22; missing: no subnet. */
  subnet?: number,
];

/**
 * The ledger is deflated: as a map of rows, it would take three times the room, and more time than
 * all the rest of a launch.
 */
const toItem = ({ revision, open, spent, recent, recentSince, ...rest }: Ledger) => ({
  id: ID,
  version: [...open.values()].some(({ subnet }) => subnet) ? SUBNETS_VERSION : VERSION,
  revision,
  deflated: deflateRawSync(
    JSON.stringify({
      open: Object.fromEntries([...open].map(([id, entry]) => [id, toRow(entry)])),
      hourly: [...open.values()].map(({ hourly = null }) => hourly),
      spent: Object.fromEntries(spent),
      recent: Object.fromEntries(recent),
      recentSince,
      createsUntil: rest.createsUntil,
      drainedSince: rest.drainedSince,
    } satisfies Content),
  ),
});

interface Content {
  readonly open: Readonly<Record<ClusterId, Row>>;
  /** Of each entry, in their order. Apart from the rows: earlier code must read those. */
  readonly hourly?: readonly (number | null)[];
  readonly spent: Readonly<Record<Scope, Months>>;
  /**
   * Missing in an item of an earlier version, which also drops them when it writes: then nobody
   * knows the days and weeks, and `recentSince` is missing, too.
   */
  readonly recent?: Readonly<Record<Scope, Spans>>;
  readonly recentSince?: number | null;
  /** Missing in an item of an earlier version. */
  readonly createsUntil?: number;
  /** Missing in an item of an earlier version. */
  readonly drainedSince?: number | null;
}

function fromItem(item: Readonly<Record<string, unknown>>): Ledger {
  if (item.version !== VERSION && item.version !== SUBNETS_VERSION) {
    throw new Error(`a ledger of version ${item.version} is not understood`);
  }
  const {
    open,
    hourly = [],
    spent,
    recent = {},
    recentSince = null,
    createsUntil = 0,
    drainedSince = null,
  }: Content = JSON.parse(inflateRawSync(item.deflated as Uint8Array).toString());
  const rows = Object.entries(open) as [ClusterId, Row][];
  return {
    revision: item.revision as number,
    open: new Map(
      rows.map(([id, row], index) => {
        const price = hourly[index] ?? null;
        return [id, { ...fromRow(row), ...(price !== null && { hourly: microUsd(price) }) }];
      }),
    ),
    spent: new Map(Object.entries(spent) as [Scope, Months][]),
    recent: new Map(Object.entries(recent) as [Scope, Spans][]),
    recentSince: recentSince === null ? null : epochMs(recentSince),
    createsUntil: epochMs(createsUntil),
    drainedSince: drainedSince === null ? null : epochMs(drainedSince),
  };
}

function toRow(entry: Entry): Row {
  const { owner, scheduleId, budget, openedAt, changedAt, createFrom, subnet } = entry;
  const [changedAfter, createAfter] = [changedAt - openedAt, createFrom - openedAt];
  const row = [owner, scheduleId, budget, openedAt, changedAfter, createAfter] as const;
  return subnet === undefined ? row : [...row, numberOf(subnet)];
}

const numberOf = ({ block, bits }: Subnet): number => 2 * block + (bits === 22 ? 1 : 0);
const subnetOf = (number: number): Subnet => ({
  block: Math.floor(number / 2),
  bits: number % 2 === 1 ? 22 : 24,
});

const fromRow = (row: Row): Entry => {
  const [owner, scheduleId, budget, openedAt, changedAfter, createAfter = 0, subnet] = row;
  return {
    owner,
    scheduleId,
    budget,
    openedAt,
    changedAt: plus(openedAt, durationMs(changedAfter)),
    createFrom: plus(openedAt, durationMs(createAfter)),
    ...(subnet !== undefined && { subnet: subnetOf(subnet) }),
  };
};
