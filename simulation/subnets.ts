import type { ClusterId } from '../lib/core/base/names.ts';

/** A part of the addresses, as a subnet of the records or as a Linode got it. */
export interface Range {
  readonly cluster: ClusterId;
  /** The first address and the first after the last, as numbers. */
  readonly from: number;
  readonly to: number;
}

/** The range of an address with the length of its prefix, such as `10.128.0.1/24`. */
export function rangeOf(cluster: ClusterId, address: string): Range {
  const [ip = '', bits] = address.split('/');
  const number = ip.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = 2 ** (32 - Number(bits));
  const from = Math.floor(number / size) * size;
  return { cluster, from, to: from + size };
}

/** Two clusters whose ranges have an address in common; null: there are none. */
export function sharingIn(ranges: readonly Range[]): readonly [ClusterId, ClusterId] | null {
  const sorted = ranges.toSorted((a, b) => a.from - b.from || a.to - b.to);
  // Ranges of one cluster are the same, or it is at fault itself; so only neighbours can overlap.
  let last: Range | null = null;
  for (const range of sorted) {
    if (last !== null && range.from < last.to && range.cluster !== last.cluster) {
      return [last.cluster, range.cluster];
    }
    if (last === null || range.to >= last.to) last = range;
  }
  return null;
}
