import { useEffect, useRef, useState } from 'preact/hooks';
import type { Schedule } from '../../client/answers.ts';
import { createIdempotencyKey } from '../../client/idempotency-key.ts';
import { runSentence } from '../../client/quote.ts';
import {
  changeSchedule,
  createSchedule,
  type WorstMonth,
  worstMonthSentence,
} from '../../client/schedules.ts';
import { amountIn, type Spec } from '../../client/spec.ts';
import { type CronWords, useCronWords, useWorstMonth } from './cron.ts';
import { useAction, useConsole } from './hooks.ts';
import { labels } from './labels.ts';
import { useSpecForm } from './launch.tsx';
import { Field, focusFault, Loading, MoneyInput, Problem, SubmitButton } from './parts.tsx';
import { faultsByField, faultsOfQuote, type Quoted, useQuote, whyNot, whyWait } from './quote.ts';
import { QuoteView } from './quote-view.tsx';
import {
  capsOf,
  changeOf,
  editedSpec,
  formOf,
  newSchedule,
  type When,
  whenFaults,
  whenOf,
} from './schedule.ts';
import { read, write } from './session.ts';
import { type Faults, ownFaults, type SpecForm, specOf } from './spec.ts';
import {
  AmountFields,
  type Catalogue,
  MoreFields,
  PlaceFields,
  TypeSelect,
  useCatalogue,
  useTypes,
} from './spec-fields.tsx';

interface Props {
  /** The schedule to change, or to copy; null: make a new one from nothing. */
  readonly schedule: Schedule | null;
  readonly isCopy: boolean;
  readonly onSaved: () => void;
  readonly onClose: () => void;
}

export function ScheduleForm(props: Props) {
  const { remote, reload } = useCatalogue();
  if (remote.kind === 'loading') return <Loading what="regions and images" />;
  if (remote.kind === 'failed') return <Problem error={remote.error} onRetry={reload} />;
  return <LoadedForm {...props} catalogue={remote.value} />;
}

const DRAFT = 'schedule-spec';
const WHEN_DRAFT = 'schedule-when';

/** What somebody begins with, kept in this tab while it is typed. */
function useWhen(schedule: Schedule | null, isCopy: boolean) {
  const [before] = useState<When>(() => {
    if (schedule === null) return { ...newWhen(), ...read(sessionStorage, WHEN_DRAFT, {}) };
    const when = whenOf(schedule);
    return isCopy && when.name !== '' ? { ...when, name: `${when.name} copy` } : when;
  });
  const [when, setWhen] = useState(before);
  useEffect(() => {
    if (schedule === null) write(sessionStorage, WHEN_DRAFT, when);
  }, [schedule, when]);
  return { when, setWhen };
}

const newWhen = (): When => ({
  ...{ name: '', cron: '30 2 * * MON-FRI', overlap: 'skip', retryFor: '' },
  ...{ dailyCap: '', weeklyCap: '', monthlyCap: '' },
  timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
});

function LoadedForm({
  schedule,
  isCopy,
  catalogue,
  onSaved,
  onClose,
}: Props & { readonly catalogue: Catalogue }) {
  const { api, announce } = useConsole();
  const [before] = useState(() =>
    schedule === null ? null : formOf(schedule.spec, catalogue.images),
  );
  const { form, setForm, change } = useSpecForm(catalogue, DRAFT, before ?? undefined);
  const { when, setWhen } = useWhen(schedule, isCopy);
  const spec =
    schedule === null || before === null
      ? withoutName(specOf(form))
      : editedSpec(schedule.spec, before, form);
  const words = useCronWords(when.cron);
  const budgetUsd = amountIn(form.budget);
  const worst = useWorstMonth(when.cron, budgetUsd);
  const own = {
    // A spec that gives a size has no type in the form, and can be asked about all the same.
    ...ownFaults(before?.type === '' ? { ...form, type: form.type || 'by size' } : form),
  };
  const { quoted, askAgain } = useQuote(Object.keys(own).length === 0 ? spec : null);
  const action = useAction();
  const [key] = useState(createIdempotencyKey);
  const cronFault = words?.ok === false ? words.fault : null;
  const whens = whenFaults(when, { cronFault, needsCap: worst?.needsCap ?? false });
  const faults = { ...faultsOfQuote(quoted), ...own, ...whens };
  const why = whyWait(form) ?? whyNot(faults, quoted);
  const submit = (event: Event) => {
    event.preventDefault();
    if (why !== null) return focusFault(event.currentTarget as HTMLFormElement);
    if (schedule !== null && !isCopy) {
      const isSame = JSON.stringify(form) === JSON.stringify(before);
      const whole = changeOf(whenOf(schedule), when, schedule.retry);
      const body = { ...whole, ...(isSame ? {} : { spec }) };
      if (Object.keys(body).length === 0) return onClose();
      return void action.run(async () => {
        await changeSchedule(api, schedule.id, body);
        announce('The schedule is changed.');
        onSaved();
      });
    }
    const body = newSchedule(when, spec, schedule?.retry ?? null);
    void action.run(async () => {
      await createSchedule(api, body, `${key}-${hash(JSON.stringify(body))}`);
      write(sessionStorage, WHEN_DRAFT, {});
      write(sessionStorage, DRAFT, {});
      announce('The schedule is made.');
      onSaved();
    });
  };
  const called = schedule === null ? '' : (schedule.name ?? schedule.id);
  const isNew = schedule === null || isCopy;
  const heading = schedule === null ? 'New schedule' : `${isCopy ? 'Copy' : 'Change'} ${called}`;
  const [save, saving] = isNew ? ['Make it', 'Making …'] : ['Save', 'Saving …'];
  const views = { form, setForm, change, when, setWhen, words, worst, faults, catalogue };
  return (
    <FormView
      {...views}
      {...{ heading, save, saving, quoted, askAgain, action, why, onClose }}
      onSubmit={submit}
    />
  );
}

const withoutName = ({ name: _, ...spec }: Spec): Spec => spec;

interface ViewProps {
  readonly heading: string;
  readonly save: string;
  readonly saving: string;
  readonly form: SpecForm;
  readonly setForm: (form: SpecForm) => void;
  readonly change: (some: Partial<SpecForm>) => void;
  readonly when: When;
  readonly setWhen: (when: When) => void;
  readonly words: CronWords | null;
  readonly worst: WorstMonth | null;
  readonly faults: Faults;
  readonly quoted: Quoted;
  readonly askAgain: () => void;
  readonly action: Pick<ReturnType<typeof useAction>, 'isBusy' | 'error'>;
  readonly why: string | null;
  readonly catalogue: Catalogue;
  readonly onSubmit: (event: Event) => void;
  readonly onClose: () => void;
}

function FormView(props: ViewProps) {
  const { form, change, when, quoted, worst, why } = props;
  const { isBusy, error } = props.action;
  const { remote: types } = useTypes(form.region);
  const faults = { ...faultsByField(error), ...props.faults };
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <form class="card launch" onSubmit={props.onSubmit} noValidate aria-labelledby="schedule-form">
      <div class="fields">
        <h2 id="schedule-form" tabIndex={-1} ref={heading}>
          {props.heading}
        </h2>
        <WhenFields
          when={when}
          words={props.words}
          faults={faults}
          onChange={(some) => props.setWhen({ ...when, ...some })}
        />
        <h3>What each run launches</h3>
        <div class="row">
          <AmountFields form={form} faults={faults} onChange={change} />
          <PlaceFields form={form} faults={faults} onChange={change} catalogue={props.catalogue} />
          <TypeSelect form={form} faults={faults} onChange={change} types={types} />
        </div>
        <MoreFields form={form} faults={faults} onChange={change} />
      </div>
      <aside class="ticket" aria-label="Quote of a run">
        <QuoteView
          quoted={quoted}
          onAskAgain={props.askAgain}
          form={form}
          onTake={props.setForm}
          sentence={runSentence}
        />
        {worst !== null && (
          <p class="sentence" role="status">
            {worstMonthSentence(worst, capsOf(when))}
          </p>
        )}
        <Problem error={error} />
        <div class="buttons">
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
          <SubmitButton id="why-schedule" why={why} isBusy={isBusy}>
            {isBusy ? props.saving : props.save}
          </SubmitButton>
        </div>
      </aside>
    </form>
  );
}

/** So that a mended schedule is another request than the one before. */
const hash = (text: string): string =>
  [...text].reduce((sum, one) => (sum * 31 + (one.codePointAt(0) ?? 0)) >>> 0, 7).toString(36);

interface WhenProps {
  readonly when: When;
  readonly faults: Faults;
  readonly onChange: (some: Partial<When>) => void;
}

function WhenFields({
  when,
  words,
  faults,
  onChange,
}: WhenProps & { readonly words: CronWords | null }) {
  return (
    <>
      <div class="row">
        <Field label="Name" hint="Optional." error={faults.name}>
          {(attributes) => (
            <input
              {...attributes}
              value={when.name}
              onInput={(event) => onChange({ name: event.currentTarget.value })}
            />
          )}
        </Field>
        <Field
          label="Cron expression"
          error={faults.cron}
          hint={
            <span role="status" class="sentence">
              {words === null ? '…' : words.ok && words.words}
            </span>
          }
        >
          {(attributes) => (
            <input
              {...attributes}
              class="code"
              spellcheck={false}
              value={when.cron}
              onInput={(event) => onChange({ cron: event.currentTarget.value })}
            />
          )}
        </Field>
        <Field label="Time zone" error={faults.timezone}>
          {(attributes) => (
            <input
              {...attributes}
              list="zones"
              value={when.timezone}
              onInput={(event) => onChange({ timezone: event.currentTarget.value })}
            />
          )}
        </Field>
        <datalist id="zones">
          {Intl.supportedValuesOf('timeZone').map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
      </div>
      <LimitFields when={when} faults={faults} onChange={onChange} />
    </>
  );
}

const CAPS = [
  { field: 'dailyCap', path: 'dailyCapUsd', hint: 'Optional, in UTC.' },
  { field: 'weeklyCap', path: 'weeklyCapUsd', hint: 'From Monday on.' },
  { field: 'monthlyCap', path: 'monthlyCapUsd', hint: 'Optional.' },
] as const;

function LimitFields({ when, faults, onChange }: WhenProps) {
  return (
    <div class="row">
      {CAPS.map(({ field, path, hint }) => (
        <Field key={field} label={labels[path]} class="short" hint={hint} error={faults[path]}>
          {(attributes) => (
            <MoneyInput
              {...attributes}
              value={when[field]}
              onInput={(event) => onChange({ [field]: event.currentTarget.value })}
            />
          )}
        </Field>
      ))}
      <Field
        label="Try again for"
        class="short"
        hint="Minutes, where Linode had no capacity. Optional."
        error={faults['retry.forMinutes'] ?? faults.retry}
      >
        {(attributes) => (
          <input
            {...attributes}
            inputmode="numeric"
            value={when.retryFor}
            onInput={(event) => onChange({ retryFor: event.currentTarget.value })}
          />
        )}
      </Field>
      <label class="check">
        <input
          type="checkbox"
          checked={when.overlap === 'allow'}
          onChange={(event) =>
            onChange({ overlap: event.currentTarget.checked ? 'allow' : 'skip' })
          }
        />
        Launch also while the last run’s cluster lives
      </label>
    </div>
  );
}
