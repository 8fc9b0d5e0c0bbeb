import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Tally } from '../../core/notices/digest/tally.ts';
import type { DigestProgress, DigestStore } from '../../ports.ts';
import { IS_NEW, isAt, itemAt, putIf, updateIf } from './clusters.ts';

/** Begins the ids of the items; stack/roles.yml has their form. */
const PREFIX = 'digest-';

/**
 * How far digests are, in items beside the records: `digest-<period>` has what was read of the
 * period, and `digest-<period>/<message>` whether a message was sent. No item has a key of an index,
 * so no list shows it. `expiresAt` makes DynamoDB delete it. What was read is deflated: 60 bytes an
 * owner and 40 a row, of 400 KB that an item holds.
 */
export function createDigestStore(client: DynamoDBClient, TableName: string): DigestStore {
  return {
    async read(period) {
      const item = await itemAt(client, TableName, `${PREFIX}${period}`);
      return item === null ? null : fromItem(unmarshall(item));
    },

    async save(period, { revision, ...progress }, keptUntil) {
      const Item = marshall({
        id: `${PREFIX}${period}`,
        revision: revision + 1,
        ...toItem(progress),
        expiresAt: Math.ceil(keptUntil / 1_000),
      });
      const unchanged = revision === 0 ? IS_NEW : isAt(revision);
      const isSaved = await putIf(client, { TableName, Item, ...unchanged });
      return isSaved ? { revision: revision + 1, ...progress } : 'conflict';
    },

    async claim(message, { now, until, keptUntil }) {
      const id = `${PREFIX}${message}`;
      const isClaimed = await updateIf(client, {
        TableName,
        Key: marshall({ id }),
        UpdateExpression: 'SET claimedUntil = :until, expiresAt = :expiresAt',
        ConditionExpression:
          'attribute_not_exists(sentAt) AND ' +
          '(attribute_not_exists(claimedUntil) OR claimedUntil <= :now)',
        ExpressionAttributeValues: marshall({
          ':now': now,
          ':until': until,
          ':expiresAt': Math.ceil(keptUntil / 1_000),
        }),
      });
      if (isClaimed) return 'claimed';
      const item = await itemAt(client, TableName, id);
      return item !== null && 'sentAt' in item ? 'sent' : 'taken';
    },

    async release(message) {
      await updateIf(client, {
        TableName,
        Key: marshall({ id: `${PREFIX}${message}` }),
        UpdateExpression: 'REMOVE claimedUntil',
      });
    },

    async sent(message, at) {
      await updateIf(client, {
        TableName,
        Key: marshall({ id: `${PREFIX}${message}` }),
        UpdateExpression: 'SET sentAt = :at',
        ExpressionAttributeValues: marshall({ ':at': at }),
      });
    },
  };
}

const toItem = ({ tally, ...others }: Omit<DigestProgress, 'revision'>) => ({
  ...others,
  deflated: deflateRawSync(JSON.stringify(tally)),
});

function fromItem(item: Readonly<Record<string, unknown>>): DigestProgress {
  const { revision, stage, cursor, deflated } = item;
  // Only this code writes the item, and an item that is damaged ends the function with an error.
  const tally = JSON.parse(inflateRawSync(deflated as Uint8Array).toString()) as Tally;
  return {
    revision: revision as number,
    stage: stage as DigestProgress['stage'],
    cursor: cursor as string | null,
    tally,
  };
}
