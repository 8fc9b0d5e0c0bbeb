import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Cluster, Job, JobNode, JobResult } from '../../client/answers.ts';
import { bytesWords } from '../../client/bytes.ts';
import { isLive } from '../../client/clusters.ts';
import { getJobResults, isJobOver, stopJob } from '../../client/jobs.ts';
import { plural } from '../../client/plural.ts';
import { nearTime } from '../../client/times.ts';
import { calledOf } from './cluster-parts.tsx';
import { useAction, useConsole, useNow, useRemote } from './hooks.ts';
import {
  afterWords,
  type ClusterJob,
  chooseJobNodes,
  exitWords,
  firstNodeOf,
  type JobNodeFilter,
  type JobNodeSortKey,
  plainText,
  ranWords,
  savedWords,
  stateNames,
  statesOf,
} from './job.ts';
import { JobLogView } from './job-log.tsx';
import { ListedNodes } from './listed-nodes.tsx';
import { useJob } from './live.ts';
import { Dialog, Loading, Problem } from './parts.tsx';
import { useSort } from './sort.ts';

interface Props {
  readonly cluster: Cluster;
  readonly job: ClusterJob;
  readonly onChanged: (cluster: Cluster) => void;
  /** Has the cluster looked at again. */
  readonly onNews: () => void;
}

/** The job of a cluster, live or ended. */
export function JobView({ cluster, job: known, onChanged, onNews }: Props) {
  const isAlive = isLive(cluster);
  const { job: found, contact, lookNow } = useJob(cluster.id, isAlive);
  const job: ClusterJob = found ?? known;
  useEffect(() => {
    if (job.state !== known.state) onNews();
  }, [job.state, known.state, onNews]);
  return (
    <section class="card job" aria-labelledby="job">
      <header>
        <h2 id="job">Job</h2>
        <JobBadge state={job.state} />
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <pre class="preview" tabIndex={0}>
        {plainText(job.command)}
      </pre>
      <Progress cluster={cluster} job={job} />
      <Stop cluster={cluster} job={job} onChanged={onChanged} />
      {found === null && contact.lost === null && <Loading what="the job" />}
      <Problem error={contact.lost} onRetry={lookNow} />
      {found !== null && <Told cluster={cluster} job={found} isAlive={isAlive} />}
    </section>
  );
}

export const JobBadge = ({ state }: Pick<ClusterJob, 'state'>) => (
  <p class={`badge job-${state}`}>{stateNames[state]}</p>
);

function Progress({ cluster, job }: Pick<Props, 'cluster' | 'job'>) {
  const now = useNow();
  const { reason, stopAskedAt } = job;
  const exit = exitWords(job);
  const saved = savedWords(cluster);
  const isOver = isJobOver(job);
  return (
    <div class="job-words">
      <p class="sentence">
        <span role="status">{exit !== null && `Ended with ${exit}.`}</span> {ranWords(job, now)}
      </p>
      {reason !== null && <p class="warning">{plainText(reason)}</p>}
      {saved !== null && <p>{saved}</p>}
      {!isOver && stopAskedAt !== null && (
        <p>
          Somebody asked it to stop, {nearTime(stopAskedAt, now)}: its log and results are saved.
        </p>
      )}
      {!isOver && <p class="meta">{afterWords(job)}</p>}
    </div>
  );
}

function Stop({ cluster, job, onChanged }: Omit<Props, 'onNews'>) {
  const [isOpen, setIsOpen] = useState(false);
  const { status } = cluster;
  const isRunning = status === 'running' || status === 'provisioning';
  if (!isRunning || isJobOver(job) || job.stopAskedAt !== null) return null;
  return (
    <div class="actions">
      <button type="button" onClick={() => setIsOpen(true)}>
        Stop the job …
      </button>
      {isOpen && (
        <StopDialog cluster={cluster} onChanged={onChanged} onClose={() => setIsOpen(false)} />
      )}
    </div>
  );
}

interface StopProps extends Pick<Props, 'cluster' | 'onChanged'> {
  readonly onClose: () => void;
}

function StopDialog({ cluster, onChanged, onClose }: StopProps) {
  const { api, announce } = useConsole();
  const { isBusy, error, run } = useAction();
  const grace = cluster.spec.job?.gracePeriodSeconds ?? 0;
  const stop = () =>
    run(async () => {
      const changed = await stopJob(api, cluster.id);
      announce('The job is asked to stop.');
      onClose();
      onChanged(changed);
    });
  return (
    <Dialog title={`Stop the job of ${calledOf(cluster)}?`} onClose={onClose}>
      <p>
        Its command gets SIGTERM, and {grace} seconds to end. Its log and results so far are saved;
        then the cluster ends.
      </p>
      <Problem error={error} />
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Let it run
        </button>
        <button type="button" class="primary" disabled={isBusy} onClick={stop}>
          {isBusy ? 'Stopping …' : 'Stop it'}
        </button>
      </div>
    </Dialog>
  );
}

interface ToldProps {
  readonly cluster: Cluster;
  readonly job: Job;
  readonly isAlive: boolean;
}

/** What the nodes have told. */
function Told({ cluster, job, isAlive }: ToldProps) {
  const [chosen, setRank] = useState<number | null>(null);
  const rank = chosen ?? firstNodeOf(job);
  const choose = (one: number) => {
    setRank(one);
    document.getElementById('log')?.scrollIntoView({ block: 'nearest' });
  };
  const called = calledOf(cluster);
  return (
    <>
      {job.nodes.length > 1 && <Ranks nodes={job.nodes} rank={rank} onRank={choose} />}
      <Results cluster={cluster} job={job} />
      <JobLogView {...{ id: cluster.id, called, job, isAlive, rank }} onRank={setRank} />
    </>
  );
}

const COLUMNS = [
  { key: 'index', title: 'Node' },
  { key: 'state', title: 'State' },
  { key: 'exitCode', title: 'Exit code', class: 'number' },
  { key: 'startedAt', title: 'Started', class: 'wide' },
  { key: 'endedAt', title: 'Ended', class: 'wide' },
  { key: 'logBytes', title: 'Log', class: 'number' },
] as const;

const NONE: JobNodeFilter = { search: '', state: '' };

interface RanksProps {
  readonly nodes: readonly JobNode[];
  readonly rank: number;
  readonly onRank: (rank: number) => void;
}

/** Every node that runs the command, however many. */
function Ranks({ nodes, rank, onRank }: RanksProps) {
  const { clock } = useConsole();
  const [filter, setFilter] = useState(NONE);
  const [sort, toggle] = useSort<JobNodeSortKey>('index');
  const shown = useMemo(() => chooseJobNodes(nodes, filter, sort), [nodes, filter, sort]);
  const rows = useMemo(() => {
    const now = clock.now();
    return shown.map((node) => (
      <Row key={node.index} {...{ node, now, onRank }} isChosen={node.index === rank} />
    ));
  }, [shown, clock, rank]);
  const states = useMemo(() => statesOf(nodes), [nodes]);
  return (
    <ListedNodes
      label="The job, node by node"
      searched={{
        ...{ label: 'Search the nodes', hint: 'index, or what went wrong' },
        text: filter.search,
      }}
      chosen={{
        label: 'State',
        value: filter.state,
        choices: states.map(([value, count]) => ({
          value,
          text: `${stateNames[value].toLowerCase()} (${count})`,
        })),
      }}
      columns={COLUMNS}
      sort={sort}
      onSearch={(search) => setFilter({ ...filter, search })}
      onChoose={(state) => setFilter({ ...filter, state })}
      onShowAll={() => setFilter(NONE)}
      onSort={toggle}
      shown={shown.length}
      total={nodes.length}
    >
      {rows}
    </ListedNodes>
  );
}

interface RowProps extends Pick<RanksProps, 'onRank'> {
  readonly node: JobNode;
  readonly now: number;
  readonly isChosen: boolean;
}

function Row({ node, now, onRank, isChosen }: RowProps) {
  const { index, state, exitCode, reason, startedAt, endedAt, logBytes } = node;
  const at = (time: string | null) => (time === null ? '–' : nearTime(time, now));
  return (
    <tr class={isChosen ? 'chosen' : undefined}>
      <th scope="row">{index}</th>
      <td>
        {stateNames[state]}
        {reason !== null && <small class="reason">{plainText(reason)}</small>}
      </td>
      <td class="number">{exitCode ?? '–'}</td>
      <td class="wide">{at(startedAt)}</td>
      <td class="wide">{at(endedAt)}</td>
      <td class="number">
        <button type="button" class="link" onClick={() => onRank(index)}>
          {bytesWords(logBytes)} <span class="unseen">of log of node {index}</span>
        </button>
      </td>
    </tr>
  );
}

/** URLs of results are good for an hour. */
const FRESH_MS = 30 * 60_000;

function Results({ cluster, job }: { cluster: Cluster; job: Job }) {
  const { api } = useConsole();
  const now = useNow();
  const ended = job.nodes.filter(({ endedAt }) => endedAt !== null).length;
  const isAsked = (cluster.spec.job?.results.length ?? 0) > 0;
  const key = `${cluster.id} ${ended} ${Math.floor(now / FRESH_MS)}`;
  const { remote, reload } = useRemote(isAsked && ended > 0 ? key : null, () =>
    getJobResults(api, cluster.id),
  );
  if (!isAsked) return null;
  return (
    <section class="listing" aria-labelledby="results">
      <h3 id="results">Results</h3>
      {ended === 0 && (
        <p class="hint">
          {isJobOver(job) ? 'There are none.' : 'They come when the command has ended.'}
        </p>
      )}
      {ended > 0 && remote.kind === 'loading' && <Loading what="the results" />}
      {remote.kind === 'failed' && <Problem error={remote.error} onRetry={reload} />}
      {remote.kind === 'ready' && <ResultsList results={remote.value} />}
    </section>
  );
}

/** An address of files may lead to nothing that acts. */
const isFile = (url: string): boolean => /^https?:\/\//.test(url);

export function ResultsList({ results }: { results: readonly JobResult[] }) {
  if (results.length === 0) return <p class="hint">There are none, or they are kept no longer.</p>;
  return (
    <ul class="results">
      {results.map(({ index, name, bytes, unpackedBytes, files, url }) => (
        <li key={index}>
          {isFile(url) ? (
            <a href={url} rel="noreferrer" download={name}>
              {plainText(name)}
            </a>
          ) : (
            plainText(name)
          )}
          <small>
            {bytesWords(bytes)}: {plural(files, 'file')} with {bytesWords(unpackedBytes)}
          </small>
        </li>
      ))}
    </ul>
  );
}
