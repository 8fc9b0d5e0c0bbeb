import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClusterId, nodeLabel } from '../../../../lib/core/base/names.ts';
import { isOtherService, type Known, matchOf } from '../../../../lib/core/invoices/match.ts';
import { labelForms } from '../../../../simulators/linode/invoice-settings.ts';
import { labelOf } from '../../../../simulators/linode/invoices.ts';

const ID: ClusterId = 'cabcdefg234';
const SIMILAR: ClusterId = 'cabcdefgxyz';
const SINGLE: ClusterId = 'cqqqqqqqqqq';
const LINODE = 90_000_003;

/** A cluster of four nodes, another whose id begins in the same way, and one of a single node. */
const known: Known = {
  linodes: new Map([
    [LINODE, { clusterId: ID, index: 3 }],
    [LINODE + 1, { clusterId: ID, index: 0 }],
    [LINODE + 2, { clusterId: SIMILAR, index: 3 }],
    [1234, { clusterId: SINGLE, index: 0 }],
  ]),
  clusters: new Map([
    [ID, 4],
    [SIMILAR, 4],
    [SINGLE, 1],
  ]),
  unreadable: new Set(['cbroken2222' as ClusterId]),
};
const NODE = { kind: 'node', clusterId: ID, index: 3 };

describe('the label of a node', () => {
  it.each([
    'Nanode 1GB - onebuck-cabcdefg234-3 (90000003)',
    'Backup Service - Nanode 1GB - onebuck-cabcdefg234-3 (90000003)',
    'Linode Managed - onebuck-cabcdefg234-3 (90000003)',
    'Linode 90000003',
    'Linode 1024 - somebody-renamed-it (90000003)',
    'Nanode_1GB_onebuck_cabcdefg234_3_90000003',
    'onebuck.cabcdefg234.3 · Nanode 1GB · #90000003',
    'onebuck cabcdefg234 3, Nanode 1 Go, 90 000 003',
    'NANODE 1GB – ONEBUCK-CABCDEFG234-3 – NR. 90.000.003',
    'Nanode 1GB - onebuck-cabcdef... (90000003)',
    'Nanode 1GB - onebuck-c… (90000003)',
    'ノード 1GB：ｏｎｅｂｕｃｋ-cabcdefg234-3（90000003）',
    'onebuck-cabcdefg234-3/90000003: Nanode 1GB',
    'Nanode 1GB - onebuck-cabcdefg234-3',
    'onebuck_cabcdefg234_3',
    'onebuck-cabcdefg234-3 of 2026-11, Linode 16384 (90000003)',
    'Linode 16384, onebuck-cabcdefg234-3, 90000003',
  ])('is found in %j', (label) => {
    expect(matchOf(label, known)).toEqual(NODE);
  });

  it.each([
    ['Linode 1234', { kind: 'node', clusterId: SINGLE, index: 0 }],
    ['Nanode 1GB - mine (1234)', { kind: 'node', clusterId: SINGLE, index: 0 }],
    ['onebuck-cqqqqqqqqqq', { kind: 'node', clusterId: SINGLE, index: 0 }],
    ['onebuck-cqqqq...', { kind: 'node', clusterId: SINGLE, index: 0 }],
    ['onebuck-cabcdefg234', { kind: 'node', clusterId: ID, index: null }],
    ['onebuck-cabcdefg2… (1GB)', { kind: 'node', clusterId: ID, index: null }],
  ])('is found as far as %j has it', (label, match) => {
    expect(matchOf(label, known)).toEqual(match);
  });

  it.each([
    ['a Linode of another node than it names', 'onebuck-cabcdefg234-3 (90000004)'],
    ['a Linode of another cluster than it names', 'onebuck-cabcdefg234-3 (90000005)'],
    ['two Linodes', 'Linode 90000003 and 90000004'],
    ['the id of one Linode in the name of another', 'copy-of-90000003, 90000009'],
    ['a Linode that the records never knew', 'onebuck-cabcdefg234-3 (90000009)'],
    ['a node beyond those of its cluster', 'onebuck-cabcdefg234-4'],
    ['a cluster that no record has', 'onebuck-cunknown222-0 (90000009)'],
    ['two clusters, as it is cut', 'Nanode 1GB - onebuck-cabcdefg...'],
    ['no cluster, as it is cut', 'Nanode 1GB - onebuck-czzz...'],
  ])('is unknown, and never lost, if it has %s', (_, label) => {
    expect(matchOf(label, known)).toEqual({ kind: 'unknown' });
  });

  it.each([
    'Nanode 1GB - web (90000009)',
    'Nanode 1GB - copy-of-90000003 (90000009)',
    'Linode 90000009',
    'Storage Volume - volume (90000003) - 20 GB',
    'Storage Volume - onebuck-cabcdefg234-3 (1234) - 20 GB',
    'NodeBalancer - web-lb (90000003)',
    'onebuck-web (5)',
    'Linode 4GB - onebuck-console (99)',
    'Linode 4GB - onebuck-console',
    'Storage Volume - onebuck-cabcdefg234-3 - 20 GB',
    'Storage_Volume_onebuck_cabcdefg234_3_90000009',
    'Linode 4GB - web-90000003 (90000009)',
    'monitor-of-cabcdefg234 (90000009)',
    'myonebuckcabcdefg234',
    'Object Storage',
    'Payment. Thank you!',
    '',
  ])("is not in %j, a stranger's", (label) => {
    expect(matchOf(label, known)).toEqual({ kind: 'stranger' });
  });

  it('is of a record that can not be read', () => {
    expect(matchOf('onebuck-cbroken2222-0 (90000009)', known)).toEqual({ kind: 'unreadable' });
  });

  it.each(['Outbound Transfer Overage', 'Transfer Overage - br-gru', 'OVERAGE: TRANSFER'])(
    'has nothing to do with %j',
    (label) => {
      expect(matchOf(label, known)).toEqual({ kind: 'transfer' });
    },
  );
});

it.each(['cabvpcabcde', 'cabvolumeab', 'cdatabaseab', 'cfirewallab', 'cimageimage'] as ClusterId[])(
  'a node of %s is found, whose id has the letters of another service',
  (clusterId) => {
    const ours: Known = {
      linodes: new Map([[123_456, { clusterId, index: 0 }]]),
      clusters: new Map([[clusterId, 1]]),
      unreadable: new Set(),
    };
    for (const label of [
      `Nanode 1GB - onebuck-${clusterId}-0 (123456)`,
      `onebuck-${clusterId}-0`,
    ]) {
      expect(matchOf(label, ours)).toEqual({ kind: 'node', clusterId, index: 0 });
      expect(isOtherService(label)).toBe(false);
    }
  },
);

it('a node is found by its whole label and its id, whatever else stands there', () => {
  const label = 'Nanode 1GB (database image) - onebuck-cabcdefg234-3 (90000003)';
  expect(matchOf(label, known)).toEqual(NODE);
  expect(isOtherService(label)).toBe(false);
  expect(isOtherService('Storage Volume - data (90000003) - 20 GB')).toBe(true);
});

it.each(labelForms)(
  'every node is found in the form %s that the simulated Linode can write',
  (form) => {
    const id = fc.stringMatching(/^c[a-z2-7]{10}$/) as fc.Arbitrary<ClusterId>;
    const plan = fc.constantFrom(
      'Nanode 1GB',
      'Dedicated 32GB + RTX6000 GPU x1',
      'G8 Dedicated 4x2',
    );
    fc.assert(
      fc.property(
        id,
        fc.nat(499),
        fc.integer({ min: 1e6, max: 1e8 }),
        plan,
        (clusterId, index, linode, what) => {
          const ours: Known = {
            linodes: new Map([[linode, { clusterId, index }]]),
            clusters: new Map([[clusterId, 500]]),
            unreadable: new Set(),
          };
          const label = labelOf(form, { id: linode, label: nodeLabel(clusterId, index) }, what);
          expect(matchOf(label, ours)).toEqual({ kind: 'node', clusterId, index });
          const service = labelOf(form, { id: linode, label: 'web' }, `Backup Service - ${what}`);
          expect(matchOf(service, { ...ours, linodes: new Map() })).toEqual({ kind: 'stranger' });
        },
      ),
    );
  },
);
