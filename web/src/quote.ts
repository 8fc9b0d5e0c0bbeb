import { useCallback, useEffect, useState } from 'preact/hooks';
import type { Quote } from '../../client/answers.ts';
import { Refusal } from '../../client/api.ts';
import { getQuote } from '../../client/catalogue.ts';
import { isLong } from '../../client/durations.ts';
import { faultWords } from '../../client/problem.ts';
import type { Spec } from '../../client/spec.ts';
import { monthYear } from '../../client/times.ts';
import { useConsole } from './hooks.ts';
import { inLabels } from './labels.ts';
import { type Faults, HOURS_MAX, type SpecForm } from './spec.ts';

/** A price is shown only for the fields as they are; while they are asked about, grey. */
export type Quoted =
  /** There is something wrong in the fields, and so nothing was asked. */
  | { readonly kind: 'none' }
  /** `before`: the quote of a moment ago. */
  | { readonly kind: 'asking'; readonly before: Quote | null }
  | { readonly kind: 'quoted'; readonly quote: Quote }
  | { readonly kind: 'failed'; readonly error: Error };

const TYPING_MS = 250;
/** A teardown time moves on with the clock. */
const AGAIN_MS = 5 * 60_000;

type Answer = { readonly of: string } & Extract<Quoted, { kind: 'quoted' | 'failed' }>;

/**
 * The quote of a spec, asked when typing pauses, and again every five minutes. An answer to an older
 * spec is dropped. null: there is something wrong in the fields.
 */
export function useQuote(asked: Spec | null): { quoted: Quoted; askAgain: () => void } {
  const { api } = useConsole();
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [attempt, setAttempt] = useState(0);
  const askAgain = useCallback(() => setAttempt((count) => count + 1), []);
  const spec = asked === null ? null : JSON.stringify(asked);
  useEffect(() => {
    if (spec === null) return setAnswer(null);
    const asking = new AbortController();
    const { signal } = asking;
    const ask = async () => {
      try {
        const quote = await getQuote(api, JSON.parse(spec), signal);
        if (!signal.aborted) setAnswer({ of: spec, kind: 'quoted', quote });
      } catch (error) {
        if (!signal.aborted) setAnswer({ of: spec, kind: 'failed', error: error as Error });
      }
    };
    const typed = setTimeout(ask, TYPING_MS);
    const again = setInterval(() => document.hidden || void ask(), AGAIN_MS);
    return () => {
      clearTimeout(typed);
      clearInterval(again);
      asking.abort();
    };
  }, [api, spec, attempt]);
  return { quoted: quotedOf(spec, answer), askAgain };
}

/** What of a spec decides its price and its hours. */
function priced(spec: string): string {
  const { nodes, type, vcpus, memoryMb, region, image, budgetUsd, ...others } = JSON.parse(spec);
  const { maxHours, transferGb } = others;
  const limits = [budgetUsd, maxHours, transferGb];
  return JSON.stringify([nodes, type, vcpus, memoryMb, region, image, ...limits]);
}

function quotedOf(spec: string | null, answer: Answer | null): Quoted {
  if (spec === null) return { kind: 'none' };
  if (answer?.of === spec) return answer;
  // While a name is typed, the price stays the same; the API may yet find a fault in the name.
  if (answer?.kind === 'quoted' && priced(answer.of) === priced(spec)) return answer;
  return { kind: 'asking', before: answer?.kind === 'quoted' ? answer.quote : null };
}

/** What is wrong with each field by an answer of the API, by its path in a spec. */
export function faultsByField(error: unknown): Faults {
  const faults = error instanceof Refusal ? (error.problem?.errors ?? []) : [];
  return Object.fromEntries(
    faults.map(({ path, message }) => [path.replace(/^spec\./, ''), message]),
  );
}

export const faultsOfQuote = (quoted: Quoted): Faults =>
  quoted.kind === 'failed' ? faultsByField(quoted.error) : {};

/** A fault as a sentence that begins with the label of its field. */
export const faultSentence = (path: string, message: string): string =>
  `${inLabels(faultWords(path, message))}.`;

/** Why a form has to wait for its files; null: it has not. */
export const whyWait = ({ isUploading }: Pick<SpecForm, 'isUploading'>): string | null =>
  isUploading ? 'Files are on their way …' : null;

/** Why nothing can be launched as the fields are; null: it can be. */
export function whyNot(faults: Faults, quoted: Quoted): string | null {
  const [first, ...rest] = Object.entries(faults);
  if (first !== undefined) {
    const others = rest.length === 0 ? '' : `, and ${rest.length} more to mend`;
    return faultSentence(...first).replace(/\.$/, `${others}.`);
  }
  if (quoted.kind === 'quoted') {
    return quoted.quote.affordableHours > 0 ? null : 'Budget does not pay the first hour.';
  }
  return quoted.kind === 'failed' ? 'There is no price for it.' : 'Asking for the price …';
}

const HOUR_MS = 3_600_000;

/** How long a budget lasts, shortly: `13 h`; above a year, until when: `until Mar 2031`. */
export const lastsWords = (hours: number, now: number): string =>
  isLong(hours) ? `until ${monthYear(now + Math.min(hours, HOURS_MAX) * HOUR_MS)}` : `${hours} h`;
