import { type EpochMs, epochMs, hours } from '../base/units.ts';
import type { BilledNode } from '../billing/bill.ts';
import { combinedPrice, dearer, type Price } from '../billing/price.ts';
import type { Common, Kind, KindPrice, Machine } from './record.ts';

/** What the node's Linode is, as last seen. */
export const kindOf = ({ bought }: Pick<Common, 'bought'>, { changes = [] }: Machine): Kind =>
  changes.at(-1) ?? bought;

export const isSameKind = (a: Kind, b: Kind): boolean => a.type === b.type && a.region === b.region;

/** What Onebuck knows of the price of a kind; undefined: it has not been looked up. */
export function kindPriceOf(
  { bought, kindPrices = [] }: Pick<Common, 'bought' | 'kindPrices'>,
  kind: Kind,
): KindPrice | undefined {
  return isSameKind(kind, bought) ? bought : kindPrices.find((known) => isSameKind(known, kind));
}

/**
 * A machine as Linode bills it, from its creation until `until`; null: it is billed on. From the
 * last look that showed what the Linode was before, it counts at the dearest price seen. Linode does
 * not document how it bills the hour in which a Linode changes: the hours of what it was and of what
 * it is count in full, those in between as both, so that the bill is never below Linode's.
 */
export function stretchesOf(
  record: Pick<Common, 'bought' | 'kindPrices'>,
  machine: Machine,
  until: EpochMs | null,
): BilledNode[] {
  const { billedFrom, backups, changes = [] } = machine;
  const { bought } = record;
  const withBackups = (price: Price, backupsPrice: Price | null) =>
    backups ? combinedPrice(price, backupsPrice) : price;
  let current: BilledNode = {
    billedFrom,
    billedUntil: until,
    price: withBackups(bought.price, bought.backupsPrice),
  };
  const stretches: BilledNode[] = [];
  for (const change of changes) {
    const known = kindPriceOf(record, change);
    if (known === undefined || known.price === null) continue;
    const price = dearer(current.price, withBackups(known.price, known.backupsPrice));
    const isOver = until !== null && until < change.to;
    stretches.push({ ...current, billedUntil: isOver ? until : change.to });
    const hour = Math.max(0, Math.floor((change.from - billedFrom) / hours(1)));
    const from = epochMs(billedFrom + hour * hours(1));
    current = { billedFrom: from, billedUntil: until, price, hoursFrom: billedFrom };
  }
  return [...stretches, current];
}
