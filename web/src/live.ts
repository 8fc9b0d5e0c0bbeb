import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Cluster, Job } from '../../client/answers.ts';
import type { Api } from '../../client/api.ts';
import {
  getAgain,
  getCluster,
  isLive,
  listLive,
  listNewest,
  newestFirst,
} from '../../client/clusters.ts';
import { getJob, isJobOver } from '../../client/jobs.ts';
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

/** What a look came to. */
interface Seen {
  readonly isSame: boolean;
  readonly isBusy: boolean;
}

/**
 * Looks again and again, oftener while something is about to change, and only while the page is
 * seen. `look` gets the number of looks before it.
 */
function useLooks(look: (looks: number) => Promise<Seen>) {
  const { clock } = useConsole();
  const [contact, setContact] = useState<Contact>({ lastAt: null, lost: null });
  const now = useRef<() => void>(() => {});
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    let isLooking = false;
    // What a look that began before an action finds is out of date.
    let isAskedAgain = false;
    let busy = true;
    const state = { unchanged: 0, failed: 0, looks: 0 };
    const once = async () => {
      clearTimeout(timer);
      isAskedAgain = isLooking;
      if (isOver || isLooking || document.hidden) return;
      isLooking = true;
      try {
        const seen = await look(state.looks);
        if (isOver) return;
        busy = seen.isBusy;
        state.unchanged = seen.isSame ? state.unchanged + 1 : 0;
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
      const pause = isAskedAgain ? 0 : pauseMs({ ...state, busy, rate: clock.rate });
      timer = setTimeout(once, pause);
    };
    now.current = () => {
      state.unchanged = 0;
      void once();
    };
    const seen = () => now.current();
    document.addEventListener('visibilitychange', seen);
    window.addEventListener('online', seen);
    void once();
    return () => {
      isOver = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
      window.removeEventListener('online', seen);
    };
  }, [look, clock]);
  return { contact, lookNow: useCallback(() => now.current(), []) };
}

/** What was known of the clusters when a view was left, for the next view to begin with. */
const remembered = new WeakMap<Api, readonly Cluster[]>();

/**
 * The live clusters, and those that ended while they were looked at. Only while the page is seen.
 */
export function useLiveClusters() {
  const { api, clock } = useConsole();
  const known = useRef<readonly Cluster[] | null>(remembered.get(api) ?? null);
  const [clusters, setClusters] = useState<readonly Cluster[] | null>(known.current);
  const [unreadable, setUnreadable] = useState<readonly string[]>([]);

  const keep = useCallback(
    (found: readonly Cluster[]) => {
      const before = new Set(known.current?.map(({ id }) => id));
      const next = found.filter((one) => isLive(one) || before.has(one.id)).toSorted(newestFirst);
      const ended = (known.current ?? []).filter(
        (one) => !isLive(one) && !next.some(({ id }) => id === one.id),
      );
      known.current = [...next, ...ended];
      remembered.set(api, known.current);
      setClusters(known.current);
    },
    [api],
  );

  const look = useCallback(
    async (looks: number): Promise<Seen> => {
      const before = known.current;
      const isAll = before === null || looks % ALL_EVERY === 0;
      const found = isAll ? await allAnd(api, before ?? []) : await newestAnd(api, before);
      keep(found.clusters);
      if (found.unreadable !== null) setUnreadable(found.unreadable);
      const isSame = before !== null && fingerprint(before) === fingerprint(known.current ?? []);
      return { isSame, isBusy: isBusy(known.current ?? [], clock.now()) };
    },
    [api, clock, keep],
  );
  const { contact, lookNow } = useLooks(look);

  /** Ones that answers have just told of. */
  const put = useCallback(
    (changed: readonly Cluster[]) => {
      const others = (known.current ?? []).filter(
        (one) => !changed.some(({ id }) => id === one.id),
      );
      keep([...others, ...changed]);
      lookNow();
    },
    [keep, lookNow],
  );
  return { clusters, unreadable, contact, put, lookNow };
}

/** One cluster, live or ended; null: it is not known yet. */
export function useCluster(id: string) {
  const { api, clock } = useConsole();
  const known = useRef(remembered.get(api)?.find((one) => one.id === id) ?? null);
  const [cluster, setCluster] = useState<Cluster | null>(known.current);
  const keep = useCallback((found: Cluster) => {
    known.current = found;
    setCluster(found);
  }, []);
  const look = useCallback(async (): Promise<Seen> => {
    const before = known.current;
    const found = await getCluster(api, id);
    keep(found);
    const isSame = before !== null && fingerprint([before]) === fingerprint([found]);
    return { isSame, isBusy: isBusy([found], clock.now()) };
  }, [api, clock, id, keep]);
  const { contact, lookNow } = useLooks(look);
  const put = useCallback(
    (changed: Cluster) => {
      keep(changed);
      lookNow();
    },
    [keep, lookNow],
  );
  return { cluster, contact, put, lookNow };
}

/**
 * The job of a cluster, node by node; null: it is not known yet. Looked at every 10 s while the
 * command runs, since agents tell of its log every 20 s. `isAlive`: whether the cluster is.
 */
export function useJob(id: string, isAlive: boolean) {
  const { api } = useConsole();
  const known = useRef('');
  const [job, setJob] = useState<Job | null>(null);
  const look = useCallback(async (): Promise<Seen> => {
    const found = await getJob(api, id);
    const text = JSON.stringify(found);
    const isSame = text === known.current && !(isAlive && found.state === 'running');
    if (text !== known.current) setJob(found);
    known.current = text;
    return { isSame, isBusy: isAlive && !isJobOver(found) && found.state !== 'running' };
  }, [api, id, isAlive]);
  const { contact, lookNow } = useLooks(look);
  return { job, contact, lookNow };
}
