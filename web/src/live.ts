import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Cluster } from '../../client/answers.ts';
import type { Api } from '../../client/api.ts';
import { getAgain, isLive, listLive, listNewest, newestFirst } from '../../client/clusters.ts';
import { fingerprint, isBusy, pauseMs } from '../../client/poll.ts';
import { useConsole } from './hooks.ts';

export interface Contact {
  /** By the browser's clock. */
  readonly lastAt: number | null;
  /** null: all is well. */
  readonly lost: Error | null;
}

/** Every so many looks, all live clusters are asked for, however old. */
const ALL_EVERY = 20;
const NEWEST = 20;
/** With more older clusters than that, a list of all takes fewer requests than one for each. */
const OLDER_MAX = 10;

/** The live ones, and those of the known ones that have ended in between. */
async function allAnd(api: Api, known: readonly Cluster[]): Promise<Look> {
  const { clusters, unreadable } = await listLive(api);
  const ended = known.filter((one) => isLive(one) && !clusters.some(({ id }) => id === one.id));
  return { clusters: [...clusters, ...(await getAgain(api, ended))], unreadable };
}

interface Look {
  readonly clusters: readonly Cluster[];
  /** The ids of live clusters whose records are unreadable; null: this look did not ask. */
  readonly unreadable: readonly string[] | null;
}

/** The newest in one request, and the few known ones that are older; all if these are many. */
async function newestAnd(api: Api, known: readonly Cluster[]): Promise<Look> {
  const clusters = await listNewest(api, NEWEST);
  const older = known.filter((one) => isLive(one) && !clusters.some(({ id }) => id === one.id));
  if (older.length > OLDER_MAX) return allAnd(api, known);
  return { clusters: [...clusters, ...(await getAgain(api, older))], unreadable: null };
}

/**
 * The live clusters, and those that ended while they were looked at. Only while the page is seen.
 */
export function useLiveClusters() {
  const { api, clock } = useConsole();
  const [clusters, setClusters] = useState<readonly Cluster[] | null>(null);
  const [unreadable, setUnreadable] = useState<readonly string[]>([]);
  const [contact, setContact] = useState<Contact>({ lastAt: null, lost: null });
  const known = useRef<readonly Cluster[] | null>(null);
  const look = useRef<() => void>(() => {});

  const keep = useCallback((found: readonly Cluster[]) => {
    const before = new Set(known.current?.map(({ id }) => id));
    const next = found.filter((one) => isLive(one) || before.has(one.id)).toSorted(newestFirst);
    const ended = (known.current ?? []).filter(
      (one) => !isLive(one) && !next.some(({ id }) => id === one.id),
    );
    known.current = [...next, ...ended];
    setClusters(known.current);
  }, []);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    let isLooking = false;
    const state = { unchanged: 0, failed: 0, looks: 0 };
    const once = async () => {
      clearTimeout(timer);
      if (isOver || isLooking || document.hidden) return;
      isLooking = true;
      try {
        const before = known.current;
        const isAll = before === null || state.looks % ALL_EVERY === 0;
        const found = isAll ? await allAnd(api, before ?? []) : await newestAnd(api, before);
        if (isOver) return;
        keep(found.clusters);
        if (found.unreadable !== null) setUnreadable(found.unreadable);
        const isSame = before !== null && fingerprint(before) === fingerprint(known.current ?? []);
        state.unchanged = isSame ? state.unchanged + 1 : 0;
        state.failed = 0;
        state.looks += 1;
        setContact({ lastAt: Date.now(), lost: null });
      } catch (error) {
        if (isOver) return;
        state.failed += 1;
        setContact(({ lastAt }) => ({ lastAt, lost: error as Error }));
      } finally {
        isLooking = false;
      }
      const busy = isBusy(known.current ?? [], clock.now());
      timer = setTimeout(once, pauseMs({ ...state, busy, rate: clock.rate }));
    };
    look.current = () => {
      state.unchanged = 0;
      void once();
    };
    const seen = () => look.current();
    document.addEventListener('visibilitychange', seen);
    window.addEventListener('online', seen);
    void once();
    return () => {
      isOver = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
      window.removeEventListener('online', seen);
    };
  }, [api, clock, keep]);

  /** One that an answer has just told of. */
  const put = useCallback(
    (cluster: Cluster) => {
      const others = (known.current ?? []).filter(({ id }) => id !== cluster.id);
      keep([...others, cluster]);
      look.current();
    },
    [keep],
  );
  return { clusters, unreadable, contact, put, lookNow: useCallback(() => look.current(), []) };
}
