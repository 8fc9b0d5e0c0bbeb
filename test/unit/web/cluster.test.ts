import { describe, expect, it } from 'vitest';
import type { ClusterNode } from '../../../client/answers.ts';
import {
  changeFrom,
  limitsFaults,
  limitsOf,
  limitsVerb,
  moreHours,
  outlookSentence,
} from '../../../web/src/limits.ts';
import { chooseNodes, type NodeFilter, statusesOf } from '../../../web/src/nodes-choice.ts';
import { aCluster } from '../client/builders.ts';

const cluster = aCluster();
const now = Date.parse('2026-11-10T11:30:00Z');

describe('new limits of a cluster', () => {
  const form = limitsOf(cluster);

  it('change only what differs, in either direction', () => {
    expect(changeFrom(cluster, form)).toEqual({});
    expect(changeFrom(cluster, { ...form, budget: '0,05' })).toEqual({ budgetUsd: 0.05 });
    expect(changeFrom(cluster, { ...form, budget: '2', maxHours: '9' })).toEqual({
      ...{ budgetUsd: 2, maxHours: 9 },
    });
    const limited = aCluster({ maxHours: 9 });
    expect(changeFrom(limited, { ...limitsOf(limited), maxHours: ' ' })).toEqual({
      maxHours: null,
    });
  });

  it('change the transfer once somebody types one, to 0 as well, or takes it away', () => {
    const typed = (transfer: string) => changeFrom(cluster, { ...form, transfer });
    expect(typed(' 400')).toEqual({ transferGb: 400 });
    expect(typed('0')).toEqual({ transferGb: 0 });
    expect(typed(' ')).toEqual({ transferGb: null });
    expect(outlookSentence(cluster, { ...form, transfer: '400' }, now)).toMatch(/may move\.$/);
  });

  it('are filled in by the hours more that they pay for', () => {
    expect(moreHours(cluster, '2', now)).toEqual({
      ...{ budget: '0.135', maxHours: '', transfer: null },
    });
    expect(moreHours(cluster, '', now)).toBeNull();
    expect(moreHours(cluster, '1,000', now)).toBeNull();
  });

  it('have a fault where they are no limits', () => {
    expect(limitsFaults(form)).toEqual({});
    const typed = { budget: '1,000', maxHours: '0', transfer: '1.5' };
    expect(Object.keys(limitsFaults(typed))).toEqual(['budgetUsd', 'maxHours', 'transferGb']);
    expect(limitsFaults({ ...form, transfer: '0' })).toEqual({});
  });

  it('say the teardown and the money that they come to', () => {
    const said = (budget: string) => outlookSentence(cluster, { ...form, budget }, now);
    expect(said('0.1125')).toMatch(/^Teardown .+ instead of .+, for \$0\.0225 more\.$/);
    expect(said('0.07')).toMatch(/^Teardown .+ instead of .+, for \$0\.0225 less\.$/);
    expect(said('0.11')).toMatch(/^Teardown .+ as before, for the same bill\.$/);
    expect(said('0.01')).toBe('That is spent already: to end it now, destroy it.');
  });

  it('are set by a button that says which way they go', () => {
    const verbs = ['0.2', '0.05', '0.1', 'x'].map((budget) =>
      limitsVerb(cluster, { ...form, budget }),
    );
    expect(verbs).toEqual(['Raise to $0.20', 'Lower to $0.05', 'Set limits', 'Set limits']);
  });
});

describe('the table of nodes', () => {
  const aNode = (index: number, overrides: Partial<ClusterNode> = {}): ClusterNode => ({
    ...{ index, label: `onebuck-c-${index}`, status: 'running', linodeId: index },
    ...{ ipv4: `192.0.2.${index}`, ipv6: null },
    privateIp: `10.128.0.${index + 1}`,
    ...{ createdAt: '2026-11-10T10:00:00Z', readyAt: null, ...overrides },
  });
  const nodes = [aNode(10), aNode(9, { status: 'booting' }), aNode(2, { ipv4: null }), aNode(1)];
  const none: NodeFilter = { search: '', status: '' };
  const shown = (filter: Partial<NodeFilter>, key: 'index' | 'ipv4' = 'index', isDown = false) =>
    chooseNodes(nodes, { ...none, ...filter }, { key, isDown }).map(({ index }) => index);

  it('is in the order of numbers, with nodes that lack the value last in either direction', () => {
    expect(shown({})).toEqual([1, 2, 9, 10]);
    expect(shown({}, 'ipv4')).toEqual([1, 9, 10, 2]);
    expect(shown({}, 'ipv4', true)).toEqual([10, 9, 1, 2]);
  });

  it('has the nodes whose index, label or address is sought, and whose status is chosen', () => {
    expect(shown({ search: '2.10' })).toEqual([10]);
    expect(shown({ search: '10.128.0.2' })).toEqual([1]);
    expect(shown({ search: ' C-9' })).toEqual([9]);
    expect(shown({ status: 'booting' })).toEqual([9]);
    expect(shown({ search: '10', status: 'booting' })).toEqual([]);
    expect(statusesOf(nodes)).toEqual([
      ['running', 3],
      ['booting', 1],
    ]);
  });

  it('has a status for nodes that say that they are ready, or why not', () => {
    const ready = { readyAt: '2026-11-10T10:02:00Z' };
    const said = [
      ...[aNode(0, ready), aNode(1, { agentReason: 'no' }), aNode(2)],
      ...[aNode(3, { ...ready, status: 'deleting' }), aNode(4, ready)],
    ];
    const of = (status: NodeFilter['status']) =>
      chooseNodes(said, { ...none, status }, { key: 'status', isDown: false });
    expect(of('').map(({ index }) => index)).toEqual([3, 1, 0, 4, 2]);
    expect(of('not ready').map(({ index }) => index)).toEqual([1]);
    expect(statusesOf(said)).toEqual([
      ...[
        ['ready', 2],
        ['not ready', 1],
        ['running', 1],
        ['deleting', 1],
      ],
    ]);
  });
});
