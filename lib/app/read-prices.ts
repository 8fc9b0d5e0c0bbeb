import { type EpochMs, earliest, plus, seconds } from '../core/base/units.ts';
import { gbPriceIn, regionalPrice } from '../core/catalogue/choose.ts';
import type { LiveRecord } from '../core/cluster/record.ts';
import { kindsOf, type PricesRead } from '../core/pass/kinds.ts';
import { reasonOf } from '../errors.ts';
import type { Clock, Log } from '../ports.ts';
import { allEnded, type CatalogueCache } from './catalogue-cache.ts';

export interface PriceDeps {
  readonly catalogue: Pick<CatalogueCache, 'types' | 'account' | 'transferPrices'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A pass reads prices while it lists, and waits no longer than it mostly waits for the list. */
const TIME_MAX = seconds(5);

/**
 * What Linode asks for the kinds of the cluster's nodes, and whether it manages the account. null:
 * it could not be read, so that the next pass must try again. Never throws.
 */
export async function readPrices(
  { catalogue, clock, log }: PriceDeps,
  record: LiveRecord,
  passBy: EpochMs,
): Promise<PricesRead | null> {
  const by = earliest(passBy, plus(clock.now(), TIME_MAX));
  try {
    const [types, account, transfer] = await allEnded([
      catalogue.types(by),
      catalogue.account(by),
      catalogue.transferPrices(by),
    ]);
    const found = kindsOf(record).map(({ type, region }) => {
      const listed = types.find(({ id }) => id === type);
      const price = regionalPrice(listed?.price ?? null, region);
      const backupsPrice = regionalPrice(listed?.backupsPrice ?? null, region);
      return { type, region, price, backupsPrice };
    });
    const gbPrices = found.map(({ region }) => gbPriceIn(transfer, region));
    const gbPrice = gbPrices.reduce((a, b) => (a !== null && b !== null && b > a ? b : a));
    return { found, gbPrice, isManaged: account !== 'unreadable' && account.managed };
  } catch (error) {
    log.warn('prices could not be read', { clusterId: record.id, reason: reasonOf(error) });
    return null;
  }
}
