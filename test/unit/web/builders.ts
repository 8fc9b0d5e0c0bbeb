import type { Cluster } from '../../../web/src/types.ts';

/** A running cluster as the API shows it; a test names what matters. */
export const aCluster = (some: Partial<Cluster> = {}): Cluster => ({
  ...{ id: 'caaaaaaaaaa', name: null, owner: 'admin', scheduleId: null, status: 'running' },
  spec: {
    ...{ name: null, nodes: 2, type: 'g6-nanode-1', region: 'us-east', image: 'linode/debian12' },
    ...{ budgetUsd: 1, maxHours: null, authorizedKeys: [], userData: null },
    ...{ onPartial: 'destroy', tags: [] },
  },
  ...{ type: 'g6-nanode-1', vcpus: 1, memoryMb: 1024, diskMb: 25_600, region: 'us-east' },
  image: 'linode/debian12',
  nodes: [1, 0].map((index) => ({
    ...{ index, label: `onebuck-caaaaaaaaaa-${index}`, status: 'running', linodeId: 100 + index },
    ...{ ipv4: `192.0.2.${index}`, ipv6: null, createdAt: `2026-11-23T12:00:0${index}.000Z` },
  })),
  ...{ budgetUsd: 1, maxHours: null, hourlyUsd: 0.015, spentUsd: 0.015, leftUsd: 0.985 },
  ...{ affordableHours: 66, teardownAt: '2026-11-26T05:57:00.000Z' },
  next: {
    ...{ at: '2026-11-26T05:57:00.000Z', why: 'destroys its nodes, when the budget is used up' },
  },
  ...{ createdAt: '2026-11-23T11:59:59.000Z', startedAt: '2026-11-23T12:01:00.000Z' },
  ...{ endedAt: null, endReason: null, failure: null, history: [] },
  ...some,
});
