import { type ClusterId, isClusterId } from '../base/names.ts';
import type { NodeRef } from './invoice.ts';

/*
 * The label of an invoice's item is text for people. The only forms known are Linode's own console's,
 * such as `Nanode 1GB - onebuck-cabcdefghij-3 (12345678)`: docs/linode.md#invoices. So a node is
 * looked for by its label and by its Linode's id, wherever they stand, however they are separated, and
 * even if the label is cut. What could be two things is told as such, and never lost.
 */

/** What the records know. */
export interface Known {
  /** The node of each Linode, by its id. */
  readonly linodes: ReadonlyMap<number, NodeRef>;
  /** How many nodes each cluster has. */
  readonly clusters: ReadonlyMap<ClusterId, number>;
  /** The clusters whose records can't be read. */
  readonly unreadable: ReadonlySet<ClusterId>;
}

export type Match =
  /** `index` null: the label names the cluster, and not the node. */
  | { readonly kind: 'node'; readonly clusterId: ClusterId; readonly index: number | null }
  /** It looks like a node of this deployment, and no record has it, or it could be two. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'transfer' }
  /** It belongs to a cluster whose record can't be read, and can't be compared. */
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'stranger' };

const STRANGER = { kind: 'stranger' } as const;
const UNKNOWN = { kind: 'unknown' } as const;

/** Services whose ids are not those of Linodes: whole words, which no part of a node's label is. */
const OTHER_SERVICES =
  /(?<![a-z0-9])(volumes?|nodebalancers?|object[^a-z0-9]storage|kubernetes|lke|databases?|dbaas|images?|longview|ip(v[46])?|vpcs?|(cloud)?firewalls?)(?![a-z0-9])/;

const TRANSFER = /transfer overage|overage.*transfer|transfer.*overage/;

export function matchOf(label: string, known: Known): Match {
  const text = label.normalize('NFKC').toLowerCase();
  if (TRANSFER.test(text)) return { kind: 'transfer' };
  const ids = idsIn(text);
  const [first, ...others] = ids.flatMap((id) => known.linodes.get(id) ?? []);
  const name = nameIn(text);
  const isNode = first !== undefined && name?.isWhole === true && fits(name, first);
  if (!isNode && isOfService(text)) return STRANGER;
  if (first !== undefined) {
    // People may name a Linode by the id of another one: "copy-of-12345678".
    const isClear = ids.length === 1 || name !== null;
    return isClear && others.length === 0 && fits(name, first)
      ? { kind: 'node', ...first }
      : UNKNOWN;
  }
  return name === null ? STRANGER : byName(name, ids, known);
}

/** The cluster that the label names whole, whether or not a record knows it; null: it names none. */
export function clusterNamedIn(label: string): ClusterId | null {
  const { cluster = '' } = nameIn(label.normalize('NFKC').toLowerCase()) ?? {};
  return isClusterId(cluster) ? cluster : null;
}

/** Whether the item is of something that is no Linode, whatever the records know. */
export function isOtherService(label: string): boolean {
  const text = label.normalize('NFKC').toLowerCase();
  return isOfService(text) && nameIn(text)?.isWhole !== true;
}

const isOfService = (text: string): boolean =>
  OTHER_SERVICES.test(text) && !text.includes('linode managed');

/** Whether the item is for the backups of a Linode. */
export const isOfBackups = (label: string): boolean => /back[ -]?up/i.test(label);

/** Whether the item is for Linode Managed. */
export const isOfManaged = (label: string): boolean => /\bmanaged\b/i.test(label);

/** The name of a node, as far as the label has it. */
interface Name {
  /** The id of the cluster, or its beginning. */
  readonly cluster: string;
  readonly index: number | null;
  /** Whether the id of the cluster is whole. */
  readonly isWhole: boolean;
  /** Whether the label says by dots that it is cut. */
  readonly isCut: boolean;
}

const FULL = /onebuck[^a-z0-9]+(c[a-z2-7]{10})(?![a-z0-9])(?:[^a-z0-9]+(\d{1,3})(?![a-z0-9]))?/;
const CUT = /onebuck[^a-z0-9]+(c[a-z2-7]{0,9})(?![a-z0-9])(\.{2,})?/;

function nameIn(text: string): Name | null {
  const [, whole, index] = FULL.exec(text) ?? [];
  if (whole !== undefined) {
    const number = index === undefined ? null : Number(index);
    return { cluster: whole, index: number, isWhole: true, isCut: false };
  }
  const [, cluster, dots] = CUT.exec(text) ?? [];
  if (cluster === undefined) return null;
  return { cluster, index: null, isWhole: false, isCut: dots !== undefined };
}

/**
 * The numbers that may be the id of a Linode, also with separators between groups of digits. The last
 * number in parentheses is the id, as in the form that is known.
 */
function idsIn(text: string): number[] {
  const inParentheses = [...text.matchAll(/\(\D{0,4}(\d{1,12})\)/g)].at(-1)?.[1];
  if (inParentheses !== undefined) return [Number(inParentheses)];
  const plain = [...text.matchAll(/(?<![a-z0-9])\d{5,12}(?![a-z0-9])/g)].map(([id]) => id);
  const atEnd = [...text.matchAll(/\blinode (\d{1,12})$/g)].map(([, id = '']) => id);
  const grouped = [
    ...text.matchAll(/(?<![\da-z])\d{1,3}(?:[.,'\u2019 ]\d{3}){2,3}(?![\da-z])/g),
  ].map(([id]) => id.replaceAll(/\D/g, ''));
  return [...new Set([...plain, ...atEnd, ...grouped].map(Number))];
}

/** Whether the name, as far as it is there, is that of the node. */
function fits(name: Name | null, { clusterId, index }: NodeRef): boolean {
  if (name === null) return true;
  return clusterId.startsWith(name.cluster) && (name.index === null || name.index === index);
}

/** The node of a label without an id that a record has. */
function byName(name: Name, ids: readonly number[], known: Known): Match {
  const { cluster, index, isWhole, isCut } = name;
  if (isClusterId(cluster) && known.unreadable.has(cluster)) return { kind: 'unreadable' };
  // People call their Linodes "onebuck-console", too.
  const other = isWhole || isCut ? UNKNOWN : STRANGER;
  // The records know each of their Linodes by its id, so this is another one.
  if (ids.length > 0) return other;
  const named = isClusterId(cluster)
    ? [cluster]
    : [...known.clusters.keys()].filter((id) => id.startsWith(cluster));
  const [clusterId, another] = named;
  const nodes = clusterId === undefined ? undefined : known.clusters.get(clusterId);
  if (clusterId === undefined) return other;
  if (another !== undefined || nodes === undefined) return UNKNOWN;
  if (index !== null && index >= nodes) return UNKNOWN;
  return { kind: 'node', clusterId, index: index ?? (nodes === 1 ? 0 : null) };
}
