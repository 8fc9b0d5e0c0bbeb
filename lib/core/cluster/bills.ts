import { type MicroUsd, sum, times } from '../base/money.ts';
import type { EpochMs } from '../base/units.ts';
import { type BilledNode, type MonthName, spend, spendByMonth } from '../billing/bill.ts';
import { combinedPrice, type Price } from '../billing/price.ts';
import { type Bought, type ClusterRecord, type Common, isLive, type NodeRecord } from './record.ts';

/** The price of a node. `backups`: the node has backups, or must be assumed to have them. */
export function priceOf(bought: Bought, backups: boolean): Price {
  return backups ? combinedPrice(bought.price, bought.backupsPrice) : bought.price;
}

/** The nodes that Linode bills, and those that it may bill because their create may have left. */
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

/**
 * The price of each started hour of the nodes that Linode bills or, once it has created them, will
 * bill; of an ended cluster, of all nodes that it had. Nodes that were never created cost nothing.
 */
export function hourlyOf(record: ClusterRecord): MicroUsd {
  const isCounted = ({ billedUntil }: BilledNode) => !isLive(record) || billedUntil === null;
  const isComing = isLive(record) && record.phase !== 'deleting';
  const planned = record.nodes.filter(({ state }) => isComing && state === 'planned').length;
  const price = priceOf(record.bought, record.bought.backupsAssumed);
  const billed = billedNodes(record).filter(isCounted);
  return sum([...billed.map(({ price: { hourly } }) => hourly), times(price.hourly, planned)]);
}

/** The spend of a live cluster up to `at`; the final spend of an ended one. */
export function spentAt(record: ClusterRecord, at: EpochMs): MicroUsd {
  return isLive(record) ? spend(billedNodes(record), at) : record.spent;
}

/** `spentAt`, split by calendar month (UTC). */
export const spentByMonthOf = (
  record: ClusterRecord,
  at: EpochMs,
): Readonly<Record<MonthName, MicroUsd>> =>
  spendByMonth(billedNodes(record), isLive(record) ? at : record.endedAt);
