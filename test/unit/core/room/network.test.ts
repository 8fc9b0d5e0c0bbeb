import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressInCidr,
  addressOf,
  bitsFor,
  cidrOf,
  isSubnet,
  lowestFree,
  overlap,
  type Subnet,
  vlanOf,
} from '../../../../lib/core/room/network.ts';
import { ID } from '../../../support/builders.ts';

const BLOCKS = 32_768;

const subnets = fc.oneof(
  fc.integer({ min: 0, max: BLOCKS - 1 }).map((block): Subnet => ({ block, bits: 24 })),
  fc
    .integer({ min: 0, max: BLOCKS / 4 - 1 })
    .map((four): Subnet => ({ block: four * 4, bits: 22 })),
);

/** The address as a number, by its text. */
function numberOf(address: string): number {
  expect(address).toMatch(/^\d{1,3}(\.\d{1,3}){3}$/);
  const octets = address.split('.').map(Number);
  expect(octets.every((octet) => octet <= 255)).toBe(true);
  return octets.reduce((sum, octet) => sum * 256 + octet, 0);
}

/** The first and the last address of the subnet, by the text of its CIDR. */
function rangeOf(subnet: Subnet): { network: number; broadcast: number } {
  const [base = '', bits] = cidrOf(subnet).split('/');
  const size = 2 ** (32 - Number(bits));
  expect(numberOf(base) % size).toBe(0);
  return { network: numberOf(base), broadcast: numberOf(base) + size - 1 };
}

describe('an address', () => {
  it.each<[Subnet, number, string]>([
    [{ block: 0, bits: 24 }, 0, '10.128.0.1/24'],
    [{ block: 1, bits: 24 }, 249, '10.128.1.250/24'],
    [{ block: 256, bits: 24 }, 0, '10.129.0.1/24'],
    [{ block: 32_767, bits: 24 }, 9, '10.255.255.10/24'],
    [{ block: 252, bits: 22 }, 253, '10.128.252.254/22'],
    [{ block: 252, bits: 22 }, 255, '10.128.253.0/22'],
    [{ block: 252, bits: 22 }, 499, '10.128.253.244/22'],
  ])('of %j and the node %i is %s', (subnet, index, address) => {
    expect(addressInCidr(subnet, index)).toBe(address);
  });

  it('is inside the subnet, its own, and neither of network nor of broadcast', () => {
    const property = fc.property(subnets, fc.integer({ min: 1, max: 500 }), (subnet, nodes) => {
      fc.pre(bitsFor(nodes) >= subnet.bits);
      const { network, broadcast } = rangeOf(subnet);
      const addresses = Array.from({ length: nodes }, (_, index) => addressOf(subnet, index));
      expect(new Set(addresses).size).toBe(nodes);
      for (const address of addresses) {
        expect(numberOf(address)).toBeGreaterThan(network);
        expect(numberOf(address)).toBeLessThan(broadcast);
      }
    });
    fc.assert(property);
  });

  it('of one of 500 nodes is in a /22, and of one of 250 in a /24', () => {
    expect([1, 250, 251, 500].map(bitsFor)).toEqual([24, 24, 22, 22]);
  });
});

describe('a subnet', () => {
  it('has its first address in its name', () => {
    expect(cidrOf({ block: 0, bits: 24 })).toBe('10.128.0.0/24');
    expect(cidrOf({ block: 32_764, bits: 22 })).toBe('10.255.252.0/22');
  });

  it('overlaps exactly those with which it has an address in common', () => {
    const near = subnets.chain((a) =>
      fc.tuple(fc.constant(a), fc.integer({ min: 0, max: 8 }), fc.constantFrom(24, 22)),
    );
    const property = fc.property(near, ([a, after, bits]) => {
      const b = { block: a.block + after, bits } as Subnet;
      fc.pre(isSubnet(b));
      const [one, other] = [rangeOf(a), rangeOf(b)];
      const isShared = one.network <= other.broadcast && other.network <= one.broadcast;
      expect(overlap(a, b)).toBe(isShared);
      expect(overlap(b, a)).toBe(isShared);
    });
    fc.assert(property);
  });

  it.each([
    [{ block: -1, bits: 24 }],
    [{ block: 0.5, bits: 24 }],
    [{ block: 32_768, bits: 24 }],
    [{ block: 2, bits: 22 }],
    [{ block: 0, bits: 23 }],
  ])('is never %j', (stored) => {
    expect(isSubnet(stored)).toBe(false);
  });
});

describe('the lowest free subnet', () => {
  it('is the first at first, and then the next', () => {
    expect(lowestFree([], 24)).toEqual({ block: 0, bits: 24 });
    expect(lowestFree([{ block: 0, bits: 24 }], 24)).toEqual({ block: 1, bits: 24 });
    expect(lowestFree([{ block: 0, bits: 22 }], 24)).toEqual({ block: 4, bits: 24 });
  });

  it('fills a gap, and begins a /22 at a multiple of four', () => {
    const taken: Subnet[] = [
      { block: 1, bits: 24 },
      { block: 4, bits: 22 },
    ];
    expect(lowestFree(taken, 24)).toEqual({ block: 0, bits: 24 });
    expect(lowestFree(taken, 22)).toEqual({ block: 8, bits: 22 });
  });

  it('is null where every block is taken', () => {
    const all = Array.from({ length: BLOCKS }, (_, block): Subnet => ({ block, bits: 24 }));
    expect(lowestFree(all, 24)).toBeNull();
    const allButOne = all.toSpliced(7, 1);
    expect(lowestFree(allButOne, 24)).toEqual({ block: 7, bits: 24 });
    expect(lowestFree(allButOne, 22)).toBeNull();
  });

  it('is a subnet that overlaps none of those taken, whatever is taken', () => {
    const low = fc
      .constantFrom<24 | 22>(24, 22)
      .chain((bits) =>
        fc
          .integer({ min: 0, max: 10 })
          .map((at): Subnet => ({ block: bits === 24 ? at : at * 4, bits })),
      );
    const property = fc.property(fc.array(low), fc.constantFrom<24 | 22>(24, 22), (taken, bits) => {
      const free = lowestFree(taken, bits);
      expect(free?.bits).toBe(bits);
      expect(free !== null && isSubnet(free)).toBe(true);
      expect(taken.filter((other) => free !== null && overlap(free, other))).toEqual([]);
    });
    fc.assert(property);
  });
});

describe('the label of a VLAN', () => {
  it('is that of the stage, or of the cluster', () => {
    expect(vlanOf('private', 'prod-eu', ID)).toBe('onebuck-prod-eu');
    expect(vlanOf('isolated', 'prod-eu', ID)).toBe('onebuck-cabcdefg234');
  });
});
