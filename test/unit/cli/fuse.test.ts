import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asciiLook,
  blockLook,
  drawBar,
  endSentence,
  fuseLine,
  fuseLines,
  nodesBar,
} from '../../../cli/fuse.ts';
import type { Cluster } from '../../../client/answers.ts';
import { aCluster } from '../client/builders.ts';

const at = (iso: string) => Date.parse(iso);

/** A fuse of which `burnt` hours have burnt, without a safety margin. */
const burning = (burnt: number, hours = 4) => ({
  hours,
  burnt,
  paid: Math.ceil(burnt),
  cut: hours,
});

describe('the bar of a fuse', () => {
  it.each([
    [0, '|........|........|........|........|'],
    [1.5, '|########|####====|........|........|'],
    [2, '|########|########|........|........|'],
    [4, '|########|########|########|########|'],
  ])('with %s of 4 hours burnt is %s', (burnt, bar) => {
    expect(drawBar(burning(burnt), asciiLook(60))).toBe(bar);
  });

  it('marks every second hour where the width has no room for every hour', () => {
    expect(drawBar(burning(6, 13), asciiLook(20))).toBe('|#|#|#|.|.|.|.|');
  });

  it('is drawn in blocks by the look of blocks', () => {
    expect(drawBar(burning(0.4, 2), blockLook(10))).toBe('│█▒▒│░░░│');
  });

  it('is never wider than its look, and burns from left to right', () => {
    const hours = fc.integer({ min: 1, max: 87_600 });
    fc.assert(
      fc.property(hours, fc.double({ min: 0, max: 1, noNaN: true }), (length, part) => {
        const bar = drawBar(burning(length * part, length), asciiLook(60));
        expect(bar.length).toBeLessThanOrEqual(60);
        expect(bar.replaceAll('|', '')).toMatch(/^#*=*\.*$/);
      }),
    );
  });
});

describe('the line of a cluster', () => {
  it('has the nodes, the bar, the money, and a countdown by the server’s clock', () => {
    const line = fuseLine(aCluster(), at('2026-11-10T11:30:00Z'), asciiLook(20));
    expect(line).toContain('running, 3 of 3 nodes up, 0 ready  |###|##=|...|...|');
    expect(line).toContain('$0.045 of $0.10 spent, $0.055 left');
    expect(line).toContain('teardown in 02:27:00, ');
  });

  it('says when the teardown was due, where it is late', () => {
    const line = fuseLine(aCluster(), at('2026-11-10T13:58:00Z'), asciiLook(20));
    expect(line).toContain('teardown was due ');
  });

  it('is broken into lines, of which the bar has the width that is left for it', () => {
    const lines = fuseLines(aCluster(), at('2026-11-10T11:30:00Z'), asciiLook(30));
    expect(lines.filter((line) => /^[|#=.]+$/.test(line) && line.length <= 30)).toHaveLength(1);
  });

  it('has no control character of the cluster’s name', () => {
    expect(endSentence(aCluster({ name: 'a\x1b[2Jb' }))).toContain('"a?[2Jb"');
  });

  it('says at the end the reason of the end and the spend', () => {
    const ended = { endReason: 'budget', spentUsd: 0.09 } as const;
    expect(endSentence(aCluster({ ...ended, status: 'deleted' }))).toBe(
      'caaaaaaaaaa "job" is gone: its budget affords no further hour. ' +
        'It cost $0.09 of its budget of $0.10.',
    );
    const failed = {
      ...ended,
      status: 'failed',
      endReason: 'failed',
      failure: 'sold out',
    } as const;
    expect(endSentence(aCluster(failed))).toContain('has failed and is gone: sold out.');
  });
});

describe('the bar of a launch', () => {
  const [up] = aCluster().nodes as [Cluster['nodes'][number]];
  const booting = { ...up, status: 'booting' } as const;
  const planned = { ...up, status: 'planned', createdAt: null } as const;

  it.each([
    ['no node is created', [planned, planned, planned], '|............|'],
    ['two nodes are created', [booting, booting, planned], '|========....|'],
    ['one node is up', [up, booting, planned], '|####====....|'],
    ['all nodes are up', [up, up, up], '|############|'],
  ])('while %s', (_, nodes, bar) => {
    expect(nodesBar({ nodes }, asciiLook(14))).toBe(bar);
  });

  it('is as wide as the terminal for 97 nodes', () => {
    const look = blockLook(40);
    const width = nodesBar({ nodes: Array.from({ length: 97 }, () => booting) }, look).length;
    expect(width).toBe(40);
  });
});
