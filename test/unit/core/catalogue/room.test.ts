import { describe, expect, it } from 'vitest';
import type { Image, Region } from '../../../../lib/core/catalogue/lists.ts';
import {
  keyedFields,
  networkFor,
  roomFaults,
  roomWarnings,
} from '../../../../lib/core/catalogue/room.ts';
import type { Spec } from '../../../../lib/core/cluster/spec.ts';
import { aSpec } from '../../../support/builders.ts';

const debian: Image = {
  id: 'linode/debian12',
  label: 'Debian 12',
  deprecated: false,
  status: 'available',
  capabilities: ['cloud-init'],
  diskMb: 1_800,
  vendor: 'Debian',
  isRecovery: false,
};
const slackware: Image = {
  ...debian,
  id: 'linode/slackware15.0',
  capabilities: [],
  vendor: 'Slackware',
};
const mine: Image = { ...debian, id: 'private/7', vendor: null };
const newark: Region = {
  id: 'us-east',
  label: 'Newark, NJ',
  country: 'us',
  capabilities: ['Linodes', 'Metadata', 'Vlans'],
  siteType: 'core',
};
const withoutVlans: Region = { ...newark, id: 'xx-old', capabilities: ['Linodes', 'Metadata'] };
const withoutMetadata: Region = { ...newark, id: 'xx-odd', capabilities: ['Linodes', 'Vlans'] };

const faultsOf = (
  spec: Partial<Spec>,
  image: Image | null = debian,
  region: Region | null = newark,
) => roomFaults(aSpec(spec), image, region).map(({ path, message }) => `${path}: ${message}`);

describe('a network that is asked for', () => {
  it.each(['private', 'isolated'] as const)(
    'as %s needs cloud-init, Metadata and Vlans',
    (network) => {
      expect(faultsOf({ network })).toEqual([]);
      expect(faultsOf({ network, nodes: 1 })).toEqual([]);
      expect(faultsOf({ network }, slackware, withoutVlans)).toEqual([
        'network: network needs an image with cloud-init, which linode/slackware15.0 lacks',
        'network: network needs a region with Vlans, which xx-old lacks',
      ]);
      expect(faultsOf({ network }, debian, withoutMetadata)).toEqual([
        'network: network needs a region with Metadata, which xx-odd lacks',
      ]);
    },
  );

  it('is checked as far as image and region are known', () => {
    expect(faultsOf({ network: 'private' }, null, null)).toEqual([]);
    expect(faultsOf({ network: 'private' }, slackware, null)).toHaveLength(1);
  });

  it('as none, or not at all, needs nothing', () => {
    expect(faultsOf({ network: 'none' }, slackware, withoutVlans)).toEqual([]);
    expect(faultsOf({}, slackware, withoutVlans)).toEqual([]);
  });
});

describe('a setup', () => {
  it('needs an image of Debian or Ubuntu, as far as Linode says', () => {
    const alma = { ...debian, id: 'linode/almalinux9', vendor: 'AlmaLinux' };
    expect(faultsOf({ setup: ['mpi'] })).toEqual([]);
    expect(faultsOf({ setup: ['mpi'] }, { ...debian, vendor: 'Ubuntu' })).toEqual([]);
    expect(faultsOf({ setup: ['mpi'] }, mine)).toEqual([]);
    expect(faultsOf({ setup: ['mpi'] }, alma)).toEqual([
      'setup: setup needs an image of Debian or Ubuntu, and linode/almalinux9 is of AlmaLinux',
    ]);
    expect(faultsOf({}, alma)).toEqual([]);
  });

  it('of several nodes needs a region with Vlans, and of one node only one with Metadata', () => {
    const setup = ['slurm'] as const;
    expect(faultsOf({ setup, nodes: 2 }, debian, withoutVlans)).toEqual([
      'setup: setup needs a region with Vlans, which xx-old lacks',
    ]);
    expect(faultsOf({ setup, nodes: 1 }, debian, withoutVlans)).toEqual([]);
    expect(faultsOf({ setup, nodes: 1 }, debian, withoutMetadata)).toEqual([
      'setup: setup needs a region with Metadata, which xx-odd lacks',
    ]);
  });
});

it('open ports need cloud-init and Metadata', () => {
  expect(faultsOf({ openPorts: ['80'] }, debian, withoutVlans)).toEqual([]);
  expect(faultsOf({ openPorts: ['80'] }, slackware, withoutMetadata)).toEqual([
    'openPorts: openPorts needs an image with cloud-init, which linode/slackware15.0 lacks',
    'openPorts: openPorts needs a region with Metadata, which xx-odd lacks',
  ]);
});

describe('the network that a launch chooses', () => {
  const chosen = (spec: Partial<Spec>, image = debian, region = newark, hasKey = true) =>
    networkFor(aSpec(spec), image, region, hasKey);

  it('is private for two nodes and more', () => {
    expect(chosen({ nodes: 2 })).toEqual({ kind: 'private' });
    expect(chosen({ nodes: 500 })).toEqual({ kind: 'private' });
    expect(chosen({ nodes: 1 })).toEqual({ kind: null, why: null });
  });

  it('is what was asked for, also for one node', () => {
    expect(chosen({ nodes: 1, network: 'private' })).toEqual({ kind: 'private' });
    expect(chosen({ nodes: 1, network: 'isolated' })).toEqual({ kind: 'isolated' });
    expect(chosen({ nodes: 9, network: 'none' })).toEqual({ kind: null, why: null });
  });

  it.each<[string, Image, Region, boolean]>([
    ['image linode/slackware15.0 lacks cloud-init', slackware, newark, true],
    ['region xx-old lacks Vlans', debian, withoutVlans, true],
    ['region xx-odd lacks Metadata', debian, withoutMetadata, true],
    [
      "the deployment's secret has no passwordKey, which the operator can add",
      debian,
      newark,
      false,
    ],
  ])('is none where %s, and a warning says so', (why, image, region, hasKey) => {
    const choice = chosen({ nodes: 2 }, image, region, hasKey);
    expect(choice).toEqual({ kind: null, why });
    expect(roomWarnings(aSpec(), image, choice)).toEqual([
      `the nodes get no private network: ${why}`,
    ]);
  });
});

it('a setup on an image of an unknown distribution is warned of', () => {
  const choice = { kind: 'private' } as const;
  expect(roomWarnings(aSpec({ setup: ['mpi', 'nfs'] }), mine, choice)).toEqual([
    'Linode does not say of which distribution image private/7 is: mpi, nfs will fail on any but ' +
      'Debian and Ubuntu',
  ]);
  expect(roomWarnings(aSpec({ setup: ['mpi'] }), debian, choice)).toEqual([]);
  expect(roomWarnings(aSpec(), mine, choice)).toEqual([]);
});

it('the fields that need the key of the deployment are those that were asked for', () => {
  expect(keyedFields(aSpec({ network: null }))).toEqual([]);
  expect(keyedFields(aSpec({ network: 'none' }))).toEqual([]);
  expect(keyedFields(aSpec({ network: 'isolated', setup: ['mpi'], openPorts: ['80'] }))).toEqual([
    'network',
    'setup',
    'openPorts',
  ]);
});
