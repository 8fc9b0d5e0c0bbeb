import * as z from 'zod/mini';
import { must } from '../base/fields.ts';
import { type MicroUsd, microUsd, sum, times } from '../base/money.ts';
import {
  type DurationMs,
  durationMs,
  type EpochMs,
  hours,
  minus,
  minutes,
  plus,
} from '../base/units.ts';
import { spend } from '../billing/bill.ts';
import type { Price } from '../billing/price.ts';
import { reservedUntil } from '../billing/transfer.ts';
import { createdAfter } from '../cluster/quote.ts';
import type { LinodeType } from './lists.ts';

/** Work that splits evenly over all processors of a cluster. */
export interface Work {
  readonly unit: 'vcpu' | 'gpu';
  /** Hours of one processor, above 0. */
  readonly hours: number;
}

/** A cluster that does the work: `nodes` nodes of `type`, each billed for `hours`. */
export interface Shape {
  readonly type: LinodeType;
  readonly nodes: number;
  /** The started hours of each node. */
  readonly hours: number;
  /** With the transfer that is planned. */
  readonly cost: MicroUsd;
  /** From the launch to the end of the work. */
  readonly takes: DurationMs;
  /** The part of `cost` that pays for time without work, since Linode bills started hours. */
  readonly wasted: MicroUsd;
}

export interface ShapeLimits {
  readonly budget: MicroUsd;
  readonly nodesMin: number;
  readonly nodesMax: number;
  /** The most hours of each node. */
  readonly hoursMax: number;
  /** A teardown begins so long before an hour mark. */
  readonly marginMs: DurationMs;
  readonly from: EpochMs;
  /** What the cluster is planned to send; null: what its nodes bring, or transfer does not count. */
  readonly transfer: { readonly gb: number; readonly gbPrice: MicroUsd } | null;
}

export interface Shapes {
  /** The fastest first, then the cheapest, then others between them, the faster first. */
  readonly shapes: readonly Shape[];
  /** The least that the work costs, whatever the budget; null: no cluster can do it. */
  readonly smallestBudget: MicroUsd | null;
}

/** More than any budget pays for. */
const WORK_HOURS_MAX = 1_000_000;

const workHours = (processor: string) =>
  z.optional(
    z
      .number({ error: must(`a number above 0 and at most ${WORK_HOURS_MAX}`) })
      .check(
        z.gt(0),
        z.lte(WORK_HOURS_MAX),
        z.describe(`Hours that one ${processor} would take for all of the work.`),
      ),
  );

/** The JSON form of work: `{ "vcpuHours": 120 }` or `{ "gpuHours": 8 }`. */
export const workSchema = z
  .strictObject(
    { vcpuHours: workHours('vCPU'), gpuHours: workHours('GPU') },
    { error: 'must be an object such as { "vcpuHours": 120 }' },
  )
  .check(
    z.refine(({ vcpuHours, gpuHours }) => (vcpuHours === undefined) !== (gpuHours === undefined), {
      error: 'must have either vcpuHours or gpuHours',
    }),
    z.describe('Work that splits evenly over all processors of a cluster.'),
  );

/** The work that a body gives. */
export const workFrom = ({ vcpuHours, gpuHours = 0 }: z.infer<typeof workSchema>): Work =>
  vcpuHours === undefined ? { unit: 'gpu', hours: gpuHours } : { unit: 'vcpu', hours: vcpuHours };

/**
 * From a create to a node that works. Linode needs a minute or a minute and a half
 * (docs/linode.md#linodes), and cloud-init some more.
 */
const BOOT = minutes(2);
const HOUR = hours(1);
const SHAPES_MAX = 8;

/**
 * The clusters that do the work within the budget, and of which no other is both faster and
 * cheaper. `types`: the types to choose from, with their prices; those without a processor of the
 * work's unit do none.
 */
export function shapesFor(
  work: Work,
  types: readonly { readonly type: LinodeType; readonly price: Price }[],
  limits: ShapeLimits,
): Shapes {
  const all = types.flatMap(({ type, price }) => shapesOf(work, type, price, limits));
  const costs = all.map(({ cost }) => cost);
  const affordable = all.filter(({ cost }) => cost <= limits.budget);
  return {
    shapes: chosen(undominated(affordable)),
    smallestBudget: costs.length === 0 ? null : costs.reduce((a, b) => (a < b ? a : b)),
  };
}

function shapesOf(work: Work, type: LinodeType, price: Price, limits: ShapeLimits): Shape[] {
  const each = work.unit === 'vcpu' ? type.vcpus : type.gpus;
  if (each === 0) return [];
  const costs = new Map<number, MicroUsd>();
  const costOf = (billedHours: number): MicroUsd => {
    const known = costs.get(billedHours);
    if (known !== undefined) return known;
    const node = { billedFrom: limits.from, billedUntil: null, price };
    const cost = spend([node], plus(limits.from, hours(billedHours)));
    costs.set(billedHours, cost);
    return cost;
  };
  const shapes: Shape[] = [];
  for (let nodes = limits.nodesMin; nodes <= limits.nodesMax; nodes += 1) {
    const busy = Math.ceil((work.hours / (nodes * each)) * HOUR);
    const takes = durationMs(createdAfter(nodes - 1) + BOOT + busy);
    const billed = Math.ceil((takes + limits.marginMs) / HOUR);
    if (billed > limits.hoursMax) continue;
    const ofHours = times(costOf(billed), nodes);
    const share = Math.min(1, busy / (billed * HOUR));
    const wasted = microUsd(Math.round(ofHours * (1 - share)));
    const cost = sum([ofHours, transferCost(type, nodes, billed, limits)]);
    shapes.push({ type, nodes, hours: billed, cost, takes, wasted });
  }
  return shapes;
}

/** What the planned transfer costs beyond what the nodes bring until the teardown. */
function transferCost(
  { transferGb }: LinodeType,
  nodes: number,
  billedHours: number,
  { transfer, from, marginMs }: ShapeLimits,
): MicroUsd {
  if (transfer === null) return microUsd(0);
  // All nodes as one, created with the last of them.
  const bringers = [{ billedFrom: plus(from, createdAfter(nodes - 1)), billedUntil: null }];
  const terms = { gb: transferGb * nodes, gbPrice: transfer.gbPrice };
  const teardownAt = minus(plus(from, hours(billedHours)), marginMs);
  return reservedUntil(transfer.gb, { terms, bringers }, teardownAt);
}

/** Those to which no other is both at least as fast and cheaper; the faster first. */
function undominated(shapes: readonly Shape[]): Shape[] {
  const sorted = shapes.toSorted(
    (a, b) => a.takes - b.takes || a.cost - b.cost || a.nodes - b.nodes,
  );
  const kept: Shape[] = [];
  for (const shape of sorted) {
    const last = kept.at(-1);
    if (last === undefined || shape.cost < last.cost) kept.push(shape);
  }
  return kept;
}

/**
 * The first, the last, and some evenly between them: of those with the same type and hours, the
 * cheapest.
 */
function chosen(shapes: readonly Shape[]): Shape[] {
  const [fastest, ...rest] = shapes;
  const cheapest = rest.at(-1);
  if (fastest === undefined || cheapest === undefined) return [...shapes];
  const between = rest.slice(0, -1).filter(({ type, hours }, index) => {
    const next = rest[index + 1];
    return next?.type !== type || next.hours !== hours;
  });
  const most = SHAPES_MAX - 2;
  const step = Math.max(1, between.length / most);
  const some = Array.from(
    { length: Math.min(most, between.length) },
    (_, index) => between[Math.floor(index * step)],
  );
  return [fastest, cheapest, ...some.filter((shape) => shape !== undefined)];
}
