import type { ClusterId, ScheduleId } from '../base/names.ts';
import { type EpochMs, toIso } from '../base/units.ts';

/** The kinds of notices about a run of a schedule that left its owner without a cluster. */
export type RunNoticeKind = 'runRefused' | 'runMissed' | 'runFailed';

/** A message to people about a run of a schedule, sent at most once for each occurrence and kind. */
export interface RunNotice {
  readonly kind: RunNoticeKind;
  readonly scheduleId: ScheduleId;
  readonly owner: string;
  readonly stage: string;
  /** null: the schedule has no name. */
  readonly name: string | null;
  readonly at: EpochMs;
  /** The occurrence; of several missed ones, the last. */
  readonly occurrence: EpochMs;
  /** How many occurrences were missed; 1 for the other kinds. */
  readonly count: number;
  /** The first missed occurrence; for the other kinds, the occurrence. */
  readonly from: EpochMs;
  /** The cluster that failed; null: none was launched. */
  readonly clusterId: ClusterId | null;
  /** Why the run was refused or failed; null: it was missed. */
  readonly reason: string | null;
  /** How often Onebuck tried to launch the cluster. */
  readonly tries: number;
  /** The next occurrence; null: there is none, or the schedule is paused. */
  readonly nextAt: EpochMs | null;
}

export function textsOfRun(notice: RunNotice) {
  const { scheduleId, kind, occurrence, stage, name, nextAt } = notice;
  const schedule = name === null ? scheduleId : `${scheduleId} (${name})`;
  const next = nextAt === null ? 'There is no next run' : `The next run is at ${toIso(nextAt)}`;
  const text = `Schedule ${schedule} ${sentenceOf(notice)}. ${next}. To change it: PATCH /schedules/${scheduleId}.`;
  return {
    subject: `Onebuck ${stage}: schedule ${scheduleId} ${subjects[kind]}`,
    text,
    // A notice that is delivered twice has the same id both times.
    json: { id: `${scheduleId}/${kind}/${toIso(occurrence)}`, text, ...jsonOf(notice) },
  };
}

const subjects = {
  runRefused: 'launched nothing',
  runMissed: 'missed a run',
  runFailed: 'has a failed cluster',
} as const satisfies Record<RunNoticeKind, string>;

function sentenceOf(notice: RunNotice): string {
  const { kind, occurrence, from, count, tries } = notice;
  const when = toIso(occurrence);
  const reason = (notice.reason ?? 'no reason is known').replace(/\.$/, '');
  const often = tries === 1 ? '' : `, after ${tries} tries`;
  switch (kind) {
    case 'runRefused':
      return `launched nothing at ${when}${often}: ${reason}`;
    case 'runFailed':
      return `launched cluster ${notice.clusterId} at ${when}${often}, and it has failed: ${reason}`;
    case 'runMissed': {
      const runs =
        count === 1 ? `its run at ${when}` : `${count} runs from ${toIso(from)} to ${when}`;
      return `missed ${runs}: Onebuck could not launch within an hour`;
    }
  }
}

const jsonOf = (notice: RunNotice) => ({
  kind: notice.kind,
  at: toIso(notice.at),
  stage: notice.stage,
  scheduleId: notice.scheduleId,
  name: notice.name,
  owner: notice.owner,
  occurrence: toIso(notice.occurrence),
  from: toIso(notice.from),
  count: notice.count,
  clusterId: notice.clusterId,
  reason: notice.reason,
  tries: notice.tries,
  nextAt: notice.nextAt === null ? null : toIso(notice.nextAt),
});
