import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { EMPTY_LEDGER, type Entry, type Ledger, type Months, type Scope } from '../core/ledger.ts';
import type { ClusterId } from '../core/names.ts';
import { durationMs, plus } from '../core/units.ts';
import type { LedgerStore } from '../ports.ts';
import { IS_NEW, isAt, itemAt, putIf } from './dynamodb.ts';

/** No cluster's id, and without the keys of the table's indexes: no list ever shows it. */
const ID = 'ledger';

/**
 * The ledger in one item beside the records, since DynamoDB decides on one item atomically, and the
 * embedded one knows no transactions. An item holds 400 KB, which is some 8 000 live clusters;
 * beyond that DynamoDB refuses to save it, and so a launch, before anything is bought. It takes
 * 1 000 KB of writes a second to one item: with 100 live clusters (4 KB) some 200 launches and ends,
 * with 8 000 two or three.
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
      return (await putIf(client, { TableName, Item, ...unchanged })) ? 'saved' : 'conflict';
    },
  };
}

/** An entry without the names of its fields; they would take more room than what they name. */
type Row = readonly [
  owner: Entry['owner'],
  scheduleId: Entry['scheduleId'],
  budget: Entry['budget'],
  openedAt: Entry['openedAt'],
  /** Milliseconds from `openedAt` to `changedAt`: mostly 0, which is short. */
  changedAfter: number,
];

const toItem = ({ revision, open, spent }: Ledger) => ({
  id: ID,
  version: 1,
  revision,
  open: Object.fromEntries([...open].map(([id, entry]) => [id, toRow(entry)])),
  spent: Object.fromEntries(spent),
});

function fromItem(item: Readonly<Record<string, unknown>>): Ledger {
  const { version, revision, open, spent } = item;
  if (version !== 1) throw new Error(`a ledger of version ${version} is not understood`);
  const rows = Object.entries(open as Record<ClusterId, Row>) as [ClusterId, Row][];
  return {
    revision: revision as number,
    open: new Map(rows.map(([id, row]) => [id, fromRow(row)])),
    spent: new Map(Object.entries(spent as Record<Scope, Months>) as [Scope, Months][]),
  };
}

const toRow = ({ owner, scheduleId, budget, openedAt, changedAt }: Entry): Row => [
  owner,
  scheduleId,
  budget,
  openedAt,
  changedAt - openedAt,
];

const fromRow = ([owner, scheduleId, budget, openedAt, changedAfter]: Row): Entry => ({
  owner,
  scheduleId,
  budget,
  openedAt,
  changedAt: plus(openedAt, durationMs(changedAfter)),
});
