import { useState } from 'preact/hooks';
import type { Cluster, Report } from '../../client/answers.ts';
import { isLive, listClusters } from '../../client/clusters.ts';
import { endWords } from '../../client/end.ts';
import { dollars } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { getReport } from '../../client/report.ts';
import { datedTime } from '../../client/times.ts';
import { SpendChart } from './chart-view.tsx';
import { csvOf } from './csv.ts';
import { replaceAddress, useConsole, useRemote, useRoute } from './hooks.ts';
import { jobWords } from './job.ts';
import { inLabels } from './labels.ts';
import { monthOf, monthsUpTo, monthTitle } from './months.ts';
import { LeftOut, Loading, Problem, saveFile } from './parts.tsx';
import { clusterHref, viewHref } from './route.ts';

const MONTHS = 6;

export function History() {
  const { api, clock } = useConsole();
  const [current] = useState(() => monthOf(clock.now()));
  const { query } = useRoute();
  const months = monthsUpTo(current, MONTHS);
  const month = months.find((one) => one === query.month) ?? current;
  const choose = (chosen: string) =>
    replaceAddress(viewHref('history', { month: chosen === current ? '' : chosen }));
  const { remote, reload } = useRemote(current, () =>
    Promise.all(months.map((one) => getReport(api, one))),
  );
  return (
    <div class="view">
      <h1 tabIndex={-1}>History</h1>
      {remote.kind === 'loading' && <Loading what="reports" />}
      {remote.kind === 'failed' && <Problem error={remote.error} onRetry={reload} />}
      {remote.kind === 'ready' && (
        <section class="card" aria-label="Spend by month">
          <MonthFigures report={remote.value.find((one) => one.month === month)} />
          <SpendChart reports={remote.value} chosen={month} onChoose={choose} />
          <p class="hint">
            These amounts are Onebuck’s reckoning: Linode’s prices for each started hour, without
            taxes, and transfer beyond what its nodes bring. What you pay is on{' '}
            <a href="https://cloud.linode.com/account/billing" rel="noreferrer" target="_blank">
              Linode’s invoice
            </a>
            , which Onebuck does not read. A month is a calendar month in UTC, as on the invoice.
          </p>
        </section>
      )}
      <Ended month={month} />
    </div>
  );
}

function MonthFigures({ report }: { report: Report | undefined }) {
  if (report === undefined) return null;
  return (
    <>
      <h2>{monthTitle(report.month)}</h2>
      <div class="figures">
        <div class="figure big">
          <p class="value">{dollars(report.billedUsd)}</p>
          <p class="label">spent, by Onebuck’s reckoning</p>
        </div>
        <div class="figure">
          <p class="value">{dollars(report.savedUsd)}</p>
          <p class="label">saved against leaving them on</p>
        </div>
        <div class="figure">
          <p class="value">{report.clusters}</p>
          <p class="label">{report.clusters === 1 ? 'cluster' : 'clusters'}</p>
        </div>
        <div class="figure">
          <p class="value">{report.nodeHours}</p>
          <p class="label">node hours</p>
        </div>
        {report.overspentUsd > 0 && (
          <div class="figure alarm">
            <p class="value">{dollars(report.overspentUsd)}</p>
            <p class="label">over a budget, by reckoning</p>
          </div>
        )}
      </div>
    </>
  );
}

function Ended({ month }: { month: string }) {
  const { api } = useConsole();
  const { remote, reload } = useRemote(month, async () => {
    const { clusters, unreadable } = await listClusters(api, { month });
    return { ended: clusters.filter((one) => !isLive(one)), unreadable };
  });
  if (remote.kind === 'loading') return <Loading what="ended clusters" />;
  if (remote.kind === 'failed') return <Problem error={remote.error} onRetry={reload} />;
  const { ended, unreadable } = remote.value;
  if (ended.length === 0) {
    return (
      <div class="nothing">
        <p>No cluster launched in {monthTitle(month)} has ended.</p>
        <LeftOut ids={unreadable} />
      </div>
    );
  }
  const save = () => saveFile(`onebuck-${month}.csv`, csvOf(ended), 'text/csv');
  return (
    <section class="card ended" aria-label={`Ended clusters launched in ${monthTitle(month)}`}>
      <header>
        <h2>{plural(ended.length, 'ended cluster')}</h2>
        <button type="button" onClick={save}>
          Download CSV
        </button>
      </header>
      <EndedTable clusters={ended} />
      <LeftOut ids={unreadable} />
    </section>
  );
}

function EndedTable({ clusters }: { clusters: readonly Cluster[] }) {
  const { clock } = useConsole();
  const now = clock.now();
  return (
    <div class="scroll flat">
      <table>
        <thead>
          <tr>
            <th scope="col">Cluster</th>
            <th scope="col" class="wide">
              Launched
            </th>
            <th scope="col">Ended</th>
            <th scope="col" class="number">
              Reckoned
            </th>
          </tr>
        </thead>
        <tbody>
          {clusters.map((one) => (
            <tr key={one.id}>
              <th scope="row">
                <a href={clusterHref(one.id)}>{one.name ?? one.id}</a>
                <small>
                  {one.nodes.length} × {one.type}, {one.region}
                </small>
              </th>
              <td class="wide">{datedTime(one.createdAt, now)}</td>
              <td>
                {one.endedAt === null ? '–' : datedTime(one.endedAt, now)}
                <small>{inLabels(endWords(one))}</small>
                {one.job !== null && <small>Job {jobWords(one.job).toLowerCase()}</small>}
              </td>
              <td class="number">
                {dollars(one.spentUsd)}
                <small>of {dollars(one.budgetUsd)}</small>
                {one.saved !== null && <small>{dollars(one.saved.ofBudgetUsd)} not spent</small>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
