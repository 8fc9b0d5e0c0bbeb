import { fuseOf, type Lifespan, markStep } from '../../client/fuse.ts';

export interface Mark {
  readonly hour: number;
  readonly x: number;
  readonly label: string | null;
}

/** Where everything lies on a drawn fuse, in pixels from its left end. */
export interface FuseLayout {
  readonly burntX: number;
  readonly paidX: number;
  readonly cutX: number;
  readonly marks: readonly Mark[];
}

const LABEL_PX_MIN = 38;
const TICK_PX_MIN = 5;

/** A fuse that is `width` pixels wide. */
export function layOut(lifespan: Lifespan, now: number, width: number): FuseLayout {
  const { hours, burnt, paid, cut } = fuseOf(lifespan, now);
  const xOf = (place: number) => (place / Math.max(1, hours)) * width;
  const stepFor = (px: number) => markStep(hours, (step) => xOf(step) >= px);
  const tickStep = stepFor(TICK_PX_MIN);
  const labelStep = stepFor(LABEL_PX_MIN);
  const marks: Mark[] = [];
  for (let hour = 0; hour <= hours; hour += tickStep) {
    const isLabelled = hour % labelStep === 0;
    marks.push({ hour, x: xOf(hour), label: isLabelled ? `${hour}` : null });
  }
  return { burntX: xOf(burnt), paidX: xOf(paid), cutX: xOf(cut), marks };
}

const POINT_PX = 6;

/** How high the cord lies at `x`. No cord lies straight, and none in even waves. */
export const cordY = (x: number): number => 2.4 * Math.sin(x / 31) + 1.6 * Math.sin(x / 83 + 1.3);

/** A path along the cord, for the attribute `d`; empty where it has no length. */
export function cordPath(fromX: number, toX: number, y: number): string {
  if (toX <= fromX) return '';
  const xs = [fromX];
  for (let x = Math.ceil((fromX + 1) / POINT_PX) * POINT_PX; x < toX; x += POINT_PX) xs.push(x);
  xs.push(toX);
  return xs
    .map((x, index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${(y + cordY(x)).toFixed(1)}`)
    .join('');
}
