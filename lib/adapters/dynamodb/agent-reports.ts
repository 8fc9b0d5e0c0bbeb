import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import type { ClusterId } from '../../core/base/names.ts';
import type { AgentReport, Reports } from '../../core/cluster/readiness.ts';
import type { AgentReports } from '../../ports.ts';
import { itemsAt, updateIf } from './clusters.ts';
import { epoch, fieldsOf, type Item } from './readable.ts';

/** The id of the item with the reports of a cluster; stack/roles.yml has its form. */
const PREFIX = 'agents-';

/**
 * The reports of a cluster's agents, in one item beside the record, with an attribute for each node:
 * `r12` is of the node with the index 12. Each report is an update of one attribute, so that agents
 * that call at once lose nothing. The item has no keys of the indexes, so no list shows it.
 * `expiresAt` makes DynamoDB delete it as it deletes the record. 500 reports of 160 bytes take less
 * than 100 KB of the 400 KB of an item.
 */
export function createAgentReports(client: DynamoDBClient, TableName: string): AgentReports {
  return {
    async report(id, rank, report, keptUntil) {
      await updateIf(client, {
        TableName,
        Key: marshall({ id: `${PREFIX}${id}` }),
        UpdateExpression: 'SET #rank = :report, expiresAt = :expiresAt',
        // The first `ready` counts for good.
        ConditionExpression: 'attribute_not_exists(#rank.readyAt)',
        ExpressionAttributeNames: { '#rank': `r${rank}` },
        ExpressionAttributeValues: marshall({
          ':report': toAttribute(report),
          ':expiresAt': Math.ceil(keptUntil / 1_000),
        }),
      });
    },

    async read(ids) {
      const items = await itemsAt(
        client,
        TableName,
        ids.map((id) => `${PREFIX}${id}`),
      );
      return new Map(
        items.map((item) => [item.id?.S?.slice(PREFIX.length) as ClusterId, reportsIn(item)]),
      );
    },
  };
}

const toAttribute = (report: AgentReport) =>
  report.kind === 'ready' ? { readyAt: report.at } : { failedAt: report.at, reason: report.reason };

/** Leaves out what is damaged: a report is worth less than the answer that would show it. */
const reportsIn = (item: Item): Reports =>
  new Map(
    Object.entries(fieldsOf(item)).flatMap(([name, value]): [number, AgentReport][] => {
      const rank = /^r(\d{1,3})$/.exec(name)?.[1];
      const report = rank === undefined ? null : attributeSchema.safeParse(value);
      if (!report?.success) return [];
      return [[Number(rank), fromAttribute(report.data)]];
    }),
  );

const attributeSchema = z.union([
  z.object({ readyAt: epoch }),
  z.object({ failedAt: epoch, reason: z.string() }),
]);

const fromAttribute = (attribute: z.output<typeof attributeSchema>): AgentReport =>
  'readyAt' in attribute
    ? { kind: 'ready', at: attribute.readyAt }
    : { kind: 'failed', at: attribute.failedAt, reason: attribute.reason };
