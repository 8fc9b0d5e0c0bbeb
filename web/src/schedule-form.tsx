import { useEffect, useRef, useState } from 'preact/hooks';
import type { Schedule } from '../../client/answers.ts';
import { createIdempotencyKey } from '../../client/idempotency-key.ts';
import { runSentence } from '../../client/quote.ts';
import { changeSchedule, createSchedule } from '../../client/schedules.ts';
import { numberIn, specFrom } from '../../client/spec.ts';
import { useCronWords } from './cron.ts';
import { useAction, useConsole } from './hooks.ts';
import { useSpecForm } from './launch.tsx';
import { Field, focusFault, Loading, MoneyInput, Problem, SubmitButton } from './parts.tsx';
import { faultsByField, faultsOfQuote, type Quoted, useQuote, whyNot } from './quote.ts';
import { QuoteView } from './quote-view.tsx';
import { changeOf, editedSpec, formOf, retryOf, type When, whenOf } from './schedule.ts';
import { type Faults, isAskable, ownFaults, type SpecForm } from './spec.ts';
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
  /** The schedule to change; null: make a new one. */
  readonly schedule: Schedule | null;
  readonly onSaved: () => void;
  readonly onClose: () => void;
}

export function ScheduleForm({ schedule, ...props }: Props) {
  const { remote, reload } = useCatalogue();
  if (remote.kind === 'loading') return <Loading what="regions and images" />;
  if (remote.kind === 'failed') return <Problem error={remote.error} onRetry={reload} />;
  return schedule === null ? (
    <NewSchedule {...props} catalogue={remote.value} />
  ) : (
    <ChangedSchedule {...props} schedule={schedule} catalogue={remote.value} />
  );
}

type FormProps = Omit<Props, 'schedule'> & { readonly catalogue: Catalogue };

function NewSchedule({ catalogue, onSaved, onClose }: FormProps) {
  const { api, announce } = useConsole();
  const spec = useSpecForm(catalogue, 'schedule-spec');
  const { form } = spec;
  const { quoted, askAgain } = useQuote(isAskable(form) ? specFrom(form) : null);
  const action = useAction();
  const [key] = useState(createIdempotencyKey);
  const [when, setWhen] = useState<When>({
    ...{ name: '', cron: '30 2 * * MON-FRI', overlap: 'skip', cap: '', retryFor: '' },
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  });
  const submit = () => {
    const { name: _, ...asked } = specFrom(form);
    const body = {
      ...(when.name.trim() === '' ? {} : { name: when.name.trim() }),
      ...{ cron: when.cron.trim(), timezone: when.timezone.trim(), overlap: when.overlap },
      ...(when.cap.trim() === '' ? {} : { monthlyCapUsd: numberIn(when.cap) }),
      retry: retryOf(when, null),
      spec: asked,
    };
    void action.run(async () => {
      await createSchedule(api, body, `${key}-${hash(JSON.stringify(body))}`);
      announce('The schedule is made.');
      onSaved();
    });
  };
  const title = { heading: 'New schedule', save: 'Make it', saving: 'Making …' };
  const faults = { ...faultsOfQuote(quoted), ...ownFaults(form) };
  const views = { ...spec, ...title, when, setWhen, quoted, askAgain, action, faults, catalogue };
  return <FormView {...views} onSubmit={submit} onClose={onClose} />;
}

function ChangedSchedule({
  schedule,
  catalogue,
  onSaved,
  onClose,
}: FormProps & { schedule: Schedule }) {
  const { api, announce } = useConsole();
  const [before] = useState(() => formOf(schedule.spec, catalogue.images));
  const [form, setForm] = useState(before);
  const change = (some: Partial<SpecForm>) => setForm((was) => ({ ...was, ...some }));
  const [when, setWhen] = useState(() => whenOf(schedule));
  const spec = editedSpec(schedule.spec, before, form);
  // A spec that gives a size has no type in the form, and can be asked about all the same.
  const own = ownFaults({ ...form, type: form.type || 'by size' });
  const { quoted, askAgain } = useQuote(Object.keys(own).length === 0 ? spec : null);
  const action = useAction();
  const submit = () => {
    const isSame = JSON.stringify(form) === JSON.stringify(before);
    const body = {
      ...changeOf(whenOf(schedule), when, schedule.retry),
      ...(isSame ? {} : { spec }),
    };
    if (Object.keys(body).length === 0) return onClose();
    void action.run(async () => {
      await changeSchedule(api, schedule.id, body);
      announce('The schedule is changed.');
      onSaved();
    });
  };
  const title = { heading: `Change ${schedule.name ?? schedule.id}` };
  const words = { ...title, save: 'Save', saving: 'Saving …' };
  const faults = { ...faultsOfQuote(quoted), ...own };
  const fields = { form, setForm, change, when, setWhen, faults, catalogue };
  const views = { ...fields, quoted, askAgain, action };
  return <FormView {...views} {...words} onSubmit={submit} onClose={onClose} />;
}

interface ViewProps {
  readonly heading: string;
  readonly save: string;
  readonly saving: string;
  readonly form: SpecForm;
  readonly setForm: (form: SpecForm) => void;
  readonly change: (some: Partial<SpecForm>) => void;
  readonly when: When;
  readonly setWhen: (when: When) => void;
  readonly faults: Faults;
  readonly quoted: Quoted;
  readonly askAgain: () => void;
  readonly action: Pick<ReturnType<typeof useAction>, 'isBusy' | 'error'>;
  readonly catalogue: Catalogue;
  readonly onSubmit: () => void;
  readonly onClose: () => void;
}

function FormView(props: ViewProps) {
  const { form, change, when, quoted, onSubmit } = props;
  const { isBusy, error } = props.action;
  const { remote: types } = useTypes(form.region);
  const why = whyNot(props.faults, quoted);
  const faults = { ...faultsByField(error), ...props.faults };
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const submit = (event: Event) => {
    event.preventDefault();
    if (why === null) onSubmit();
    else focusFault(event.currentTarget as HTMLFormElement);
  };
  return (
    <form class="card launch" onSubmit={submit} noValidate aria-labelledby="schedule-form">
      <div class="fields">
        <h2 id="schedule-form" tabIndex={-1} ref={heading}>
          {props.heading}
        </h2>
        <WhenFields
          when={when}
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
  readonly faults: Readonly<Record<string, string>>;
  readonly onChange: (some: Partial<When>) => void;
}

function WhenFields({ when, faults, onChange }: WhenProps) {
  const words = useCronWords(when.cron);
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
            <span role="status" class={words?.ok ? 'sentence' : undefined}>
              {words === null ? '…' : words.ok ? words.words : words.fault}
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

function LimitFields({ when, faults, onChange }: WhenProps) {
  return (
    <div class="row">
      <Field label="At most a month" class="short" hint="Optional." error={faults.monthlyCapUsd}>
        {(attributes) => (
          <MoneyInput
            {...attributes}
            value={when.cap}
            onInput={(event) => onChange({ cap: event.currentTarget.value })}
          />
        )}
      </Field>
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
