import { type ClusterId, isClusterId } from '../base/names.ts';

/*
 * The private network of a cluster: its VLAN, its subnet, and the addresses of its nodes, all of
 * which are fixed before a node exists.
 */

/** `private`: on the VLAN that the clusters of the stage share; `isolated`: on its own VLAN. */
export type NetworkKind = 'private' | 'isolated';

export interface RoomNetwork {
  readonly kind: NetworkKind;
  /** The label of the VLAN. */
  readonly vlan: string;
  readonly subnet: Subnet;
}

/**
 * A part of 10.128.0.0/9 that belongs to one cluster. Both kinds of network get theirs from the
 * ledger of the caps, so that no two clusters of a deployment have an address in common.
 */
export interface Subnet {
  /**
   * The first of its blocks of 256 addresses, counted from 10.128.0.0: 0 to 32,767. A /22 takes
   * four blocks, and begins at a multiple of four.
   */
  readonly block: number;
  readonly bits: SubnetBits;
}

export type SubnetBits = 24 | 22;

/** How many /24s all clusters of a deployment have together. */
export const BLOCKS = 32_768;

/** The most nodes in a /24, which leaves a few of its addresses to the people of the cluster. */
const NODES_OF_24 = 250;

/** The size of the subnet for so many nodes, 1 to 500. */
export const bitsFor = (nodes: number): SubnetBits => (nodes <= NODES_OF_24 ? 24 : 22);

/** How many blocks of 256 addresses a subnet takes. */
export const blocksOf = (bits: SubnetBits): number => (bits === 24 ? 1 : 4);

/** Whether stored numbers are a subnet: one of those that `lowestFree` returns. */
export const isSubnet = ({ block, bits }: { block: number; bits: number }): boolean =>
  Number.isSafeInteger(block) &&
  block >= 0 &&
  block < BLOCKS &&
  (bits === 24 || (bits === 22 && block % 4 === 0));

export const overlap = (a: Subnet, b: Subnet): boolean =>
  a.block < b.block + blocksOf(b.bits) && b.block < a.block + blocksOf(a.bits);

export const isSameSubnet = (a: Subnet | undefined, b: Subnet | undefined): boolean =>
  a?.block === b?.block && a?.bits === b?.bits;

/** The address of a node: the first node has the first address after that of the subnet itself. */
export function addressOf({ block }: Subnet, index: number): string {
  const number = block * 256 + index + 1;
  return `10.${128 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
}

/** Such as `10.128.0.1/24`: the address of a node with the size of its subnet. */
export const addressInCidr = (subnet: Subnet, index: number): string =>
  `${addressOf(subnet, index)}/${subnet.bits}`;

/** Such as `10.128.0.0/24`. */
export const cidrOf = (subnet: Subnet): string => addressInCidr(subnet, -1);

/**
 * The label of the VLAN. Linode takes up to 64 letters, digits and single hyphens, which stages and
 * the ids of clusters keep to.
 */
export const vlanOf = (kind: NetworkKind, stage: string, id: ClusterId): string =>
  kind === 'private' ? `onebuck-${stage}` : `onebuck-${id}`;

/** The cluster whose own VLAN has the label; null: it is no label of such a VLAN. */
export function clusterOfVlan(label: string): ClusterId | null {
  const id = label.slice('onebuck-'.length);
  return label.startsWith('onebuck-') && isClusterId(id) ? id : null;
}

/**
 * The lowest free subnet of that size; null: none is free. `taken` may overlap, and be in any order.
 */
export function lowestFree(taken: Iterable<Subnet>, bits: SubnetBits): Subnet | null {
  const used = new Set<number>();
  for (const { block, bits: size } of taken) {
    for (let next = block; next < block + blocksOf(size); next += 1) used.add(next);
  }
  for (let block = 0; block < BLOCKS; block += blocksOf(bits)) {
    let end = block;
    while (end < block + blocksOf(bits) && !used.has(end)) end += 1;
    if (end === block + blocksOf(bits)) return { block, bits };
  }
  return null;
}
