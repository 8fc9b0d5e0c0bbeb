import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hours, minus, minutes, plus, seconds } from '../../../../lib/core/base/units.ts';
import { readAs } from '../../../../lib/core/billing/price.ts';
import { spentAt } from '../../../../lib/core/cluster/bills.ts';
import { changeCluster } from '../../../../lib/core/cluster/change.ts';
import { lifeOf } from '../../../../lib/core/cluster/life.ts';
import { isLive, type LiveRecord, type Running } from '../../../../lib/core/cluster/record.ts';
import type { JobOutcome } from '../../../../lib/core/job/progress.ts';
import { withJobOver, withJobStopped } from '../../../../lib/core/pass/job-over.ts';
import { plan } from '../../../../lib/core/pass/plan.ts';
import {
  aBought,
  aCluster,
  aDeleting,
  aJob,
  aRunning,
  aSpec,
  at,
  created,
  eventsOf,
  LAUNCH,
  planned,
  teardownOf,
  usd,
} from '../../../support/builders.ts';

const MARGIN = minutes(3);
const NOW = plus(LAUNCH, minutes(41));
const done: JobOutcome = { state: 'done', node: null, exitCode: 0, reason: null };
const failed: JobOutcome = { state: 'failed', node: 0, exitCode: 3, reason: null };

const running = (job: Parameters<typeof aJob>[0] = {}, overrides: Partial<Running> = {}) =>
  aRunning({
    budget: usd(1),
    spec: aSpec({ budget: usd(1), job: aJob(job) }),
    nodes: [created(0), created(1)],
    ...overrides,
  });

describe('a job that is done', () => {
  it('ends its cluster at once, and the record has what it saved', () => {
    const before = running();
    const { teardownAt, bill } = lifeOf(before, NOW);
    const next = withJobOver(before, done, NOW);
    expect(next).toMatchObject({ phase: 'deleting', endReason: 'done', dueAt: NOW });
    expect(next.jobEnd).toEqual({ ...done, at: NOW, teardownAt, billThen: bill });
    expect(eventsOf(next).slice(-2)).toEqual(['job done, exit code 0', 'teardown begun (done)']);
  });

  it('leaves its cluster as it is with onDone keep', () => {
    const before = running({ onDone: 'keep' });
    const next = withJobOver(before, done, NOW);
    expect(next).toMatchObject({ phase: 'running', dueAt: NOW, jobEnd: { state: 'done' } });
    expect(teardownOf(next, NOW)).toBe(teardownOf(before, NOW));
  });

  it('is over once: a second outcome changes nothing', () => {
    const over = withJobOver(running({ onDone: 'keep' }), done, NOW);
    expect(withJobOver(over, failed, plus(NOW, minutes(1)))).toBe(over);
  });

  it('changes nothing during a teardown, or where there is no job', () => {
    const deleting = aDeleting({ spec: aSpec({ job: aJob() }) });
    expect(withJobOver(deleting, done, NOW)).toBe(deleting);
    const other = aRunning();
    expect(withJobOver(other, done, NOW)).toBe(other);
  });
});

describe('a job that has failed', () => {
  it('leaves the nodes until just before the end of the hour that is paid anyway', () => {
    const next = withJobOver(running(), failed, NOW);
    const endBy = plus(LAUNCH, minutes(57));
    expect(next).toMatchObject({ phase: 'running', endBy, dueAt: NOW });
    if (!isLive(next)) throw new Error('it has ended');
    expect(lifeOf(next, NOW)).toMatchObject({ teardownAt: endBy, limit: 'done' });
    expect(plan(next, [], endBy).next).toMatchObject({ phase: 'deleting', endReason: 'done' });
    expect(eventsOf(next).at(-1)).toBe('job failed, exit code 3');
  });

  it('ends at once where the margin before that has begun', () => {
    const late = plus(LAUNCH, minutes(58));
    expect(withJobOver(running(), failed, late)).toMatchObject({ endBy: late });
  });

  it('goes by the node whose hour ends first, and by the end of the month', () => {
    const nodes = [created(0), created(1, { billedFrom: minus(LAUNCH, minutes(5)) })];
    const early = withJobOver(running({}, { nodes }), failed, NOW);
    expect(early.endBy).toBe(plus(LAUNCH, minutes(52)));
    const monthEnd = at('2026-12-01T00:00:00Z');
    const billedFrom = minus(monthEnd, minutes(30));
    const atMonthEnd = running({}, { nodes: [created(0, { billedFrom })] });
    const soon = withJobOver(atMonthEnd, failed, minus(monthEnd, minutes(20)));
    expect(soon.endBy).toBe(minus(monthEnd, MARGIN));
    const bought = aBought({ price: readAs(aBought().price, 'startMonth') });
    const billedOnce = { ...atMonthEnd, bought };
    const later = withJobOver(billedOnce, failed, minus(monthEnd, minutes(20)));
    expect(later.endBy).toBe(minus(plus(billedFrom, hours(1)), MARGIN));
  });

  it('ends at once with destroy, and lives on with keep', () => {
    expect(withJobOver(running({ onFailure: 'destroy' }), failed, NOW)).toMatchObject({
      phase: 'deleting',
      endReason: 'done',
    });
    const kept = withJobOver(running({ onFailure: 'keep' }), failed, NOW);
    expect(kept).toMatchObject({ phase: 'running', jobEnd: { state: 'failed', exitCode: 3 } });
    expect(kept.endBy).toBeUndefined();
  });

  it('creates no further node', () => {
    const coming = aCluster({
      budget: usd(1),
      spec: aSpec({ budget: usd(1), job: aJob() }),
      nodes: [created(0), planned(1)],
    });
    const creates = (record: LiveRecord) =>
      plan(record, [], NOW).steps.filter(({ kind }) => kind === 'createNode');
    const inTime = { ...coming, provisionBy: plus(NOW, minutes(5)) };
    expect(creates(inTime)).toHaveLength(1);
    expect(creates(withJobOver(inTime, failed, NOW))).toEqual([]);
  });

  it('says why it failed', () => {
    const reason = 'node 3 did not get ready: mpi';
    const next = withJobOver(running(), { state: 'failed', node: 3, exitCode: null, reason }, NOW);
    expect(eventsOf(next).at(-1)).toBe(`job failed: ${reason}`);
  });

  it('costs nothing more for the look, whenever it failed', () => {
    const age = fc.integer({ min: 1, max: 60 * 60 * 40 });
    fc.assert(
      fc.property(age, (second) => {
        const now = plus(LAUNCH, seconds(second));
        const next = withJobOver(running({}, { nodes: [created(0), created(1)] }), failed, now);
        if (!isLive(next)) throw new Error('it has ended');
        const { teardownAt } = lifeOf(next, now);
        expect(spentAt(next, plus(teardownAt, seconds(1)))).toBe(
          spentAt(next, plus(now, seconds(1))),
        );
      }),
    );
  });

  it('lives on if somebody pays for more time', () => {
    const over = withJobOver(running(), failed, NOW);
    const asked = { now: NOW, owner: 'ann' };
    const more = changeCluster(over, { budget: usd(2) }, asked);
    expect(more).toMatchObject({ kind: 'changed', next: { budget: usd(2) } });
    expect(more).not.toHaveProperty('next.endBy');
    const less = changeCluster(over, { budget: usd(0.5) }, asked);
    expect(less).toHaveProperty('next.endBy', over.endBy);
  });
});

describe('a job that is to stop', () => {
  it('has its grace period and three minutes to end by itself', () => {
    const next = withJobStopped(running({ gracePeriodSeconds: 60 }), NOW, 'ann');
    expect(next).toMatchObject({
      jobStopAt: NOW,
      endBy: plus(NOW, minutes(4)),
      dueAt: NOW,
      phase: 'running',
    });
    expect(eventsOf(next).at(-1)).toBe('ann asked the job to stop');
    expect(withJobStopped(next, plus(NOW, hours(1)), 'ann')).toBe(next);
  });

  it('keeps its end although somebody pays for more time', () => {
    const stopped = withJobStopped(running(), NOW, 'ann');
    const more = changeCluster(stopped, { budget: usd(2) }, { now: NOW, owner: 'ann' });
    expect(more).toHaveProperty('next.endBy', stopped.endBy);
  });

  it('then ends its cluster as a job that is done', () => {
    const stopped: JobOutcome = { state: 'stopped', node: 0, exitCode: 143, reason: null };
    const next = withJobOver(withJobStopped(running(), NOW, 'ann'), stopped, NOW);
    expect(next).toMatchObject({ phase: 'deleting', endReason: 'done' });
    expect(next.jobEnd?.teardownAt).toBe(teardownOf(running(), NOW));
  });
});
