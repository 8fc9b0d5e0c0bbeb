import { describe, expect, it } from 'vitest';
import type { Cluster, ClusterNode } from '../../../client/answers.ts';
import { fingerprint, isBusy, pauseMs } from '../../../client/poll.ts';
import { aCluster } from './builders.ts';

describe('the pause before the next look', () => {
  const calm = { unchanged: 0, failed: 0, busy: false, rate: 1 };

  it('is short while clusters change, and longer the longer nothing changes', () => {
    expect(pauseMs({ ...calm, busy: true })).toBe(2_000);
    expect(pauseMs(calm)).toBe(10_000);
    expect(pauseMs({ ...calm, unchanged: 1 })).toBe(15_000);
    expect(pauseMs({ ...calm, unchanged: 50 })).toBe(60_000);
  });

  it('grows with each look that the API does not answer', () => {
    expect([1, 2, 3, 20].map((failed) => pauseMs({ ...calm, failed }))).toEqual([
      3_000, 6_000, 12_000, 60_000,
    ]);
  });

  it('is shorter where the server’s clock runs faster, up to a bound', () => {
    expect(pauseMs({ ...calm, rate: 1000 })).toBe(1_000);
    expect(pauseMs({ ...calm, rate: 1000, busy: true })).toBe(800);
  });

  it('isBusy while a cluster comes up, is destroyed, or is near its teardown', () => {
    const teardown = { teardownAt: '2026-11-23T12:00:00Z' };
    const earlier = (ms: number) => Date.parse(teardown.teardownAt) - ms;
    expect(isBusy([aCluster({ status: 'provisioning' })], 0)).toBe(true);
    expect(isBusy([aCluster(teardown)], earlier(60_000))).toBe(true);
    expect(isBusy([aCluster(teardown)], earlier(600_000))).toBe(false);
    expect(isBusy([], 0)).toBe(false);
  });

  it('isBusy while the results of a job are on their way, which its end follows', () => {
    const job: NonNullable<Cluster['job']> = {
      ...{ command: './run', on: 'head', state: 'running', exitCode: 0, node: null, reason: null },
      ...{ startedAt: null, endedAt: null, stopAskedAt: null },
      ...{ onDone: 'destroy', onFailure: 'keepPaidHour' },
    };
    const of = (state: 'running' | 'collecting') => [
      aCluster({ agent: false, teardownAt: null, job: { ...job, state } }),
    ];
    expect(isBusy(of('collecting'), 0)).toBe(true);
    expect(isBusy(of('running'), 0)).toBe(false);
    expect(fingerprint(of('running'))).not.toBe(fingerprint(of('collecting')));
  });

  it('isBusy for 15 minutes while nodes may yet say that they are ready', () => {
    const startedAt = '2026-11-10T10:01:00Z';
    const minutesOn = (minutes: number, overrides: Partial<Cluster> = {}) =>
      isBusy([aCluster({ startedAt, ...overrides })], Date.parse(startedAt) + minutes * 60_000);
    expect(minutesOn(14)).toBe(true);
    expect(minutesOn(16)).toBe(false);
    expect(minutesOn(14, { agent: false })).toBe(false);
  });

  it('fingerprint changes when a node says that it is ready, or why it is not', () => {
    const [node] = aCluster().nodes as [ClusterNode];
    const of = (said: Partial<ClusterNode>) =>
      fingerprint([aCluster({ nodes: [{ ...node, ...said }] })]);
    const seen = [{}, { agentReason: 'no' }, { readyAt: '2026-11-10T10:02:00Z' }].map(of);
    expect(new Set(seen).size).toBe(3);
  });

  it('fingerprint changes with the budget, but not with the spend', () => {
    expect(fingerprint([aCluster({ spentUsd: 0.5 })])).toBe(fingerprint([aCluster()]));
    expect(fingerprint([aCluster({ budgetUsd: 2 })])).not.toBe(fingerprint([aCluster()]));
  });
});
