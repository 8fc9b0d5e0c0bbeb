import { useState } from 'preact/hooks';
import type { Cluster, ClusterNode } from '../../client/answers.ts';
import { isLive, nodesUp, statusNames } from '../../client/clusters.ts';
import { countdown, spoken } from '../../client/durations.ts';
import { endWords, nextSentence, troubleSentence, untilTeardown } from '../../client/end.ts';
import { lifespanOf, nextMark } from '../../client/fuse.ts';
import { memory } from '../../client/memory.ts';
import { dollars } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { clockTime, nearTime } from '../../client/times.ts';
import { ClusterActions } from './cluster-actions.tsx';
import { FuseView } from './fuse-view.tsx';
import { useNow } from './hooks.ts';
import { Copy } from './parts.tsx';

interface Props {
  readonly cluster: Cluster;
  readonly onChanged: (cluster: Cluster) => void;
}

export function ClusterCard({ cluster, onChanged }: Props) {
  const { id, name, status, nodes } = cluster;
  const titleId = `title-${id}`;
  return (
    <article class={`card is-${status}`} aria-labelledby={titleId}>
      <header>
        <div>
          <h2 id={titleId}>{name ?? id}</h2>
          <p class="meta">
            {nodes.length} × {cluster.type} · {memory(cluster.memoryMb)} · {cluster.region} ·{' '}
            {cluster.owner}
            {name !== null && <> · {id}</>}
          </p>
        </div>
        <p class={`badge is-${status}`}>{statusNames[status]}</p>
      </header>
      {isLive(cluster) ? <Burning cluster={cluster} /> : <Burnt cluster={cluster} />}
      {isLive(cluster) && (
        <>
          <Nodes nodes={nodes} />
          <ClusterActions cluster={cluster} onChanged={onChanged} />
        </>
      )}
      <Story cluster={cluster} />
    </article>
  );
}

function Burning({ cluster }: { cluster: Cluster }) {
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

const goneOf = (nodes: readonly ClusterNode[]): string => {
  const gone = nodes.filter(({ status }) => OVER.includes(status)).length;
  return `${gone} of ${plural(nodes.length, 'node')} gone`;
};

function Burnt({ cluster }: { cluster: Cluster }) {
  const now = useNow();
  return (
    <>
      <div class="figures">
        <div class="figure big">
          <p class="value">{dollars(cluster.spentUsd)}</p>
          <p class="label">
            billed of {dollars(cluster.budgetUsd)}, {endWords(cluster)}
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

const FEW = 12;

function Nodes({ nodes }: { nodes: readonly ClusterNode[] }) {
  const [isAll, setIsAll] = useState(false);
  const shown = isAll ? nodes : nodes.slice(0, FEW);
  return (
    <section class="nodes" aria-label="Nodes">
      <h3>{nodesUp({ nodes })}</h3>
      <ul>
        {shown.map((node) => (
          <Node key={node.index} node={node} />
        ))}
      </ul>
      {nodes.length > FEW && (
        <button type="button" class="link" aria-expanded={isAll} onClick={() => setIsAll(!isAll)}>
          {isAll ? 'Show fewer' : `Show all ${nodes.length}`}
        </button>
      )}
    </section>
  );
}

const lampOf = (status: ClusterNode['status']): string => {
  if (status === 'running') return 'lamp on';
  return [...OVER, 'deleting'].includes(status) ? 'lamp off' : 'lamp coming';
};

function Node({ node }: { node: ClusterNode }) {
  return (
    <li title={node.label}>
      <span class={lampOf(node.status)} />
      <span class="index">{node.index}</span>
      {node.ipv4 === null || OVER.includes(node.status) ? (
        <span class="status">{node.status}</span>
      ) : (
        <>
          <code>{node.ipv4}</code>
          <span class={node.status === 'running' ? 'unseen' : 'status'}>{node.status}</span>
          <Copy text={node.ipv4} what={`the address of node ${node.index}`} />
        </>
      )}
      {node.reason !== undefined && <span class="reason">{node.reason}</span>}
    </li>
  );
}

function Story({ cluster }: { cluster: Cluster }) {
  const now = useNow();
  return (
    <details class="story">
      <summary>
        What happened <span class="unseen">to {cluster.name ?? cluster.id}</span>
      </summary>
      <ol>
        {cluster.history.map(({ at, event }) => (
          <li key={`${at} ${event}`}>
            <time dateTime={at}>{nearTime(at, now)}</time> {event}
          </li>
        ))}
      </ol>
    </details>
  );
}
