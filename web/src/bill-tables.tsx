import { useMemo, useState } from 'preact/hooks';
import type { BilledCluster, Report } from '../../client/answers.ts';
import { differencesByKind, kindNames } from '../../client/bill.ts';
import { difference, dollars, invoiced, plusUsd } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { datedTime } from '../../client/times.ts';
import { type BillColumn, billRows, fitsOnPage, OWNERS_PRINTED_MAX } from './bill-table.ts';
import { useConsole } from './hooks.ts';
import { monthTitle } from './months.ts';
import { LeftOut, SortHead } from './parts.tsx';
import { clusterHref } from './route.ts';
import { useSort } from './sort.ts';

/** The totals of each owner; only the admin has them. */
export function Owners({ report: { owners = [], month } }: { report: Report }) {
  if (owners.length < 2) return null;
  const others = owners.slice(OWNERS_PRINTED_MAX);
  return (
    <section class="card bills owners" aria-label={`Owners in ${monthTitle(month)}`}>
      <h2>{plural(owners.length, 'owner')}</h2>
      <div class="scroll flat">
        <table>
          <thead>
            <tr>
              <th scope="col">Owner</th>
              <th scope="col" class="number">
                Clusters
              </th>
              <th scope="col" class="number wide">
                Node hours
              </th>
              <th scope="col" class="number">
                Recorded
              </th>
              <th scope="col" class="number wide">
                Saved
              </th>
            </tr>
          </thead>
          <tbody>
            {owners.map((one, index) => (
              <tr key={one.owner} class={index < OWNERS_PRINTED_MAX ? undefined : 'unprinted'}>
                <th scope="row">{one.owner}</th>
                <td class="number">{one.clusters}</td>
                <td class="number wide">{one.nodeHours}</td>
                <td class="number">{dollars(one.billedUsd)}</td>
                <td class="number wide">{dollars(one.savedUsd)}</td>
              </tr>
            ))}
            {others.length > 0 && (
              <tr class="printed">
                <th scope="row">{plural(others.length, 'other owner')}</th>
                <td class="number">{others.reduce((sum, one) => sum + one.clusters, 0)}</td>
                <td class="number">{others.reduce((sum, one) => sum + one.nodeHours, 0)}</td>
                <td class="number">{dollars(plusUsd(...others.map((one) => one.billedUsd)))}</td>
                <td class="number">{dollars(plusUsd(...others.map((one) => one.savedUsd)))}</td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const COLUMNS = [
  { key: 'name', title: 'Cluster' },
  { key: 'ended', title: 'Ended', class: 'wide' },
  { key: 'hours', title: 'Hours', class: 'number wide' },
] as const satisfies readonly { key: BillColumn; title: string; class?: string }[];
const AMOUNTS = [
  { key: 'billed', title: 'Recorded', class: 'number' },
  { key: 'invoiced', title: 'Invoiced', class: 'number' },
] as const satisfies readonly { key: BillColumn; title: string; class?: string }[];

interface BilledProps {
  readonly report: Report;
  /** How clusters ended, by id, as far as it is known. */
  readonly told: ReadonlyMap<string, readonly string[]>;
}

/** Every cluster that was billed in the month. */
export function Billed({ report, told }: BilledProps) {
  const { month, byCluster, owners = [], unreadable = [] } = report;
  const [owner, setOwner] = useState('');
  const [sort, toggle] = useSort<BillColumn>('ended');
  const [isPrinted, setPrinted] = useState(false);
  const names = owners.map((one) => one.owner).sort();
  const isKnown = names.includes(owner);
  const rows = useMemo(
    () => billRows(byCluster, isKnown ? owner : '', sort),
    [byCluster, owner, isKnown, sort],
  );
  const kinds = differencesByKind(report).length;
  const fits = fitsOnPage({ clusters: rows.length, owners: owners.length, kinds });
  const isOnPaper = fits || isPrinted;
  return (
    <section
      class={isOnPaper ? 'card bills' : 'card bills not-on-paper'}
      aria-label={`Clusters billed in ${monthTitle(month)}`}
    >
      <header>
        <h2>{plural(rows.length, 'cluster')}</h2>
        <div class="tools">
          {!fits && (
            <label class="check">
              <input
                type="checkbox"
                checked={isPrinted}
                onChange={(event) => setPrinted(event.currentTarget.checked)}
              />
              Print them, too
            </label>
          )}
          {names.length > 1 && (
            <select
              aria-label="Owner"
              value={owner}
              onChange={(event) => setOwner(event.currentTarget.value)}
            >
              <option value="">all owners</option>
              {names.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </div>
      </header>
      <div class="scroll flat">
        <table>
          <thead>
            <tr>
              {COLUMNS.map((column) => (
                <SortHead key={column.key} column={column} sort={sort} onSort={toggle} />
              ))}
              <th scope="col" class="number wide">
                Forecast
              </th>
              {AMOUNTS.map((column) => (
                <SortHead key={column.key} column={column} sort={sort} onSort={toggle} />
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((one) => (
              <Row
                key={one.id}
                one={one}
                told={told.get(one.id) ?? []}
                hasOwner={names.length > 1}
              />
            ))}
          </tbody>
        </table>
      </div>
      {!isOnPaper && (
        <p class="printed">
          {plural(rows.length, 'cluster')} in all: the CSV export has a line for each.
        </p>
      )}
      <LeftOut ids={unreadable} />
    </section>
  );
}

interface RowProps {
  readonly one: BilledCluster;
  readonly told: readonly string[];
  readonly hasOwner: boolean;
}

function Row({ one, told, hasOwner }: RowProps) {
  const { clock } = useConsole();
  const now = clock.now();
  const { id, name, owner, nodes, type, region, endedAt, nodeHours, differences } = one;
  const more = one.differenceUsd ?? 0;
  return (
    <tr>
      <th scope="row">
        <a href={clusterHref(id)}>{name ?? id}</a>
        <small>
          {nodes} × {type}, {region}
          {hasOwner ? `, ${owner}` : ''}
        </small>
        {told.length > 0 && <small class="narrow">{told.join(', ')}</small>}
      </th>
      <td class="wide">
        <span class="when">{endedAt === null ? 'still runs' : datedTime(endedAt, now)}</span>
        {told.map((words) => (
          <small key={words}>{words}</small>
        ))}
      </td>
      <td class="number wide">
        {nodeHours}
        <small>at {dollars(one.hourlyUsd)}</small>
      </td>
      <td class="number wide">{one.forecastUsd === null ? '–' : dollars(one.forecastUsd)}</td>
      <td class="number">{dollars(one.billedUsd)}</td>
      <td class="number">
        {one.invoicedUsd === null ? '–' : invoiced(one.invoicedUsd)}
        {more !== 0 && (
          <small class="more">
            {difference(more)} {differences.map(({ kind }) => kindNames[kind]).join(', ')}
          </small>
        )}
      </td>
    </tr>
  );
}
