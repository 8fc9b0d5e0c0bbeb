import { regions, types } from './catalogue.ts';
import type { Instance } from './instance.ts';
import { bytesBetween, type Month, monthAt } from './sending.ts';

/** As Linode counts them for its prices. */
const BYTES_PER_GB = 1e9;

/** US dollars for a GB beyond the pool; the regions that are named have pools of their own. */
const GB_USD = 0.005;
const REGION_GB_USD: Readonly<Record<string, number>> = { 'id-cgk': 0.015, 'br-gru': 0.007 };
const DISTRIBUTED_GB_USD = 0.01;

const price = (hourly: number) => ({ hourly, monthly: null });

/** GET /network-transfer/prices, as recorded. */
export const transferPrices = [
  {
    id: 'distributed_network_transfer',
    label: 'Distributed Network Transfer',
    price: price(DISTRIBUTED_GB_USD),
    region_prices: [],
    transfer: 0,
  },
  {
    id: 'network_transfer',
    label: 'Network Transfer',
    price: price(GB_USD),
    region_prices: Object.entries(REGION_GB_USD).map(([id, usd]) => ({ id, ...price(usd) })),
    transfer: 0,
  },
];

/** The price in US dollars of a GB that a Linode of the region sends beyond its pool. */
export function gbUsdIn(region: string): number {
  const isDistributed = regions.get(region)?.site_type === 'distributed';
  return REGION_GB_USD[region] ?? (isDistributed ? DISTRIBUTED_GB_USD : GB_USD);
}

/** What the Linode sent from `from` until `to`, in whole bytes. */
export const sentBetween = (instance: Instance, from: number, to: number): number =>
  Math.floor(bytesBetween(instance, from, to));

/** What the Linode gives to its pool in the month, for the time that it lived in it; in GB. */
function broughtGb({ type, created, deleted }: Instance, month: Month, now: number): number {
  const lived = Math.min(deleted ?? now, now, month.end) - Math.max(created, month.start);
  const share = Math.max(0, lived) / (month.end - month.start);
  return (types.get(type)?.transfer ?? 0) * share;
}

/** GET /linode/instances/{id}/transfer; `used` is in bytes, the others are in GB. */
export function transferOfInstance(instance: Instance, now: number) {
  const month = monthAt(now);
  const used = sentBetween(instance, month.start, now);
  const quota = Math.floor(broughtGb(instance, month, now));
  return { used, quota, billable: Math.max(0, Math.ceil(used / BYTES_PER_GB) - quota) };
}

/** GET /account/transfer, in GB. */
export function transferOfAccount(instances: readonly Instance[], now: number) {
  const month = monthAt(now);
  const poolOf = (pool: string) => {
    const { sent, brought } = totals(
      instances.filter((instance) => poolNamed(instance) === pool),
      month,
      now,
    );
    const [used, quota] = [Math.ceil(sent), Math.floor(brought)];
    return { used, quota, billable: Math.max(0, used - quota) };
  };
  const regional = Object.keys(REGION_GB_USD).map((id) => ({ id, ...poolOf(id) }));
  return { ...poolOf(ELSEWHERE), region_transfers: regional };
}

/**
 * Micro-dollars for what these Linodes sent beyond what they brought, as if the account had no
 * others: a started GB of each pool and calendar month costs its price.
 */
export function overageOf(instances: readonly Instance[], now: number): number {
  const senders = instances.filter(({ sends, sentAtOnce }) => sends?.length || sentAtOnce?.length);
  const [first] = senders.map(({ created }) => created).toSorted((a, b) => a - b);
  if (first === undefined) return 0;
  let microUsd = 0;
  for (let month = monthAt(first); month.start < now; month = monthAt(month.end)) {
    for (const { gb, gbUsd } of overagesIn(instances, month.start, now)) {
      microUsd += gb * Math.round(gbUsd * 1e6);
    }
  }
  return microUsd;
}

/** What was sent up to `now` beyond a pool, in the calendar month (UTC) of `at`. */
export interface Overage {
  /** null: the pool of all regions without a pool of their own. */
  readonly region: string | null;
  readonly gb: number;
  readonly gbUsd: number;
}

export function overagesIn(instances: readonly Instance[], at: number, now: number): Overage[] {
  return [...new Set(instances.map(poolNamed))].flatMap((pool) => {
    const [one, ...others] = instances.filter((instance) => poolNamed(instance) === pool);
    if (one === undefined) return [];
    const { sent, brought } = totals([one, ...others], monthAt(at), now);
    const gb = Math.max(0, Math.ceil(sent - brought));
    return [{ region: pool === ELSEWHERE ? null : pool, gb, gbUsd: gbUsdIn(one.region) }];
  });
}

const totals = (instances: readonly Instance[], month: Month, now: number) => ({
  sent: instances.reduce(
    (sum, instance) =>
      sum + sentBetween(instance, month.start, Math.min(month.end, now)) / BYTES_PER_GB,
    0,
  ),
  brought: instances.reduce((sum, instance) => sum + broughtGb(instance, month, now), 0),
});

const ELSEWHERE = 'elsewhere';

const poolNamed = ({ region }: Instance): string => (region in REGION_GB_USD ? region : ELSEWHERE);
