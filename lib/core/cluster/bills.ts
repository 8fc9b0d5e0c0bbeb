import type { MicroUsd } from '../base/money.ts';
import type { EpochMs } from '../base/units.ts';
import { type BilledNode, type MonthName, spend, spendByMonth } from '../billing/bill.ts';
import { combinedPrice, type Price } from '../billing/price.ts';
import { type Bought, type ClusterRecord, type Common, isLive, type NodeRecord } from './record.ts';

/** The price of a node: with backups where it has them, or where that must be assumed. */
export function priceOf(bought: Bought, backups: boolean): Price {
  return backups ? combinedPrice(bought.price, bought.backupsPrice) : bought.price;
}

/** What Linode bills the cluster for, as far as it may exist. */
export function billedNodes(record: Common): BilledNode[] {
  return record.nodes.flatMap((node) => billedNode(node, record.bought) ?? []);
}

function billedNode(node: NodeRecord, bought: Bought): BilledNode | null {
  switch (node.state) {
    case 'planned':
    case 'neverCreated':
      return null;
    case 'creating': {
      const price = priceOf(bought, bought.backupsAssumed);
      return { billedFrom: node.sentAt, billedUntil: null, price };
    }
    case 'created': {
      const price = priceOf(bought, node.backups);
      return { billedFrom: node.billedFrom, billedUntil: null, price };
    }
    case 'deleting':
    case 'gone': {
      const price = priceOf(bought, node.backups);
      return { billedFrom: node.billedFrom, billedUntil: node.billedUntil, price };
    }
  }
}

export function spentAt(record: ClusterRecord, at: EpochMs): MicroUsd {
  return isLive(record) ? spend(billedNodes(record), at) : record.spent;
}

/** `spentAt`, by the calendar month that bears it. */
export const spentByMonthOf = (
  record: ClusterRecord,
  at: EpochMs,
): Readonly<Record<MonthName, MicroUsd>> =>
  spendByMonth(billedNodes(record), isLive(record) ? at : record.endedAt);
