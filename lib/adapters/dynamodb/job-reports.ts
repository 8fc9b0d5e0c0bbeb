import {
  type AttributeValue,
  type DynamoDBClient,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import type { ClusterId } from '../../core/base/names.ts';
import type { EpochMs } from '../../core/base/units.ts';
import type { JobProgress, RankEnd, RankProgress } from '../../core/job/progress.ts';
import type { JobNews, JobReports } from '../../ports.ts';
import { itemsAt, updateIf } from './clusters.ts';
import { epoch, fieldsOf, type Item } from './readable.ts';

/** Begins the ids of the items; stack/roles.yml has their form. */
const PREFIX = 'job-';

/**
 * What is told of a job, in items beside the record: `job-<clusterId>` has what decides, such as the
 * set of the nodes that have ended; `job-<clusterId>-<rank>` has what one node has told. So a node
 * that calls every 20 seconds writes an item of less than 1 KB, in a cluster of 500 nodes, too. The
 * items have no keys of the indexes, so no list shows them. `expiresAt` makes DynamoDB delete them
 * as it deletes the record.
 */
export function createJobReports(client: DynamoDBClient, TableName: string): JobReports {
  const update = async (id: string, { set, add, first }: Changes, keptUntil: EpochMs) => {
    const all = { ...set, ...first, expiresAt: Math.ceil(keptUntil / 1_000) };
    const names = [...Object.keys(all), ...Object.keys(add ?? {})];
    const assigned = Object.keys(all).map((name) =>
      first !== undefined && name in first
        ? `#${name} = if_not_exists(#${name}, :${name})`
        : `#${name} = :${name}`,
    );
    const added = Object.keys(add ?? {}).map((name) => `#${name} :${name}`);
    const values = marshall({ ...all, ...add }, { removeUndefinedValues: true });
    const { Attributes = {} } = await client.send(
      new UpdateItemCommand({
        TableName,
        Key: marshall({ id }),
        UpdateExpression: [
          `SET ${assigned.join(', ')}`,
          ...(added.length === 0 ? [] : [`ADD ${added.join(', ')}`]),
        ].join(' '),
        ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
        ExpressionAttributeValues: keyed(values),
        ReturnValues: 'ALL_NEW',
      }),
    );
    return Attributes;
  };

  const lengthen = async (
    id: string,
    { at, bytes }: { at: EpochMs; bytes: number },
    keptUntil: EpochMs,
  ) => {
    await updateIf(client, {
      TableName,
      Key: marshall({ id }),
      UpdateExpression: 'SET logBytes = :bytes, heardAt = :at, expiresAt = :until',
      ConditionExpression: 'attribute_not_exists(logBytes) OR logBytes < :bytes',
      ExpressionAttributeValues: marshall({
        ':bytes': bytes,
        ':at': at,
        ':until': Math.ceil(keptUntil / 1_000),
      }),
    });
  };

  return {
    async tell(id, rank, news, keptUntil) {
      const whole = `${PREFIX}${id}`;
      const own = `${whole}-${rank}`;
      const { kind, at } = news;
      if (kind === 'log') return lengthen(own, news, keptUntil);
      const { ended } = storedIn(await update(own, changesOf(news), keptUntil));
      if (kind === 'heard') return;
      // The node's first end counts, which may not be that of this call.
      const end = news.kind === 'ended' ? (ended ?? news) : null;
      const shared: Changes = {
        staged: { first: { stagedFrom: at }, add: { staged: new Set([rank]) } },
        started: { first: { startedAt: at } },
        exited: { first: { exitedAt: at } },
        ended:
          end === null
            ? {}
            : { set: { endedAt: end.at }, add: { ended: new Set([endText(rank, end)]) } },
      }[kind];
      await update(whole, shared, keptUntil);
    },

    async read(ids) {
      const items = await itemsAt(
        client,
        TableName,
        ids.map((id) => `${PREFIX}${id}`),
      );
      return new Map(
        items.map((item) => [item.id?.S?.slice(PREFIX.length) as ClusterId, progressIn(item)]),
      );
    },

    async readRanks(id, ranks) {
      const items = await itemsAt(
        client,
        TableName,
        ranks.map((rank) => `${PREFIX}${id}-${rank}`),
      );
      return new Map(
        items.map((item) => [Number(/\d+$/.exec(item.id?.S ?? '')?.[0]), rankIn(item)]),
      );
    },
  };
}

/** `first`: what is set only where it is missing. `add`: sets with one more member. */
interface Changes {
  readonly set?: Readonly<Record<string, unknown>>;
  readonly first?: Readonly<Record<string, unknown>>;
  readonly add?: Readonly<Record<string, ReadonlySet<unknown>>>;
}

function changesOf(news: Exclude<JobNews, { kind: 'log' }>): Changes {
  const { at } = news;
  const set = { heardAt: at };
  switch (news.kind) {
    case 'heard':
      return { set };
    case 'staged':
      return { set, first: { stagedAt: at } };
    case 'started':
      return { set, first: { startedAt: at } };
    case 'exited':
      return { set, first: { exited: { at, exitCode: news.exitCode } } };
    case 'ended': {
      const { exitCode, isLastCall, reason, results } = news;
      return { set, first: { ended: { at, exitCode, isLastCall, reason, results } } };
    }
  }
}

const keyed = (values: Record<string, AttributeValue>): Record<string, AttributeValue> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`:${name}`, value]));

const orNull = <Schema extends z.ZodMiniType>(schema: Schema) => z.catch(z.nullable(schema), null);
const exitCode = orNull(z.int().check(z.gte(0), z.lte(255)));
const count = z.int().check(z.gte(0), z.lte(Number.MAX_SAFE_INTEGER));

const rankSchema = z.object({
  stagedAt: orNull(epoch),
  startedAt: orNull(epoch),
  heardAt: orNull(epoch),
  logBytes: z.catch(count, 0),
  exited: orNull(z.object({ at: epoch, exitCode })),
  ended: orNull(
    z.object({
      at: epoch,
      exitCode,
      isLastCall: z.boolean(),
      reason: orNull(z.string()),
      results: orNull(
        z.object({
          name: z.string().check(z.regex(/^r[a-z2-7]{10}$/)),
          bytes: count,
          unpackedBytes: count,
          files: count,
        }),
      ),
    }),
  ),
});

/** Leaves out what is damaged, as reports of agents do. */
const storedIn = (item: Item) => rankSchema.parse(fieldsOf(item));

function rankIn(item: Item): RankProgress {
  const { exited, ended, ...others } = storedIn(item);
  return {
    ...others,
    exitedAt: exited?.at ?? ended?.at ?? null,
    endedAt: ended?.at ?? null,
    exitCode: (ended ?? exited)?.exitCode ?? null,
    reason: ended?.reason ?? null,
    results: ended?.results ?? null,
  };
}

const progressSchema = z.object({
  staged: z.catch(z.set(z.int()), new Set()),
  stagedFrom: orNull(epoch),
  startedAt: orNull(epoch),
  exitedAt: orNull(epoch),
  ended: z.catch(z.set(z.string()), new Set()),
  endedAt: orNull(epoch),
});

function progressIn(item: Item): JobProgress {
  const { ended, ...others } = progressSchema.parse(fieldsOf(item));
  return { ...others, ended: new Map([...ended].flatMap(endIn)) };
}

const endText = (rank: number, { exitCode, isLastCall }: RankEnd): string =>
  `${rank}:${exitCode ?? ''}:${isLastCall ? 'lastCall' : ''}`;

function endIn(text: string): [number, RankEnd][] {
  const [, rank, code = '', lastCall] = /^(\d{1,3}):(\d{0,3}):(lastCall)?$/.exec(text) ?? [];
  if (rank === undefined) return [];
  const exitCode = code === '' ? null : Number(code);
  return [[Number(rank), { exitCode, isLastCall: lastCall !== undefined }]];
}
