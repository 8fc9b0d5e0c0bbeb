import { isClusterId } from '../core/base/names.ts';
import { type EpochMs, plus, seconds } from '../core/base/units.ts';
import type { ClusterRecord } from '../core/cluster/record.ts';
import { AppError } from '../errors.ts';
import type { Clock, ClusterStore, ListQuery, Secrets } from '../ports.ts';
import { rootPassword } from './root-password.ts';

/** The owner who sees and may end everybody's clusters. */
export const ADMIN = 'admin';

/** One cluster of the owner's; somebody else's is `notFound`, as if it did not exist. */
export async function getCluster(
  { store }: { readonly store: Pick<ClusterStore, 'get'> },
  owner: string,
  id: string,
): Promise<ClusterRecord> {
  const record = isClusterId(id) ? await store.get(id) : 'notFound';
  if (record === 'notFound' || (owner !== ADMIN && record.owner !== owner)) {
    throw noCluster(id);
  }
  return record;
}

const noCluster = (id: string) =>
  new AppError('notFound', `There is no cluster ${id}. GET /clusters lists yours.`);

/** `owner`: that one's alone, for the admin to ask. */
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
 * Whose clusters `owner` gets who asks for those of `asked` (null: for all that there are to see);
 * null: everybody's. Others than the admin may ask for their own alone, and learn from the refusal
 * nothing of who else there is.
 */
export function ownerSeen(owner: string, asked: string | null): string | null {
  if (owner === ADMIN) return asked;
  if (asked === null || asked === owner) return owner;
  const fault = { path: 'owner', message: `must be ${owner}, or left out: you see your own alone` };
  throw new AppError('invalid', "Only the admin sees other owners' clusters.", { faults: [fault] });
}

/** How to log in to the nodes that exist; `rootPassword` is null where keys were given instead. */
export async function getCredentials(
  { store, secrets }: { readonly store: ClusterStore; readonly secrets: Secrets },
  owner: string,
  id: string,
) {
  const record = await getCluster({ store }, owner, id);
  // Not even the admin's, who sees all else.
  if (record.owner !== owner) throw noCluster(id);
  const key = record.spec.authorizedKeys.length > 0 ? null : await secrets.passwordKey();
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
 * The cluster once all its nodes have addresses or it has ended, or as it is at `until`. A record
 * that can't be read just then is no reason to hide that it was launched.
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
