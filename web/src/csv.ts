import type { Cluster } from '../../client/answers.ts';
import { csvLines } from '../../client/csv.ts';

/** Named as the API names them. */
const COLUMNS = [
  'id',
  'name',
  'owner',
  'nodes',
  'type',
  'region',
  'createdAt',
  'endedAt',
  'endReason',
  'hourlyUsd',
  'spentUsd',
  'budgetUsd',
  'overspentUsd',
] as const satisfies (keyof Cluster)[];

/** A file with a line for each cluster. */
export function csvOf(clusters: readonly Cluster[]): string {
  const rows = clusters.map((cluster) => {
    const cells = { ...cluster, nodes: cluster.nodes.length };
    return COLUMNS.map((column) => cells[column] ?? null);
  });
  return csvLines(COLUMNS, rows)
    .map((line) => `${line}\r\n`)
    .join('');
}
