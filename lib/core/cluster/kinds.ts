import { type EpochMs, earliest, epochMs, hours, latest, minutes } from '../base/units.ts';
import type { BilledNode } from '../billing/bill.ts';
import { combinedPrice, dearer, type Price, readAs } from '../billing/price.ts';
import type { Common, Kind, KindPrice, Machine, PriceRise } from './record.ts';

type Prices = Pick<Common, 'bought' | 'kindPrices' | 'priceRises'>;

/** How old Linode's prices may be when Onebuck goes by them. */
export const PRICES_AGE_MAX = minutes(1);

/** What the node's Linode is, as last seen. */
export const kindOf = ({ bought }: Pick<Common, 'bought'>, { changes = [] }: Machine): Kind =>
  changes.at(-1) ?? bought;

export const isSameKind = (a: Kind, b: Kind): boolean => a.type === b.type && a.region === b.region;

/**
 * The price at which a kind was first seen, whatever Linode has raised since; undefined: it has not
 * been looked up.
 */
export function kindPriceOf(
  { bought, kindPrices = [] }: Omit<Prices, 'priceRises'>,
  kind: Kind,
): KindPrice | undefined {
  return isSameKind(kind, bought) ? bought : kindPrices.find((known) => isSameKind(known, kind));
}

/** The price of a kind as last read; undefined: it has not been looked up. */
export const presentPriceOf = (record: Prices, kind: Kind): KindPrice | undefined =>
  lastRiseOf(record, kind) ?? kindPriceOf(record, kind);

const lastRiseOf = ({ priceRises }: Prices, kind: Kind): PriceRise | undefined =>
  priceRises?.findLast((rise) => isSameKind(rise, kind));

/**
 * The prices of a kind where Linode has raised one of them; null: it has not. Linode lists no price
 * for a type that it has given up, and goes on billing its Linodes. A price that falls is not taken:
 * the list may be wrong, and hours at the higher price may be billed.
 */
export function raisedPrice(
  before: KindPrice,
  found: KindPrice,
): Pick<PriceRise, 'price' | 'backupsPrice'> | null {
  if (before.price === null || found.price === null) return null;
  const price = dearer(before.price, found.price);
  const backupsPrice = dearerAddon(before.backupsPrice, found.backupsPrice);
  const isSame = isSamePrice(price, before.price) && isSamePrice(backupsPrice, before.backupsPrice);
  return isSame ? null : { price, backupsPrice };
}

function dearerAddon(a: Price | null, b: Price | null): Price | null {
  return a === null || b === null ? (a ?? b) : dearer(a, b);
}

const isSamePrice = (a: Price | null, b: Price | null): boolean =>
  a?.hourly === b?.hourly && a?.monthly === b?.monthly;

/** The price of a node of this record that does not exist yet. */
export function newNodePrice(record: Prices): Price {
  const { bought } = record;
  const price = withBackups(lastRiseOf(record, bought) ?? bought, bought.backupsAssumed);
  return readAs(price, bought.price.monthEndHour);
}

/**
 * A machine as Linode bills it, from its creation until `until`; null: it is billed on. Once it may
 * have become another kind, or Linode may have raised the price of its kind, it counts at the
 * dearest price seen. Linode does not document how it bills the hour in which either happens; the
 * bill is never below Linode's. Since hours of another kind may begin at any instant of an hour, they
 * count in both months at a month's end, however those of the kind bought are billed.
 */
export function stretchesOf(record: Prices, machine: Machine, until: EpochMs | null): BilledNode[] {
  const { billedFrom, backups } = machine;
  const price = withBackups(record.bought, backups);
  let current: BilledNode = { billedFrom, billedUntil: until, price };
  const stretches: BilledNode[] = [];
  for (const { isRise, from, to, price: then } of turnsOf(record, machine)) {
    const hour = hourOf(machine, from);
    if (isRise && until !== null && until <= hour) continue;
    // The hours in which a change may have come count as both kinds; a rise bills no hour twice.
    const lastsUntil = isRise ? hour : to;
    if (!isRise || hour > current.billedFrom) {
      stretches.push({ ...current, billedUntil: sooner(until, lastsUntil) });
    }
    current = {
      billedFrom: isRise ? latest(hour, current.billedFrom) : hour,
      billedUntil: until,
      price: dearer(current.price, then),
      hoursFrom: billedFrom,
    };
  }
  return [...stretches, current];
}

const sooner = (until: EpochMs | null, at: EpochMs): EpochMs =>
  until === null ? at : earliest(until, at);

/** What makes a machine cost more from some time between `from` and `to` on. */
interface Turn {
  /** Linode raised the price of the machine's kind; else somebody made another kind of it. */
  readonly isRise: boolean;
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly price: Price;
}

/** In the order in which they were seen. */
function turnsOf(record: Prices, { backups, changes = [] }: Machine): Turn[] {
  const { bought, priceRises = [] } = record;
  const changed = changes.flatMap(({ from, to, ...kind }): Turn[] => {
    const { price = null, backupsPrice = null } = kindPriceOf(record, kind) ?? {};
    if (price === null) return [];
    const then = readAs(withBackups({ price, backupsPrice }, backups), 'bothMonths');
    return [{ isRise: false, from, to, price: then }];
  });
  const raised = priceRises
    .filter((rise) => [bought, ...changes].some((kind) => isSameKind(kind, rise)))
    .map((rise): Turn => {
      const price = readAs(withBackups(rise, backups), bought.price.monthEndHour);
      return { isRise: true, from: rise.from, to: rise.to, price };
    });
  return [...changed, ...raised].toSorted((a, b) => a.to - b.to);
}

/** The beginning of the machine's hour that contains the instant; at least its creation. */
function hourOf({ billedFrom }: Machine, at: EpochMs): EpochMs {
  const hour = Math.max(0, Math.floor((at - billedFrom) / hours(1)));
  return epochMs(billedFrom + hour * hours(1));
}

const withBackups = (
  { price, backupsPrice }: { readonly price: Price; readonly backupsPrice: Price | null },
  backups: boolean,
): Price => combinedPrice(price, backups ? backupsPrice : null);
