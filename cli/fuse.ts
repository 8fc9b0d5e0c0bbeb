import type { Cluster } from '../client/answers.ts';
import { isLive, nodesReady } from '../client/clusters.ts';
import { countdown } from '../client/durations.ts';
import { endWords, untilTeardown } from '../client/end.ts';
import { type Fuse, fuseOf, lifespanOf, markStep } from '../client/fuse.ts';
import { dollars } from '../client/money.ts';
import { plural } from '../client/plural.ts';
import { fullTime } from '../client/times.ts';
import { printable } from './format.ts';

export interface Look {
  /** How many columns a line may take. */
  readonly width: number;
  /** What burnt, what is paid and not over, what lies ahead, and an hour mark. */
  readonly cells: { readonly burnt: string; readonly paid: string; readonly left: string };
  readonly mark: string;
}

export const asciiLook = (width: number): Look => ({
  width,
  cells: { burnt: '#', paid: '=', left: '.' },
  mark: '|',
});

export const blockLook = (width: number): Look => ({
  width,
  cells: { burnt: '█', paid: '▒', left: '░' },
  mark: '│',
});

const CELLS_MAX = 8;

/** null: on its way out, or gone. */
export function fuseAt(cluster: Cluster, nowMs: number): Fuse | null {
  const lifespan = lifespanOf(cluster);
  return lifespan === null ? null : fuseOf(lifespan, nowMs);
}

/** `|####|==..|....|`: as many cells between two marks as fit, and a mark for every hour if so. */
export function drawBar({ hours, burnt, paid }: Fuse, { width, cells, mark }: Look): string {
  if (hours <= 0) return mark;
  const step = markStep(hours, (some) => Math.ceil(hours / some) * 2 + 1 <= width);
  const segments = Math.ceil(hours / step);
  const perSegment = Math.max(1, Math.min(CELLS_MAX, Math.floor((width - 1) / segments) - 1));
  const drawn = Array.from({ length: segments }, (_, index) => {
    const from = index * step;
    const to = Math.min(hours, from + step);
    const count = Math.max(1, Math.round((perSegment * (to - from)) / step));
    const cellHours = (to - from) / count;
    return Array.from({ length: count }, (_unused, cell) => {
      const middle = from + (cell + 0.5) * cellHours;
      if (middle <= burnt) return cells.burnt;
      return middle <= paid ? cells.paid : cells.left;
    }).join('');
  });
  return `${mark}${drawn.join(mark)}${mark}`;
}

const NODES_BAR_MAX = 60;

/** `|####====....|`: what part of the nodes is up, is created and not up, and is neither. */
export function nodesBar({ nodes }: Pick<Cluster, 'nodes'>, { width, cells, mark }: Look): string {
  const columns = Math.min(width - 2, NODES_BAR_MAX);
  const columnsOf = (count: number) => Math.floor((columns * count) / nodes.length);
  const up = columnsOf(nodes.filter(({ status }) => status === 'running').length);
  const created = columnsOf(nodes.filter(({ createdAt }) => createdAt !== null).length);
  const [burnt, paid] = [cells.burnt.repeat(up), cells.paid.repeat(Math.max(0, created - up))];
  return `${mark}${(burnt + paid).padEnd(columns, cells.left)}${mark}`;
}

export const titleOf = ({ id, name }: Pick<Cluster, 'id' | 'name'>): string =>
  name === null ? id : `${id} "${printable(name)}"`;

export const money = ({ spentUsd, budgetUsd, leftUsd }: Cluster): string =>
  `${dollars(spentUsd)} of ${dollars(budgetUsd)} spent, ${dollars(leftUsd)} left`;

export function ending(cluster: Cluster, nowMs: number): string {
  const left = untilTeardown(cluster, nowMs);
  if (left === null) return isLive(cluster) ? 'being destroyed' : 'over';
  const at = fullTime(nowMs + left, nowMs);
  return left < 0 ? `teardown was due ${at}` : `teardown in ${countdown(left)}, ${at}`;
}

/** As it is drawn again and again in a terminal. */
export function fuseLines(cluster: Cluster, nowMs: number, look: Look): string[] {
  const fuse = fuseAt(cluster, nowMs);
  const head = `${titleOf(cluster)}  ${cluster.status}, ${nodesReady(cluster)}`;
  const bar =
    fuse === null
      ? []
      : [
          `${drawBar(fuse, look)}`,
          `${fuse.burnt.toFixed(2)} of ${plural(fuse.hours, 'hour')} burnt`,
        ];
  return [head, ...bar, ending(cluster, nowMs), money(cluster)];
}

/** For a file or a pipe. */
export function fuseLine(cluster: Cluster, nowMs: number, look: Look): string {
  const fuse = fuseAt(cluster, nowMs);
  const parts = [
    `${cluster.status}, ${nodesReady(cluster)}`,
    ...(fuse === null ? [] : [drawBar(fuse, look)]),
    money(cluster),
    ending(cluster, nowMs),
  ];
  return parts.join('  ');
}

export function endSentence(cluster: Cluster): string {
  const why = cluster.failure ?? endWords(cluster);
  const how = cluster.status === 'failed' ? 'has failed and is gone' : 'is gone';
  const [spent, budget] = [dollars(cluster.spentUsd), dollars(cluster.budgetUsd)];
  const reason = why === '' ? '' : `: ${printable(why).replace(/\.$/, '')}`;
  return `${titleOf(cluster)} ${how}${reason}. It cost ${spent} of its budget of ${budget}.`;
}
