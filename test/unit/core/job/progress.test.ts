import { describe, expect, it } from 'vitest';
import { minutes, plus, seconds } from '../../../../lib/core/base/units.ts';
import {
  isSilent,
  type JobNodes,
  NO_PROGRESS,
  NO_RANK_PROGRESS,
  outcomeOf,
  type RankEnd,
  rankStateOf,
  startOf,
  stateOf,
} from '../../../../lib/core/job/progress.ts';
import { LAUNCH } from '../../../support/builders.ts';

const NOBODY = new Map<number, string>();
const head: JobNodes = { live: [0, 1, 2], runners: [0], failed: NOBODY, upAt: LAUNCH };
const all: JobNodes = { ...head, runners: [0, 1, 2] };
const staged = { ...NO_PROGRESS, stagedFrom: LAUNCH, staged: new Set([0, 2]) };
const started = { ...staged, staged: new Set([0, 1, 2]), startedAt: LAUNCH };
const end = (exitCode: number | null, isLastCall = false): RankEnd => ({ exitCode, isLastCall });
const ended = (...ends: [number, RankEnd][]) => ({ ...started, ended: new Map(ends) });

describe('the start of a job', () => {
  it('waits for the inputs of every live node', () => {
    expect(startOf(head, staged, LAUNCH)).toEqual({ kind: 'wait' });
    expect(startOf({ ...head, live: [0, 2] }, staged, LAUNCH)).toEqual({ kind: 'go' });
    expect(startOf(head, { ...staged, staged: new Set([0, 1, 2]) }, LAUNCH)).toEqual({
      kind: 'go',
    });
  });

  it('never comes if a node did not get ready', () => {
    const failed = new Map([[1, 'mpi: no ssh to n0']]);
    expect(startOf({ ...head, failed }, staged, LAUNCH)).toEqual({
      kind: 'never',
      node: 1,
      reason: 'node 1 did not get ready: mpi: no ssh to n0',
    });
  });

  it('never comes if a node has no inputs 15 minutes after the first', () => {
    const until = plus(LAUNCH, minutes(15));
    expect(startOf(head, staged, plus(until, seconds(-1)))).toEqual({ kind: 'wait' });
    expect(startOf(head, staged, until)).toEqual({
      kind: 'never',
      node: 1,
      reason: `node 1 did not have the inputs by ${new Date(until).toISOString()}`,
    });
  });

  it('never comes if no node has its inputs two hours after all were up', () => {
    const until = plus(LAUNCH, minutes(120));
    expect(startOf(head, NO_PROGRESS, plus(until, seconds(-1)))).toEqual({ kind: 'wait' });
    expect(startOf(head, NO_PROGRESS, until)).toMatchObject({ kind: 'never', node: 0 });
    expect(startOf({ ...head, upAt: null }, NO_PROGRESS, until)).toEqual({ kind: 'wait' });
  });

  it('is not taken back once a node has started', () => {
    const failed = new Map([[1, 'late']]);
    expect(startOf({ ...head, failed }, started, LAUNCH)).toEqual({ kind: 'go' });
  });
});

describe('the outcome of a job', () => {
  it('is a failure once the others have waited for 15 minutes for a node', () => {
    const until = plus(LAUNCH, minutes(15));
    expect(outcomeOf(head, staged, NOBODY, plus(until, seconds(-1)))).toBeNull();
    const failed = { state: 'failed', node: 1, exitCode: null };
    expect(outcomeOf(head, staged, NOBODY, until)).toMatchObject(failed);
    const running = { ...staged, startedAt: LAUNCH };
    expect(outcomeOf(head, running, NOBODY, until)).toBeNull();
  });

  it('does not wait for the others if a node could not begin', () => {
    const lame = (isLastCall: boolean) => ({
      ...staged,
      ended: new Map([[2, { exitCode: null, isLastCall }]]),
    });
    expect(startOf(head, lame(false), LAUNCH)).toMatchObject({ kind: 'never', node: 2 });
    // The reason is what the node says.
    const failed = { state: 'failed', node: 2, exitCode: null, reason: null };
    expect(outcomeOf(head, lame(false), NOBODY, LAUNCH)).toEqual(failed);
    expect(outcomeOf(all, lame(true), NOBODY, LAUNCH)).toEqual({ ...failed, state: 'stopped' });
    const idle = { ...staged, ended: new Map([[2, { exitCode: 0, isLastCall: false }]]) };
    expect(startOf(all, idle, LAUNCH)).toEqual({ kind: 'wait' });
  });

  it('is not known while a node that runs it has not told all', () => {
    expect(outcomeOf(head, started, NOBODY, LAUNCH)).toBeNull();
    expect(outcomeOf(all, ended([0, end(0)], [1, end(0)]), NOBODY, LAUNCH)).toBeNull();
    expect(outcomeOf({ ...all, runners: [] }, started, NOBODY, LAUNCH)).toBeNull();
  });

  it('is done if every command ended with 0', () => {
    const done = { state: 'done', node: null, exitCode: 0, reason: null };
    expect(outcomeOf(head, ended([0, end(0)]), NOBODY, LAUNCH)).toEqual(done);
    expect(outcomeOf(all, ended([0, end(0)], [1, end(0)], [2, end(0)]), NOBODY, LAUNCH)).toEqual(
      done,
    );
  });

  it('has the exit code of the first node whose code is not 0', () => {
    const both = ended([0, end(0)], [1, end(null)], [2, end(4)]);
    expect(outcomeOf(all, both, NOBODY, LAUNCH)).toEqual({
      state: 'failed',
      node: 1,
      exitCode: null,
      reason: null,
    });
    expect(outcomeOf(head, ended([0, end(3)]), NOBODY, LAUNCH)).toMatchObject({ exitCode: 3 });
  });

  it('does not wait for a node that is lost', () => {
    const lost = new Map([[1, 'is gone']]);
    expect(outcomeOf(all, ended([0, end(0)], [2, end(0)]), lost, LAUNCH)).toEqual({
      state: 'failed',
      node: 1,
      exitCode: null,
      reason: 'node 1 is gone',
    });
    // What it told before still counts.
    expect(
      outcomeOf(all, ended([0, end(0)], [1, end(0)], [2, end(0)]), lost, LAUNCH),
    ).toMatchObject({
      state: 'done',
    });
  });

  it('is stopped if an agent ended the command, whatever its exit code', () => {
    expect(outcomeOf(head, ended([0, end(143, true)]), NOBODY, LAUNCH)).toEqual({
      state: 'stopped',
      node: 0,
      exitCode: 143,
      reason: null,
    });
    expect(outcomeOf(head, ended([0, end(0, true)]), NOBODY, LAUNCH)).toMatchObject({
      state: 'stopped',
    });
  });

  it('is a failure if a node could not get its inputs, though it runs nothing', () => {
    const inVain = { ...staged, ended: new Map([[1, end(null)]]) };
    expect(outcomeOf(head, inVain, NOBODY, LAUNCH)).toEqual({
      state: 'failed',
      node: 1,
      exitCode: null,
      reason: null,
    });
    expect(outcomeOf(head, { ...inVain, startedAt: LAUNCH }, NOBODY, LAUNCH)).toBeNull();
  });

  it('is a failure if a node did not get ready before the start, and only then', () => {
    const failed = new Map([[2, 'apt-get']]);
    expect(outcomeOf({ ...head, failed }, NO_PROGRESS, NOBODY, LAUNCH)).toEqual({
      state: 'failed',
      node: 2,
      exitCode: null,
      reason: 'node 2 did not get ready: apt-get',
    });
    expect(outcomeOf({ ...head, failed }, started, NOBODY, LAUNCH)).toBeNull();
  });
});

describe('a node that is silent', () => {
  const at = (count: number) => plus(LAUNCH, minutes(count));
  const told = (minute: number, exited: number | null = null) => ({
    heardAt: at(minute),
    exitedAt: exited === null ? null : at(exited),
  });

  it('was last heard more than ten minutes ago, or never since the start', () => {
    expect(isSilent(told(1), NO_PROGRESS, at(11))).toBe(false);
    expect(isSilent(told(1), NO_PROGRESS, plus(at(11), seconds(1)))).toBe(true);
    expect(isSilent({ heardAt: null, exitedAt: null }, started, at(11))).toBe(true);
    expect(isSilent({ heardAt: null, exitedAt: null }, NO_PROGRESS, at(999))).toBe(false);
  });

  it('has 75 minutes for its results', () => {
    expect(isSilent(told(1, 1), started, at(76))).toBe(false);
    expect(isSilent(told(1, 1), started, at(77))).toBe(true);
  });
});

describe('the state of a job', () => {
  it('goes from waiting over running to collecting', () => {
    const exited = { ...started, exitedAt: LAUNCH };
    expect(stateOf(head, NO_PROGRESS)).toBe('waiting');
    expect(stateOf(head, started)).toBe('running');
    expect(stateOf(head, exited)).toBe('collecting');
    expect(stateOf(all, exited)).toBe('running');
  });

  it('of one node goes on to its end', () => {
    const at = LAUNCH;
    expect(rankStateOf(NO_RANK_PROGRESS)).toBe('waiting');
    expect(rankStateOf({ ...NO_RANK_PROGRESS, stagedAt: at })).toBe('staged');
    expect(rankStateOf({ ...NO_RANK_PROGRESS, startedAt: at })).toBe('running');
    expect(rankStateOf({ ...NO_RANK_PROGRESS, exitedAt: at, exitCode: 0 })).toBe('collecting');
    expect(rankStateOf({ ...NO_RANK_PROGRESS, endedAt: at, exitCode: 0 })).toBe('done');
    expect(rankStateOf({ ...NO_RANK_PROGRESS, endedAt: at })).toBe('failed');
  });
});
