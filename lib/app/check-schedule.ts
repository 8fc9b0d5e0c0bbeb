import type { Fault } from '../core/base/fault.ts';
import type { EpochMs } from '../core/base/units.ts';
import { quoteOf } from '../core/cluster/quote.ts';
import { faultOfCron, isTimeZone, occurrenceAfter } from '../core/schedule/cron.ts';
import { faultsOfSpec, type JsonSpec, type ScheduleRequest } from '../core/schedule/schedule.ts';
import { faultOfNoCap, mostRunsInMonth } from '../core/schedule/worst-month.ts';
import { AppError } from '../errors.ts';
import type { LaunchDeps } from './launch.ts';
import { type Offer, offer, refuseWhatCouldNotLogIn, refuseWhatWouldOverspend } from './offer.ts';

export type CheckDeps = Pick<LaunchDeps, 'clock' | 'catalogue' | 'files' | 'secrets' | 'settings'>;

/** When to launch which spec, and for how much; fields that were read with faults are missing. */
export type Launching = Partial<Pick<ScheduleRequest, 'cron' | 'timezone' | 'spec' | 'monthlyCap'>>;

/**
 * Checks that the spec could be launched at the first occurrence after now, and that no month can
 * cost too much without a cap. If not, AppError `invalid` with every fault, those of `faults` first,
 * or `refused`.
 */
export async function checkSchedule(
  deps: CheckDeps,
  { cron, timezone, spec, monthlyCap = null }: Launching,
  { faults, by }: { readonly faults: readonly Fault[]; readonly by: EpochMs },
): Promise<void> {
  const offered = spec === undefined ? null : await offerOrFaults(deps, spec, by);
  const all = [
    ...faults,
    ...faultsOfTime(cron, timezone),
    ...(offered === null || 'bought' in offered ? [] : offered),
  ];
  const isWhole = cron !== undefined && timezone !== undefined;
  if (all.length > 0 || !isWhole || offered === null || !('bought' in offered)) {
    const detail = 'The schedule has faults; each is listed with what to do.';
    throw new AppError('invalid', detail, { faults: all });
  }
  // Quote the spec for its first run: an hour that crosses a month's end may cost twice.
  const { settings, clock } = deps;
  const first = occurrenceAfter(cron, timezone, clock.now()) ?? clock.now();
  const quote = quoteOf(offered.spec, offered.bought, settings.marginMs, first);
  refuseWhatWouldOverspend({ ...offered, quote });
  const noCap = faultOfNoCap(mostRunsInMonth(cron, clock.now()), offered.spec.budget);
  if (monthlyCap === null && noCap !== null) {
    throw new AppError('refused', `${noCap}. Give monthlyCapUsd, or run it less often.`);
  }
  await refuseWhatCouldNotLogIn(deps.secrets, offered.spec);
}

function faultsOfTime(cron: string | undefined, timezone: string | undefined): Fault[] {
  const cronFault = cron === undefined ? null : faultOfCron(cron);
  const isZone = timezone === undefined || isTimeZone(timezone);
  const zones = 'must be the name of an IANA time zone such as Europe/Berlin or UTC';
  return [
    ...(cronFault === null ? [] : [{ path: 'cron', message: `cron ${cronFault}` }]),
    ...(isZone ? [] : [{ path: 'timezone', message: `timezone ${zones}` }]),
  ];
}

async function offerOrFaults(
  deps: CheckDeps,
  spec: JsonSpec,
  by: EpochMs,
): Promise<Offer | Fault[]> {
  try {
    return await offer(deps, spec, by);
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid') {
      return faultsOfSpec(error.details.faults ?? []);
    }
    throw error;
  }
}
