import { useEffect, useState } from 'preact/hooks';
import type { Quote } from '../../client/answers.ts';
import { Refusal } from '../../client/api.ts';
import { getQuote } from '../../client/catalogue.ts';
import type { Spec } from '../../client/spec.ts';
import { useConsole } from './hooks.ts';

export interface Quoted {
  /** The last that was answered; it may be of the fields as they were a moment ago. */
  readonly quote: Quote | null;
  readonly isStale: boolean;
  readonly error: Error | null;
  readonly faults: Readonly<Record<string, string>>;
}

const TYPING_MS = 250;
const NONE: Quoted = { quote: null, isStale: true, error: null, faults: {} };

/**
 * The quote of a spec, asked when typing pauses. An answer to an older spec is dropped. null: there
 * is not enough in the fields to ask.
 */
export function useQuote(asked: Spec | null): Quoted {
  const { api } = useConsole();
  const [quoted, setQuoted] = useState<Quoted>(NONE);
  const spec = asked === null ? null : JSON.stringify(asked);
  useEffect(() => {
    setQuoted((before) => ({ ...before, isStale: true }));
    if (spec === null) return;
    const asking = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const { signal } = asking;
        const quote = await getQuote(api, JSON.parse(spec), signal);
        if (!signal.aborted) setQuoted({ quote, isStale: false, error: null, faults: {} });
      } catch (error) {
        if (asking.signal.aborted) return;
        const faults = faultsByField(error);
        setQuoted(({ quote }) => ({ quote, isStale: true, error: error as Error, faults }));
      }
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
      asking.abort();
    };
  }, [api, spec]);
  return quoted;
}

/** What is wrong with each field, by its path. */
export function faultsByField(error: unknown): Readonly<Record<string, string>> {
  const faults = error instanceof Refusal ? (error.problem?.errors ?? []) : [];
  return Object.fromEntries(faults.map(({ path, message }) => [path, message]));
}
