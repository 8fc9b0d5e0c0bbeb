import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { minutes, plus } from '../../../../lib/core/base/units.ts';
import {
  type AgentReport,
  counting,
  NO_REPORTS,
  readyAtOf,
  reasonFrom,
} from '../../../../lib/core/cluster/readiness.ts';
import {
  aCluster,
  anEnded,
  aRunning,
  created,
  creating,
  deleting,
  gone,
  LAUNCH,
  neverCreated,
  planned,
} from '../../../support/builders.ts';

const ready = (after: number): AgentReport => ({ kind: 'ready', at: plus(LAUNCH, minutes(after)) });
const failed: AgentReport = { kind: 'failed', at: LAUNCH, reason: 'status: error' };
const reports = (...said: (AgentReport | undefined)[]) =>
  new Map(said.flatMap((report, rank) => (report === undefined ? [] : [[rank, report]])));

describe('a cluster', () => {
  it('is ready when the last of its nodes is', () => {
    const cluster = aRunning({ nodes: [created(0), created(1), created(2)] });
    expect(readyAtOf(cluster, reports(ready(1), ready(3), ready(2)))).toBe(
      plus(LAUNCH, minutes(3)),
    );
  });

  it.each([
    ['no node has said anything', reports()],
    ['one has said nothing yet', reports(ready(1))],
    ['one has failed', reports(ready(1), failed)],
  ])('is not ready while %s', (_, said) => {
    expect(readyAtOf(aRunning({ nodes: [created(0), created(1)] }), said)).toBeNull();
  });

  it('waits for nodes that are still to come', () => {
    for (const node of [planned(1), creating(1)]) {
      const cluster = aCluster({ nodes: [created(0), node] });
      expect(readyAtOf(cluster, reports(ready(1)))).toBeNull();
    }
  });

  it('does not wait for nodes that never came, or have gone', () => {
    for (const node of [neverCreated(1), gone(1), deleting(1)]) {
      const cluster = aRunning({ nodes: [created(0), node] });
      expect(readyAtOf(cluster, reports(ready(1)))).toBe(plus(LAUNCH, minutes(1)));
    }
  });

  it('that has ended keeps the time at which it was ready, if it was', () => {
    const ended = anEnded({ nodes: [gone(0), gone(1), neverCreated(2)] });
    expect(readyAtOf(ended, reports(ready(1), ready(2)))).toBe(plus(LAUNCH, minutes(2)));
    expect(readyAtOf(ended, reports(ready(1), failed))).toBeNull();
    expect(readyAtOf(anEnded({ nodes: [neverCreated(0)] }), NO_REPORTS)).toBeNull();
  });
});

describe('of two reports', () => {
  it('the first ready counts for good; before it, the last failure', () => {
    const again: AgentReport = { ...failed, reason: 'again' } as AgentReport;
    expect(counting(undefined, failed)).toBe(failed);
    expect(counting(failed, again)).toBe(again);
    expect(counting(failed, ready(1))).toEqual(ready(1));
    expect(counting(ready(1), again)).toEqual(ready(1));
    expect(counting(ready(1), ready(2))).toEqual(ready(1));
  });
});

describe('a reason', () => {
  it('is one line without what a terminal or a page could take for a command', () => {
    const detail = 'status: error\n\u001b[2J\u001b]0;title\u0007 runcmd\r\n\u202eexit 1\u0000\t ';
    expect(reasonFrom(detail, 1)).toBe('status: error [2J ]0;title runcmd exit 1');
  });

  it('has no control or format characters, and at most 500 bytes, or 160 in large clusters', () => {
    const details = fc.string({ unit: 'binary', maxLength: 2_000 });
    fc.assert(
      fc.property(details, fc.constantFrom(1, 100, 101, 500), (detail, nodes) => {
        const reason = reasonFrom(detail, nodes);
        expect(reason).not.toMatch(/\p{C}/u);
        expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(nodes <= 100 ? 500 : 160);
      }),
    );
  });

  it('keeps the beginning of a text that is too long', () => {
    expect(reasonFrom('é'.repeat(300), 1)).toBe(`${'é'.repeat(248)}…`);
    expect(reasonFrom('e'.repeat(300), 101)).toBe(`${'e'.repeat(157)}…`);
    expect(reasonFrom('e'.repeat(500), 100)).toBe('e'.repeat(500));
  });
});
