import type { Cluster } from '../../client/answers.ts';

const COLUMNS: readonly (readonly [string, (cluster: Cluster) => string | number | null])[] = [
  ['id', ({ id }) => id],
  ['name', ({ name }) => name],
  ['owner', ({ owner }) => owner],
  ['nodes', ({ nodes }) => nodes.length],
  ['type', ({ type }) => type],
  ['region', ({ region }) => region],
  ['launched', ({ createdAt }) => createdAt],
  ['ended', ({ endedAt }) => endedAt],
  ['end_reason', ({ endReason }) => endReason],
  ['hourly_usd', ({ hourlyUsd }) => hourlyUsd],
  ['billed_usd', ({ spentUsd }) => spentUsd],
  ['budget_usd', ({ budgetUsd }) => budgetUsd],
  ['overspent_usd', ({ overspentUsd }) => overspentUsd ?? 0],
];

/** As RFC 4180 has it. */
export function csvOf(clusters: readonly Cluster[]): string {
  const head = COLUMNS.map(([name]) => name);
  const rows = clusters.map((cluster) => COLUMNS.map(([, value]) => cell(value(cluster))));
  return [head, ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

/** A spreadsheet must not take a name for a formula. */
function cell(value: string | number | null): string {
  const text = value === null ? '' : String(value);
  const safe = typeof value === 'string' && /^[=+\-@\t]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
