import type { ClusterId, ScheduleId } from '../base/names.ts';

/*
 * The keys of the objects in the bucket of jobs. stack/files.yml lets the prefixes `uploads/` and
 * `jobs/` expire.
 */

/** An owner's upload. Of another owner's, the key is another: its id alone opens nothing. */
export const uploadKey = (owner: string, upload: string): string =>
  `uploads/${encodeURIComponent(owner).replaceAll('.', '%2E')}/${upload}`;

/** The copy of an upload that a schedule keeps for its runs. */
export const keptKey = (schedule: ScheduleId, upload: string): string =>
  `schedules/${schedule}/${upload}`;

/** How many bytes of a log one object has; the last object of a log has fewer. */
export const SEGMENT_BYTES = 65_536;
/** The most segments of a node's log: 32 MiB, and a last one for its end. */
export const SEGMENTS_MAX = 514;

export const logKey = (id: ClusterId, rank: number, segment: number): string =>
  `jobs/${id}/${rank}/log/${segment}`;

export const resultsKey = (id: ClusterId, rank: number, name: string): string =>
  `jobs/${id}/${rank}/results/${name}`;
