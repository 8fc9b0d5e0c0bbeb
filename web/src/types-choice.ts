import type { OfferedType } from '../../client/answers.ts';
import { amountIn } from '../../client/spec.ts';
import type { Sort } from './sort.ts';

export interface Filter {
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly class: string;
  /** As typed, per node. */
  readonly maxHourly: string;
}

export const noFilter: Filter = { vcpus: 0, memoryMb: 0, class: '', maxHourly: '' };

export type SortKey = 'label' | 'vcpus' | 'memoryMb' | 'diskMb' | 'hourlyUsd';

/** Those that match, in order; equal ones by price, then by id. Without a price: last. */
export function choose(
  types: readonly OfferedType[],
  filter: Filter,
  { key, isDown }: Sort<SortKey>,
): readonly OfferedType[] {
  const max = amountIn(filter.maxHourly);
  const price = ({ hourlyUsd }: OfferedType) => hourlyUsd ?? Number.POSITIVE_INFINITY;
  return types
    .filter(
      (type) =>
        type.vcpus >= filter.vcpus &&
        type.memoryMb >= filter.memoryMb &&
        (filter.class === '' || type.class === filter.class) &&
        (Number.isNaN(max) || price(type) <= max),
    )
    .toSorted((one, other) => {
      const order =
        key === 'label'
          ? one.label.localeCompare(other.label, 'en', { numeric: true })
          : key === 'hourlyUsd'
            ? compare(price(one), price(other))
            : one[key] - other[key];
      const directed = isDown ? -order : order;
      return directed || compare(price(one), price(other)) || compare(one.id, other.id);
    });
}

const compare = <T extends number | string>(one: T, other: T) =>
  one < other ? -1 : one > other ? 1 : 0;
