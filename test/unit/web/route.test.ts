import { describe, expect, it } from 'vitest';
import { clusterHref, routeOf, viewHref } from '../../../web/src/route.ts';

const at = (view: string, clusterId: string | null = null, query = {}) => ({
  ...{ view, clusterId, query },
});

describe('an address', () => {
  it.each([
    ['', at('clusters')],
    ['#/history', at('history')],
    ['#/clusters/caaaaaaaaaa', at('clusters', 'caaaaaaaaaa')],
    ['#/clusters/', at('clusters')],
    ['#/clusters?status=running&q=a%20b', at('clusters', null, { status: 'running', q: 'a b' })],
    // An address that leads nowhere leads to the clusters.
    ['#/nowhere/caaaaaaaaaa', at('clusters')],
    ['#/clusters/%E0%A4%A', at('clusters')],
  ])('%s leads to %o', (hash, route) => {
    expect(routeOf(hash)).toEqual(route);
  });

  it('is read as it was written', () => {
    expect(routeOf(clusterHref('caaaaaaaaaa'))).toEqual(at('clusters', 'caaaaaaaaaa'));
    const query = { q: 'a & b?', sort: 'spend', none: '' };
    expect(routeOf(viewHref('clusters', query)).query).toEqual({ q: 'a & b?', sort: 'spend' });
    expect(viewHref('history', {})).toBe('#/history');
  });
});
