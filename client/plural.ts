/** `1 node`, `2 nodes`. `many` is the plural of a noun that takes no s. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;
