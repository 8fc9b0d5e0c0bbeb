/**
 * Does `work` on each item, begun in order, with at most `limit` items under way at once. Where
 * `work` throws, or the items can't be read on, no further item is begun, and the error is thrown
 * once those under way have ended. A caller that wants the other items done all the same catches
 * inside `work`.
 */
export async function forEachAtMost<T>(
  limit: number,
  items: Iterable<T> | AsyncIterable<T>,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const errors: unknown[] = [];
  const begin = async (item: T) => {
    try {
      await work(item);
    } catch (error) {
      errors.push(error);
    }
  };
  try {
    for await (const item of items) {
      const one = begin(item).then(() => void underWay.delete(one));
      underWay.add(one);
      if (underWay.size >= limit) await Promise.race(underWay);
      if (errors.length > 0) break;
    }
  } finally {
    await Promise.all(underWay);
  }
  if (errors.length > 0) throw errors[0];
}
