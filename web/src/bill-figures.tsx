import type { Report } from '../../client/answers.ts';
import {
  beyondRecordUsd,
  differencesByKind,
  kindNames,
  learntSentences,
} from '../../client/bill.ts';
import { difference, dollars, invoiced } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { monthTitle } from './months.ts';

/** What the month came to: by the quotes, by Onebuck's reckoning, and by Linode's invoices. */
export function BillFigures({ report }: { report: Report }) {
  const { month, forecastUsd, billedUsd, invoicedUsd, taxUsd } = report;
  const more = beyondRecordUsd(report);
  return (
    <>
      <h2>{monthTitle(month)}</h2>
      <div class="bill">
        <Figure label="Forecast" hint="by the quotes at launch">
          {forecastUsd === null ? '–' : dollars(forecastUsd)}
        </Figure>
        <Figure label="Recorded" hint="by Onebuck’s reckoning" isMain>
          {dollars(billedUsd)}
        </Figure>
        <Figure
          label="Invoiced"
          hint={
            invoicedUsd === null
              ? 'Linode’s invoice does not cover it yet'
              : `by Linode${taxUsd === null ? '' : `, and ${invoiced(taxUsd)} of taxes`}`
          }
        >
          {invoicedUsd === null ? 'not yet' : invoiced(invoicedUsd)}
        </Figure>
        {more !== null && (
          <Figure label="Difference" hint="invoiced beyond recorded">
            {difference(more)}
          </Figure>
        )}
      </div>
      <Differences report={report} />
      {learntSentences(report).map((sentence) => (
        <p key={sentence} class="meta">
          {sentence}
        </p>
      ))}
      <div class="figures">
        <Small label="saved against leaving them on">{dollars(report.savedUsd)}</Small>
        <Small label={report.clusters === 1 ? 'cluster' : 'clusters'}>{report.clusters}</Small>
        <Small label="node hours">{report.nodeHours}</Small>
        {report.overspentUsd > 0 && (
          <Small label="over a budget, by reckoning" isAlarm>
            {dollars(report.overspentUsd)}
          </Small>
        )}
      </div>
    </>
  );
}

interface FigureProps {
  readonly label: string;
  readonly hint: string;
  readonly isMain?: boolean;
  readonly children: string;
}

const Figure = ({ label, hint, isMain = false, children }: FigureProps) => (
  <div class={isMain ? 'main' : undefined}>
    <p class="label">{label}</p>
    <p class="value">{children}</p>
    <p class="hint">{hint}</p>
  </div>
);

interface SmallProps {
  readonly label: string;
  readonly isAlarm?: boolean;
  readonly children: string | number;
}

const Small = ({ label, isAlarm = false, children }: SmallProps) => (
  <div class={isAlarm ? 'figure alarm' : 'figure'}>
    <p class="value">{children}</p>
    <p class="label">{label}</p>
  </div>
);

/** Why the invoice differs from the record, and what to do. */
function Differences({ report }: { report: Report }) {
  const kinds = differencesByKind(report);
  if (kinds.length === 0) return null;
  return (
    <ul class="differences" aria-label="Why the invoice differs">
      {kinds.map(({ kind, usd, clusters, text, advice }) => (
        <li key={`${kind}/${clusters === 0}`}>
          <strong>
            {kindNames[kind]}
            {clusters === 0 && ', of no cluster'}
          </strong>
          <span class="number">{difference(usd)}</span>
          <p>
            {clusters > 1 ? `${plural(clusters, 'cluster')}; the largest: ` : ''}
            {text} <span class="hint">{advice}</span>
          </p>
        </li>
      ))}
    </ul>
  );
}
