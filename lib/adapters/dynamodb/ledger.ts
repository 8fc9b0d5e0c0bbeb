import { deflateRawSync, inflateRawSync } from 'node:zlib';
import {
  type DynamoDBClient,
  ProvisionedThroughputExceededException,
  ThrottlingException,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ClusterId } from '../../core/base/names.ts';
import { durationMs, plus } from '../../core/base/units.ts';
import {
  EMPTY_LEDGER,
  type Entry,
  type Ledger,
  type Months,
  type Scope,
} from '../../core/caps/ledger.ts';
import type { LedgerStore } from '../../ports.ts';
import { IS_NEW, isAt, itemAt, putIf } from './clusters.ts';

/** No cluster's id, and without the keys of the table's indexes: no list ever shows it. */
const ID = 'ledger';
const VERSION = 2;

/**
 * The ledger in one item beside the records, since DynamoDB decides on one item atomically, and the
 * embedded one knows no transactions. An item holds 400 KB, which is some 20 000 live clusters;
 * beyond that DynamoDB refuses to save it, and so a launch, before anything is bought. It takes
 * 1 000 KB of writes a second to one item, those that conflict included: with 100 live clusters
 * (2 KB) 500 of them, with 20 000 three. One that is too many is a conflict too: others write.
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

/** An entry without the names of its fields; they would take more room than what they name. */
type Row = readonly [
  owner: Entry['owner'],
  scheduleId: Entry['scheduleId'],
  budget: Entry['budget'],
  openedAt: Entry['openedAt'],
  /** Milliseconds from `openedAt` to `changedAt`: mostly 0, which is short. */
  changedAfter: number,
];

/** Deflated: as a map of rows it takes three times the room, and longer than all else of a launch. */
const toItem = ({ revision, open, spent }: Ledger) => ({
  id: ID,
  version: VERSION,
  revision,
  deflated: deflateRawSync(
    JSON.stringify({
      open: Object.fromEntries([...open].map(([id, entry]) => [id, toRow(entry)])),
      spent: Object.fromEntries(spent),
    } satisfies Content),
  ),
});

interface Content {
  readonly open: Readonly<Record<ClusterId, Row>>;
  readonly spent: Readonly<Record<Scope, Months>>;
}

function fromItem(item: Readonly<Record<string, unknown>>): Ledger {
  if (item.version !== VERSION) {
    throw new Error(`a ledger of version ${item.version} is not understood`);
  }
  const { open, spent }: Content = JSON.parse(
    inflateRawSync(item.deflated as Uint8Array).toString(),
  );
  const rows = Object.entries(open) as [ClusterId, Row][];
  return {
    revision: item.revision as number,
    open: new Map(rows.map(([id, row]) => [id, fromRow(row)])),
    spent: new Map(Object.entries(spent) as [Scope, Months][]),
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
