/** Makes lines of the bytes of a log, as they come. */
export interface LogLines {
  /** The lines that have ended. */
  push(bytes: Uint8Array): string[];
  /** The line that has not ended, as far as it has come; empty: there is none. */
  open(): string;
  /** The line that has not ended; none if there is none. */
  end(): string[];
}

/** A line that is longer is cut into several. */
const CHARACTERS_MAX = 16_384;

/**
 * Of what a program draws over and over in one line, as progress bars do, the last state is the line.
 * Bytes that are no UTF-8 become U+FFFD.
 */
export function createLogLines(): LogLines {
  const decoder = new TextDecoder();
  let open = '';
  const seen = (line: string) => line.replace(/\r+$/, '').split('\r').at(-1) ?? '';
  function take(text: string): string[] {
    const lines = (open + text).split('\n').flatMap(pieces);
    open = lines.pop() ?? '';
    return lines.map(seen);
  }
  return {
    push: (bytes) => take(decoder.decode(bytes, { stream: true })),
    open: () => seen(open),
    end() {
      const lines = take(decoder.decode());
      const last = open === '' ? [] : [seen(open)];
      open = '';
      return [...lines, ...last];
    },
  };
}

/** A line cut where it is too long. */
function pieces(line: string): string[] {
  if (line.length <= CHARACTERS_MAX) return [line];
  return [line.slice(0, CHARACTERS_MAX), ...pieces(line.slice(CHARACTERS_MAX))];
}

/**
 * What a terminal acts on: sequences that begin with ESC, to their end or to the line's; control
 * characters but the tab; and those that turn the direction of writing.
 */
const ACTIVE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|(?!\t)\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: this is what is looked for
const COLOUR = /^\x1b\[[\d;:]*m$/;

/**
 * A line of a log as a terminal may show it: whatever acts on the terminal is taken out, but for
 * colours, if they are wanted; those end with the line.
 */
export function shownLine(line: string, { colours }: { readonly colours: boolean }): string {
  let isColoured = false;
  const shown = line.replace(ACTIVE, (found) => {
    if (!colours || !COLOUR.test(found)) return '';
    isColoured = true;
    return found;
  });
  return isColoured ? `${shown}\x1b[0m` : shown;
}
