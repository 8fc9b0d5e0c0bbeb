import type { Report } from '../client/answers.ts';
import {
  beyondRecordUsd,
  billCsv,
  differencesByKind,
  kindNames,
  learntSentences,
} from '../client/bill.ts';
import { unreadableSentence } from '../client/clusters.ts';
import { difference, dollars, invoiced } from '../client/money.ts';
import { plural } from '../client/plural.ts';
import { getReport } from '../client/report.ts';
import { type Context, show } from './context.ts';
import { type Block, facts, printable, table } from './format.ts';

export interface ReportOptions {
  readonly month?: string;
  readonly csv: boolean;
}

export async function report(context: Context, { month, csv }: ReportOptions): Promise<void> {
  const answer = await getReport(context.api(), month);
  show(context, answer, () => (csv ? billCsv(answer) : reportBlocks(answer)));
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
      ['forecast', answer.forecastUsd === null ? '–' : dollars(answer.forecastUsd)],
      ['billed', dollars(answer.billedUsd)],
      ['invoiced', invoicedText(answer)],
      ['saved', `${dollars(answer.savedUsd)}, had they been left on until the month's end`],
      ['overspent', dollars(answer.overspentUsd)],
    ]),
    ...differenceBlocks(answer),
    ...learntSentences(answer).flatMap((sentence) => ['', sentence]),
    ...(missing === null ? [] : ['', missing]),
    ...(owners.length === 0
      ? []
      : ['', table(['OWNER', 'CLUSTERS', 'NODE HOURS', 'BILLED', 'SAVED'], owners)]),
  ];
}

/** What Linode has invoiced, without taxes, and how much more that is than recorded. */
function invoicedText(answer: Report): string {
  const { invoicedUsd, taxUsd } = answer;
  if (invoicedUsd === null) return 'not yet';
  const more = beyondRecordUsd(answer) ?? 0;
  const tax = taxUsd === null ? '' : `, and ${invoiced(taxUsd)} of taxes`;
  return `${invoiced(invoicedUsd)}${more === 0 ? '' : ` (${difference(more)})`}${tax}`;
}

function differenceBlocks(answer: Report): Block[] {
  const kinds = differencesByKind(answer).map(({ kind, usd, clusters, advice }) => [
    kindNames[kind],
    difference(usd),
    clusters === 0 ? 'no cluster' : plural(clusters, 'cluster'),
    advice,
  ]);
  return kinds.length === 0 ? [] : ['', table(['DIFFERENCE', 'USD', 'OF', 'WHAT TO DO'], kinds)];
}
