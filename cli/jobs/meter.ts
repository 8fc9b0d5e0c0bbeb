import { bytesWords } from '../../client/bytes.ts';
import { roughly } from '../../client/durations.ts';
import type { Look } from '../fuse.ts';
import type { Terminal } from '../terminal.ts';

/** Shows how far a transfer is. */
export interface Meter {
  /** `bytes` of all are done. */
  at(bytes: number): void;
  /** All is done. */
  done(): void;
}

/** How often a terminal is drawn anew, and how often a file or a pipe gets a line. */
const DRAW_MS = 200;
const LINE_MS = 10_000;
const BAR_MAX = 40;

/**
 * A bar with size and rate in a terminal; else lines on stderr, ten seconds apart, and one at the end.
 * `doing` is what happens, such as `Uploading`. `now` is in milliseconds.
 */
export function createMeter(
  terminal: Pick<Terminal, 'canRedraw' | 'redraw' | 'settle' | 'note' | 'look'>,
  { doing, total, isDrawn }: { doing: string; total: number; isDrawn: boolean },
  now: () => number = Date.now,
): Meter {
  const begun = now();
  let told = begun;
  let done = 0;
  const words = () => {
    const seconds = Math.max(0.001, (now() - begun) / 1_000);
    const rate = done / seconds;
    const left =
      rate > 0 && done < total ? `, ${roughly(((total - done) / rate) * 1_000)} left` : '';
    return `${bytesWords(done)} of ${bytesWords(total)}, ${bytesWords(Math.round(rate))}/s${left}`;
  };
  const draw = () =>
    terminal.redraw([
      `${doing}  ${bar(total === 0 ? 1 : done / total, terminal.look())}  ${words()}`,
    ]);
  return {
    at(bytes) {
      done = bytes;
      if (now() - told < (isDrawn ? DRAW_MS : LINE_MS)) return;
      told = now();
      if (isDrawn) draw();
      else terminal.note(`${doing}: ${words()}`);
    },
    done() {
      done = total;
      if (isDrawn) {
        draw();
        terminal.settle();
      } else
        terminal.note(
          `${doing}: ${bytesWords(total)} in ${((now() - begun) / 1_000).toFixed(1)} s.`,
        );
    },
  };
}

function bar(part: number, { width, cells, mark }: Look): string {
  const columns = Math.min(BAR_MAX, Math.max(10, width - BAR_MAX));
  const full = Math.round(columns * Math.min(1, part));
  return `${mark}${cells.burnt.repeat(full)}${cells.left.repeat(columns - full)}${mark}`;
}
