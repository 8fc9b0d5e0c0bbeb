import { type EpochMs, epochMs } from './units.ts';

/** `c` and ten lower-case letters or digits of base 32 (RFC 4648). */
export type ClusterId = `c${string}`;
/** `s` and ten lower-case letters or digits of base 32 (RFC 4648). */
export type ScheduleId = `s${string}`;
/** `onebuck-<clusterId>-<index>`. */
export type NodeLabel = `onebuck-${string}`;
export type Tag = string;

const CLUSTER_ID = /^c[a-z2-7]{10}$/;
const SCHEDULE_ID = /^s[a-z2-7]{10}$/;

export const isClusterId = (text: string): text is ClusterId => CLUSTER_ID.test(text);
export const isScheduleId = (text: string): text is ScheduleId => SCHEDULE_ID.test(text);

/** Within Linode's rule for labels, and unique in the account: docs/linode.md#labels-and-tags. */
export const nodeLabel = (id: ClusterId, index: number): NodeLabel => `onebuck-${id}-${index}`;

/** What makes a Linode ours to change or delete: this deployment's tag. */
export const ownershipTag = (stage: string): Tag => `onebuck-${stage}`;

export const clusterTag = (id: ClusterId): Tag => `onebuck=${id}`;

/** The cluster that the tags name; null: none, or more than one. */
export function clusterOfTags(tags: readonly string[]): ClusterId | null {
  const ids = tags.filter((tag) => tag.startsWith('onebuck=')).map((tag) => tag.slice(8));
  const [id] = ids;
  return ids.length === 1 && id !== undefined && isClusterId(id) ? id : null;
}

/**
 * `reap=20261122T1557Z`: when to destroy it, for people in Linode's console and for the sweeper
 * without records. Rounded down to the minute, so never later than what was asked.
 */
export function reapTag(teardownAt: EpochMs): Tag {
  const iso = new Date(teardownAt).toISOString();
  return `reap=${iso.slice(0, 16).replaceAll(/[-:]/g, '')}Z`;
}

/** The tags with that `reap` tag in place of every other. */
export const withReapTag = (tags: readonly Tag[], reap: Tag): Tag[] => [
  ...tags.filter((tag) => !/^reap=/i.test(tag)),
  reap,
];

/** The earliest time that a `reap` tag names; null: none that can be read. */
export function reapTimeOfTags(tags: readonly string[]): EpochMs | null {
  const times = tags.map(reapTime).filter((time) => time !== null);
  return times.length === 0 ? null : epochMs(Math.min(...times));
}

function reapTime(tag: string): EpochMs | null {
  const match = /^reap=(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})Z$/i.exec(tag);
  if (match === null) return null;
  const [, year, month, day, hour, minute] = match;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:00.000Z`;
  const time = Date.parse(iso);
  // Date.parse rolls 31 February over; a tag like that was not written by us.
  if (Number.isNaN(time) || new Date(time).toISOString() !== iso) return null;
  return epochMs(time);
}
