import type { Cluster, Job, JobLog, JobResult, JobResults, Upload } from './answers.ts';
import type { Api } from './api.ts';

/* The requests about jobs. Each throws what client/api.ts throws. */

/** Whether a job has come to its end, whichever it is. */
export const isJobOver = ({ state }: Pick<Job, 'state'>): boolean =>
  state === 'done' || state === 'failed' || state === 'stopped';

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
  (await api.json<JobResults>(`/clusters/${id}/job/results`)).results;

/** Begins the last call of the job, after which its cluster ends; doing so again changes nothing. */
export const stopJob = (api: Api, id: string): Promise<Cluster> =>
  api.json(`/clusters/${id}/job`, { method: 'DELETE' });

/** The bytes of a part of a log. */
export const bytesOf = ({ data }: Pick<JobLog, 'data'>): Uint8Array =>
  Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
