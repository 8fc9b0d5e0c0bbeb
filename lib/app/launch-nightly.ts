import type { EpochMs } from '../core/base/units.ts';
import { epochMs } from '../core/base/units.ts';
import { AppError } from '../errors.ts';
import { type LaunchDeps, type Launched, launch } from './launch.ts';

/** An ISO 8601 time with a zone. Without one, `Date.parse` would use the zone of the machine. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

/** The owner of the nightly clusters. */
const OWNER = 'nightly';

/**
 * Launches the spec of a scheduled event, once for each scheduled time, however often the event
 * comes: the scheduled time is the idempotency key. AppError `invalid` for an event without one.
 */
export function nightly(deps: LaunchDeps, event: unknown, by: EpochMs): Promise<Launched> {
  const { scheduledTime, spec } = Object(event) as { scheduledTime?: unknown; spec?: unknown };
  const isTime = typeof scheduledTime === 'string' && TIME.test(scheduledTime);
  const time = isTime ? Date.parse(scheduledTime) : Number.NaN;
  if (Number.isNaN(time)) {
    const fault = { path: 'scheduledTime', message: 'must be a time such as 2026-11-23T02:00:00Z' };
    throw new AppError('invalid', `scheduledTime ${fault.message}`, { faults: [fault] });
  }
  const idempotencyKey = `nightly ${new Date(epochMs(time)).toISOString()}`;
  return launch(deps, { owner: OWNER, input: spec, idempotencyKey, schedule: null, by });
}
