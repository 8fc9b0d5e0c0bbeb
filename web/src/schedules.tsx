import { useState } from 'preact/hooks';
import type { Schedule } from '../../client/answers.ts';
import { memory } from '../../client/memory.ts';
import { dollars } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import {
  deleteSchedule,
  enableSchedule,
  listSchedules,
  retryWords,
  runWords,
} from '../../client/schedules.ts';
import { nearTime } from '../../client/times.ts';
import { useCronWords } from './cron.ts';
import { useAction, useConsole, useRemote } from './hooks.ts';
import { Dialog, Loading, Problem } from './parts.tsx';
import { ScheduleForm } from './schedule-form.tsx';

export function Schedules() {
  const { api } = useConsole();
  const { remote, reload } = useRemote('schedules', () => listSchedules(api));
  const [isMaking, setIsMaking] = useState(false);
  const close = () => setIsMaking(false);
  const made = () => {
    close();
    reload();
  };
  return (
    <div class="view">
      <div class="headline">
        <h1 tabIndex={-1}>Schedules</h1>
        {!isMaking && (
          <button type="button" class="primary" onClick={() => setIsMaking(true)}>
            New schedule
          </button>
        )}
      </div>
      {isMaking && <ScheduleForm schedule={null} onSaved={made} onClose={close} />}
      {remote.kind === 'loading' && <Loading what="schedules" />}
      {remote.kind === 'failed' && <Problem error={remote.error} onRetry={reload} />}
      {remote.kind === 'ready' && remote.value.schedules.length === 0 && !isMaking && (
        <div class="nothing">
          <p class="lead">Nothing is scheduled.</p>
          <p>A schedule launches a cluster at each time that a cron expression names.</p>
        </div>
      )}
      {remote.kind === 'ready' &&
        remote.value.schedules.map((schedule) => (
          <ScheduleCard key={schedule.id} schedule={schedule} onChanged={reload} />
        ))}
    </div>
  );
}

interface CardProps {
  readonly schedule: Schedule;
  readonly onChanged: () => void;
}

function ScheduleCard({ schedule, onChanged }: CardProps) {
  const { api, announce, clock } = useConsole();
  const { isBusy, error, run } = useAction();
  const [isDeleting, setIsDeleting] = useState(false);
  const [isChanging, setIsChanging] = useState(false);
  const [isEnabled, setIsEnabled] = useState(schedule.enabled);
  const words = useCronWords(schedule.cron);
  const called = schedule.name ?? schedule.id;
  const toggle = () =>
    run(async () => {
      const enabled = !isEnabled;
      await enableSchedule(api, schedule.id, enabled);
      setIsEnabled(enabled);
      announce(enabled ? `${called} goes on.` : `${called} is paused.`);
    });
  const remove = () =>
    run(async () => {
      await deleteSchedule(api, schedule.id);
      announce(`${called} is deleted.`);
      onChanged();
    });
  const saved = () => {
    setIsChanging(false);
    onChanged();
  };
  if (isChanging) {
    const close = () => setIsChanging(false);
    return <ScheduleForm schedule={schedule} onSaved={saved} onClose={close} />;
  }
  return (
    <article class="card schedule" aria-labelledby={`title-${schedule.id}`}>
      <header>
        <div>
          <h2 id={`title-${schedule.id}`}>{called}</h2>
          <p class="meta">
            {words?.ok ? `${words.words}, ` : ''}
            {schedule.timezone} <code>{schedule.cron}</code>
          </p>
        </div>
        <p class={isEnabled ? 'badge is-running' : 'badge'}>{isEnabled ? 'On' : 'Paused'}</p>
      </header>
      <p>{specWords(schedule)}</p>
      {schedule.nextTryAt !== null && (
        <p class="warning">
          The latest run failed for capacity: tried again{' '}
          {nearTime(schedule.nextTryAt, clock.now())}.
        </p>
      )}
      {isEnabled && <NextRuns schedule={schedule} />}
      <Runs schedule={schedule} />
      <Problem error={error} />
      <div class="actions">
        <button type="button" disabled={isBusy} onClick={toggle}>
          {isEnabled ? 'Pause' : 'Resume'} <span class="unseen">{called}</span>
        </button>
        <button type="button" onClick={() => setIsChanging(true)}>
          Change … <span class="unseen">{called}</span>
        </button>
        <button type="button" class="danger" onClick={() => setIsDeleting(true)}>
          Delete … <span class="unseen">{called}</span>
        </button>
      </div>
      {isDeleting && (
        <Dialog title={`Delete ${called}?`} onClose={() => setIsDeleting(false)}>
          <p>It launches nothing any more. What it has launched lives on within its budget.</p>
          <div class="buttons">
            <button type="button" onClick={() => setIsDeleting(false)}>
              Keep it
            </button>
            <button type="button" class="primary" disabled={isBusy} onClick={remove}>
              Delete
            </button>
          </div>
        </Dialog>
      )}
    </article>
  );
}

function specWords({ spec, overlap, monthlyCapUsd, retry }: Schedule): string {
  const { nodes, type, vcpus, memoryMb, region, budgetUsd } = spec as Record<string, unknown>;
  const machine = type ?? `${plural(Number(vcpus), 'vCPU')}, ${memory(Number(memoryMb))}`;
  const cap = monthlyCapUsd === null ? '' : `, at most ${dollars(monthlyCapUsd)} a month`;
  const rest = overlap === 'skip' ? 'Skips a run while the last one lives' : 'Runs may overlap';
  const budget = dollars(Number(budgetUsd));
  const again = retry === null ? '' : ` Without capacity, it tries again ${retryWords({ retry })}.`;
  return `${nodes} × ${machine} in ${region} for ${budget} a run${cap}. ${rest}.${again}`;
}

function NextRuns({ schedule }: { schedule: Schedule }) {
  const { clock } = useConsole();
  const now = clock.now();
  if (schedule.nextRuns.length === 0) return null;
  return (
    <section class="runs" aria-label="Next runs">
      <h3>Next, your time</h3>
      <ol>
        {schedule.nextRuns.map((at) => (
          <li key={at}>
            <time dateTime={at}>{nearTime(at, now)}</time>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Runs({ schedule }: { schedule: Schedule }) {
  const { clock } = useConsole();
  const now = clock.now();
  if (schedule.runs.length === 0) return null;
  return (
    <details class="story">
      <summary>
        Latest runs <span class="unseen">of {schedule.name ?? schedule.id}</span>
      </summary>
      <ol>
        {schedule.runs.map((run) => (
          <li key={run.at}>
            <time dateTime={run.at}>{nearTime(run.at, now)}</time> {runWords(run)}
          </li>
        ))}
      </ol>
    </details>
  );
}
