import { shownLine } from '../../client/log-lines.ts';

/** A line of a log that is held. */
export interface HeldLine {
  /** Counts up from line to line. */
  readonly id: number;
  /** As it was printed. */
  readonly printed: string;
  /** Its text without colours. */
  readonly text: string;
}

/** The last lines of a log, within bounds. */
export interface Held {
  readonly lines: readonly HeldLine[];
  /** How many characters the lines have. */
  readonly characters: number;
  readonly nextId: number;
}

export const NOTHING_HELD: Held = { lines: [], characters: 0, nextId: 0 };

export const LINES_MAX = 20_000;
export const CHARACTERS_MAX = 4_000_000;

/** With more lines, and without as many of the first as there are too many. */
export function withLines(held: Held, printed: readonly string[]): Held {
  let { characters, nextId } = held;
  const more = printed.slice(-LINES_MAX).map((line) => {
    characters += line.length;
    nextId += 1;
    return { id: nextId, printed: line, text: shownLine(line, { colours: false }) };
  });
  const all = [...held.lines, ...more];
  let first = Math.max(0, all.length - LINES_MAX);
  for (const { printed } of all.slice(0, first)) characters -= printed.length;
  for (; characters > CHARACTERS_MAX; first += 1) characters -= all[first]?.printed.length ?? 0;
  return { lines: first === 0 ? all : all.slice(first), characters, nextId };
}

/** The lines with a text in them, whatever its case; all where it is blank. */
export function linesWith(lines: readonly HeldLine[], sought: string): readonly HeldLine[] {
  const text = sought.trim().toLowerCase();
  return text === '' ? lines : lines.filter((line) => line.text.toLowerCase().includes(text));
}
