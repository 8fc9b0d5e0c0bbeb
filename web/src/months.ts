/* Calendar months as the API names them, such as 2026-11; UTC, as bills are. */

export const monthOf = (at: number): string => new Date(at).toISOString().slice(0, 7);

export function monthBefore(month: string, back: number): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return monthOf(Date.UTC(year, number - 1 - back));
}

const inWords = (month: string, style: 'short' | 'long', year: object) =>
  new Intl.DateTimeFormat('en', { month: style, timeZone: 'UTC', ...year }).format(
    Date.parse(`${month}-01T00:00:00Z`),
  );

export const monthTitle = (month: string): string => inWords(month, 'long', { year: 'numeric' });

export const monthShort = (month: string): string => inWords(month, 'short', {});
