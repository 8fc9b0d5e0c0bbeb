import { type MicroUsd, microUsd, sum, times } from '../base/money.ts';
import type { EpochMs } from '../base/units.ts';
import { type BilledNode, type MonthName, spend, spendByMonth } from '../billing/bill.ts';
import { transferCost, transferCosts } from '../billing/transfer.ts';
import { newNodePrice, stretchesOf } from './kinds.ts';
import { type ClusterRecord, type Common, isLive, type NodeRecord } from './record.ts';
import { transferIn } from './transfer.ts';

/** The nodes that Linode bills, and those that it may bill because their create may have left. */
export function billedNodes(record: Common): BilledNode[] {
  return record.nodes.flatMap((node) => billed(node, record));
}

function billed(node: NodeRecord, record: Common): BilledNode[] {
  switch (node.state) {
    case 'planned':
    case 'neverCreated':
      return [];
    case 'creating':
      return [{ billedFrom: node.sentAt, billedUntil: null, price: newNodePrice(record) }];
    case 'created':
      return stretchesOf(record, node, null);
    case 'deleting':
    case 'gone': {
      const livesOn = node.state === 'deleting' && node.trouble !== undefined;
      return stretchesOf(record, node, livesOn ? null : node.billedUntil);
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
  const price = newNodePrice(record);
  // Of a node that somebody has changed, only its present price counts.
  const present = record.nodes.flatMap((node) => billed(node, record).at(-1) ?? []);
  const hourly = present.filter(isCounted).map((node) => node.price.hourly);
  return sum([...hourly, times(price.hourly, planned)]);
}

/** The spend of a live cluster up to `at`; the final spend of an ended one. */
export function spentAt(record: ClusterRecord, at: EpochMs): MicroUsd {
  return isLive(record) ? billAt(record, at) : record.spent;
}

/** What Linode bills for hours and transfer if all nodes that are still billed were deleted at `at`. */
function billAt(record: Common, at: EpochMs): MicroUsd {
  const transfer = transferIn(record, at);
  const hours = spend(billedNodes(record), at);
  return transfer === null ? hours : sum([hours, transferCost(transfer, at)]);
}

/**
 * The part of the bill up to `at` that is over the budget; the final one of an ended cluster. While
 * the cluster lives, a create without an answer does not count: its Linode may not exist.
 */
export function overspentAt(record: ClusterRecord, at: EpochMs): MicroUsd {
  if (!isLive(record)) return record.overspent;
  const nodes = record.nodes.filter(({ state }) => state !== 'creating');
  return microUsd(Math.max(0, billAt({ ...record, nodes }, at) - record.budget));
}

/** Whether Linode may bill nodes of the cluster on. */
export const isBilledOn = (record: ClusterRecord): boolean =>
  isLive(record) && billedNodes(record).some(({ billedUntil }) => billedUntil === null);

/** `spentAt`, split by calendar month (UTC). */
export function spentByMonthOf(
  record: ClusterRecord,
  at: EpochMs,
): Readonly<Record<MonthName, MicroUsd>> {
  const end = isLive(record) ? at : record.endedAt;
  const hours = spendByMonth(billedNodes(record), end);
  const transfer = transferIn(record, end);
  if (transfer === null) return hours;
  const bills: Record<MonthName, MicroUsd> = { ...hours };
  for (const [month, cost] of Object.entries(transferCosts(transfer, end))) {
    bills[month] = sum([bills[month] ?? microUsd(0), cost]);
  }
  return bills;
}
