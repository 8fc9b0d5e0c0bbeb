import { formatUsd } from '../base/money.ts';
import type { DurationMs, EpochMs } from '../base/units.ts';
import { firstHourCost, hoursAfforded } from '../billing/bill.ts';
import type { Alternative, AlternativeKind, SpecChange } from '../cluster/advice.ts';
import { type Quote, quote } from '../cluster/quote.ts';
import type { Spec } from '../cluster/spec.ts';
import {
  type AccountExtras,
  type CatalogueLists,
  listTypes,
  type NodePrice,
  resolve,
} from './choose.ts';
import type { LinodeType, Region } from './lists.ts';

/** All that a spec is quoted by. */
export interface Market {
  readonly catalogue: CatalogueLists;
  readonly extras: AccountExtras;
  readonly nodesMax: number;
  readonly marginMs: DurationMs;
  readonly from: EpochMs;
}

/**
 * What else could be launched, at most one of each kind: first what makes it cheaper. Where the
 * budget does not pay the first hour, what would fit into it. None of them is known to be sold
 * out: of other regions, those count alone that were asked.
 */
export function alternatives(spec: Spec, market: Market): Alternative[] {
  const asked = reckon(spec, market);
  if (asked === null) return [];
  const kinds = asked.quote.affordableHours === 0 ? FITTING : WORTHWHILE;
  return kinds.flatMap((kind) => {
    for (const change of changesOf[kind](asked, market)) {
      const other = reckon(changed(spec, change), market);
      if (other === null || other.quote.affordableHours === 0) continue;
      // A type's size may be had for less in another family, which is no step of this one.
      if ('vcpus' in change && !hasSize(other.type, change)) continue;
      return [alternative(kind, change, asked, other)];
    }
    return [];
  });
}

const REGIONS_ASKED_MAX = 3;

/**
 * The regions whose availability must be known before others than the spec's can be named: the
 * cheapest of those that are cheaper, or, where all that is wrong is that it is sold out, of all.
 */
export function regionsToAsk(
  wanted: Partial<Spec>,
  catalogue: CatalogueLists,
  extras: AccountExtras,
): string[] {
  const here = resolve(wanted, catalogue, extras);
  const ifNotSoldOut = resolve(wanted, { ...catalogue, soldOut: new Map() }, extras);
  if (!ifNotSoldOut.ok) return [];
  return otherRegions(wanted, ifNotSoldOut.region, { catalogue, extras })
    .filter(({ price }) => !here.ok || price.hourly < here.price.hourly)
    .slice(0, REGIONS_ASKED_MAX)
    .map(({ region }) => region.id);
}

/** In the order in which they are told. */
const WORTHWHILE = ['cheaperRegion', 'smallerType', 'biggerType', 'moreNodes'] as const;
const FITTING = ['fewerNodes', 'smallerType', 'cheaperRegion'] as const;

/** A spec, with what it comes to. */
interface Reckoned {
  readonly spec: Spec;
  readonly type: LinodeType;
  readonly region: Region;
  readonly price: NodePrice;
  readonly quote: Quote;
}

/** null: it can't be launched. */
function reckon(spec: Spec, { catalogue, extras, marginMs, from }: Market): Reckoned | null {
  const resolved = resolve(spec, catalogue, extras);
  if (!resolved.ok) return null;
  const { type, region, price } = resolved;
  const { nodes, budget, maxHours } = spec;
  const quoted = quote({ price, nodes, budget, maxHours, marginMs, from });
  return { spec, type, region, price, quote: quoted };
}

function changed(spec: Spec, change: SpecChange): Spec {
  if ('type' in change) return { ...spec, machine: { kind: 'type', ...change } };
  if ('vcpus' in change) return { ...spec, machine: { kind: 'size', ...change } };
  return { ...spec, ...change };
}

/** What might do, the best first. */
type Changes = (asked: Reckoned, market: Market) => readonly SpecChange[];

const changesOf: Readonly<Record<AlternativeKind, Changes>> = {
  cheaperRegion: ({ spec, region, price }, market) =>
    otherRegions(spec, region, market)
      .filter((other) => market.catalogue.soldOut.has(other.region.id))
      .filter((other) => other.price.hourly < price.hourly)
      .map((other) => ({ region: other.region.id })),
  smallerType: (asked, market) =>
    family(asked, market)
      .filter(({ type, price }) => price.hourly < asked.price.hourly && isLess(type, asked.type))
      .sort((a, b) => b.price.hourly - a.price.hourly)
      .map(({ type }) => typeChange(asked, type)),
  biggerType: (asked, market) =>
    family(asked, market)
      .filter(({ type, price }) => price.hourly > asked.price.hourly && isLess(asked.type, type))
      .map(({ type }) => typeChange(asked, type)),
  moreNodes: ({ spec, price, quote: { affordableHours } }, { nodesMax, from }) => {
    const { nodes } = spec;
    const lasts = (count: number) => hoursAfforded(price, count, from, spec) >= affordableHours;
    const most = largest(nodes, nodesMax, lasts);
    const more = most > nodes ? most : Math.min(2 * nodes, nodesMax);
    return more > nodes ? [{ nodes: more }] : [];
  },
  fewerNodes: ({ spec, price }, { from }) => {
    const nodes = Math.floor(spec.budget / firstHourCost(price, 1, from));
    return nodes >= 1 && nodes < spec.nodes ? [{ nodes }] : [];
  },
};

/** Those where it can be launched, the cheapest first; of equals, those in the same country. */
function otherRegions(
  wanted: Partial<Spec>,
  home: Region,
  { catalogue, extras }: Pick<Market, 'catalogue' | 'extras'>,
): { region: Region; price: NodePrice }[] {
  const isAbroad = ({ country }: Region) => Number(country !== home.country);
  return catalogue.regions
    .flatMap((region) => {
      const resolved = resolve({ ...wanted, region: region.id }, catalogue, extras);
      return resolved.ok ? [{ region, price: resolved.price }] : [];
    })
    .sort(
      (a, b) =>
        a.price.hourly - b.price.hourly ||
        isAbroad(a.region) - isAbroad(b.region) ||
        (a.region.id < b.region.id ? -1 : 1),
    );
}

/** The priced types of the same family, the cheapest first. */
const family = ({ type, region }: Reckoned, { catalogue, extras }: Market) =>
  listTypes(catalogue.types, { region: region.id, backups: extras.backups }).filter(
    (other) => familyOf(other.type) === familyOf(type),
  );

/** The Nanode is the smallest of the standard plans in all but its class. */
const familyOf = (type: LinodeType): string => (type.class === 'nanode' ? 'standard' : type.class);

const isLess = (a: LinodeType, b: LinodeType): boolean =>
  a.vcpus <= b.vcpus &&
  a.memoryMb <= b.memoryMb &&
  a.gpus <= b.gpus &&
  (a.vcpus < b.vcpus || a.memoryMb < b.memoryMb || a.gpus < b.gpus);

const typeChange = ({ spec }: Reckoned, { id, vcpus, memoryMb }: LinodeType): SpecChange =>
  spec.machine.kind === 'type' ? { type: id } : { vcpus, memoryMb };

const hasSize = (type: LinodeType, size: { vcpus: number; memoryMb: number }): boolean =>
  type.vcpus === size.vcpus && type.memoryMb === size.memoryMb;

/** The largest count up to `most` that is fine, where `least` is, and none above one that is not. */
function largest(least: number, most: number, isFine: (count: number) => boolean): number {
  let [from, to] = [least, most];
  while (from < to) {
    const middle = to - Math.floor((to - from) / 2);
    if (isFine(middle)) from = middle;
    else to = middle - 1;
  }
  return from;
}

function alternative(
  kind: AlternativeKind,
  change: SpecChange,
  asked: Reckoned,
  other: Reckoned,
): Alternative {
  const { hourly, affordableHours, spentAtTeardown } = other.quote;
  const sentence = sentenceOf(asked, other);
  return { kind, change, hourly, affordableHours, spentAtTeardown, sentence };
}

/** `20 × g6-nanode-1 cost $0.15 an hour: $1 buys 6 h instead of 13 h.` */
function sentenceOf(asked: Reckoned, { spec, type, region, quote }: Reckoned): string {
  const { nodes, budget } = spec;
  const size =
    type.id === asked.type.id
      ? ''
      : ` (${type.vcpus} vCPU${type.vcpus === 1 ? '' : 's'}, ${type.memoryMb} MB)`;
  const place = region.id === asked.region.id ? '' : ` in ${region.id} (${region.label})`;
  const cost = `${nodes === 1 ? 'costs' : 'cost'} ${formatUsd(quote.hourly)} an hour`;
  const before = asked.quote.affordableHours;
  const compared =
    before === 0 ? '' : before === quote.affordableHours ? ' as well' : ` instead of ${before} h`;
  const buys = `${formatUsd(budget)} buys ${quote.affordableHours} h${compared}`;
  return `${nodes} × ${type.id}${size}${place} ${cost}: ${buys}.`;
}
