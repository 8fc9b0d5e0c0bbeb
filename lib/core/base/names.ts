import { type EpochMs, epochMs } from './units.ts';

/** The owner who may see and end the clusters of every owner. */
export const ADMIN = 'admin';

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

/** The ownership tag. Onebuck changes and deletes only Linodes that bear it. */
export const ownershipTag = (stage: string): Tag => `onebuck-${stage}`;

export const clusterTag = (id: ClusterId): Tag => `onebuck=${id}`;

/** The cluster that the tags name; null: they name no cluster, or more than one. */
export function clusterOfTags(tags: readonly string[]): ClusterId | null {
  const ids = tags.filter((tag) => tag.startsWith('onebuck=')).map((tag) => tag.slice(8));
  const [id] = ids;
  return ids.length === 1 && id !== undefined && isClusterId(id) ? id : null;
}

/** The cluster whose node has the label; null: it is no label of a node. */
export function clusterOfLabel(label: string): ClusterId | null {
  const id = /^onebuck-(.+)-\d+$/.exec(label)?.[1];
  return id !== undefined && isClusterId(id) ? id : null;
}

/**
 * The `reap` tag with a node's teardown time, such as `reap=20261122T1557Z`. People read it in
 * Linode's console, and the sweeper where a Linode has no record. Rounded down to the minute, so
 * that it is never later than `teardownAt`.
 */
export function reapTag(teardownAt: EpochMs): Tag {
  const iso = new Date(teardownAt).toISOString();
  return `reap=${iso.slice(0, 16).replaceAll(/[-:]/g, '')}Z`;
}

/** `tags` with `reap` in place of every `reap` tag among them. */
export const withReapTag = (tags: readonly Tag[], reap: Tag): Tag[] => [
  ...tags.filter((tag) => !/^reap=/i.test(tag)),
  reap,
];

/** The earliest time among the `reap` tags; null: there is no `reap` tag with a valid time. */
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
  // Date.parse turns 31 February into 3 March. Onebuck never writes an invalid date.
  if (Number.isNaN(time) || new Date(time).toISOString() !== iso) return null;
  return epochMs(time);
}

/** The name of an owner. */
export const OWNER_NAME = /^[a-z0-9][a-z0-9._-]{0,39}$/;
export const OWNER_RULE = 'up to 40 of a-z, 0-9 and . _ -, beginning with a letter or a digit';
