import { describe, expect, it } from 'vitest';
import { NOTHING } from '../../../lib/core/cluster/month-totals.ts';
import { renderReport } from '../../../lib/http/render.ts';
import { at, ID, usd } from '../../support/builders.ts';

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
