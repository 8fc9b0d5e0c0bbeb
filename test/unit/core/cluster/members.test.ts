import { describe, expect, it } from 'vitest';
import { knownLabel, membersOf } from '../../../../lib/core/cluster/members.ts';
import {
  aCluster,
  aLinode,
  aRunning,
  created,
  deleting,
  gone,
  LAUNCH,
  OTHER_ID,
  OUR_TAG,
  OUR_TAGS,
} from '../../../support/builders.ts';

describe('a Linode with the ownership tag', () => {
  it.each([
    ["the cluster's tag", OUR_TAGS],
    ["the cluster's tag and others", ['mine', ...OUR_TAGS, 'reap=20261110T1600Z']],
    ['no tag of a cluster, by the label of a node', [OUR_TAG]],
  ])('is a member with %s', (_, tags) => {
    const linode = aLinode({ tags });
    expect(membersOf(aCluster(), [linode])).toEqual([linode]);
  });

  it('is a member by its recorded id, whatever its label, and whichever cluster its tag names', () => {
    for (const tags of [[OUR_TAG], [OUR_TAG, `onebuck=${OTHER_ID}`]]) {
      const linode = aLinode({ tags, label: 'db-primary' });
      expect(membersOf(aRunning(), [linode])).toEqual([linode]);
      expect(membersOf(aRunning({ nodes: [created(1)] }), [linode])).toEqual([]);
    }
  });

  it.each([
    ["another cluster's tag", [OUR_TAG, `onebuck=${OTHER_ID}`]],
    ["two clusters' tags", [...OUR_TAGS, `onebuck=${OTHER_ID}`]],
  ])('is none with %s, though the label is that of a node', (_, tags) => {
    expect(membersOf(aCluster(), [aLinode({ tags })])).toEqual([]);
  });
});

describe('a Linode without the ownership tag', () => {
  it.each([
    ['no tags', []],
    ["the cluster's tag only", ['onebuck=cabcdefg234']],
    ["another stage's tag", ['onebuck-prod', 'onebuck=cabcdefg234']],
  ])('is no member with %s, though id and label are recorded', (_, tags) => {
    expect(membersOf(aRunning(), [aLinode({ tags })])).toEqual([]);
  });

  it('is a member by id and label once all nodes have lost the tag', () => {
    for (const node of [created(0, { tagLostAt: LAUNCH }), deleting(0, { tagLostAt: LAUNCH })]) {
      const record = aRunning({ nodes: [node] });
      const lost = aLinode({ tags: [] });
      expect(membersOf(record, [lost])).toEqual([lost]);
      expect(membersOf(record, [aLinode({ tags: [], label: 'mine' })]), 'label').toEqual([]);
      expect(membersOf(record, [aLinode({ tags: [], id: 7 })]), 'id').toEqual([]);
    }
    expect(membersOf(aRunning({ nodes: [gone(0)] }), [aLinode({ tags: [] })])).toEqual([]);
  });

  it('goes by the label that it had when it was last seen with the tag', () => {
    const node = created(0, { knownAs: 'db-primary', tagLostAt: LAUNCH });
    expect([knownLabel(node), knownLabel(created(0))]).toEqual(['db-primary', created(0).label]);
    const linode = aLinode({ tags: [], label: 'db-primary' });
    expect(membersOf(aRunning({ nodes: [node] }), [linode])).toEqual([linode]);
  });
});
