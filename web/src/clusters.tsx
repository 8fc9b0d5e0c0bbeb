import type { Cluster } from '../../client/answers.ts';
import { isLive } from '../../client/clusters.ts';
import { dollars, plusUsd } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { ClusterCard } from './cluster-card.tsx';
import { LostContact } from './cluster-parts.tsx';
import { ClustersTable } from './clusters-table.tsx';
import { useRoute } from './hooks.ts';
import { useLiveClusters } from './live.ts';
import { LeftOut, Loading, Problem } from './parts.tsx';

/** More cards than these are too long to read; a table is not. */
const FEW = 5;

export function Clusters() {
  const { clusters, unreadable, contact, put, lookNow } = useLiveClusters();
  const { query } = useRoute();
  const isFiltered = Object.keys(query).length > 0;
  const isMany = clusters !== null && clusters.length > (isFiltered ? 0 : FEW);
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
      {clusters !== null && isMany && <ClustersTable clusters={clusters} onChanged={put} />}
      {!isMany &&
        clusters?.map((cluster) => (
          <ClusterCard key={cluster.id} cluster={cluster} onChanged={(one) => put([one])} />
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
