import { dollars } from '../client/money.ts';
import { ADMIN } from '../client/owners.ts';

/* How things look in a terminal. */

/** A part of an answer. `layOut` makes lines of it, which fit the terminal. */
export type Block = string | Table | Facts | Entry;

interface Table {
  readonly kind: 'table';
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

interface Facts {
  readonly kind: 'facts';
  readonly rows: readonly Pair[];
}

interface Entry {
  readonly kind: 'entry';
  readonly when: string;
  readonly what: string;
}

type Pair = readonly [name: string, value: string];

/** Columns two blanks apart; those of numbers alone to the right. */
export const table = (head: Table['head'], rows: Table['rows']): Block => ({
  ...{ kind: 'table', head, rows },
});

/** Names before values, one a line. */
export const facts = (rows: readonly Pair[]): Block => ({ kind: 'facts', rows });

/** A line of a history. */
export const entry = (when: string, what: string): Block => ({ kind: 'entry', when, what });

export interface Layout {
  /** How many columns a line may have; Infinity where nobody looks, as in a pipe. */
  readonly columns: number;
  /** How the times of a history are painted. */
  readonly dim: (text: string) => string;
}

/** The narrowest column of text that is worth its place beside another. */
const BESIDE_MIN = 24;

/** The lines of the blocks. Only a word that is longer than a line is wider than the terminal. */
export const layOut = (blocks: readonly Block[], layout: Layout): string[] =>
  blocks.flatMap((block) => linesOf(block, layout));

function linesOf(block: Block, { columns, dim }: Layout): string[] {
  if (typeof block === 'string') return wrapped(block, columns);
  switch (block.kind) {
    case 'table':
      return tableLines(block, columns);
    case 'facts':
      return factLines(block.rows, columns);
    case 'entry':
      return beside(block.when, block.what, columns, dim);
  }
}

/** The block with other texts. */
export function mapTexts(block: Block, change: (text: string) => string): Block {
  if (typeof block === 'string') return change(block);
  switch (block.kind) {
    case 'table':
      return table(
        block.head,
        block.rows.map((row) => row.map(change)),
      );
    case 'facts':
      return facts(block.rows.map(([name, value]) => [name, change(value)]));
    case 'entry':
      return entry(block.when, change(block.what));
  }
}

/** A table that is too wide becomes a block for each row, with a line for each cell. */
function tableLines({ head, rows }: Table, columns: number): string[] {
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
  const lines = [line(head), ...rows.map(line)];
  if (lines.every(({ length }) => length <= columns)) return lines;
  const pairs = (row: readonly string[]): Pair[] =>
    row.flatMap((cell, column) => (cell === '' ? [] : [[head[column] ?? '', cell] as const]));
  return rows.flatMap((row, index) => [
    ...(index === 0 ? [] : ['']),
    ...factLines(pairs(row), columns),
  ]);
}

function factLines(rows: readonly Pair[], columns: number): string[] {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.flatMap(([name, value]) => beside(name.padEnd(width), value, columns));
}

/** The text to the right of the label, or below the label where too little would fit beside it. */
function beside(label: string, text: string, columns: number, paint = (words: string) => words) {
  const indent = label.length + 2;
  if (columns - indent < BESIDE_MIN) {
    return [paint(label.trimEnd()), ...wrapped(text, columns - 2).map((line) => `  ${line}`)];
  }
  const [first = '', ...others] = wrapped(text, columns - indent);
  return [`${paint(label)}  ${first}`, ...others.map((line) => `${' '.repeat(indent)}${line}`)];
}

/** The text in lines of so many columns, which end between words. */
export function wrapped(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => {
    if (line.length <= columns) return [line];
    const lines: string[] = [];
    let current = '';
    for (const word of line.split(' ')) {
      if (current === '') current = word;
      else if (current.length + 1 + word.length <= columns) current += ` ${word}`;
      else {
        lines.push(current);
        current = word;
      }
    }
    return [...lines, current];
  });
}

/**
 * Whether to name the owners: of the admin's own things nobody asks. (An owner who is not the admin
 * sees the own name only.)
 */
export const areOfOthers = (things: readonly { readonly owner: string }[]): boolean =>
  things.some(({ owner }) => owner !== ADMIN);

/** A text of somebody else's without what could move a terminal's cursor. */
export const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '?');

/** An amount that was typed; whether it is one, the API says. */
export const amountText = (given: unknown): string =>
  typeof given === 'number' ? dollars(given) : printable(`$${given}`);
