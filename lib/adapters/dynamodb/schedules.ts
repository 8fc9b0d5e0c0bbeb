import {
  DeleteItemCommand,
  type DynamoDBClient,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ScheduleRecord } from '../../core/schedule/schedule.ts';
import type { ScheduleStore } from '../../ports.ts';
import { type Item, itemsOf, LIVE, recordsIn } from './clusters.ts';

/**
 * The records of schedules, one item each, in the table of the clusters. Beside the record, an item
 * has the keys of two indexes: `due` (sparse: only schedules that have a next occurrence) and
 * `byTime`. The owner is in the record only: as a key, it would put schedules among the owner's
 * clusters in `byOwner`.
 */
export function createScheduleStore(client: DynamoDBClient, TableName: string): ScheduleStore {
  return {
    ...recordsIn(client, TableName, { toItem, fromItem }),

    async delete(id) {
      await client.send(new DeleteItemCommand({ TableName, Key: marshall({ id }) }));
    },

    async list(owner) {
      const query: QueryCommandInput = {
        TableName,
        IndexName: 'byTime',
        ScanIndexForward: false,
        KeyConditionExpression: 'kind = :kind',
        ExpressionAttributeValues: marshall({
          ':kind': KIND,
          ...(owner !== null && { ':owner': owner }),
        }),
        ...(owner !== null && {
          FilterExpression: '#record.#owner = :owner',
          ExpressionAttributeNames: { '#record': 'record', '#owner': 'owner' },
        }),
      };
      const records: ScheduleRecord[] = [];
      for await (const item of itemsOf(client, query)) records.push(fromItem(item));
      return records;
    },
  };
}

const KIND = 'schedule';

function toItem(record: ScheduleRecord): Item {
  const { id, revision, createdAt, dueAt } = record;
  const due = dueAt === null ? {} : { live: LIVE, dueAt };
  return marshall(
    { id, revision, createdAt, kind: KIND, version: 1, ...due, record },
    { removeUndefinedValues: true },
  );
}

function fromItem(item: Item): ScheduleRecord {
  const { version, record, revision } = unmarshall(item);
  if (version !== 1) throw new Error(`an item of version ${version} is not understood`);
  return { ...record, revision } as ScheduleRecord;
}
