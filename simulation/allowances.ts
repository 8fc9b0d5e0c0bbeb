import type { Grant, Instance } from '../simulators/linode/instance.ts';
import {
  bytesBetween,
  bytesInMonth,
  type Month,
  monthAt,
  monthNameAt,
  SLOWED_BYTES_PER_SECOND,
  uncountedAt,
} from '../simulators/linode/sending.ts';
import { billUntil, overageUntil } from './oracle.ts';

/** Whether the firewall of each Linode has limited since its creation what the Linode sends. */
export const areLimited = (linodes: readonly Instance[]): boolean =>
  linodes.every(({ limit }) => limit !== undefined && limit.goneAt === null);

/** What a node may send in a month. */
export type Allowance = Pick<Grant, 'month' | 'bytes'>;

/** A Linode, and the index of the node that it was made for. */
export interface Sender {
  readonly index: number;
  readonly linode: Instance;
}

/**
 * The bill of a cluster's Linodes at an instant, which may lie ahead, if those that exist send all that
 * they are allowed in this month right now. `granted`: by the index of the node.
 */
export function billIfAllSent(
  senders: readonly Sender[],
  granted: readonly Allowance[],
  now: number,
): (at: number) => number {
  const linodes = senders.map(({ index, linode }) =>
    linode.deleted === null ? allSent(linode, grantedTo(granted, index, now), now) : linode,
  );
  return (at) => {
    const end = ({ deleted }: Instance) => deleted ?? at;
    const hours = linodes.reduce((total, linode) => total + billUntil(linode, end(linode)), 0);
    return hours + overageUntil(linodes, end);
  };
}

/** What Linode may count where a node counts a byte. */
export const COUNTED = 1 / 0.93;

/** The Linode if it has used up its slice at the beginning of each month, and goes on slowly. */
export function slowedOf(linode: Instance, until: number): Instance {
  const { limit, sends, ...silent } = linode;
  const bytes = (limit?.slice ?? 0) * COUNTED;
  const sentAtOnce = [{ at: linode.created, bytes }];
  for (let at = monthAt(linode.created).end; at < until; at = monthAt(at).end) {
    sentAtOnce.push({ at, bytes });
  }
  const bytesPerSecond = SLOWED_BYTES_PER_SECOND * COUNTED;
  return { ...silent, sentAtOnce, sends: [{ fromSeconds: 0, untilSeconds: null, bytesPerSecond }] };
}

/** The bytes beyond its slice that the node may send in the month of `now`; 0: its slice. */
export function grantedTo(granted: readonly Allowance[], index: number, now: number): number {
  const allowance = granted[index];
  return allowance?.month === monthNameAt(now) ? allowance.bytes : 0;
}

/** The bytes that Linode may count of nodes that send in so long all that they may in this month. */
export function allowedBytes(
  senders: readonly Sender[],
  granted: readonly Allowance[],
  ms: number,
): number {
  const slow = (SLOWED_BYTES_PER_SECOND * ms) / 1_000;
  const bytes = senders.map(({ index, linode }) =>
    Math.max(granted[index]?.bytes ?? 0, linode.limit?.slice ?? 0),
  );
  return bytes.reduce((total, each) => total + (each + slow) * COUNTED, 0);
}

/** The Linode if it has sent in earlier months what it has, and all of its allowance by `now`. */
function allSent(linode: Instance, granted: number, now: number): Instance {
  const { limit, sends, ...silent } = linode;
  const past: Month[] = [];
  for (let month = monthAt(linode.created); month.end <= now; month = monthAt(month.end)) {
    past.push(month);
  }
  const allowance = uncountedAt(linode, now) + Math.max(granted, limit?.slice ?? 0);
  const sentAtOnce = [
    ...past.map(({ start, end }) => ({ at: end - 1, bytes: bytesBetween(linode, start, end) })),
    { at: now, bytes: Math.max(allowance, bytesInMonth(linode, now)) },
  ];
  return { ...silent, sentAtOnce };
}
