import type { Cluster } from '../../client/answers.ts';
import { isLive } from '../../client/clusters.ts';
import { dollars, plusUsd } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { ClusterCard } from './cluster-card.tsx';
import { LostContact } from './cluster-parts.tsx';
import { useLiveClusters } from './live.ts';
import { LeftOut, Loading, Problem } from './parts.tsx';

export function Clusters() {
  const { clusters, unreadable, contact, put, lookNow } = useLiveClusters();
  return (
    <div class="view">
      <div class="headline">
        <h1 tabIndex={-1}>Clusters</h1>
        {clusters !== null && clusters.length > 0 && <Totals clusters={clusters} />}
      </div>
      {clusters !== null && <LostContact contact={contact} onRetry={lookNow} />}
      {clusters === null && contact.lost === null && <Loading what="clusters" />}
      {clusters === null && <Problem error={contact.lost} onRetry={lookNow} />}
      {clusters?.length === 0 && (
        <div class="nothing">
          <p class="lead">Nothing burns.</p>
          <p>No cluster is alive, and Linode bills for none.</p>
          <a class="button primary" href="#/launch">
            Launch one
          </a>
        </div>
      )}
      <LeftOut ids={unreadable} />
      {clusters?.map((cluster) => (
        <ClusterCard key={cluster.id} cluster={cluster} onChanged={(changed) => put([changed])} />
      ))}
    </div>
  );
}

function Totals({ clusters }: { clusters: readonly Cluster[] }) {
  const live = clusters.filter(isLive);
  const nodes = live.reduce((sum, one) => sum + one.nodes.length, 0);
  const hourly = plusUsd(...live.map(({ hourlyUsd }) => hourlyUsd));
  return (
    <p class="totals">
      {plural(live.length, 'cluster')}, {plural(nodes, 'node')}, {dollars(hourly)} an hour
    </p>
  );
}
