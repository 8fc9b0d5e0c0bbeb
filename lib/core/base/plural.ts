/** `1 node`, `2 nodes`. `many` is the plural of a noun whose plural does not end in s. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;
