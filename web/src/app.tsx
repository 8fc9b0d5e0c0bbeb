import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Api } from '../../client/api.ts';
import {
  clockFrom,
  type Reading,
  readServerTime,
  type ServerClock,
} from '../../client/server-clock.ts';
import { Clusters } from './clusters.tsx';
import { History } from './history.tsx';
import { ConsoleProvider } from './hooks.ts';
import { Launch } from './launch.tsx';
import { Mark, NavIcon } from './marks.tsx';
import { Schedules } from './schedules.tsx';
import { apiOf, forgetAll, keepToken, readToken } from './session.ts';
import { SignIn } from './sign-in.tsx';

const VIEWS = [
  { path: 'launch', title: 'Launch', View: Launch },
  { path: 'clusters', title: 'Clusters', View: Clusters },
  { path: 'history', title: 'History', View: History },
  { path: 'schedules', title: 'Schedules', View: Schedules },
] as const;
const HOME = VIEWS[1];

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
  const { path, title, View } = useRoute();
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
    document.title = `${title} · Onebuck`;
    // What was asked for first is read from its top anyway.
    if (!isFirst.current) main.current?.querySelector<HTMLElement>('h1')?.focus();
    isFirst.current = false;
    window.scrollTo(0, 0);
    // A double click on what led here would have selected all of this view.
    getSelection()?.removeAllRanges();
    void path;
  }, [path, title]);

  return (
    <ConsoleProvider value={context}>
      <header class="top">
        <a class="skip" href={`#/${path}`} onClick={(event) => skipTo(event, main.current)}>
          Skip to content
        </a>
        <a class="brand" href="#/clusters">
          <Mark />
          Onebuck
        </a>
        <nav aria-label="Views">
          {VIEWS.map((view) => (
            <a
              key={view.path}
              href={`#/${view.path}`}
              aria-current={view.path === path ? 'page' : undefined}
            >
              <NavIcon name={view.path} />
              {view.title}
            </a>
          ))}
        </nav>
        <button type="button" class="quiet" onClick={() => onSignOut('')}>
          Sign out
        </button>
      </header>
      <main ref={main}>
        <View />
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

function useRoute() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    window.addEventListener('hashchange', changed);
    return () => window.removeEventListener('hashchange', changed);
  }, []);
  return VIEWS.find(({ path }) => hash === `#/${path}`) ?? HOME;
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
