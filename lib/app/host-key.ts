import type { ClusterRecord } from '../core/cluster/record.ts';
import type { Secrets } from '../ports.ts';
import { hostKeyOf } from './room-keys.ts';
import { isRoom } from './user-data.ts';

/**
 * The host key of every node of the cluster, `ssh-ed25519 AAAA…`; null: each node makes a key of its
 * own, which nobody knows before, or the deployment has lost the key of which it is derived.
 */
export async function knownHostKey(
  secrets: Pick<Secrets, 'passwordKey'>,
  record: ClusterRecord,
): Promise<string | null> {
  if (!isRoom(record)) return null;
  const key = await secrets.passwordKey();
  if (key === null) return null;
  const [type, blob] = hostKeyOf(key, record.id).public.split(' ');
  return `${type} ${blob}`;
}
