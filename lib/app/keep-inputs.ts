import type { ScheduleId } from '../core/base/names.ts';
import { keptKey, uploadKey } from '../core/job/keys.ts';
import { faultsOfSpec, type JsonSpec } from '../core/schedule/schedule.ts';
import { AppError } from '../errors.ts';
import type { JobFiles } from '../ports.ts';
import { missingInput } from './launch.ts';

/** The uploads that the job of a schedule's checked spec needs for each of its runs. */
export const inputsOf = (spec: JsonSpec): readonly string[] =>
  (spec as { readonly job?: { readonly inputs?: readonly string[] } | null }).job?.inputs ?? [];

/**
 * Copies the owner's uploads for the runs of a schedule, since uploads expire. May be called twice,
 * also after they have. AppError `invalid` if one is neither there nor kept already.
 */
export async function keepInputs(
  files: JobFiles | null,
  { id, owner }: { readonly id: ScheduleId; readonly owner: string },
  spec: JsonSpec,
): Promise<void> {
  if (files === null) return;
  const inputs = inputsOf(spec);
  const found = await Promise.all(
    inputs.map(async (upload) => {
      const kept = keptKey(id, upload);
      if ((await files.copy(uploadKey(owner, upload), kept)) === 'copied') return true;
      return (await files.size(kept)) !== null;
    }),
  );
  const faults = inputs.flatMap((upload, index) =>
    found[index] ? [] : [missingInput(upload, index)],
  );
  if (faults.length === 0) return;
  const detail = 'The schedule has faults; each is listed with what to do.';
  throw new AppError('invalid', detail, { faults: faultsOfSpec(faults) });
}

/** Deletes copies that no run needs any more. May be called twice. */
export async function forgetInputs(
  files: JobFiles | null,
  id: ScheduleId,
  uploads: readonly string[],
): Promise<void> {
  await Promise.all(uploads.map((upload) => files?.delete(keptKey(id, upload))));
}
