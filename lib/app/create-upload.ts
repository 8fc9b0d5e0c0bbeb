import { isObject, parseFields } from '../core/base/fields.ts';
import { type DurationMs, type EpochMs, hours, plus } from '../core/base/units.ts';
import { uploadKey } from '../core/job/keys.ts';
import { uploadShape } from '../core/job/upload.ts';
import { AppError } from '../errors.ts';
import type { Clock, JobFiles } from '../ports.ts';
import { newId } from './ids.ts';

export interface Upload {
  readonly id: string;
  /** Takes one PUT of as many bytes as were said. */
  readonly url: string;
  readonly expiresAt: EpochMs;
}

/** Time for 5 GB at 12 Mbit/s. */
const URL_LIFE: DurationMs = hours(1);

/**
 * A place for the inputs of a job, which its owner alone can name. AppError `invalid` with every
 * fault; `misconfigured` if the deployment has no bucket for jobs.
 */
export async function createUpload(
  { clock, files }: { readonly clock: Clock; readonly files: JobFiles | null },
  owner: string,
  input: unknown,
): Promise<Upload> {
  const { valid, faults } = parseFields(isObject(input) ? input : {}, uploadShape, 'an upload');
  if (faults.length > 0) {
    throw new AppError('invalid', 'The upload has faults; each is listed.', { faults });
  }
  const { bytes } = valid as { readonly bytes: number };
  if (files === null) throw noBucket('Uploads');
  const id = newId('u');
  const url = await files.uploadUrl(uploadKey(owner, id), bytes, URL_LIFE);
  return { id, url, expiresAt: plus(clock.now(), URL_LIFE) };
}

/** The refusal of what needs the bucket of jobs, where the deployment has none. */
export const noBucket = (what: string): AppError =>
  new AppError(
    'misconfigured',
    `${what} need a bucket, which this deployment lacks. Its operator gets it by a deployment; npm ` +
      'start has none with the real Linode.',
  );
