import { dollars } from '../client/money.ts';
/* How things look in a terminal. */

/** Columns two blanks apart; those of numbers alone to the right. The last is never padded. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const isNumeric = head.map(
    (_, column) => rows.length > 0 && rows.every((row) => /^\$?[\d.,]*$/.test(row[column] ?? '')),
  );
  const line = (cells: readonly string[]) =>
    head
      .map((_, column) => {
        const cell = cells[column] ?? '';
        const width = widths[column] ?? 0;
        return isNumeric[column] ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
}

/** Names before values, one a line. */
export function facts(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

/** A text of somebody else's without what could move a terminal's cursor. */
export const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '?');

/** An amount that was typed; whether it is one, the API says. */
export const amountText = (given: unknown): string =>
  typeof given === 'number' ? dollars(given) : printable(`$${given}`);
