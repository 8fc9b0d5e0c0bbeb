import { describe, expect, it } from 'vitest';
import { knownHostKey } from '../../../lib/app/host-key.ts';
import { hostKeyOf } from '../../../lib/app/room-keys.ts';
import type { ClusterRecord } from '../../../lib/core/cluster/record.ts';
import { aCluster, aRunning, aSpec, ID } from '../../support/builders.ts';
import { aSecret } from '../../support/doubles.ts';

const KEY = 'a key of the deployment';
const HOST_KEY = hostKeyOf(KEY, ID).public.replace(` onebuck-${ID}`, '');
const network = {
  kind: 'private',
  vlan: 'onebuck-prod',
  subnet: { block: 0, bits: 24 },
} as const;

describe('the host key of a cluster', () => {
  it.each<[string, ClusterRecord, string | null]>([
    ['with an agent', aCluster({ agent: true }), HOST_KEY],
    ['with a network', aRunning({ network }), HOST_KEY],
    ['with a setup', aRunning({ spec: aSpec({ setup: ['mpi'] }) }), HOST_KEY],
    ['with an open port', aRunning({ spec: aSpec({ openPorts: ['80'] }) }), HOST_KEY],
    ['whose nodes get nothing of Onebuck', aRunning(), null],
  ])('is known of one %s', async (_, record, hostKey) => {
    const secrets = aSecret({ passwordKey: async () => KEY });
    expect(await knownHostKey(secrets, record)).toBe(hostKey);
  });

  it('is not known once the deployment has lost the key of which it is derived', async () => {
    const secrets = aSecret({ passwordKey: async () => null });
    expect(await knownHostKey(secrets, aRunning({ network }))).toBeNull();
  });
});
