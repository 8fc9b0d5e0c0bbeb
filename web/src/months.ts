/* Calendar months as the API names them, such as 2026-11; UTC, as bills are. */

export const monthOf = (at: number): string => new Date(at).toISOString().slice(0, 7);

export function monthBefore(month: string, back: number): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return monthOf(Date.UTC(year, number - 1 - back));
}

/** So many months up to `last`, the earliest first. */
export const monthsUpTo = (last: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, back) => monthBefore(last, back)).reverse();

/** So many of the months side by side: the last ones, or the last ones up to `chosen`. */
export function barsAround(
  months: readonly string[],
  chosen: string,
  count: number,
): readonly string[] {
  const isLate = months.slice(-count).includes(chosen);
  const end = isLate ? months.length : Math.max(count, months.indexOf(chosen) + 1);
  return months.slice(Math.max(0, end - count), end);
}

/** The years to write below months side by side: of the first, and of each that begins a year. */
export const yearsBelow = (months: readonly string[]): readonly (string | null)[] =>
  months.map((month, index) => (index === 0 || month.endsWith('-01') ? month.slice(0, 4) : null));

const inWords = (month: string, style: 'short' | 'long', year: object) =>
  new Intl.DateTimeFormat('en', { month: style, timeZone: 'UTC', ...year }).format(
    Date.parse(`${month}-01T00:00:00Z`),
  );

export const monthTitle = (month: string): string => inWords(month, 'long', { year: 'numeric' });

export const monthShort = (month: string): string => inWords(month, 'short', {});
