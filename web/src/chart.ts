import type { Report } from '../../client/answers.ts';

export interface Bar {
  readonly month: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Chart {
  readonly bars: readonly Bar[];
  readonly lines: readonly { readonly usd: number; readonly y: number }[];
  /** null: there is no cap. */
  readonly capY: number | null;
}

const LINES = 3;
const BAR_SHARE = 0.5;
const BAR_PX_MAX = 72;
/** What was billed is seen, however little. */
const HEIGHT_PX_MIN = 2;

/** Months side by side, with the scale's top at a round amount above all of them and the cap. */
export function chartOf(
  reports: readonly Pick<Report, 'month' | 'billedUsd'>[],
  capUsd: number | null,
  size: { readonly width: number; readonly height: number },
): Chart {
  const top = roundUp(Math.max(...reports.map(({ billedUsd }) => billedUsd), capUsd ?? 0));
  const yOf = (usd: number) => size.height * (1 - usd / top);
  const step = size.width / reports.length;
  const width = Math.min(BAR_PX_MAX, step * BAR_SHARE);
  return {
    bars: reports.map(({ month, billedUsd }, index) => {
      const height = billedUsd === 0 ? 0 : Math.max(HEIGHT_PX_MIN, size.height - yOf(billedUsd));
      const x = step * index + (step - width) / 2;
      return { month, x, y: size.height - height, width, height };
    }),
    lines: Array.from({ length: LINES }, (_, index) => {
      const usd = (top * (index + 1)) / LINES;
      return { usd, y: yOf(usd) };
    }),
    capY: capUsd === null ? null : yOf(capUsd),
  };
}

/** To the next of 1.5, 3, 6 or 9 times a power of ten, of which a third is a round amount too. */
function roundUp(usd: number): number {
  if (usd <= 0) return 3;
  const power = 10 ** Math.floor(Math.log10(usd));
  const step = [1.5, 3, 6, 9, 15].find((times) => usd <= times * power * (1 + 1e-9)) ?? 15;
  return step * power;
}
