import { describe, expect, it } from 'vitest';
import { renderCluster, renderClusters } from '../../../lib/http/render.ts';
import {
  aDeleting,
  anEnded,
  aRunning,
  created,
  LAUNCH,
  neverCreated,
  usd,
} from '../../support/builders.ts';

describe('renderCluster', () => {
  it('of 3 nodes of 10 that are up shows the price and the bill of three', () => {
    const missing = Array.from({ length: 7 }, (_, index) => neverCreated(index + 3));
    const nodes = [created(0), created(1), created(2), ...missing];
    const record = aRunning({ nodes, budget: usd(0.1) });
    expect(renderCluster(record, LAUNCH)).toMatchObject({
      hourlyUsd: 0.0225,
      affordableHours: 4,
      spentAtTeardownUsd: 0.09,
    });
  });

  it('shows no bill at the teardown once that has begun', () => {
    expect(renderCluster(aDeleting(), LAUNCH).spentAtTeardownUsd).toBeNull();
    expect(renderCluster(anEnded(), LAUNCH).spentAtTeardownUsd).toBeNull();
  });
});

describe('renderClusters', () => {
  it('fits an answer of Lambda, though each node of a full page has failed', () => {
    const nodes = Array.from({ length: 150 }, (_, index) =>
      created(index, { ipv4: ['203.0.113.250'], ipv6: '2001:db8::f03c:0:fffe/128' }),
    );
    const record = aRunning({ agent: true, nodes });
    // A page has records of at most 3 MB (lib/adapters/dynamodb/pages.ts).
    const count = Math.floor(3_000_000 / Buffer.byteLength(JSON.stringify(record)));
    const records = Array.from({ length: count }, () => record);
    const failed = { kind: 'failed', at: LAUNCH, reason: 'é'.repeat(80) } as const;
    const reports = new Map(nodes.map(({ index }) => [index, failed]));
    const page = { records, unreadable: [], nextCursor: null };
    const shown = renderClusters(page, LAUNCH, new Map([[record.id, reports]]), new Map());
    expect(count).toBeGreaterThan(60);
    expect(shown.clusters[0]?.nodes[0]).toMatchObject({ agentReason: `${'é'.repeat(38)}…` });
    expect(Buffer.byteLength(JSON.stringify(shown))).toBeLessThan(6_000_000);
  });
});
