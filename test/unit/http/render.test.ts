import { describe, expect, it } from 'vitest';
import { NOTHING } from '../../../lib/core/cluster/month-totals.ts';
import { renderCluster, renderClusters, renderReport } from '../../../lib/http/render.ts';
import {
  aDeleting,
  anEnded,
  aRunning,
  at,
  created,
  ID,
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

describe('renderReport', () => {
  const head = { month: '2026-11', at: at('2026-11-20T12:00:00Z'), nextCursor: null };
  const total = {
    ...{ clusters: 1, nodeHours: 5 },
    ...{ billed: usd(0.0375), saved: usd(3.63), overspent: usd(0) },
  };
  const month = { month: '2026-11', at: '2026-11-20T12:00:00.000Z' };
  const anns = {
    ...{ clusters: 1, nodeHours: 5 },
    ...{ billedUsd: 0.0375, savedUsd: 3.63, overspentUsd: 0 },
  };

  it('shows money in dollars, totals by owner only to the admin, and unreadable clusters', () => {
    expect(renderReport({ ...head, total, byOwner: null, unreadable: [] }, null)).toEqual({
      ...{ ...month, ...anns, monthlyCapUsd: null },
    });
    expect(renderReport({ ...head, total: NOTHING, byOwner: null, unreadable: [] }, null)).toEqual({
      ...{ ...month, monthlyCapUsd: null },
      ...{ clusters: 0, nodeHours: 0, billedUsd: 0, savedUsd: 0, overspentUsd: 0 },
    });
    const part = { ...head, total, byOwner: null, unreadable: [], nextCursor: 'next' };
    expect(renderReport(part, null)).toMatchObject({ nextCursor: 'next' });
    const byOwner = [{ owner: 'ann', ...total }];
    const owners = [{ owner: 'ann', ...anns }];
    expect(renderReport({ ...head, total, byOwner, unreadable: [ID] }, usd(20))).toEqual({
      ...{ ...month, ...anns, monthlyCapUsd: 20, owners, unreadable: [ID] },
    });
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
