import { shownLine } from '../../client/log-lines.ts';

/** A part of a line of a log, to be drawn as text with classes of the stylesheet. */
export interface Span {
  readonly text: string;
  /** Empty: as it is. */
  readonly class: string;
}

/** How text looks, by what came before it in the line. */
interface Look {
  readonly marks: ReadonlySet<Mark>;
  /** 0 to 15; null: as all text. */
  readonly colour: number | null;
  readonly ground: number | null;
}

const MARKS = ['bold', 'dim', 'italic', 'underlined', 'inverse', 'struck'] as const;
type Mark = (typeof MARKS)[number];

const PLAIN: Look = { marks: new Set(), colour: null, ground: null };
/** A line with more has no more colours. */
const SPANS_MAX = 200;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const COLOUR = /\x1b\[([\d;:]*)m/g;

/**
 * A line of a log as text with classes: of all that a terminal acts on, only colours (SGR of ECMA-48)
 * are kept, as one of sixteen that can be read in the light and in the dark.
 */
export function spansOf(line: string): readonly Span[] {
  const shown = shownLine(line, { colours: true });
  const spans: Span[] = [];
  let look = PLAIN;
  let from = 0;
  const add = (text: string) => text !== '' && spans.push({ text, class: classOf(look) });
  for (const found of shown.matchAll(COLOUR)) {
    if (spans.length >= SPANS_MAX) break;
    add(shown.slice(from, found.index));
    from = found.index + found[0].length;
    look = changed(look, found[1] ?? '');
  }
  add(shown.slice(from).replace(COLOUR, ''));
  return spans;
}

const classOf = ({ marks, colour, ground }: Look): string =>
  [
    ...MARKS.filter((mark) => marks.has(mark)),
    ...(colour === null ? [] : [`ink-${colour}`]),
    ...(ground === null ? [] : [`ground-${ground}`]),
  ].join(' ');

/** What each code turns on and off. */
const ON: Readonly<Record<number, Mark>> = {
  ...{ 1: 'bold', 2: 'dim', 3: 'italic', 4: 'underlined', 7: 'inverse', 9: 'struck' },
};
const OFF: Readonly<Record<number, readonly Mark[]>> = {
  ...{ 22: ['bold', 'dim'], 23: ['italic'], 24: ['underlined'], 27: ['inverse'], 29: ['struck'] },
};

function changed(before: Look, parameters: string): Look {
  // 38:2::r:g:b has a place for the space of colours, which 38;2;r;g;b lacks.
  const plain = parameters.replace(/([34]8:2):\d*:(?=\d*:\d*:\d)/g, '$1:');
  const codes = plain.split(/[;:]/).map(Number);
  let look = before;
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 38 || code === 48) {
      const { colour, used } = extended(codes.slice(at + 1));
      look = { ...look, [code === 38 ? 'colour' : 'ground']: colour };
      at += used;
    } else look = after(look, code);
  }
  return look;
}

function after(look: Look, code: number): Look {
  const [mark, ended] = [ON[code], OFF[code]];
  const [tens, ones] = [Math.floor(code / 10), code % 10];
  if (code === 0) return PLAIN;
  if (mark !== undefined) return { ...look, marks: new Set([...look.marks, mark]) };
  if (ended !== undefined) {
    return { ...look, marks: new Set([...look.marks].filter((one) => !ended.includes(one))) };
  }
  const isBright = tens === 9 || tens === 10;
  if (ones < 8 && (tens === 3 || tens === 9)) return { ...look, colour: ones + (isBright ? 8 : 0) };
  if (ones < 8 && (tens === 4 || tens === 10)) {
    return { ...look, ground: ones + (isBright ? 8 : 0) };
  }
  if (code === 39) return { ...look, colour: null };
  return code === 49 ? { ...look, ground: null } : look;
}

/** The colour that follows 38 or 48: `5;n` of 256, or `2;r;g;b`. `used`: how many codes it takes. */
function extended([kind, ...rest]: readonly number[]) {
  const [first = 0, second = 0, third = 0] = rest;
  if (kind === 5) return { colour: ofTable(first), used: 2 };
  if (kind === 2) return { colour: nearest(first, second, third), used: 4 };
  return { colour: null, used: 1 };
}

/** One of the table of 256: the sixteen, a cube of six by six by six, and 24 greys. */
function ofTable(index: number): number | null {
  if (index > 255) return null;
  if (index < 16) return index;
  if (index >= 232) return nearest(...grey(8 + (index - 232) * 10));
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40);
  const cube = index - 16;
  return nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

const grey = (level: number): [number, number, number] => [level, level, level];
/** With less difference between its parts, a colour is a grey. */
const HUE_MIN = 40;

/** The nearest of the sixteen to a colour, whose parts are 0 to 255. */
function nearest(red: number, green: number, blue: number): number {
  const [least, most] = [Math.min(red, green, blue), Math.max(red, green, blue)];
  if (most - least < HUE_MIN) return most < 64 ? 0 : most < 150 ? 8 : most < 220 ? 7 : 15;
  const half = (least + most) / 2;
  const hue = (red > half ? 1 : 0) + (green > half ? 2 : 0) + (blue > half ? 4 : 0);
  return hue + (most > 210 ? 8 : 0);
}
