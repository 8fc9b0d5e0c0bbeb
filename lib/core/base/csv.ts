/** null is an empty cell. */
export type Cell = string | number | null;

/** A table as the lines that RFC 4180 describes, without line breaks at the lines' ends. */
export const csvLines = (
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
): readonly string[] => [head, ...rows].map((row) => row.map(cellText).join(','));

/**
 * Marks a text that begins like a formula as text, so that no spreadsheet runs a cluster's name.
 */
function cellText(cell: Cell): string {
  const text = `${cell ?? ''}`;
  const safe = typeof cell === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
