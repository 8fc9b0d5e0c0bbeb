import { useEffect, useRef, useState } from 'preact/hooks';
import { createIdempotencyKey } from '../../client/idempotency-key.ts';
import { runSentence } from '../../client/quote.ts';
import { createSchedule } from '../../client/schedules.ts';
import { numberIn, specFrom } from '../../client/spec.ts';
import { useCronWords } from './cron.ts';
import { useAction, useConsole } from './hooks.ts';
import { QuoteView, useSpecForm } from './launch.tsx';
import { Field, Loading, Problem } from './parts.tsx';
import { faultsByField, useQuote } from './quote.ts';
import { isAskable } from './spec.ts';
import {
  AmountFields,
  type Catalogue,
  PlaceFields,
  TypeSelect,
  useCatalogue,
  useTypes,
} from './spec-fields.tsx';

interface Props {
  readonly onMade: () => void;
  readonly onClose: () => void;
}

export function ScheduleForm(props: Props) {
  const { remote, reload } = useCatalogue();
  if (remote.kind === 'loading') return <Loading what="regions and images" />;
  if (remote.kind === 'failed') return <Problem error={remote.error} onRetry={reload} />;
  return <Fields {...props} catalogue={remote.value} />;
}

interface When {
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  readonly overlap: 'skip' | 'allow';
  readonly cap: string;
}

function Fields({ catalogue, onMade, onClose }: Props & { catalogue: Catalogue }) {
  const { api, announce } = useConsole();
  const { form, setForm, change } = useSpecForm(catalogue);
  const { remote: types } = useTypes(form.region);
  const quoted = useQuote(form);
  const { isBusy, error, run } = useAction();
  const [key] = useState(createIdempotencyKey);
  const [when, setWhen] = useState<When>({
    ...{ name: '', cron: '30 2 * * MON-FRI', overlap: 'skip', cap: '' },
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  });
  const faults = { ...quoted.faults, ...faultsByField(error) };
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const submit = (event: Event) => {
    event.preventDefault();
    if (!isAskable(form)) return;
    const { name: _, ...spec } = specFrom(form);
    const body = {
      ...(when.name.trim() === '' ? {} : { name: when.name.trim() }),
      ...{ cron: when.cron.trim(), timezone: when.timezone.trim(), overlap: when.overlap, spec },
      ...(when.cap.trim() === '' ? {} : { monthlyCapUsd: numberIn(when.cap) }),
    };
    void run(async () => {
      await createSchedule(api, body, `${key}-${hash(JSON.stringify(body))}`);
      announce('The schedule is made.');
      onMade();
    });
  };
  return (
    <form class="card launch" onSubmit={submit} aria-labelledby="new-schedule">
      <div class="fields">
        <h2 id="new-schedule" tabIndex={-1} ref={heading}>
          New schedule
        </h2>
        <WhenFields
          when={when}
          faults={faults}
          onChange={(some) => setWhen({ ...when, ...some })}
        />
        <h3>What each run launches</h3>
        <div class="row">
          <AmountFields form={form} faults={faults} onChange={change} />
          <PlaceFields form={form} faults={faults} onChange={change} catalogue={catalogue} />
          <TypeSelect form={form} faults={faults} onChange={change} types={types} />
        </div>
      </div>
      <aside class="ticket" aria-label="Quote of a run">
        <QuoteView quoted={quoted} form={form} onTake={setForm} sentence={runSentence} />
        <Problem error={error} />
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={isBusy || !isAskable(form)}>
            {isBusy ? 'Making …' : 'Make it'}
          </button>
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
          <span class="money">
            <span aria-hidden="true">$</span>
            <input
              {...attributes}
              inputmode="decimal"
              value={when.cap}
              onInput={(event) => onChange({ cap: event.currentTarget.value })}
            />
          </span>
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
