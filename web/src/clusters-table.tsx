import { Component } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { Cluster } from '../../client/answers.ts';
import { statusNames } from '../../client/clusters.ts';
import { roughly } from '../../client/durations.ts';
import { dollars, plusUsd } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { nearTime } from '../../client/times.ts';
import { countWords, isOpen } from './bulk.ts';
import { DestroySeveral, ExtendSeveral } from './bulk-dialogs.tsx';
import { calledOf, StatusBadge } from './cluster-parts.tsx';
import {
  type ClusterChoice,
  type ClusterSortKey,
  choiceIn,
  chooseClusters,
  ownersOf,
  queryOf,
  sortedBy,
} from './clusters-choice.ts';
import { replaceAddress, useNow, useRoute } from './hooks.ts';
import { commandWords, jobWords } from './job.ts';
import { SortHead } from './parts.tsx';
import { clusterHref, viewHref } from './route.ts';

interface Props {
  readonly clusters: readonly Cluster[];
  readonly onChanged: (changed: readonly Cluster[]) => void;
}

/** Many clusters: to search, filter and sort by the address, and to choose several of. */
export function ClustersTable({ clusters, onChanged }: Props) {
  const { query } = useRoute();
  const choice = useMemo(() => choiceIn(query), [query]);
  const choose = (some: Partial<ClusterChoice>) =>
    replaceAddress(viewHref('clusters', queryOf({ ...choice, ...some })));
  const shown = useMemo(() => chooseClusters(clusters, choice), [clusters, choice]);
  const owners = useMemo(() => ownersOf(clusters), [clusters]);
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const open = shown.filter(isOpen);
  // What is out of sight is never destroyed with the rest.
  const chosen = open.filter(({ id }) => ids.has(id));
  const toggle = (id: string, isChosen: boolean) =>
    setIds(
      (before) => new Set(isChosen ? [...before, id] : [...before].filter((one) => one !== id)),
    );
  const toggleAll = () =>
    setIds(new Set(chosen.length === open.length ? [] : open.map(({ id }) => id)));
  return (
    <div class="listing">
      <Filters clusters={clusters} owners={owners} choice={choice} onChoose={choose} />
      <div class="scroll flat">
        <table class="clusters-table">
          <thead>
            <tr>
              <th scope="col" class="tick">
                <input
                  type="checkbox"
                  aria-label={`Choose all ${open.length} shown`}
                  checked={chosen.length > 0 && chosen.length === open.length}
                  indeterminate={chosen.length > 0 && chosen.length < open.length}
                  disabled={open.length === 0}
                  onChange={toggleAll}
                />
              </th>
              {COLUMNS.map((column) => (
                <SortHead
                  key={column.key}
                  column={column}
                  sort={choice.sort}
                  onSort={(key) => choose({ sort: sortedBy(choice.sort, key) })}
                />
              ))}
              <th scope="col" class="wide">
                An hour
              </th>
              <th scope="col" class="wide">
                Status
              </th>
            </tr>
          </thead>
          <Rows shown={shown} ids={ids} onToggle={toggle} hasOwners={owners.length > 1} />
        </table>
        {shown.length === 0 && (
          <p class="empty">
            No cluster is like that. <a href="#/clusters">Show all {clusters.length}</a>
          </p>
        )}
      </div>
      <p class="hint" role="status">
        {shown.length === clusters.length
          ? plural(clusters.length, 'cluster')
          : `${shown.length} of ${plural(clusters.length, 'cluster')}`}
      </p>
      <Chosen chosen={chosen} onChanged={onChanged} onClear={() => setIds(new Set())} />
    </div>
  );
}

const COLUMNS = [
  { key: 'name', title: 'Cluster', class: 'first' },
  { key: 'teardown', title: 'Teardown' },
  { key: 'spend', title: 'Spent' },
] as const satisfies readonly { key: ClusterSortKey; title: string; class?: string }[];

interface FiltersProps {
  readonly clusters: readonly Cluster[];
  readonly owners: readonly string[];
  readonly choice: ClusterChoice;
  readonly onChoose: (some: Partial<ClusterChoice>) => void;
}

function Filters({ clusters, owners, choice, onChoose }: FiltersProps) {
  const statuses = Object.entries(statusNames) as [Cluster['status'], string][];
  const count = (status: string) => clusters.filter((one) => one.status === status).length;
  return (
    <search class="filters">
      <label>
        Search
        <input
          type="search"
          placeholder="name, id, type, region, tag, address"
          value={choice.search}
          onInput={(event) => onChoose({ search: event.currentTarget.value })}
        />
      </label>
      <label>
        Status
        <select
          value={choice.status}
          onChange={(event) =>
            onChoose({ status: event.currentTarget.value as ClusterChoice['status'] })
          }
        >
          <option value="">any</option>
          {statuses
            .filter(([status]) => count(status) > 0 || status === choice.status)
            .map(([status, title]) => (
              <option key={status} value={status}>
                {title} ({count(status)})
              </option>
            ))}
        </select>
      </label>
      {(owners.length > 1 || choice.owner !== '') && (
        <label>
          Owner
          <select
            value={choice.owner}
            onChange={(event) => onChoose({ owner: event.currentTarget.value })}
          >
            <option value="">any</option>
            {[...new Set([...owners, choice.owner])]
              .filter((owner) => owner !== '')
              .map((owner) => (
                <option key={owner} value={owner}>
                  {owner}
                </option>
              ))}
          </select>
        </label>
      )}
    </search>
  );
}

interface RowsProps {
  readonly shown: readonly Cluster[];
  readonly ids: ReadonlySet<string>;
  readonly onToggle: (id: string, isChosen: boolean) => void;
  readonly hasOwners: boolean;
}

const MINUTE_MS = 60_000;

function Rows({ shown, ids, onToggle, hasOwners }: RowsProps) {
  // A row says minutes.
  const now = Math.floor(useNow() / MINUTE_MS) * MINUTE_MS;
  return (
    <tbody>
      {shown.map((cluster) => (
        <Row
          key={cluster.id}
          {...{ cluster, now, onToggle, hasOwners }}
          isChosen={ids.has(cluster.id)}
        />
      ))}
    </tbody>
  );
}

interface RowProps extends Pick<RowsProps, 'onToggle' | 'hasOwners'> {
  readonly cluster: Cluster;
  readonly now: number;
  readonly isChosen: boolean;
}

/** Drawn anew only when what it shows changes, since there may be hundreds. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const { cluster, now, isChosen, hasOwners } = this.props;
    return (
      next.cluster !== cluster ||
      next.now !== now ||
      next.isChosen !== isChosen ||
      next.hasOwners !== hasOwners
    );
  }

  override render() {
    const { cluster, now, isChosen, onToggle, hasOwners } = this.props;
    const { id, status, teardownAt, spentUsd, budgetUsd, hourlyUsd, trouble, job } = cluster;
    const called = calledOf(cluster);
    const share = Math.min(1, spentUsd / budgetUsd);
    return (
      <tr class={isChosen ? 'chosen' : undefined}>
        <td class="tick">
          <input
            type="checkbox"
            aria-label={`Choose ${called}`}
            checked={isChosen}
            disabled={!isOpen(cluster)}
            onChange={(event) => onToggle(id, event.currentTarget.checked)}
          />
        </td>
        <th scope="row">
          <a href={clusterHref(id)}>{called}</a>
          <small>
            {cluster.nodes.length} × {cluster.type}, {cluster.region}
            {hasOwners && `, ${cluster.owner}`}
          </small>
          <small class="narrow">{statusNames[status]}</small>
          {job !== null && (
            <small>
              Job {jobWords(job).toLowerCase()}: <code>{commandWords(job.command)}</code>
            </small>
          )}
          {trouble !== null && <small class="fault">{trouble.reason}</small>}
        </th>
        <td>
          {teardownAt === null || status === 'deleting' ? (
            '–'
          ) : (
            <>
              {roughly(Date.parse(teardownAt) - now)}
              <small>{nearTime(teardownAt, now)}</small>
            </>
          )}
        </td>
        <td>
          {dollars(spentUsd)}
          <small>of {dollars(budgetUsd)}</small>
          <span class="share" aria-hidden="true">
            <span style={{ width: `${share * 100}%` }} />
          </span>
        </td>
        <td class="wide">{dollars(hourlyUsd)}</td>
        <td class="wide">
          <StatusBadge status={status} />
        </td>
      </tr>
    );
  }
}

interface ChosenProps {
  readonly chosen: readonly Cluster[];
  readonly onChanged: (changed: readonly Cluster[]) => void;
  readonly onClear: () => void;
}

/** What can be done with the chosen clusters; each asks first. */
function Chosen({ chosen, onChanged, onClear }: ChosenProps) {
  const [open, setOpen] = useState<'extend' | 'destroy' | null>(null);
  const [asked, setAsked] = useState<readonly Cluster[]>([]);
  const hourly = plusUsd(...chosen.map(({ hourlyUsd }) => hourlyUsd));
  const ask = (what: 'extend' | 'destroy') => {
    setAsked(chosen);
    setOpen(what);
  };
  const close = () => setOpen(null);
  const changed = (clusters: readonly Cluster[]) => {
    onClear();
    onChanged(clusters);
  };
  return (
    <>
      <div class="chosen-bar" hidden={chosen.length === 0}>
        <p aria-live="polite">
          {chosen.length > 0 && `${countWords(chosen)} chosen`}
          {chosen.length > 0 && <small>{dollars(hourly)} an hour</small>}
        </p>
        <button type="button" onClick={onClear}>
          Choose none
        </button>
        <button type="button" onClick={() => ask('extend')}>
          Extend {chosen.length} …
        </button>
        <button type="button" class="danger" onClick={() => ask('destroy')}>
          Destroy {chosen.length} …
        </button>
      </div>
      {open === 'extend' && <ExtendSeveral clusters={asked} onChanged={changed} onClose={close} />}
      {open === 'destroy' && (
        <DestroySeveral clusters={asked} onChanged={changed} onClose={close} />
      )}
    </>
  );
}
