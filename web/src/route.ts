/*
 * Where the reader is, in the part of the address after the `#`, so that a link leads there and the
 * browser's back button leads back: `#/clusters?status=running`, `#/clusters/cabcdefghij`.
 */

export const viewNames = ['launch', 'clusters', 'history', 'schedules', 'budget'] as const;
export type ViewName = (typeof viewNames)[number];

export interface Route {
  readonly view: ViewName;
  /** The cluster whose page it is; null: the page of the view. */
  readonly clusterId: string | null;
  /** What a list is filtered and sorted by. */
  readonly query: Readonly<Record<string, string>>;
}

/** An address that leads nowhere leads to the clusters. */
export function routeOf(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?');
  const [name, id] = path.split('/').map(decodedOr);
  const view = viewNames.find((known) => known === name) ?? 'clusters';
  const query = Object.fromEntries(new URLSearchParams(search));
  return { view, clusterId: view === 'clusters' && name === view && id ? id : null, query };
}

const decodedOr = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
};

export const clusterHref = (id: string): string => `#/clusters/${id}`;

/** The address of a view with a query, without the parts of it that are empty. */
export function viewHref(view: ViewName, query: Readonly<Record<string, string>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== '');
  return given.length === 0 ? `#/${view}` : `#/${view}?${new URLSearchParams(given)}`;
}
