import { useEffect, useRef, useState } from 'preact/hooks';
import type { Quote } from '../../client/answers.ts';
import { mayPass, Refusal } from '../../client/api.ts';
import { launchCluster } from '../../client/clusters.ts';
import { createIdempotencyKey } from '../../client/idempotency-key.ts';
import { dollars } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { alternativeWords, quoteSentence } from '../../client/quote.ts';
import { amountIn, holdsPrivateKey, specFrom } from '../../client/spec.ts';
import { nearTime } from '../../client/times.ts';
import { usualImage } from './catalogue.ts';
import { FuseView } from './fuse-view.tsx';
import { useAction, useConsole, useNow } from './hooks.ts';
import { Field, Loading, Problem } from './parts.tsx';
import { type Quoted, useQuote } from './quote.ts';
import { read, write } from './session.ts';
import { emptyForm, isAskable, ownFaults, type SpecForm, taking } from './spec.ts';
import {
  AmountFields,
  type Catalogue,
  type FieldsProps,
  PlaceFields,
  useCatalogue,
  useTypes,
} from './spec-fields.tsx';
import { TypesTable } from './types-table.tsx';

export function Launch() {
  const { remote, reload } = useCatalogue();
  return (
    <div class="view">
      <h1 tabIndex={-1}>Launch</h1>
      {remote.kind === 'loading' && <Loading what="regions and images" />}
      {remote.kind === 'failed' && <Problem error={remote.error} onRetry={reload} />}
      {remote.kind === 'ready' && <LaunchForm catalogue={remote.value} />}
    </div>
  );
}

const REMEMBERED = ['nodes', 'type', 'region', 'image', 'budget', 'keys'] as const;

/** The fields as they were left last, but for what may be secret or is for one cluster alone. */
export function useSpecForm({ regions, images }: Catalogue) {
  const [form, setForm] = useState<SpecForm>(() => {
    const kept = { ...emptyForm, ...read<Partial<SpecForm>>(localStorage, 'form', {}) };
    const region = regions.find(({ id }) => id === (kept.region || 'us-east')) ?? regions[0];
    const image = images.find(({ id }) => id === kept.image)?.id ?? usualImage(images);
    return { ...kept, region: region?.id ?? '', image };
  });
  useEffect(() => {
    if (holdsPrivateKey(form.keys)) return;
    const kept = Object.fromEntries(REMEMBERED.map((field) => [field, form[field]]));
    write(localStorage, 'form', kept);
  }, [form]);
  const change = (some: Partial<SpecForm>) => setForm((before) => ({ ...before, ...some }));
  return { form, setForm, change };
}

function LaunchForm({ catalogue }: { catalogue: Catalogue }) {
  const { form, setForm, change } = useSpecForm(catalogue);
  const { remote: types, reload } = useTypes(form.region);
  const quoted = useQuote(isAskable(form) ? specFrom(form) : null);
  const { isBusy, error, launch } = useLaunch();
  const faults = { ...quoted.faults, ...ownFaults(form) };
  const submit = (event: Event) => {
    event.preventDefault();
    if (isAskable(form)) launch(form);
  };
  const button = (
    <button
      type="submit"
      class="primary"
      disabled={isBusy || !isAskable(form) || quoted.quote?.affordableHours === 0}
    >
      {isBusy ? 'Launching …' : `Launch ${plural(amountIn(form.nodes) || 0, 'node')}`}
    </button>
  );
  return (
    <form class="launch" onSubmit={submit}>
      <div class="fields">
        <div class="row">
          <AmountFields form={form} faults={faults} onChange={change} />
          <PlaceFields form={form} faults={faults} onChange={change} catalogue={catalogue} />
        </div>
        {types.kind === 'loading' && <Loading what="types" />}
        {types.kind === 'failed' && <Problem error={types.error} onRetry={reload} />}
        {types.kind === 'ready' && (
          <TypesTable
            types={types.value}
            chosen={form.type}
            nodes={amountIn(form.nodes)}
            budgetUsd={amountIn(form.budget)}
            onChoose={(type) => change({ type })}
          />
        )}
        <MoreFields form={form} faults={faults} onChange={change} />
      </div>
      <aside class="ticket" aria-label="Quote">
        <QuoteView quoted={quoted} onTake={setForm} form={form} sentence={yourSentence} />
        <LaunchRefusal error={error} onBudget={(budget) => change({ budget })} />
        {button}
        <p class="hint">Destroyed before Linode bills more than the budget.</p>
      </aside>
      <div class="dock">
        <p>
          {quoted.quote === null ? '…' : plural(quoted.quote.affordableHours, 'hour')}
          {quoted.quote && <small>{dollars(quoted.quote.spentAtTeardownUsd)} in all</small>}
        </p>
        {button}
      </div>
    </form>
  );
}

function MoreFields({ form, faults, onChange }: FieldsProps) {
  return (
    <>
      <div class="row">
        <Field label="Name" hint="Optional." error={faults.name}>
          {(attributes) => (
            <input
              {...attributes}
              value={form.name}
              onInput={(event) => onChange({ name: event.currentTarget.value })}
            />
          )}
        </Field>
        <Field
          label="At most hours"
          class="short"
          hint="Ends it before its budget does."
          error={faults.maxHours}
        >
          {(attributes) => (
            <input
              {...attributes}
              inputmode="numeric"
              value={form.maxHours}
              onInput={(event) => onChange({ maxHours: event.currentTarget.value })}
            />
          )}
        </Field>
      </div>
      <KeysField form={form} faults={faults} onChange={onChange} />
      <details>
        <summary>User data, and what to do if some nodes do not come up</summary>
        <Field label="User data" hint="For cloud-init, at most 16 KiB." error={faults.userData}>
          {(attributes) => (
            <textarea
              {...attributes}
              class="code"
              rows={5}
              spellcheck={false}
              value={form.userData}
              onInput={(event) => onChange({ userData: event.currentTarget.value })}
            />
          )}
        </Field>
        <label class="check">
          <input
            type="checkbox"
            checked={form.onPartial === 'keep'}
            onChange={(event) =>
              onChange({ onPartial: event.currentTarget.checked ? 'keep' : 'destroy' })
            }
          />
          Keep what came up, if not all nodes do
        </label>
      </details>
    </>
  );
}

function KeysField({ form, faults, onChange }: FieldsProps) {
  // The API names one key by its place: authorizedKeys[0].
  const [, fault] =
    Object.entries(faults).find(([path]) => path.startsWith('authorizedKeys')) ?? [];
  return (
    <Field
      label="SSH public keys"
      hint="One a line. Without keys, nodes get root passwords, which the cluster’s card shows."
      error={fault}
    >
      {(attributes) => (
        <textarea
          {...attributes}
          class="code"
          rows={2}
          spellcheck={false}
          placeholder="ssh-ed25519 AAAA…"
          value={form.keys}
          onInput={(event) => onChange({ keys: event.currentTarget.value })}
        />
      )}
    </Field>
  );
}

interface QuoteProps {
  readonly quoted: Quoted;
  readonly form: SpecForm;
  readonly onTake: (form: SpecForm) => void;
  readonly sentence: (quote: Quote, now: number) => string;
}

export function QuoteView({ quoted, form, onTake, sentence }: QuoteProps) {
  const { clock } = useConsole();
  const { quote, isStale, error } = quoted;
  if (quote === null) {
    if (error !== null) return <Problem error={error} />;
    return <Loading what="the quote" />;
  }
  const isShort = quote.affordableHours === 0;
  return (
    <div class={isStale ? 'quote stale' : 'quote'} aria-busy={isStale}>
      <p class="price">
        {dollars(quote.hourlyUsd)} <small>a started hour</small>
      </p>
      <QuoteFuse quote={quote} />
      <div aria-live="polite">
        <p class="sentence">{sentence(quote, clock.now())}</p>
      </div>
      {isShort && (
        <button
          type="button"
          onClick={() => onTake({ ...form, budget: String(quote.smallestBudgetUsd) })}
        >
          Make the budget {dollars(quote.smallestBudgetUsd)}
        </button>
      )}
      <Problem error={error} />
      {quote.warnings.map((warning) => (
        <p key={warning} class="warning">
          {warning}
        </p>
      ))}
      <Alternatives quote={quote} form={form} onTake={onTake} />
    </div>
  );
}

const yourSentence = (quote: Quote, now: number): string =>
  quoteSentence(quote, (at) => `${nearTime(at, now)} your time`);

function QuoteFuse({ quote }: { quote: Quote }) {
  const now = useNow();
  if (quote.affordableHours === 0 || quote.teardownAt === null) return null;
  const { affordableHours: hours } = quote;
  const lifespan = { from: null, hours, teardownAt: Date.parse(quote.teardownAt) };
  return <FuseView lifespan={lifespan} now={now} isLit={false} />;
}

function Alternatives({
  quote,
  form,
  onTake,
}: { quote: Quote } & Pick<QuoteProps, 'form' | 'onTake'>) {
  if (quote.alternatives.length === 0) return null;
  return (
    <section class="alternatives">
      <h2>What else it could be</h2>
      <ul>
        {quote.alternatives.map((alternative) => (
          <li key={alternative.sentence}>
            <span>{alternative.sentence}</span>
            <button type="button" onClick={() => onTake(taking(form, alternative))}>
              Take it<span class="unseen">: {alternativeWords(alternative)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function LaunchRefusal({
  error,
  onBudget,
}: {
  error: Error | null;
  onBudget: (budget: string) => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (error !== null) place.current?.focus();
  }, [error]);
  const problem = error instanceof Refusal ? error.problem : null;
  const smallest = problem?.smallestBudgetUsd;
  const largest = problem?.largestBudgetUsd;
  const offered = smallest ?? (largest && largest > 0 ? largest : undefined);
  return (
    <div ref={place} class="refusal" tabIndex={-1}>
      <Problem error={error} />
      {mayPass(error) && <p>It may have been launched. Launch again: nothing is launched twice.</p>}
      {offered !== undefined && (
        <button type="button" onClick={() => onBudget(String(offered))}>
          Make the budget {dollars(offered)}
        </button>
      )}
    </div>
  );
}

interface Pending {
  readonly body: string;
  readonly key: string;
}

/**
 * One cluster for one wish, however often the button is pressed, the answer lost or the page
 * loaded again: the key is kept until the launch is answered, or the fields say something else.
 */
function useLaunch() {
  const { api, announce } = useConsole();
  const { isBusy, error, run } = useAction();
  const launch = (form: SpecForm) =>
    run(async () => {
      const spec = specFrom(form);
      const body = JSON.stringify(spec);
      const kept = read<Pending | null>(sessionStorage, 'pending', null);
      const pending = kept?.body === body ? kept : { body, key: createIdempotencyKey() };
      write(sessionStorage, 'pending', pending);
      const cluster = await launchCluster(api, spec, pending.key);
      write(sessionStorage, 'pending', null);
      announce(`Launched ${cluster.name ?? cluster.id}.`);
      location.hash = '#/clusters';
    });
  return { isBusy, error, launch };
}
