import type { Report } from '../client/answers.ts';
import { dollars } from '../client/money.ts';
import { getReport } from '../client/report.ts';
import { type Context, show } from './context.ts';
import { facts, printable, table } from './format.ts';

export interface ReportOptions {
  readonly month?: string;
  readonly csv: boolean;
}

const FIELDS = ['clusters', 'nodeHours', 'billedUsd', 'savedUsd', 'overspentUsd'] as const;

export async function report(context: Context, { month, csv }: ReportOptions): Promise<void> {
  const answer = await getReport(context.api(), month);
  show(context, answer, () => (csv ? csvLines(answer) : reportLines(answer)));
}

/** A line for each owner, if they are told, or else one for the month. */
export function csvLines(answer: Report): string[] {
  const rows = answer.owners ?? [{ owner: '', ...answer }];
  return [
    ['month', 'owner', ...FIELDS].join(','),
    ...rows.map((row) =>
      [answer.month, quoted(row.owner), ...FIELDS.map((field) => row[field])].join(','),
    ),
  ];
}

/** A cell that begins like a formula is one to a spreadsheet, unless it is marked as text. */
function quoted(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function reportLines(answer: Report): string[] {
  const owners = (answer.owners ?? []).map((row) => [
    printable(row.owner),
    `${row.clusters}`,
    `${row.nodeHours}`,
    dollars(row.billedUsd),
    dollars(row.savedUsd),
  ]);
  return [
    ...facts([
      ['month', `${answer.month} (UTC)`],
      ['clusters', `${answer.clusters}`],
      ['node hours', `${answer.nodeHours}`],
      ['billed', dollars(answer.billedUsd)],
      ['saved', `${dollars(answer.savedUsd)}, had they been left on until the month's end`],
      ['overspent', dollars(answer.overspentUsd)],
    ]),
    ...(owners.length === 0
      ? []
      : ['', ...table(['OWNER', 'CLUSTERS', 'NODE HOURS', 'BILLED', 'SAVED'], owners)]),
  ];
}
