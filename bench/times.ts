/**
 * The smallest value that at least the part `at` (0 to 1) of all values do not exceed; NaN of [].
 */
export function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const index = Math.ceil(sorted.length * at) - 1;
  return sorted[Math.max(0, index)] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
