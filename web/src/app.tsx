import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Api } from '../../client/api.ts';
import {
  clockFrom,
  type Reading,
  readServerTime,
  type ServerClock,
} from '../../client/server-clock.ts';
import { BudgetView } from './budget.tsx';
import { ClusterPage } from './cluster-page.tsx';
import { Clusters } from './clusters.tsx';
import { History } from './history.tsx';
import { ConsoleProvider, useRoute } from './hooks.ts';
import { Launch } from './launch.tsx';
import { Mark, NavIcon } from './marks.tsx';
import { type ViewName, viewNames } from './route.ts';
import { Schedules } from './schedules.tsx';
import { apiOf, forgetAll, keepToken, readToken } from './session.ts';
import { SignIn } from './sign-in.tsx';

const VIEWS = {
  launch: { title: 'Launch', View: Launch },
  clusters: { title: 'Clusters', View: Clusters },
  history: { title: 'History', View: History },
  schedules: { title: 'Schedules', View: Schedules },
  budget: { title: 'Budget', View: BudgetView },
} as const satisfies Readonly<Record<ViewName, unknown>>;

export function App() {
  const [token, setToken] = useState(readToken);
  const [notice, setNotice] = useState('');
  const signIn = useCallback((given: string, stay: boolean) => {
    keepToken(given, stay);
    setNotice('');
    setToken(given);
  }, []);
  const signOut = useCallback((why: string) => {
    forgetAll();
    setNotice(why);
    setToken(null);
  }, []);
  if (token === null) return <SignIn notice={notice} onToken={signIn} />;
  return <Shell token={token} onSignOut={signOut} />;
}

function Shell({ token, onSignOut }: { token: string; onSignOut: (why: string) => void }) {
  const { view, clusterId } = useRoute();
  const { title, View } = VIEWS[view];
  const [said, announce] = useState('');
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const api = useMemo(
    () => apiOf(token, () => onSignOut('That token is no longer taken. Sign in again.')),
    [token, onSignOut],
  );
  const clock = useServerClock(api);
  const context = useMemo(() => ({ api, clock, announce }), [api, clock]);

  useEffect(() => {
    if (clusterId === null) document.title = `${title} · Onebuck`;
    // What was asked for first is read from its top anyway.
    if (!isFirst.current) main.current?.querySelector<HTMLElement>('h1')?.focus();
    isFirst.current = false;
    window.scrollTo(0, readScroll());
    // A double click on what led here would have selected all of this view.
    getSelection()?.removeAllRanges();
  }, [title, clusterId]);
  useKeptScroll();

  return (
    <ConsoleProvider value={context}>
      <header class="top">
        <a
          class="skip"
          href={location.hash || '#/clusters'}
          onClick={(event) => skipTo(event, main.current)}
        >
          Skip to content
        </a>
        <a class="brand" href="#/clusters">
          <Mark />
          Onebuck
        </a>
        <nav aria-label="Views">
          {viewNames.map((name) => (
            <a
              key={name}
              href={`#/${name}`}
              aria-current={name !== view ? undefined : clusterId === null ? 'page' : 'true'}
            >
              <NavIcon name={name} />
              {VIEWS[name].title}
            </a>
          ))}
        </nav>
        <button type="button" class="quiet" onClick={() => onSignOut('')}>
          Sign out
        </button>
      </header>
      <main ref={main}>
        {clusterId === null ? <View /> : <ClusterPage key={clusterId} id={clusterId} />}
      </main>
      <p class="unseen" aria-live="polite">
        {said}
      </p>
    </ConsoleProvider>
  );
}

function skipTo(event: Event, main: HTMLElement | null) {
  event.preventDefault();
  main?.querySelector<HTMLElement>('h1')?.focus();
}

/** The browser keeps a state with each address that it goes back to: how far down it was read. */
const readScroll = (): number => (history.state as { readonly y?: number } | null)?.y ?? 0;

const SCROLLED_MS = 150;

function useKeptScroll(): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const scrolled = () => {
      clearTimeout(timer);
      timer = setTimeout(() => history.replaceState({ y: window.scrollY }, ''), SCROLLED_MS);
    };
    window.addEventListener('scroll', scrolled);
    return () => {
      clearTimeout(timer);
      window.removeEventListener('scroll', scrolled);
    };
  }, []);
}

const SECOND_READING_MS = 1_500;
const READ_AGAIN_MS = 10 * 60_000;

/** Set by the API's own time: at once, again to learn its pace, and every ten minutes. */
function useServerClock(api: Api): ServerClock {
  const [clock, setClock] = useState<ServerClock>({ rate: 1, now: (local = Date.now()) => local });
  useEffect(() => {
    let first: Reading | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const read = async () => {
      clearTimeout(timer);
      const pause = await readServerTime(api).then(
        (taken) => {
          if (isOver) return 0;
          setClock(clockFrom(first ?? taken, taken));
          const isFirst = first === null;
          first ??= taken;
          return isFirst ? SECOND_READING_MS : READ_AGAIN_MS;
        },
        () => SECOND_READING_MS * 4,
      );
      if (!isOver) timer = setTimeout(read, pause);
    };
    // A laptop that slept has had no clock to speak of.
    const seen = () => document.hidden || void read();
    document.addEventListener('visibilitychange', seen);
    void read();
    return () => {
      isOver = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }, [api]);
  return clock;
}
