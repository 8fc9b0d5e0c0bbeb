import type { Cluster, ClusterNode } from '../../client/answers.ts';
import { isLive, nodesReady } from '../../client/clusters.ts';
import { ClusterActions } from './cluster-actions.tsx';
import {
  Burning,
  Burnt,
  calledOf,
  isOver,
  JobLine,
  lampOf,
  MetaLine,
  StatusBadge,
} from './cluster-parts.tsx';
import { type NodeStatus, statusOf } from './nodes-choice.ts';
import { Copy } from './parts.tsx';
import { clusterHref } from './route.ts';

interface Props {
  readonly cluster: Cluster;
  readonly onChanged: (cluster: Cluster) => void;
}

export function ClusterCard({ cluster, onChanged }: Props) {
  const { id, status } = cluster;
  const titleId = `title-${id}`;
  return (
    <article class={`card is-${status}`} aria-labelledby={titleId}>
      <header>
        <div>
          <h2 id={titleId}>
            <a href={clusterHref(id)}>{calledOf(cluster)}</a>
          </h2>
          <MetaLine cluster={cluster} />
        </div>
        <StatusBadge status={status} />
      </header>
      <JobLine cluster={cluster} />
      {isLive(cluster) ? <Burning cluster={cluster} /> : <Burnt cluster={cluster} />}
      {isLive(cluster) && (
        <>
          <Nodes cluster={cluster} />
          <ClusterActions cluster={cluster} onChanged={onChanged}>
            <a class="button" href={clusterHref(id)}>
              Nodes, inventory, history <span class="unseen">of {calledOf(cluster)}</span>
            </a>
          </ClusterActions>
        </>
      )}
    </article>
  );
}

const FEW = 12;
/** The statuses that the lamp says all of. */
const UP: readonly NodeStatus[] = ['running', 'ready'];

function Nodes({ cluster }: { cluster: Cluster }) {
  const { id, nodes } = cluster;
  return (
    <section class="nodes" aria-label="Nodes">
      <h3>{nodesReady(cluster)}</h3>
      <ul>
        {nodes.slice(0, FEW).map((node) => (
          <Node key={node.index} node={node} />
        ))}
      </ul>
      {nodes.length > FEW && <a href={clusterHref(id)}>All {nodes.length}</a>}
    </section>
  );
}

function Node({ node }: { node: ClusterNode }) {
  const status = statusOf(node);
  return (
    <li title={node.label}>
      <span class={lampOf(node)} />
      <span class="index">{node.index}</span>
      {node.ipv4 === null || isOver(node) ? (
        <span class="status">{status}</span>
      ) : (
        <>
          <code>{node.ipv4}</code>
          <span class={UP.includes(status) ? 'unseen' : 'status'}>{status}</span>
          <Copy text={node.ipv4} what={`the address of node ${node.index}`} />
        </>
      )}
      {node.reason !== undefined && <span class="reason">{node.reason}</span>}
    </li>
  );
}
