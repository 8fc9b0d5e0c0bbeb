import { describe, expect, it } from 'vitest';
import { progressOf } from '../../../cli/launch.ts';
import { aCluster } from '../client/builders.ts';

describe('the progress of a launch', () => {
  const [node] = aCluster().nodes;
  const planned = { status: 'planned', linodeId: null, ipv4: null, createdAt: null } as const;
  const nodes = [0, 1].map((index) => ({
    ...(node as NonNullable<typeof node>),
    index,
    ...planned,
  }));

  it('is the number of nodes that are up, and the statuses of the others', () => {
    expect(progressOf(aCluster({ nodes }))).toEqual(['caaaaaaaaaa: 0 of 2 nodes up (2 planned)']);
  });

  it('has the reason while Linode refuses', () => {
    const trouble = { since: '2026-11-10T10:02:00.000Z', reason: '429: Too many requests\x1b' };
    expect(progressOf(aCluster({ nodes, trouble }))).toEqual([
      'caaaaaaaaaa: 0 of 2 nodes up (2 planned)',
      'Onebuck waits for Linode: 429: Too many requests?',
    ]);
  });
});
