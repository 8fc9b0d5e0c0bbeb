import type { Report } from '../client/answers.ts';
import { unreadableSentence } from '../client/clusters.ts';
import { csvLines } from '../client/csv.ts';
import { dollars } from '../client/money.ts';
import { getReport } from '../client/report.ts';
import { type Context, show } from './context.ts';
import { type Block, facts, printable, table } from './format.ts';

export interface ReportOptions {
  readonly month?: string;
  readonly csv: boolean;
}

const FIELDS = ['clusters', 'nodeHours', 'billedUsd', 'savedUsd', 'overspentUsd'] as const;

export async function report(context: Context, { month, csv }: ReportOptions): Promise<void> {
  const answer = await getReport(context.api(), month);
  show(context, answer, () => (csv ? reportCsv(answer) : reportBlocks(answer)));
}

/** A line for each owner, if they are told, or else one for the month. */
export function reportCsv(answer: Report): readonly string[] {
  const rows = answer.owners ?? [{ owner: '', ...answer }];
  return csvLines(
    ['month', 'owner', ...FIELDS],
    rows.map((row) => [answer.month, row.owner, ...FIELDS.map((field) => row[field])]),
  );
}

function reportBlocks(answer: Report): Block[] {
  const owners = (answer.owners ?? []).map((row) => [
    printable(row.owner),
    `${row.clusters}`,
    `${row.nodeHours}`,
    dollars(row.billedUsd),
    dollars(row.savedUsd),
  ]);
  const missing = unreadableSentence(answer.unreadable);
  return [
    facts([
      ['month', `${answer.month} (UTC)`],
      ['clusters', `${answer.clusters}`],
      ['node hours', `${answer.nodeHours}`],
      ['billed', dollars(answer.billedUsd)],
      ['saved', `${dollars(answer.savedUsd)}, had they been left on until the month's end`],
      ['overspent', dollars(answer.overspentUsd)],
    ]),
    ...(missing === null ? [] : ['', missing]),
    ...(owners.length === 0
      ? []
      : ['', table(['OWNER', 'CLUSTERS', 'NODE HOURS', 'BILLED', 'SAVED'], owners)]),
  ];
}
