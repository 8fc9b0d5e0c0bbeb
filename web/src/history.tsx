import { useState } from 'preact/hooks';
import type { Cluster, Report } from '../../client/answers.ts';
import type { Api } from '../../client/api.ts';
import { isLive, listClusters } from '../../client/clusters.ts';
import { endWords } from '../../client/end.ts';
import { dollars } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { getReport } from '../../client/report.ts';
import { nearTime } from '../../client/times.ts';
import { SpendChart } from './chart-view.tsx';
import { csvOf } from './csv.ts';
import { useConsole, useRemote } from './hooks.ts';
import { monthBefore, monthOf, monthTitle } from './months.ts';
import { LeftOut, Loading, Problem, saveFile } from './parts.tsx';

const MONTHS = 6;

export function History() {
  const { api, clock } = useConsole();
  const [current] = useState(() => monthOf(clock.now()));
  const [month, setMonth] = useState(current);
  const { remote, reload } = useRemote(current, () => reportsUpTo(api, current));
  return (
    <div class="view">
      <h1 tabIndex={-1}>History</h1>
      {remote.kind === 'loading' && <Loading what="reports" />}
      {remote.kind === 'failed' && <Problem error={remote.error} onRetry={reload} />}
      {remote.kind === 'ready' && (
        <section class="card" aria-label="Spend by month">
          <MonthFigures report={remote.value.find((one) => one.month === month)} />
          <SpendChart reports={remote.value} chosen={month} onChoose={setMonth} />
        </section>
      )}
      <Ended month={month} />
    </div>
  );
}

async function reportsUpTo(api: Api, current: string): Promise<readonly Report[]> {
  const months = Array.from({ length: MONTHS }, (_, back) => monthBefore(current, back)).reverse();
  return Promise.all(months.map((month) => getReport(api, month)));
}

function MonthFigures({ report }: { report: Report | undefined }) {
  if (report === undefined) return null;
  return (
    <>
      <h2>{monthTitle(report.month)}</h2>
      <div class="figures">
        <div class="figure big">
          <p class="value">{dollars(report.billedUsd)}</p>
          <p class="label">billed by Linode</p>
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
            <p class="label">over a budget</p>
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
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section class="scroll" tabIndex={0} aria-label="Table of ended clusters">
      <table>
        <thead>
          <tr>
            <th scope="col">Cluster</th>
            <th scope="col">Launched</th>
            <th scope="col">Ended</th>
            <th scope="col">Because</th>
            <th scope="col" class="number">
              Billed
            </th>
            <th scope="col" class="number">
              Budget
            </th>
          </tr>
        </thead>
        <tbody>
          {clusters.map((one) => (
            <tr key={one.id}>
              <th scope="row">
                {one.name ?? one.id}
                <small>
                  {one.nodes.length} × {one.type}, {one.region}
                </small>
              </th>
              <td>{nearTime(one.createdAt, now)}</td>
              <td>{one.endedAt === null ? '–' : nearTime(one.endedAt, now)}</td>
              <td title={one.failure ?? undefined}>{endWords(one)}</td>
              <td class="number">{dollars(one.spentUsd)}</td>
              <td class="number">{dollars(one.budgetUsd)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
