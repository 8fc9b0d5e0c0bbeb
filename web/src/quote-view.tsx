import type { Alternative, Quote } from '../../client/answers.ts';
import { isLong } from '../../client/durations.ts';
import { dollars } from '../../client/money.ts';
import { alternativeWords } from '../../client/quote.ts';
import { FuseView } from './fuse-view.tsx';
import { useConsole, useNow } from './hooks.ts';
import { inLabels, isLabelled } from './labels.ts';
import { Loading, Problem } from './parts.tsx';
import { faultsOfQuote, lastsWords, type Quoted } from './quote.ts';
import { type SpecForm, taking } from './spec.ts';

interface QuoteProps {
  readonly quoted: Quoted;
  readonly onAskAgain: () => void;
  readonly form: SpecForm;
  readonly onTake: (form: SpecForm) => void;
  readonly sentence: (quote: Quote, now: number) => string;
}

export function QuoteView({ quoted, onAskAgain, form, onTake, sentence }: QuoteProps) {
  const { clock } = useConsole();
  // What is wrong with a field is said at the field.
  if (quoted.kind === 'none' || Object.keys(faultsOfQuote(quoted)).some(isLabelled)) {
    return <p class="hint no-quote">The price comes when every field is right.</p>;
  }
  if (quoted.kind === 'failed') return <Problem error={quoted.error} onRetry={onAskAgain} />;
  const isStale = quoted.kind === 'asking';
  const quote = isStale ? quoted.before : quoted.quote;
  if (quote === null) return <Loading what="the quote" />;
  return (
    <div class={isStale ? 'quote stale' : 'quote'} aria-busy={isStale}>
      <p class="price">
        {dollars(quote.hourlyUsd)} <small>a started hour</small>
      </p>
      <QuoteFuse quote={quote} />
      <div aria-live="polite">
        <p class="sentence">{sentence(quote, clock.now())}</p>
      </div>
      {quote.affordableHours === 0 && !isStale && (
        <button
          type="button"
          onClick={() => onTake({ ...form, budget: String(quote.smallestBudgetUsd) })}
        >
          Make the budget {dollars(quote.smallestBudgetUsd)}
        </button>
      )}
      {quote.warnings.map((warning) => (
        <p key={warning} class="warning">
          {inLabels(warning)}
        </p>
      ))}
      <Alternatives quote={quote} form={form} onTake={onTake} />
    </div>
  );
}

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
  const { clock } = useConsole();
  const now = clock.now();
  if (quote.alternatives.length === 0) return null;
  return (
    <section class="alternatives">
      <h2>What else it could be</h2>
      <ul>
        {quote.alternatives.map((alternative) => (
          <li key={alternative.sentence}>
            <span>{wordsOf(alternative, quote, now)}</span>
            <button type="button" onClick={() => onTake(taking(form, alternative))}>
              Take it<span class="unseen">: {alternativeWords(alternative)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The API counts hours in its sentence. */
function wordsOf(alternative: Alternative, quote: Quote, now: number): string {
  const { affordableHours, hourlyUsd, sentence } = alternative;
  if (!isLong(affordableHours) && !isLong(quote.affordableHours)) return sentence;
  const lasts = `${dollars(hourlyUsd)} an hour, lasts ${lastsWords(affordableHours, now)}`;
  return `${alternativeWords(alternative)}: ${lasts}.`;
}
