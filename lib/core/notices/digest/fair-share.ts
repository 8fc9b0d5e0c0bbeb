/**
 * The rows that `room` has place for, in their order, and the others. The first row of each owner comes
 * before anybody's second, so that an owner of many clusters does not take the place of others.
 */
export function fairShare<Row extends { readonly owner: string }>(
  rows: readonly Row[],
  room: number,
  sizeOf: (row: Row) => number,
): { readonly kept: readonly Row[]; readonly leftOut: readonly Row[] } {
  const counts = new Map<string, number>();
  const ranked = rows.map((row, index) => {
    const rank = counts.get(row.owner) ?? 0;
    counts.set(row.owner, rank + 1);
    return { row, index, rank };
  });
  const isKept = new Set<number>();
  let left = room;
  for (const { row, index } of ranked.toSorted((a, b) => a.rank - b.rank)) {
    left -= sizeOf(row);
    if (left < 0) break;
    isKept.add(index);
  }
  return {
    kept: rows.filter((_, index) => isKept.has(index)),
    leftOut: rows.filter((_, index) => !isKept.has(index)),
  };
}
