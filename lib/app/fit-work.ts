import type { Fault } from '../core/base/fault.ts';
import { isObject, parseFields } from '../core/base/fields.ts';
import { formatUsd, toUsd } from '../core/base/money.ts';
import { plural } from '../core/base/plural.ts';
import type { EpochMs } from '../core/base/units.ts';
import { candidates, isOfferedIn, listImages, listRegions } from '../core/catalogue/choose.ts';
import type { Region } from '../core/catalogue/lists.ts';
import {
  type Shape,
  type Shapes,
  shapesFor,
  type Work,
  workFrom,
  workSchema,
} from '../core/catalogue/shapes.ts';
import { HOURS_MAX, type Spec } from '../core/cluster/spec.ts';
import { AppError } from '../errors.ts';
import { allEnded, catalogueFor } from './catalogue-cache.ts';
import { invalidSpec, type Offer, type OfferDeps, offer } from './offer.ts';

/** The quote of the fastest cluster that does the work, and of the other clusters that do it. */
export interface Fit {
  readonly offer: Offer;
  /** As `Shapes.shapes`. */
  readonly shapes: readonly Shape[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Whether a request for a quote has work to fit to its budget. */
export const hasWork = (input: unknown): boolean => isObject(input) && input.work !== undefined;

/**
 * Finds the clusters that do the work of the input within its budget. The rest of the input is a
 * spec that may lack nodes, type or size, region and image. What it has, each cluster has; a size,
 * at least.
 * AppError `invalid` with every fault; `refused`, with the smallest budget that would do, if no
 * cluster does the work within the budget.
 */
export async function fitWork(
  deps: OfferDeps,
  input: unknown,
  by: EpochMs,
  nextTurn?: () => Promise<EpochMs>,
): Promise<Fit> {
  const { work: given, ...rest } = input as Fields;
  const { valid, faults } = parseFields({ work: given }, { work: workSchema }, 'a quote');
  const quoted = (spec: Fields) =>
    offer(deps, spec, by, nextTurn).catch((error: unknown) => withFaults(error, faults));
  const whole: Fields = { ...(await anywhere(deps, by)), nodes: 1, ...rest };
  const least = await quoted({ ...whole, ...anySize(rest) });
  if (faults.length > 0) throw invalidSpec(faults);

  const work = workFrom(valid.work as Parameters<typeof workFrom>[0]);
  const found = await shapesOf(deps, { work, least, nodes: rest.nodes }, by);
  const [fastest] = found.shapes;
  if (fastest === undefined) throw tooLittle(work, least.spec, found);
  const { type: _, vcpus: __, memoryMb: ___, ...others } = whole;
  const spec = { ...others, type: fastest.type.id, nodes: fastest.nodes, maxHours: fastest.hours };
  return { offer: await quoted(spec), shapes: found.shapes };
}

/** A region with the usual prices and most types, and an image; both the first in Linode's order. */
async function anywhere(
  { catalogue }: OfferDeps,
  by: EpochMs,
): Promise<{ readonly region?: string; readonly image?: string }> {
  const [types, regions, images] = await allEnded([
    catalogue.types(by),
    catalogue.regions(by),
    catalogue.images(by),
  ]);
  const hasOwnPrice = ({ id }: Region) => types.some(({ price }) => price && id in price.byRegion);
  const offeredIn = (region: Region) => types.filter((type) => isOfferedIn(type, region)).length;
  const [region] = listRegions(regions, {})
    .filter((candidate) => !hasOwnPrice(candidate))
    .toSorted((a, b) => offeredIn(b) - offeredIn(a));
  const [image] = listImages(images, { capability: 'cloud-init', deprecated: false });
  return { ...(region && { region: region.id }), ...(image && { image: image.id }) };
}

const anySize = ({ type, vcpus, memoryMb }: Fields) =>
  [type, vcpus, memoryMb].every((field) => field === undefined) ? { vcpus: 1 } : {};

async function shapesOf(
  deps: OfferDeps,
  { work, least, nodes }: { work: Work; least: Offer; nodes: unknown },
  by: EpochMs,
): Promise<Shapes> {
  const { spec, bought, quote } = least;
  const { settings } = deps;
  const { lists, extras } = await catalogueFor(deps, spec, by);
  const region = lists.regions.find(({ id }) => id === bought.region);
  const image = lists.images.find(({ id }) => id === bought.image);
  if (region === undefined || image === undefined) return { shapes: [], smallestBudget: null };
  return shapesFor(work, candidates(spec.machine, region, image, lists, extras), {
    budget: spec.budget,
    nodesMin: nodes === undefined ? 1 : spec.nodes,
    nodesMax: nodes === undefined ? settings.nodesMax : spec.nodes,
    hoursMax: spec.maxHours ?? HOURS_MAX,
    marginMs: settings.marginMs,
    from: quote.startsAt,
    transfer:
      spec.transferGb === null || bought.transfer === undefined
        ? null
        : { gb: spec.transferGb, gbPrice: bought.transfer.gbPrice },
  });
}

function tooLittle(work: Work, { budget }: Spec, { smallestBudget }: Shapes): AppError {
  const what = plural(work.hours, work.unit === 'vcpu' ? 'vCPU hour' : 'GPU hour');
  if (smallestBudget === null) {
    return new AppError(
      'refused',
      `No cluster that fits the spec does ${what} of work: allow more nodes, more hours or other ` +
        'types.',
    );
  }
  return new AppError(
    'refused',
    `${what} of work cost at least ${formatUsd(smallestBudget)} with this spec; you gave ` +
      `${formatUsd(budget)}.`,
    { members: { smallestBudgetUsd: toUsd(smallestBudget) } },
  );
}

/** Throws the error; if that is a list of faults, with `faults` before its own. */
function withFaults(error: unknown, faults: readonly Fault[]): never {
  if (!(error instanceof AppError) || error.code !== 'invalid') throw error;
  throw invalidSpec([...faults, ...(error.details.faults ?? [])]);
}
