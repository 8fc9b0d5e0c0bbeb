import { memory } from '../base/memory.ts';
import { formatUsd } from '../base/money.ts';
import { plural } from '../base/plural.ts';
import type { DurationMs, EpochMs } from '../base/units.ts';
import { firstHourCost } from '../billing/bill.ts';
import type { Alternative, AlternativeKind, SpecChange } from '../cluster/advice.ts';
import { hoursAfforded, type Quotable, type Quote, quote } from '../cluster/quote.ts';
import type { Spec } from '../cluster/spec.ts';
import {
  type AccountExtras,
  type CatalogueLists,
  listTypes,
  type NodePrice,
  resolve,
  termsFor,
} from './choose.ts';
import type { LinodeType, Region, TransferPrices } from './lists.ts';

/** The prices, availability and limits by which specs are quoted. */
export interface Market {
  readonly catalogue: CatalogueLists;
  readonly extras: AccountExtras;
  /** null: the server does not know transfer. */
  readonly transfer: TransferPrices | null;
  readonly nodesMax: number;
  readonly marginMs: DurationMs;
  readonly from: EpochMs;
}

/**
 * The changes of a spec that a quote recommends: at most one of each kind, the cheaper ones first.
 * If the budget does not pay the spec's first hour, only changes that make the first hour
 * affordable. No alternative is known to be sold out: of other regions, only those in
 * `catalogue.soldOut` count, because their availability was asked for.
 */
export function alternatives(spec: Spec, market: Market): Alternative[] {
  const asked = quoteSpec(spec, market);
  if (asked === null) return [];
  const kinds = asked.quote.affordableHours === 0 ? KINDS_IF_TOO_DEAR : KINDS_IF_AFFORDABLE;
  return kinds.flatMap((kind) => {
    for (const change of changesOf[kind](asked, market)) {
      const candidate = quoteSpec(withChange(spec, change), market);
      if (candidate === null || candidate.quote.affordableHours === 0) continue;
      // The cheapest type of that size may belong to another family, and then is not recommended.
      if ('vcpus' in change && !hasSize(candidate.type, change)) continue;
      return [alternative(kind, change, asked, candidate)];
    }
    return [];
  });
}

const REGIONS_ASKED_MAX = 3;

/**
 * The regions whose availability must be known before an alternative can name them: the cheapest of
 * the regions that cost less than the spec's own. If the spec's only fault is that its type is sold
 * out, the cheapest of all regions.
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

/** The kinds in the order in which a quote lists them. */
const KINDS_IF_AFFORDABLE = ['cheaperRegion', 'smallerType', 'biggerType', 'moreNodes'] as const;
const KINDS_IF_TOO_DEAR = ['fewerNodes', 'smallerType', 'cheaperRegion'] as const;

/** A spec with the type, region, price and quote that it comes to. */
interface QuotedSpec {
  readonly spec: Spec;
  readonly type: LinodeType;
  readonly region: Region;
  readonly price: NodePrice;
  readonly input: Quotable;
  readonly quote: Quote;
}

/** null: the spec can't be launched. */
function quoteSpec(
  spec: Spec,
  { catalogue, extras, transfer, marginMs, from }: Market,
): QuotedSpec | null {
  const resolved = resolve(spec, catalogue, extras);
  if (!resolved.ok) return null;
  const { type, region, price } = resolved;
  const { nodes, budget, maxHours, transferGb } = spec;
  const terms = termsFor(type, region.id, transfer);
  const input = { price, nodes, budget, maxHours, transferGb, terms, marginMs, from };
  return { spec, type, region, price, input, quote: quote(input) };
}

function withChange(spec: Spec, change: SpecChange): Spec {
  if ('type' in change) return { ...spec, machine: { kind: 'type', ...change } };
  if ('vcpus' in change) return { ...spec, machine: { kind: 'size', ...change } };
  return { ...spec, ...change };
}

/** The changes of one kind that may be recommended, the best first. */
type Changes = (asked: QuotedSpec, market: Market) => readonly SpecChange[];

const changesOf: Readonly<Record<AlternativeKind, Changes>> = {
  cheaperRegion: ({ spec, region, price }, market) =>
    otherRegions(spec, region, market)
      .filter((candidate) => market.catalogue.soldOut.has(candidate.region.id))
      .filter((candidate) => candidate.price.hourly < price.hourly)
      .map((candidate) => ({ region: candidate.region.id })),
  smallerType: (asked, market) =>
    family(asked, market)
      .filter(({ type, price }) => price.hourly < asked.price.hourly && isLess(type, asked.type))
      .sort((a, b) => b.price.hourly - a.price.hourly)
      .map(({ type }) => typeChange(asked, type)),
  biggerType: (asked, market) =>
    family(asked, market)
      .filter(({ type, price }) => price.hourly > asked.price.hourly && isLess(asked.type, type))
      .map(({ type }) => typeChange(asked, type)),
  moreNodes: ({ input, quote: { affordableHours } }, { nodesMax }) => {
    const { nodes } = input;
    const lastsAsLong = (nodeCount: number) =>
      hoursAfforded({ ...input, nodes: nodeCount }) >= affordableHours;
    const most = largest(nodes, nodesMax, lastsAsLong);
    const more = most > nodes ? most : Math.min(2 * nodes, nodesMax);
    return more > nodes ? [{ nodes: more }] : [];
  },
  fewerNodes: ({ spec, price }, { from }) => {
    const nodes = Math.floor(spec.budget / firstHourCost(price, 1, from));
    return nodes >= 1 && nodes < spec.nodes ? [{ nodes }] : [];
  },
};

/**
 * The regions where the spec can be launched, cheapest first; at equal prices, those in the country
 * of `home` first.
 */
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

/** The types of the same family that have a price, cheapest first. */
const family = ({ type, region }: QuotedSpec, { catalogue, extras }: Market) =>
  listTypes(catalogue.types, { region: region.id, backups: extras.backups }).filter(
    (candidate) => familyOf(candidate.type) === familyOf(type),
  );

/** The Nanode is the smallest of the standard plans, though Linode gives it its own class. */
const familyOf = (type: LinodeType): string => (type.class === 'nanode' ? 'standard' : type.class);

const isLess = (a: LinodeType, b: LinodeType): boolean =>
  a.vcpus <= b.vcpus &&
  a.memoryMb <= b.memoryMb &&
  a.gpus <= b.gpus &&
  (a.vcpus < b.vcpus || a.memoryMb < b.memoryMb || a.gpus < b.gpus);

const typeChange = ({ spec }: QuotedSpec, { id, vcpus, memoryMb }: LinodeType): SpecChange =>
  spec.machine.kind === 'type' ? { type: id } : { vcpus, memoryMb };

const hasSize = (type: LinodeType, size: { vcpus: number; memoryMb: number }): boolean =>
  type.vcpus === size.vcpus && type.memoryMb === size.memoryMb;

/**
 * The largest number from `least` to `most` for which `isFine` holds. It must hold for `least`, and
 * must not hold again above a number for which it fails.
 */
function largest(least: number, most: number, isFine: (candidate: number) => boolean): number {
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
  asked: QuotedSpec,
  candidate: QuotedSpec,
): Alternative {
  const { hourly, affordableHours, spentAtTeardown } = candidate.quote;
  const sentence = sentenceOf(asked, candidate);
  return { kind, change, hourly, affordableHours, spentAtTeardown, sentence };
}

/** `20 × g6-nanode-1 cost $0.15 an hour: $1 buys 6 h instead of 13 h.` */
function sentenceOf(asked: QuotedSpec, { spec, type, region, quote }: QuotedSpec): string {
  const { nodes, budget } = spec;
  const size =
    type.id === asked.type.id ? '' : ` (${plural(type.vcpus, 'vCPU')}, ${memory(type.memoryMb)})`;
  const place = region.id === asked.region.id ? '' : ` in ${region.id} (${region.label})`;
  const cost = `${nodes === 1 ? 'costs' : 'cost'} ${formatUsd(quote.hourly)} an hour`;
  const before = asked.quote.affordableHours;
  const compared =
    before === 0 ? '' : before === quote.affordableHours ? ' as well' : ` instead of ${before}`;
  const buys = `${formatUsd(budget)} buys ${plural(quote.affordableHours, 'hour')}${compared}`;
  return `${nodes} × ${type.id}${size}${place} ${cost}: ${buys}.`;
}
