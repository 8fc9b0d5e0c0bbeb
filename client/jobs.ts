import type { Cluster } from './answers.ts';
import type { Api } from './api.ts';

/* The requests about jobs. Each throws what client/api.ts throws. */

/** `waiting`: for the nodes and the inputs; `collecting`: the command is over, its results are not in. */
export type JobState = 'waiting' | 'running' | 'collecting' | 'done' | 'failed' | 'stopped';

/** A cluster's job. */
export interface ClusterJob {
  readonly command: string;
  readonly on: 'head' | 'all';
  readonly state: JobState;
  readonly exitCode: number | null;
  /** The node whose command did not end with 0. */
  readonly node: number | null;
  readonly reason: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly stopAskedAt: string | null;
  readonly onDone: 'destroy' | 'keep';
  readonly onFailure: 'keepPaidHour' | 'destroy' | 'keep';
}

export interface JobNode {
  readonly index: number;
  readonly state: JobState | 'staged';
  readonly exitCode: number | null;
  readonly reason: string | null;
  readonly stagedAt: string | null;
  readonly startedAt: string | null;
  readonly exitedAt: string | null;
  readonly endedAt: string | null;
  readonly heardAt: string | null;
  readonly logBytes: number;
}

export interface Job extends ClusterJob {
  readonly nodes: readonly JobNode[];
}

export interface JobLog {
  readonly rank: number;
  readonly from: number;
  readonly next: number;
  readonly bytes: number;
  readonly isWhole: boolean;
  /** In base64. */
  readonly data: string;
}

export interface JobResult {
  readonly index: number;
  readonly name: string;
  readonly bytes: number;
  readonly unpackedBytes: number;
  readonly files: number;
  readonly url: string;
  readonly expiresAt: string;
}

export interface Upload {
  readonly id: string;
  readonly url: string;
  readonly expiresAt: string;
}

/** Whether a job has come to its end, whichever it is. */
export const isJobOver = ({ state }: Pick<ClusterJob, 'state'>): boolean =>
  state === 'done' || state === 'failed' || state === 'stopped';

/** The cluster's job; null: it has none. */
export const jobOf = (cluster: Cluster): ClusterJob | null =>
  (cluster as { readonly job?: ClusterJob | null }).job ?? null;

/** What the end of a job has saved, in US dollars. */
export interface Saved {
  readonly ofBudgetUsd: number;
  readonly untilTeardownUsd: number;
}

/** What the end of the cluster's job has saved; null: the cluster lives, or has no job. */
export const savedOf = (cluster: Cluster): Saved | null =>
  (cluster as { readonly saved?: Saved | null }).saved ?? null;

/** A place for an upload of exactly so many bytes, which are then to be PUT to its URL. */
export const createUpload = (api: Api, bytes: number): Promise<Upload> =>
  api.json('/uploads', { method: 'POST', body: { bytes } });

/** The job with its nodes. Refused with 404 where the cluster has none. */
export const getJob = (api: Api, id: string): Promise<Job> => api.json(`/clusters/${id}/job`);

/** A part of a node's log, from a byte on. */
export const getJobLog = (api: Api, id: string, rank: number, from: number): Promise<JobLog> =>
  api.json(`/clusters/${id}/job/log`, { query: { rank, from } });

/** The archives of results, with URLs that expire within an hour. */
export const getJobResults = async (api: Api, id: string): Promise<readonly JobResult[]> =>
  (await api.json<{ readonly results: JobResult[] }>(`/clusters/${id}/job/results`)).results;

/** Begins the last call of the job, after which its cluster ends; doing so again changes nothing. */
export const stopJob = (api: Api, id: string): Promise<Cluster> =>
  api.json(`/clusters/${id}/job`, { method: 'DELETE' });

/** The bytes of a part of a log. */
export const bytesOf = ({ data }: Pick<JobLog, 'data'>): Uint8Array =>
  Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
