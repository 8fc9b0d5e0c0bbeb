import type { Cluster } from '../../client/answers.ts';

const HOUR_MS = 3_600_000;

/** The life that a budget affords, in epoch milliseconds. */
export interface Life {
  /** When the first node began to be billed. */
  readonly from: number;
  readonly hours: number;
  readonly teardownAt: number;
}

export interface Mark {
  readonly hour: number;
  readonly x: number;
  readonly label: string | null;
}

export interface Fuse {
  /** Where the spark is: all before it is burnt. */
  readonly burntX: number;
  /** Where the started hour ends: what lies between it and the spark is paid for. */
  readonly paidX: number;
  readonly teardownX: number;
  readonly marks: readonly Mark[];
}

/** null: it burns no more, or its length is not known. */
export function lifeOf(cluster: Cluster): Life | null {
  if (cluster.affordableHours === null || cluster.teardownAt === null) return null;
  const created = cluster.nodes.flatMap(({ createdAt }) =>
    createdAt === null ? [] : [Date.parse(createdAt)],
  );
  return {
    from: created.length > 0 ? Math.min(...created) : Date.parse(cluster.createdAt),
    hours: cluster.affordableHours,
    teardownAt: Date.parse(cluster.teardownAt),
  };
}

/** When the next hour begins to be billed. */
export function nextMark(life: Life, now: number): number {
  const started = Math.max(1, Math.ceil((now - life.from) / HOUR_MS));
  return life.from + started * HOUR_MS;
}

const LABEL_STEPS = [1, 2, 3, 4, 6, 12, 24, 48, 72, 168, 336, 720];
const LABEL_PX_MIN = 38;
const TICK_PX_MIN = 5;

/** Where everything lies on a fuse that is `width` wide. */
export function fuseOf(life: Life, now: number, width: number): Fuse {
  const length = Math.max(1, life.hours) * HOUR_MS;
  const xOf = (at: number) => clamp(((at - life.from) / length) * width, width);
  const pxAnHour = width / Math.max(1, life.hours);
  const stepFor = (px: number) => LABEL_STEPS.find((step) => step * pxAnHour >= px);
  const tickStep = stepFor(TICK_PX_MIN) ?? life.hours;
  const labelStep = stepFor(LABEL_PX_MIN) ?? life.hours;
  const marks: Mark[] = [];
  for (let hour = 0; hour <= life.hours; hour += tickStep) {
    const isLabelled = hour % labelStep === 0;
    marks.push({ hour, x: hour * pxAnHour, label: isLabelled ? `${hour}` : null });
  }
  return {
    burntX: xOf(now),
    paidX: xOf(Math.min(nextMark(life, now), life.from + length)),
    teardownX: xOf(life.teardownAt),
    marks,
  };
}

const clamp = (x: number, width: number) => Math.min(width, Math.max(0, x));

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
