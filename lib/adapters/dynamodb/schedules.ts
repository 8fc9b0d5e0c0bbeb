import {
  DeleteItemCommand,
  type DynamoDBClient,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { parseUsd, toUsd } from '../../core/base/money.ts';
import { isScheduleId, type ScheduleId } from '../../core/base/names.ts';
import { FAR_FUTURE } from '../../core/billing/bill.ts';
import { faultOfCron, isTimeZone } from '../../core/schedule/cron.ts';
import type { JsonSpec, ScheduleRecord } from '../../core/schedule/schedule.ts';
import { byReadability, isUnreadable, type ScheduleStore, type Unreadable } from '../../ports.ts';
import { itemsOf, LIVE, recordsIn } from './clusters.ts';
import { pageOf, positionOf } from './pages.ts';
import { fieldsOf, type Item, pathOf } from './readable.ts';

/**
 * The records of schedules, one item each, in the table of the clusters. Beside the record, an item
 * has the keys of two indexes: `due` (sparse: only schedules that have a next occurrence) and
 * `byTime`. The owner is in the record only: as a key, it would put schedules among the owner's
 * clusters in `byOwner`.
 */
export function createScheduleStore(client: DynamoDBClient, TableName: string): ScheduleStore {
  return {
    ...recordsIn(client, TableName, { toItem, fromItem, fitting: (record) => record }),

    async delete(id) {
      await client.send(new DeleteItemCommand({ TableName, Key: marshall({ id }) }));
    },

    async list(owner) {
      const records: ScheduleRecord[] = [];
      for await (const item of itemsOf(client, queryOf(TableName, owner))) {
        const found = fromItem(item);
        if (!isUnreadable(found)) records.push(found);
      }
      return records;
    },

    async page({ owner, limit, cursor }) {
      const from = cursor === null ? null : positionOf(cursor, null, isScheduleId);
      const query = {
        ...queryOf(TableName, owner),
        ...(from !== null && { ExclusiveStartKey: marshall({ ...from, kind: KIND }) }),
      };
      const found: (ScheduleRecord | Unreadable<ScheduleId>)[] = [];
      for await (const item of itemsOf(client, query)) {
        found.push(fromItem(item));
        if (byReadability<ScheduleRecord>(found).records.length > limit) break;
      }
      return pageOf<ScheduleRecord>(found, limit);
    },
  };
}

/** The query of the schedules of an owner, newest first; null: of all owners. */
const queryOf = (TableName: string, owner: string | null): QueryCommandInput => ({
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
});

const KIND = 'schedule';

/** The fields that the first items lack. */
const ADDED = { retry: null, pending: null, dailyCap: null, weeklyCap: null };

function toItem(record: ScheduleRecord): Item {
  const { id, revision, createdAt, dueAt } = record;
  const due = dueAt === null ? {} : { live: LIVE, dueAt };
  // Code from before pending runs would launch such a schedule too early: the code must not read it.
  // Code from before caps of days and weeks would pass them.
  const isCapped = record.dailyCap !== null || record.weeklyCap !== null;
  const version = isCapped ? 3 : record.pending === null ? 1 : 2;
  return marshall(
    { id, revision, createdAt, kind: KIND, version, ...due, record },
    { removeUndefinedValues: true },
  );
}

/** Never throws. The form of the record is checked in the same way as in readable.ts. */
function fromItem(item: Item): ScheduleRecord | Unreadable<ScheduleId> {
  const unreadable = (why: string): Unreadable<ScheduleId> => ({
    id: item.id?.S as ScheduleId,
    owner: item.record?.M?.owner?.S ?? null,
    unreadable: why,
  });
  const { version, record, revision } = fieldsOf(item);
  if (![1, 2, 3].includes(version as number))
    return unreadable(`its version ${version} is not known`);
  const parsed = recordSchema.safeParse(record);
  if (!parsed.success) return unreadable(`its field ${pathOf(parsed.error)} is damaged`);
  const { spec, ...others } = record as ScheduleRecord;
  return { ...ADDED, ...others, spec: withNumber(spec), revision: revision as number };
}

/** Earlier code took a budget that was a text, and kept it so. */
function withNumber(spec: JsonSpec): JsonSpec {
  if (typeof spec.budgetUsd !== 'string') return spec;
  const parsed = parseUsd(spec.budgetUsd);
  return parsed.ok ? { ...spec, budgetUsd: toUsd(parsed.value) } : spec;
}

const instant = z.int().check(z.gte(0), z.lte(FAR_FUTURE));
const text = z.string();
const due = z.nullable(instant);

const cap = z.optional(z.nullable(z.int().check(z.gte(0))));

const recordSchema = z.looseObject({
  id: text.check(z.refine(isScheduleId)),
  owner: text,
  createdAt: instant,
  requestHash: text,
  name: z.nullable(text),
  cron: text.check(z.refine((cron) => faultOfCron(cron) === null)),
  timezone: text.check(z.refine(isTimeZone)),
  spec: z.looseObject({}),
  overlap: text,
  dailyCap: cap,
  weeklyCap: cap,
  monthlyCap: z.nullable(z.int().check(z.gte(0))),
  retry: z.optional(z.nullable(z.looseObject({ forMinutes: z.int(), everyMinutes: z.int() }))),
  pending: z.optional(
    z.nullable(
      z.looseObject({
        at: instant,
        clusterId: z.nullable(text),
        tries: z.int(),
        lookAt: instant,
      }),
    ),
  ),
  enabled: z.boolean(),
  nextAt: due,
  dueAt: due,
  lastClusterId: z.nullable(text),
  runs: z.array(
    z.union([
      z.looseObject({ at: instant, result: z.literal('missed'), from: instant, count: z.int() }),
      z.looseObject({ at: instant, result: text.check(z.refine((result) => result !== 'missed')) }),
    ]),
  ),
});
