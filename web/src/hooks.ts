import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Api } from '../../client/api.ts';
import type { ServerClock } from '../../client/server-clock.ts';
import { type Route, routeOf } from './route.ts';

export interface Console {
  readonly api: Api;
  readonly clock: ServerClock;
  /** Has a screen reader say it. */
  announce(text: string): void;
}

const ConsoleContext = createContext<Console | null>(null);
export const ConsoleProvider = ConsoleContext.Provider;

export function useConsole(): Console {
  const value = useContext(ConsoleContext);
  if (value === null) throw new Error('there is no console around it');
  return value;
}

const SECOND_MS = 1000;
const FAST_TICK_MS = 100;

/** The API's time, once a second; oftener where its clock runs faster. */
export function useNow(): number {
  const { clock } = useConsole();
  const [now, setNow] = useState(() => clock.now());
  useEffect(() => {
    const tick = () => setNow(clock.now());
    tick();
    const timer = setInterval(tick, clock.rate > 1 ? FAST_TICK_MS : SECOND_MS);
    return () => clearInterval(timer);
  }, [clock]);
  return now;
}

/** Where the address leads, as it changes. */
export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    window.addEventListener('hashchange', changed);
    return () => window.removeEventListener('hashchange', changed);
  }, []);
  return useMemo(() => routeOf(hash), [hash]);
}

/** Another address for the same page, such as of a filter, without a step for the back button. */
export function replaceAddress(href: string): void {
  history.replaceState(history.state, '', href);
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

export type Remote<T> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: Error };

/**
 * What `load` brings, again whenever `key` changes; null: not yet. Late answers are dropped. While it
 * loads again by `reload`, what it brought before stays, and with it what is typed there.
 */
export function useRemote<T>(key: string | null, load: () => Promise<T>) {
  const [remote, setRemote] = useState<Remote<T>>({ kind: 'loading' });
  const [attempt, setAttempt] = useState(0);
  const loaded = useRef<string | null>(null);
  useEffect(() => {
    if (key === null) return;
    let isWanted = true;
    if (loaded.current !== key) setRemote({ kind: 'loading' });
    loaded.current = key;
    load().then(
      (value) => isWanted && setRemote({ kind: 'ready', value }),
      (error) => isWanted && setRemote({ kind: 'failed', error }),
    );
    return () => {
      isWanted = false;
    };
  }, [key, attempt]);
  const reload = useCallback(() => setAttempt((count) => count + 1), []);
  return { remote, reload };
}

/** The width of an element, as it changes. */
export function useWidth<E extends Element>() {
  const ref = useRef<E>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (ref.current === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(entry?.contentRect.width ?? 0));
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return { ref, width };
}

/** One action at a time, and what came of it. */
export function useAction() {
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const running = useRef(false);
  const run = useCallback(async (work: () => Promise<void>) => {
    if (running.current) return;
    running.current = true;
    setIsBusy(true);
    setError(null);
    await work().catch(setError);
    running.current = false;
    setIsBusy(false);
  }, []);
  return { isBusy, error, run, setError };
}
