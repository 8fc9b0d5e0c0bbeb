import type { Cluster, ClusterNode } from '../../client/answers.ts';
import { statusNames } from '../../client/clusters.ts';
import { countdown, spoken } from '../../client/durations.ts';
import { endWords, nextSentence, troubleSentence, untilTeardown } from '../../client/end.ts';
import { lifespanOf, nextMark } from '../../client/fuse.ts';
import { memory } from '../../client/memory.ts';
import { dollars } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { clockTime, nearTime } from '../../client/times.ts';
import { FuseView } from './fuse-view.tsx';
import { useNow } from './hooks.ts';
import { commandWords, jobWords } from './job.ts';
import { inLabels } from './labels.ts';
import type { Contact } from './live.ts';

/* What a cluster's card and its page both show. */

export const calledOf = ({ name, id }: Pick<Cluster, 'name' | 'id'>): string => name ?? id;

export function MetaLine({ cluster }: { cluster: Cluster }) {
  const { id, name, nodes, type, memoryMb, region, owner } = cluster;
  return (
    <p class="meta">
      {nodes.length} × {type} · {memory(memoryMb)} · {region} · {owner}
      {name !== null && <> · {id}</>}
    </p>
  );
}

export const StatusBadge = ({ status }: Pick<Cluster, 'status'>) => (
  <p class={`badge is-${status}`}>{statusNames[status]}</p>
);

/** The job in a line; nothing where there is none. */
export function JobLine({ cluster: { job } }: { cluster: Cluster }) {
  if (job === null) return null;
  return (
    <p class="job-line">
      Job {jobWords(job).toLowerCase()} <code>{commandWords(job.command)}</code>
    </p>
  );
}

export function Burning({ cluster }: { cluster: Cluster }) {
  const now = useNow();
  const lifespan = lifespanOf(cluster);
  const paidUntil = lifespan === null ? null : nextMark(lifespan, now);
  const left = untilTeardown(cluster, now);
  const next = nextSentence(cluster, (at) => nearTime(at, now));
  const trouble = troubleSentence(cluster, (since) => nearTime(since, now));
  return (
    <>
      <div class="figures">
        <div class="figure big">
          {left === null ? (
            <>
              <p class="value">Going</p>
              <p class="label">{goneOf(cluster.nodes)}</p>
            </>
          ) : (
            <>
              <p class="value" aria-hidden="true">
                {countdown(left)}
              </p>
              <p class="label">
                <span class="unseen">In {spoken(left)}, </span>
                teardown {left < 0 && 'was due '}
                {nearTime(now + left, now)} your time
              </p>
            </>
          )}
        </div>
        <Figure
          value={dollars(cluster.spentUsd)}
          label={`spent of ${dollars(cluster.budgetUsd)}`}
        />
        <Figure value={dollars(cluster.leftUsd)} label="left" />
        <Figure
          value={dollars(cluster.hourlyUsd)}
          label={
            paidUntil === null ? 'a started hour' : `an hour, paid until ${clockTime(paidUntil)}`
          }
        />
      </div>
      {lifespan !== null && <FuseView lifespan={lifespan} now={now} isLit />}
      {trouble !== null && <p class="warning">{trouble}</p>}
      {trouble === null && next !== null && <p class="meta">{next}</p>}
      {cluster.overspentUsd !== undefined && cluster.overspentUsd > 0 && (
        <p class="warning">{dollars(cluster.overspentUsd)} over its budget, and Linode bills on.</p>
      )}
      {cluster.failure !== null && <p class="warning">{cluster.failure}</p>}
    </>
  );
}

/** The statuses of nodes that are none of the cluster's any more. */
const OVER: readonly string[] = ['gone', 'takenOver', 'neverCreated'];

export const isOver = ({ status }: ClusterNode): boolean => OVER.includes(status);

const goneOf = (nodes: readonly ClusterNode[]): string =>
  `${nodes.filter(isOver).length} of ${plural(nodes.length, 'node')} gone`;

export function Burnt({ cluster }: { cluster: Cluster }) {
  const now = useNow();
  return (
    <>
      <div class="figures">
        <div class="figure big">
          <p class="value">{dollars(cluster.spentUsd)}</p>
          <p class="label">
            spent of {dollars(cluster.budgetUsd)}, {inLabels(endWords(cluster))}
            {cluster.endedAt !== null && `, ${nearTime(cluster.endedAt, now)}`}
          </p>
        </div>
      </div>
      {cluster.failure !== null && <p class="warning">{cluster.failure}</p>}
    </>
  );
}

function Figure({ value, label }: { value: string; label: string }) {
  return (
    <div class="figure">
      <p class="value">{value}</p>
      <p class="label">{label}</p>
    </div>
  );
}

export const lampOf = (node: ClusterNode): string => {
  if (node.status === 'running') return 'lamp on';
  return isOver(node) || node.status === 'deleting' ? 'lamp off' : 'lamp coming';
};

export function LostContact({ contact, onRetry }: { contact: Contact; onRetry: () => void }) {
  useNow();
  const { lost, lastAt } = contact;
  return (
    <div role="status">
      {lost !== null && (
        <div class="lost">
          <p>
            <strong>Lost contact.</strong> This is what was known
            {lastAt !== null && ` at ${clockTime(lastAt)}`}, counted on from there. A lost
            connection changes nothing for the clusters.
          </p>
          <button type="button" onClick={onRetry}>
            Try now
          </button>
        </div>
      )}
    </div>
  );
}
