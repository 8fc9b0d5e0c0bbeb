import { expect, it } from 'vitest';
import { dueStorm, launchStorm } from '../../../simulation/storm.ts';

const STORM = { clusters: 400, nodes: 1, functionsMax: 100, outageSeconds: 0 };

it('400 clusters that fall due within a minute end in time, in few functions', async () => {
  const outcome = await dueStorm(STORM);
  expect(outcome).toMatchObject({ clusters: 400, overspent: 0, left: { linodes: 0, clusters: 0 } });
  expect(outcome.lead.least).toBeGreaterThan(120);
  expect(outcome.lead.most).toBeLessThan(180 + 15);
  expect(outcome.invocations.peak).toBeLessThanOrEqual(10);
  expect(outcome.calls.deletions).toBe(400);
  expect(outcome.calls.lists).toBeLessThan(400);
});

it('400 clusters end in time with ten functions and an outage of a minute', async () => {
  const outcome = await dueStorm({ ...STORM, functionsMax: 10, outageSeconds: 60 });
  expect(outcome).toMatchObject({ clusters: 400, overspent: 0, left: { linodes: 0, clusters: 0 } });
  expect(outcome.lead.least).toBeGreaterThan(60);
});

it('10 clusters of 40 nodes come up one after the other, as fast as Linode creates', async () => {
  const outcome = await launchStorm({ clusters: 10, nodes: 40, functionsMax: 10 });
  expect(outcome).toMatchObject({ launched: 10, failed: { clusters: 0, usd: 0 } });
  expect(outcome.ratio).toBeLessThan(1.15);
  expect(outcome.invocations.peak).toBeLessThanOrEqual(10);
});
