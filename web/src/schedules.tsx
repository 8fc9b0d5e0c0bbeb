import { useState } from 'preact/hooks';
import type { Schedule } from '../../client/answers.ts';
import { getQuote } from '../../client/catalogue.ts';
import { launchCluster } from '../../client/clusters.ts';
import { createIdempotencyKey } from '../../client/idempotency-key.ts';
import { dollars } from '../../client/money.ts';
import { quoteSentence } from '../../client/quote.ts';
import {
  capsWords,
  deleteSchedule,
  enableSchedule,
  listSchedules,
  retryWords,
  runWords,
  worstMonthSentence,
} from '../../client/schedules.ts';
import { machinesWords, toldSpec } from '../../client/spec.ts';
import { datedTime, nearTime } from '../../client/times.ts';
import { useCronWords, useWorstMonth } from './cron.ts';
import { useAction, useConsole, useRemote } from './hooks.ts';
import { Dialog, Loading, Problem } from './parts.tsx';
import { clusterHref } from './route.ts';
import { ScheduleForm } from './schedule-form.tsx';

/** What the form is open for: a new schedule, or a copy of one. */
type Making = { readonly from: Schedule | null } | null;

export function Schedules() {
  const { api } = useConsole();
  const { remote, reload } = useRemote('schedules', () => listSchedules(api));
  const [making, setMaking] = useState<Making>(null);
  const close = () => setMaking(null);
  const made = () => {
    close();
    reload();
  };
  const copy = (from: Schedule) => {
    setMaking({ from });
    window.scrollTo(0, 0);
  };
  return (
    <div class="view">
      <div class="headline">
        <h1 tabIndex={-1}>Schedules</h1>
        {making === null && (
          <button type="button" class="primary" onClick={() => setMaking({ from: null })}>
            New schedule
          </button>
        )}
      </div>
      {making !== null && (
        <ScheduleForm
          key={making.from?.id}
          schedule={making.from}
          isCopy
          onSaved={made}
          onClose={close}
        />
      )}
      {remote.kind === 'loading' && <Loading what="schedules" />}
      {remote.kind === 'failed' && <Problem error={remote.error} onRetry={reload} />}
      {remote.kind === 'ready' && remote.value.schedules.length === 0 && making === null && (
        <div class="nothing">
          <p class="lead">Nothing is scheduled.</p>
          <p>A schedule launches a cluster at each time that a cron expression names.</p>
        </div>
      )}
      {remote.kind === 'ready' &&
        remote.value.schedules.map((schedule) => (
          <ScheduleCard key={schedule.id} schedule={schedule} onChanged={reload} onCopy={copy} />
        ))}
    </div>
  );
}

interface CardProps {
  readonly schedule: Schedule;
  readonly onChanged: () => void;
  readonly onCopy: (schedule: Schedule) => void;
}

function ScheduleCard({ schedule, onChanged, onCopy }: CardProps) {
  const { api, announce, clock } = useConsole();
  const { isBusy, error, run } = useAction();
  const [isDeleting, setIsDeleting] = useState(false);
  const [isChanging, setIsChanging] = useState(false);
  const [isRunning, setIsRunning] = useState(false);
  const [isEnabled, setIsEnabled] = useState(schedule.enabled);
  const words = useCronWords(schedule.cron);
  const worst = useWorstMonth(schedule.cron, toldSpec(schedule.spec).budgetUsd);
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
    return <ScheduleForm schedule={schedule} isCopy={false} onSaved={saved} onClose={close} />;
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
      {worst !== null && <p class="meta">{worstMonthSentence(worst, schedule)}</p>}
      {schedule.nextTryAt !== null && (
        <p class="warning">
          The latest run failed for capacity: tried again{' '}
          {nearTime(schedule.nextTryAt, clock.now(), schedule.timezone)}.
        </p>
      )}
      {isEnabled && <NextRuns schedule={schedule} />}
      <Runs schedule={schedule} />
      <Problem error={error} />
      <div class="actions">
        <button type="button" disabled={isBusy} onClick={toggle}>
          {isEnabled ? 'Pause' : 'Resume'} <span class="unseen">{called}</span>
        </button>
        <button type="button" onClick={() => setIsRunning(true)}>
          Run now … <span class="unseen">{called}</span>
        </button>
        <button type="button" onClick={() => setIsChanging(true)}>
          Change … <span class="unseen">{called}</span>
        </button>
        <button type="button" onClick={() => onCopy(schedule)}>
          Copy … <span class="unseen">{called}</span>
        </button>
        <button type="button" class="danger" onClick={() => setIsDeleting(true)}>
          Delete … <span class="unseen">{called}</span>
        </button>
      </div>
      {isRunning && <RunNow schedule={schedule} onClose={() => setIsRunning(false)} />}
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

function specWords({ spec, overlap, retry, ...caps }: Schedule): string {
  const told = toldSpec(spec);
  const budget = told.budgetUsd === null ? '' : ` for ${dollars(told.budgetUsd)} a run`;
  const each = capsWords(caps, dollars);
  const cap = each === '' ? '' : `, at most ${each}`;
  const rest = overlap === 'skip' ? 'Skips a run while the last one lives' : 'Runs may overlap';
  const again = retry === null ? '' : ` Without capacity, it tries again ${retryWords({ retry })}.`;
  const what = `${machinesWords(told)} with ${told.image} in ${told.region}`;
  return `${what}${budget}${cap}. ${rest}.${again}`;
}

interface RunProps {
  readonly schedule: Schedule;
  readonly onClose: () => void;
}

/** Launches the spec of a schedule now, after its price. */
function RunNow({ schedule, onClose }: RunProps) {
  const { api, announce, clock } = useConsole();
  const { isBusy, error, run } = useAction();
  const [key] = useState(createIdempotencyKey);
  const called = schedule.name ?? schedule.id;
  const spec = { name: schedule.name, ...schedule.spec };
  const { remote, reload } = useRemote(schedule.id, () => getQuote(api, spec));
  const now = clock.now();
  const launch = () =>
    run(async () => {
      const cluster = await launchCluster(api, spec, key);
      announce(`Launched ${cluster.name ?? cluster.id}.`);
      location.hash = clusterHref(cluster.id);
    });
  const isPaid = remote.kind === 'ready' && remote.value.affordableHours > 0;
  return (
    <Dialog title={`Run ${called} now?`} onClose={onClose}>
      {remote.kind === 'loading' && <Loading what="the quote" />}
      {remote.kind === 'failed' && <Problem error={remote.error} onRetry={reload} />}
      {remote.kind === 'ready' && (
        <p class="sentence">
          {quoteSentence(remote.value, (at) => `${nearTime(at, now)} your time`)}
        </p>
      )}
      <p>
        It is a cluster by itself: it does not count for the cap of the schedule, whose runs go on.
      </p>
      <Problem error={error} />
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Not now
        </button>
        <button type="button" class="primary" disabled={isBusy || !isPaid} onClick={launch}>
          {isBusy ? 'Launching …' : 'Launch it'}
        </button>
      </div>
    </Dialog>
  );
}

function NextRuns({ schedule: { id, name, nextRuns, timezone } }: { schedule: Schedule }) {
  const { clock } = useConsole();
  const now = clock.now();
  const [first] = nextRuns;
  if (first === undefined) return null;
  const yours = nearTime(first, now);
  return (
    <section class="runs" aria-label={`Next runs of ${name ?? id}`}>
      <h3>
        Next, in {timezone}
        {yours !== nearTime(first, now, timezone) && `: the first at ${yours} your time`}
      </h3>
      <ol>
        {nextRuns.map((at) => (
          <li key={at}>
            <time dateTime={at}>{nearTime(at, now, timezone)}</time>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Runs({ schedule: { id, name, runs, timezone } }: { schedule: Schedule }) {
  const { clock } = useConsole();
  const now = clock.now();
  if (runs.length === 0) return null;
  return (
    <details class="story">
      <summary>
        Latest runs, in {timezone} <span class="unseen">of {name ?? id}</span>
      </summary>
      <ol>
        {runs.map((run) => (
          <li key={run.at}>
            <time dateTime={run.at}>{datedTime(run.at, now, timezone)}</time> {runWords(run)}
            {'clusterId' in run && (
              <>
                {' '}
                <a href={clusterHref(run.clusterId)}>Show it</a>
              </>
            )}
          </li>
        ))}
      </ol>
    </details>
  );
}
