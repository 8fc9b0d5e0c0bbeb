import { ADMIN, isClusterId } from '../core/base/names.ts';
import { type EpochMs, plus, seconds } from '../core/base/units.ts';
import type { ClusterRecord } from '../core/cluster/record.ts';
import { hasKeys } from '../core/cluster/spec.ts';
import { AppError } from '../errors.ts';
import type { Clock, ClusterStore, ListQuery, Secrets } from '../ports.ts';
import { rootPassword } from './root-password.ts';

/**
 * A cluster of the owner. A cluster of somebody else is `notFound`, as if it did not exist.
 * `unreadable` if the owner's own record can't be read.
 */
export async function getCluster(
  { store }: { readonly store: Pick<ClusterStore, 'get'> },
  owner: string,
  id: string,
): Promise<ClusterRecord> {
  const record = isClusterId(id) ? await forOwner(owner, store.get(id)) : 'notFound';
  if (record === 'notFound' || (owner !== ADMIN && record.owner !== owner)) {
    throw noCluster(id);
  }
  return record;
}

/** What was read; `notFound` in place of an unreadable record of somebody else. */
export const forOwner = <Read>(owner: string, read: Promise<Read>): Promise<Read | 'notFound'> =>
  read.catch((error: unknown) => {
    const isUnreadable = error instanceof AppError && error.code === 'unreadable';
    if (!isUnreadable || owner === ADMIN || error.details.owner === owner) throw error;
    return 'notFound' as const;
  });

const noCluster = (id: string) =>
  new AppError('notFound', `There is no cluster ${id}. GET /clusters lists yours.`);

/** `owner`: only the clusters of this owner. Only the admin may ask for another owner's. */
export type ClusterFilter = Omit<ListQuery, 'owner' | 'month'> &
  Partial<Pick<ListQuery, 'owner' | 'month'>>;

export async function listClusters(
  { store }: { readonly store: Pick<ClusterStore, 'list'> },
  owner: string,
  { owner: asked = null, month = null, ...query }: ClusterFilter,
) {
  return store.list({ ...query, month, owner: ownerSeen(owner, asked) });
}

/**
 * The owner whose clusters `owner` sees when asking for those of `asked`; null: everybody's.
 * `asked` null: all clusters that `owner` may see. Only the admin may ask for another owner's;
 * AppError `invalid` for anybody else, which does not reveal which other owners exist.
 */
export function ownerSeen(owner: string, asked: string | null): string | null {
  if (owner === ADMIN) return asked;
  if (asked === null || asked === owner) return owner;
  const fault = {
    path: 'owner',
    message: `must be ${owner}, or left out: you see only your own clusters`,
  };
  throw new AppError('invalid', "Only the admin sees other owners' clusters.", { faults: [fault] });
}

/** How to log in to the nodes that exist. `rootPassword` is null if the spec gives keys instead. */
export async function getCredentials(
  { store, secrets }: { readonly store: ClusterStore; readonly secrets: Secrets },
  owner: string,
  id: string,
) {
  const record = await getCluster({ store }, owner, id);
  // The admin sees everything but credentials.
  if (record.owner !== owner) throw noCluster(id);
  const key = hasKeys(record.spec) ? null : await secrets.passwordKey();
  return record.nodes.flatMap((node) =>
    node.state === 'created'
      ? {
          index: node.index,
          label: node.label,
          ipv4: node.ipv4[0] ?? null,
          user: 'root',
          rootPassword: key === null ? null : rootPassword(key, node.label),
        }
      : [],
  );
}

/**
 * The cluster once all its nodes have addresses or it has ended; at the latest as it is at `until`.
 * A record that can't be read must not hide that the cluster was launched.
 */
export async function waitForAddresses(
  { clock, store }: { readonly clock: Clock; readonly store: ClusterStore },
  record: ClusterRecord,
  until: EpochMs,
): Promise<ClusterRecord> {
  let current = record;
  while (
    clock.now() < until &&
    current.nodes.some(({ state }) => state === 'planned' || state === 'creating')
  ) {
    await clock.sleep(plus(clock.now(), seconds(1)));
    const read = await store.get(record.id).catch(() => 'unreadable' as const);
    if (read === 'notFound' || read === 'unreadable') return current;
    current = read;
  }
  return current;
}
