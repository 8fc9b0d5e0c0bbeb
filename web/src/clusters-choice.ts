import type { Cluster } from '../../client/answers.ts';
import { statusNames } from '../../client/clusters.ts';
import type { Sort } from './sort.ts';

type Status = Cluster['status'];
export type ClusterSortKey = 'name' | 'teardown' | 'spend';

/** Which clusters a table shows, and in which order. */
export interface ClusterChoice {
  /** A part of a name, id, owner, type, region, image, tag or address, as typed. */
  readonly search: string;
  /** Empty: any. */
  readonly status: Status | '';
  readonly owner: string;
  readonly sort: Sort<ClusterSortKey>;
}

const KEYS: readonly ClusterSortKey[] = ['name', 'teardown', 'spend'];
const FIRST: ClusterSortKey = 'teardown';

const isStatus = (text: string): text is Status => Object.hasOwn(statusNames, text);

/** The choice in the query of an address; what it does not name is as in a fresh table. */
export function choiceIn(query: Readonly<Record<string, string>>): ClusterChoice {
  const { q = '', status = '', owner = '', sort = FIRST } = query;
  const key = KEYS.find((known) => known === sort.replace(/^-/, '')) ?? FIRST;
  return {
    search: q,
    status: isStatus(status) ? status : '',
    owner,
    sort: { key, isDown: sort.startsWith('-') },
  };
}

/** The query that `choiceIn` reads back. */
export function queryOf({ search, status, owner, sort }: ClusterChoice): Record<string, string> {
  const order = `${sort.isDown ? '-' : ''}${sort.key}`;
  return { q: search, status, owner, sort: order === FIRST ? '' : order };
}

/** The sort after a click on a heading: the highest spend comes first, and the next name. */
export const sortedBy = (before: Sort<ClusterSortKey>, key: ClusterSortKey) => ({
  key,
  isDown: before.key === key ? !before.isDown : key === 'spend',
});

/** The clusters that match, in order; equal ones by id. Without a teardown to come: last. */
export function chooseClusters(
  clusters: readonly Cluster[],
  { search, status, owner, sort: { key, isDown } }: ClusterChoice,
): readonly Cluster[] {
  const sought = search.trim().toLowerCase();
  const sign = isDown ? -1 : 1;
  return clusters
    .filter(
      (one) =>
        (status === '' || one.status === status) &&
        (owner === '' || one.owner === owner) &&
        (sought === '' || textsOf(one).some((text) => text.toLowerCase().includes(sought))),
    )
    .toSorted((one, other) => {
      if (key === 'teardown' && (one.teardownAt === null || other.teardownAt === null)) {
        return Number(one.teardownAt === null) - Number(other.teardownAt === null);
      }
      return sign * compare(one, other, key) || (one.id < other.id ? -1 : 1);
    });
}

function compare(one: Cluster, other: Cluster, key: ClusterSortKey): number {
  if (key === 'spend') return one.spentUsd - other.spentUsd;
  if (key === 'teardown') return `${one.teardownAt}` < `${other.teardownAt}` ? -1 : 1;
  const [name, next] = [one.name ?? one.id, other.name ?? other.id];
  return name.localeCompare(next, 'en', { numeric: true });
}

const textsOf = ({ name, id, owner, type, region, image, spec, nodes }: Cluster): string[] => [
  ...[name ?? '', id, owner, type, region, image, ...spec.tags],
  ...nodes.flatMap(({ ipv4 }) => ipv4 ?? []),
];

/** The owners of clusters, by name. */
export const ownersOf = (clusters: readonly Cluster[]): readonly string[] =>
  [...new Set(clusters.map(({ owner }) => owner))].toSorted();
