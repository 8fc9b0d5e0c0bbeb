import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type Counts, costOf, totalOf } from './counts.ts';
import { type PriceName, prices } from './prices.ts';

/** The numbers of alarms in stack/: of those that are always there, and of all. */
export function alarmsDeclared(): { readonly always: number; readonly all: number } {
  const folder = new URL('../stack/', import.meta.url);
  const alarms = readdirSync(folder)
    .flatMap((name) => {
      const text = readFileSync(new URL(name, folder), 'utf8');
      const { Resources = {} } = parse(text, { logLevel: 'silent' }) as {
        Resources?: Readonly<
          Record<string, { readonly Type: string; readonly Condition?: string }>
        >;
      };
      return Object.values(Resources);
    })
    .filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm');
  const always = alarms.filter(({ Condition }) => Condition === undefined);
  return { always: always.length, all: alarms.length };
}

/** Counts by the names of their columns. */
type Columns = Readonly<Record<string, Counts>>;

/** A table of all calls, with their numbers, units and costs in each column. */
export function table(columns: Columns): string {
  const all = Object.values(columns);
  const calls = [...new Set(all.flatMap((counts) => [...counts.keys()]))].sort();
  const rows = calls.map((call) => [
    call,
    ...all.flatMap((counts) => {
      const count = counts.get(call);
      if (count === undefined || Math.abs(count.units) < 1e-9) return ['', '', ''];
      const unit = prices[count.price].unit;
      return [amount(count.calls), `${amount(count.units)} ${unit}`, dollars(costOf(count))];
    }),
  ]);
  const heads = Object.keys(columns).flatMap((name) => [`${name}: times`, 'uses', '$']);
  const totals = all.flatMap((counts) => ['', '', dollars(totalOf(counts))]);
  return markdown([['what', ...heads], ...rows, ['all', ...totals]]);
}

const SERVICES: readonly (readonly [name: string, prices: readonly PriceName[]])[] = [
  ['Lambda: time', ['lambdaGbSecond']],
  ['Lambda: requests', ['lambdaRequest']],
  ['DynamoDB: writes', ['writeUnit']],
  ['DynamoDB: reads', ['readUnit']],
  ['DynamoDB: storage, recovery', ['tableByteMonth', 'backupByteMonth']],
  ['Secrets Manager: calls', ['secretCall']],
  ['Secrets Manager: the secret', ['secretMonth']],
  ['API Gateway', ['httpRequest']],
  ['CloudWatch Logs', ['logByte', 'logByteMonth']],
  ['CloudWatch metrics', ['metricMonth']],
  ['CloudWatch alarms', ['alarmMonth']],
  ['EventBridge ticks', ['ruleInvocation']],
  ['S3: requests', ['s3Write', 's3Read']],
  ['S3: storage', ['s3ByteMonth']],
  ['data sent to the internet', ['byteOut']],
];

/** A table of the costs of each column, by AWS's services. */
export function summary(columns: Columns): string {
  const cost = (counts: Counts, names: readonly PriceName[]) =>
    totalOf(new Map([...counts].filter(([, { price }]) => names.includes(price))));
  const rows = SERVICES.map(([name, names]) => [
    name,
    ...Object.values(columns).map((counts) => dollars(cost(counts, names))),
  ]);
  const totals = Object.values(columns).map((counts) => dollars(totalOf(counts)));
  return markdown([['$', ...Object.keys(columns)], ...rows, ['all', ...totals]]);
}

/** All prices, with AWS's pages. */
export const sources = (): string =>
  Object.values(prices)
    .map(({ usd, per, unit, page }) => `  $${usd} for ${per} ${unit}: ${page}`)
    .join('\n');

export const dollars = (usd: number): string => (Math.abs(usd) < 5e-8 ? '0' : usd.toFixed(6));

function amount(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : 1;
  return value.toFixed(digits).replace(/\.0$/, '').replace(/^-0$/, '0');
}

export function markdown([heads = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const padded = (cell: string, at: number) =>
    at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0);
  const line = (cells: readonly string[]) => `| ${cells.map(padded).join(' | ')} |`;
  const rule = widths.map((width, at) =>
    at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(heads), line(rule), ...rows.map(line)].join('\n');
}
