import { useEffect, useRef, useState } from 'preact/hooks';
import type { Quote } from '../../client/answers.ts';
import { mayPass, Refusal } from '../../client/api.ts';
import { launchCluster } from '../../client/clusters.ts';
import { createIdempotencyKey } from '../../client/idempotency-key.ts';
import { dollars } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { quoteSentence } from '../../client/quote.ts';
import { amountIn, holdsPrivateKey } from '../../client/spec.ts';
import { nearTime } from '../../client/times.ts';
import { usualImage } from './catalogue.ts';
import { useAction, useConsole } from './hooks.ts';
import { focusFault, Loading, Problem, SubmitButton } from './parts.tsx';
import { faultsOfQuote, lastsWords, useQuote, whyNot, whyWait } from './quote.ts';
import { QuoteView } from './quote-view.tsx';
import { read, write } from './session.ts';
import { emptyForm, isAskable, ownFaults, type SpecForm, specOf } from './spec.ts';
import {
  AmountFields,
  type Catalogue,
  MoreFields,
  NameField,
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

const DRAFT = 'launch';
const REMEMBERED = ['nodes', 'type', 'region', 'image', 'budget', 'keys', 'users'] as const;

/**
 * The fields as they were left: in this tab all of them, however often the page is loaded; later and
 * elsewhere without what may be secret or is for one cluster alone. `draft` names the form.
 */
export function useSpecForm({ regions, images }: Catalogue, draft: string, given?: SpecForm) {
  const [form, setForm] = useState<SpecForm>(() => {
    if (given !== undefined) return given;
    const before = read<Partial<SpecForm>>(localStorage, 'form', {});
    const kept = { ...emptyForm, ...before, ...read<Partial<SpecForm>>(sessionStorage, draft, {}) };
    const region = regions.find(({ id }) => id === (kept.region || 'us-east')) ?? regions[0];
    const image = images.find(({ id }) => id === kept.image)?.id ?? usualImage(images);
    return { ...kept, region: region?.id ?? '', image, isUploading: false };
  });
  useEffect(() => {
    if (given !== undefined || holdsPrivateKey(form.keys)) return;
    const kept = Object.fromEntries(REMEMBERED.map((field) => [field, form[field]]));
    write(localStorage, 'form', kept);
    write(sessionStorage, draft, form);
  }, [form, draft, given]);
  const change = (some: Partial<SpecForm>) => setForm((before) => ({ ...before, ...some }));
  return { form, setForm, change };
}

function LaunchForm({ catalogue }: { catalogue: Catalogue }) {
  const { clock } = useConsole();
  const { form, setForm, change } = useSpecForm(catalogue, DRAFT);
  const { remote: types, reload } = useTypes(form.region);
  const { quoted, askAgain } = useQuote(isAskable(form) ? specOf(form) : null);
  const { isBusy, error, launch } = useLaunch();
  const faults = { ...faultsOfQuote(quoted), ...ownFaults(form) };
  const why = whyWait(form) ?? whyNot(faults, quoted);
  const submit = (event: Event) => {
    event.preventDefault();
    if (why === null) launch(form);
    else focusFault(event.currentTarget as HTMLFormElement);
  };
  const count = amountIn(form.nodes);
  const launches = Number.isInteger(count) ? `Launch ${plural(count, 'node')}` : 'Launch';
  const button = (id: string) => (
    <SubmitButton id={id} why={why} isBusy={isBusy}>
      {isBusy ? 'Launching …' : launches}
    </SubmitButton>
  );
  const quote = quoted.kind === 'quoted' ? quoted.quote : null;
  return (
    <form class="launch" onSubmit={submit} noValidate>
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
        <NameField form={form} faults={faults} onChange={change} />
        <MoreFields form={form} faults={faults} onChange={change} />
      </div>
      <aside class="ticket" aria-label="Quote">
        <QuoteView
          quoted={quoted}
          onAskAgain={askAgain}
          onTake={setForm}
          form={form}
          sentence={yourSentence}
        />
        <LaunchRefusal error={error} onBudget={(budget) => change({ budget })} />
        {button('why-ticket')}
        <p class="hint">Destroyed before Linode bills more than the budget.</p>
      </aside>
      <div class="dock">
        <p>
          {quote === null ? '–' : lastsWords(quote.affordableHours, clock.now())}
          {quote !== null && <small>{dollars(quote.spentAtTeardownUsd)} in all</small>}
        </p>
        {button('why-dock')}
      </div>
    </form>
  );
}

const yourSentence = (quote: Quote, now: number): string =>
  quoteSentence(quote, (at) => `${nearTime(at, now)} your time`);

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
      const spec = specOf(form);
      const body = JSON.stringify(spec);
      const kept = read<Pending | null>(sessionStorage, 'pending', null);
      const pending = kept?.body === body ? kept : { body, key: createIdempotencyKey() };
      write(sessionStorage, 'pending', pending);
      const cluster = await launchCluster(api, spec, pending.key);
      write(sessionStorage, 'pending', null);
      write(sessionStorage, DRAFT, {});
      announce(`Launched ${cluster.name ?? cluster.id}.`);
      location.hash = '#/clusters';
    });
  return { isBusy, error, launch };
}
