export type Cell = string | number | null;

/** A table in lines as RFC 4180 has them, without their ends; null is an empty cell. */
export const csvLines = (
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
): readonly string[] => [head, ...rows].map((row) => row.map(cellText).join(','));

/** A text that begins as a formula does is marked as text, or a spreadsheet would run it. */
function cellText(cell: Cell): string {
  const text = `${cell ?? ''}`;
  const safe = typeof cell === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
