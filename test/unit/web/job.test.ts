import { describe, expect, it } from 'vitest';
import type { Cluster, Job, JobNode } from '../../../client/answers.ts';
import {
  type ClusterJob,
  chooseJobNodes,
  commandWords,
  firstNodeOf,
  type JobNodeSortKey,
  jobWords,
  plainText,
  ranWords,
  savedWords,
  statesOf,
} from '../../../web/src/job.ts';

const aJob = (some: Partial<ClusterJob> = {}): ClusterJob => ({
  ...{ command: './run', on: 'all', state: 'running', exitCode: null, node: null, reason: null },
  ...{ startedAt: '2026-11-10T10:00:00Z', endedAt: null, stopAskedAt: null },
  ...{ onDone: 'destroy', onFailure: 'keepPaidHour' },
  ...some,
});

const aNode = (index: number, some: Partial<JobNode> = {}): JobNode => ({
  ...{ index, state: 'running', exitCode: null, reason: null, logBytes: 0 },
  ...{ stagedAt: null, startedAt: null, exitedAt: null, endedAt: null, heardAt: null },
  ...some,
});

const now = Date.parse('2026-11-10T10:41:00Z');

describe('a job in words', () => {
  it('has its exit code once it is over, and the node of it', () => {
    expect(jobWords(aJob())).toBe('Running');
    expect(jobWords(aJob({ state: 'collecting', exitCode: 0 }))).toBe('Collecting results');
    expect(jobWords(aJob({ state: 'done', exitCode: 0 }))).toBe('Done: exit code 0');
    const failed = aJob({ state: 'failed', exitCode: 3, node: 2 });
    expect(jobWords(failed)).toBe('Failed: exit code 3 on node 2');
    expect(jobWords({ ...failed, exitCode: null })).toBe('Failed: no exit code on node 2');
  });

  it('says for how long it runs, or ran', () => {
    expect(ranWords(aJob(), now)).toMatch(/^Started .+, 00:41:00 ago\.$/);
    const over = aJob({ state: 'done', exitCode: 0, endedAt: '2026-11-10T10:40:00Z' });
    expect(ranWords(over, now)).toMatch(/^Started .+, ended .+, after 00:40:00\.$/);
    expect(ranWords(aJob({ startedAt: null, state: 'waiting' }), now)).toBe('');
    expect(ranWords(aJob({ startedAt: null, state: 'failed' }), now)).toBe('It never started.');
  });

  it('says what its end has saved', () => {
    const words = (saved: Cluster['saved']) => savedWords({ saved });
    expect(words(null)).toBeNull();
    expect(words({ ofBudgetUsd: 0.925, untilTeardownUsd: 0.9 })).toBe(
      '$0.925 of the budget was not spent. Until its teardown it would have cost $0.90 more.',
    );
    expect(words({ ofBudgetUsd: 0.01, untilTeardownUsd: 0 })).not.toContain('teardown');
  });

  it('has its command in one line, which is not long and turns no writing', () => {
    expect(commandWords(' make\n  -j\t8\n')).toBe('make -j 8');
    expect(commandWords('x'.repeat(8_192))).toHaveLength(80);
    expect(commandWords('a\u202e\x1b[31mb\0')).toBe('ab');
    expect(plainText('one\u202e\n\x1b]0;t\x07two')).toBe('one\ntwo');
  });
});

describe('the nodes of a job', () => {
  const nodes = [
    aNode(10, { state: 'failed', exitCode: 3, reason: 'no Space left', logBytes: 5 }),
    aNode(9, { state: 'done', exitCode: 0, logBytes: 70_000 }),
    aNode(2),
    aNode(1, { state: 'done', exitCode: 0 }),
  ];
  const shown = (filter: object, key: JobNodeSortKey = 'index', isDown = false) =>
    chooseJobNodes(nodes, { search: '', state: '', ...filter }, { key, isDown }).map(
      ({ index }) => index,
    );

  it('are found by index, by what went wrong and by state', () => {
    expect(shown({})).toEqual([1, 2, 9, 10]);
    expect(shown({ search: ' space' })).toEqual([10]);
    expect(shown({ search: '1' })).toEqual([1]);
    expect(shown({ state: 'done' })).toEqual([1, 9]);
  });

  it('are in the order of numbers, with those that have none last in either direction', () => {
    expect(shown({}, 'exitCode')).toEqual([1, 9, 10, 2]);
    expect(shown({}, 'exitCode', true)).toEqual([10, 1, 9, 2]);
    expect(shown({}, 'logBytes', true)).toEqual([9, 10, 1, 2]);
  });

  it('are counted by state', () => {
    expect(statesOf(nodes)).toEqual([
      ['done', 2],
      ['failed', 1],
      ['running', 1],
    ]);
  });

  it('begin with the one that decided', () => {
    const job = (some: Partial<Job>): Job => ({ ...aJob(), nodes, ...some });
    expect(firstNodeOf(job({ node: 2 }))).toBe(2);
    expect(firstNodeOf(job({}))).toBe(10);
    expect(firstNodeOf(job({ nodes: nodes.slice(1) }))).toBe(9);
    expect(firstNodeOf(job({ nodes: [] }))).toBe(0);
  });
});
