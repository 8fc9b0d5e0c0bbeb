/**
 * Calls `work` for each item, in order, with at most `limit` items under way at once. If `work`
 * throws, or reading the items fails, it starts no further item, and throws the first error once
 * the items under way have ended. A caller that wants every item done must catch errors inside
 * `work`.
 */
export async function forEachAtMost<T>(
  limit: number,
  items: Iterable<T> | AsyncIterable<T>,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const errors: unknown[] = [];
  const start = async (item: T) => {
    try {
      await work(item);
    } catch (error) {
      errors.push(error);
    }
  };
  try {
    for await (const item of items) {
      const started = start(item).then(() => void underWay.delete(started));
      underWay.add(started);
      if (underWay.size >= limit) await Promise.race(underWay);
      if (errors.length > 0) break;
    }
  } finally {
    await Promise.all(underWay);
  }
  if (errors.length > 0) throw errors[0];
}
