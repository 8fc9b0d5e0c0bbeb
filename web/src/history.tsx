import { useMemo, useState } from 'preact/hooks';
import type { Cluster, Report } from '../../client/answers.ts';
import { type Api, Refusal } from '../../client/api.ts';
import { billCsv } from '../../client/bill.ts';
import { isLive, listClusters } from '../../client/clusters.ts';
import { endWords } from '../../client/end.ts';
import { dollars } from '../../client/money.ts';
import { getReport } from '../../client/report.ts';
import { fullTime } from '../../client/times.ts';
import { BillFigures } from './bill-figures.tsx';
import { Billed, Owners } from './bill-tables.tsx';
import { SpendChart } from './chart-view.tsx';
import { csvFile } from './csv.ts';
import { replaceAddress, useConsole, useRemote, useRoute } from './hooks.ts';
import { jobWords } from './job.ts';
import { inLabels } from './labels.ts';
import { barsAround, monthOf, monthsUpTo, monthTitle } from './months.ts';
import { LeftOut, Loading, Problem, saveFile } from './parts.tsx';
import { viewHref } from './route.ts';

/** The months whose bars are side by side. */
const BARS = 6;
/** The months to choose from: by default, records of ended clusters are kept for 400 days. */
const MONTHS = 13;

export function History() {
  const { api, clock } = useConsole();
  const [current] = useState(() => monthOf(clock.now()));
  const { query } = useRoute();
  const all = monthsUpTo(current, MONTHS);
  const month = all.find((one) => one === query.month) ?? current;
  const choose = (chosen: string) =>
    replaceAddress(viewHref('history', { month: chosen === current ? '' : chosen }));
  const months = barsAround(all, month, BARS);
  const { remote, reload } = useRemote(months.join(), () =>
    Promise.all(months.map((one) => keptReport(api, one))),
  );
  const reports = remote.kind === 'ready' ? remote.value.filter((one) => one !== null) : [];
  const report = reports.find((one) => one.month === month);
  return (
    <div class="view history">
      <div class="headline">
        <h1 tabIndex={-1}>
          History<span class="printed">: {monthTitle(month)}</span>
        </h1>
        <div class="tools">
          <select
            aria-label="Month"
            value={month}
            onChange={(event) => choose(event.currentTarget.value)}
          >
            {all.toReversed().map((one) => (
              <option key={one} value={one}>
                {monthTitle(one)}
              </option>
            ))}
          </select>
          {report !== undefined && <Exports report={report} />}
        </div>
      </div>
      {remote.kind === 'loading' && <Loading what="reports" />}
      {remote.kind === 'failed' && <Problem error={remote.error} onRetry={reload} />}
      {remote.kind === 'ready' && report === undefined && (
        <div class="nothing">
          <p>The records of {monthTitle(month)} are not kept any more.</p>
        </div>
      )}
      {report !== undefined && (
        <>
          <section class="card" aria-label={`The bill of ${monthTitle(month)}`}>
            <BillFigures report={report} />
            <SpendChart reports={reports} chosen={month} onChoose={choose} />
            <p class="hint unprinted">
              Recorded are Linode’s prices for each started hour, and transfer beyond what nodes
              bring, without taxes. A month is a calendar month in UTC, as on{' '}
              <a href="https://cloud.linode.com/account/billing" rel="noreferrer" target="_blank">
                Linode’s invoice
              </a>
              , which says what you pay.
            </p>
          </section>
          <Owners report={report} />
          <Clusters report={report} />
          <Stamp report={report} />
        </>
      )}
    </div>
  );
}

/** null: the API refuses the month, since it keeps the records of fewer months. */
const keptReport = (api: Api, month: string): Promise<Report | null> =>
  getReport(api, month).catch((error: unknown) => {
    if (error instanceof Refusal && error.status === 400) return null;
    throw error;
  });

function Exports({ report }: { report: Report }) {
  const save = () => saveFile(`onebuck-${report.month}.csv`, csvFile(billCsv(report)), 'text/csv');
  return (
    <>
      <button type="button" disabled={report.byCluster.length === 0} onClick={save}>
        Export CSV
      </button>
      <button type="button" onClick={() => window.print()}>
        Print
      </button>
    </>
  );
}

function Clusters({ report }: { report: Report }) {
  const { month, byCluster, unreadable = [] } = report;
  const told = useTold(month);
  if (byCluster.length > 0) return <Billed report={report} told={told} />;
  return (
    <div class="nothing">
      <p>No cluster was billed in {monthTitle(month)}.</p>
      <LeftOut ids={unreadable} />
    </div>
  );
}

/** How the clusters ended that were launched in the month, and what their jobs came to, by id. */
function useTold(month: string): ReadonlyMap<string, readonly string[]> {
  const { api } = useConsole();
  const { remote } = useRemote(month, async () => (await listClusters(api, { month })).clusters);
  return useMemo(
    () => new Map(remote.kind === 'ready' ? remote.value.map((one) => [one.id, tellOf(one)]) : []),
    [remote],
  );
}

const tellOf = (one: Cluster): readonly string[] => [
  ...(isLive(one) ? [] : [inLabels(endWords(one))]),
  ...(one.job === null ? [] : [`Job ${jobWords(one.job).toLowerCase()}`]),
  ...(one.saved === null ? [] : [`${dollars(one.saved.ofBudgetUsd)} of the budget not spent`]),
];

/** Whose page it is, and of when; only on paper. */
function Stamp({ report }: { report: Report }) {
  const { clock } = useConsole();
  return (
    <p class="printed hint">
      Onebuck at {location.host}, as of {fullTime(report.at, clock.now())}. Amounts are in US
      dollars; a month is a calendar month in UTC.
    </p>
  );
}
