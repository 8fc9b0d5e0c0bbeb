import { InvalidArgumentError } from 'commander';
import type { CapsKeeper, LetIn } from '../lib/app/caps-keeper.ts';
import { pauseSchedule } from '../lib/app/change-schedule.ts';
import { type ClusterDeps, destroyCluster } from '../lib/app/destroy-cluster.ts';
import { nudgeOrLeaveToReaper } from '../lib/app/nudge.ts';
import { listSchedules } from '../lib/app/read-schedules.ts';
import {
  ADMIN,
  type ClusterId,
  clusterOfTags,
  isScheduleId,
  ownershipTag,
  reapTimeOfTags,
} from '../lib/core/base/names.ts';
import {
  type DurationMs,
  type EpochMs,
  earliest,
  epochMs,
  minutes,
  plus,
  seconds,
  toIso,
} from '../lib/core/base/units.ts';
import type { Linode } from '../lib/core/cluster/linode.ts';
import { isLive, type LiveRecord } from '../lib/core/cluster/record.ts';
import { AppError } from '../lib/errors.ts';
import type { ClusterStore, LinodeApi, ScheduleStore, Unreadable } from '../lib/ports.ts';
import { npmCommand, parseDeployedStage, REGION } from './arguments.ts';

export interface DrainRequest {
  readonly stage: string;
  readonly region: string | null;
  readonly waitMax: DurationMs;
  /** Whether to let launches in again, rather than to drain. */
  readonly undoes: boolean;
}

/** Throws, with the usage, if the arguments are wrong. There is no default stage. */
export function parseDrain(args: readonly string[]): DrainRequest {
  const {
    stage,
    region = null,
    minutes: count,
    undo: undoes = false,
  } = npmCommand('drain')
    .description(
      'Keeps out all launches, pauses all schedules, destroys all clusters, and waits until no ' +
        'Linode is left.',
    )
    .requiredOption('--stage <stage>', 'stage of the deployment', parseDeployedStage(NOT_DEPLOYED))
    .option(...REGION)
    .option('--minutes <minutes>', 'how long to wait at most', parseMinutes, 15)
    .option('--undo', 'lets launches in again, after a drain')
    .parse(args, { from: 'user' })
    .opts<{ stage: string; region?: string; minutes: number; undo?: boolean }>();
  return { stage, region, waitMax: minutes(count), undoes };
}

const NOT_DEPLOYED =
  'The stage local is not deployed: DELETE its clusters by the API that npm start runs.';

function parseMinutes(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Use a whole number from 1 to 9999.');
}

export interface DrainDeps extends ClusterDeps {
  readonly schedules: ScheduleStore;
  readonly caps: Pick<CapsKeeper, 'beginDrain' | 'endDrain'>;
  readonly linode: Pick<LinodeApi, 'listByTag'>;
  readonly stage: string;
  readonly print: (line: string) => void;
}

const LOOK_EVERY = seconds(5);
/** As often as the reaper nudges: the drain must also work if the reaper does not. */
const NUDGE_EVERY = minutes(1);
/** One look is not enough: lists lag by seconds, and may hide Linodes that shift between pages. */
const EMPTY_LOOKS = 2;
const LIST_TIME_MAX = seconds(60);
/** How long launches that write the ledger at the same time may hold up the drain. */
const LEDGER_TIME_MAX = seconds(60);

/**
 * Keeps out all launches from now on, pauses all schedules, requests the deletion of all live
 * clusters, and looks again until no cluster is live, no launch can be under way, and Linode lists
 * no Linode of the stage. Does the same with schedules that appear meanwhile, and with clusters
 * whose launches were let in before. Throws errors that a repetition would not fix, and after
 * `waitMax` an error that names the clusters and Linodes that are left. A person may run it again
 * at any time.
 */
export async function drain(deps: DrainDeps, waitMax: DurationMs): Promise<void> {
  const { clock, print, stage } = deps;
  const until = plus(clock.now(), waitMax);
  const watch = createWatch(deps);
  let letIn = await keepOut(deps);
  print(`Nothing can be launched in ${stage} from now on. To undo that: ${undoing(stage)}`);
  let paused = await pauseSchedules(deps);
  print(paused === 0 ? 'No schedule was enabled.' : `${counted(paused, 'schedule')} paused.`);
  for (let empty = 0; ; ) {
    const { clusters, unreadable, launching } = await look(deps.store, letIn);
    await watch.endAll(clusters);
    const linodes = await listOurs(deps);
    watch.printLinodes(linodes, clusters);
    const left = clusters.length + unreadable.length + launching.length;
    const isEmpty = left === 0 && linodes?.length === 0;
    empty = isEmpty ? empty + 1 : 0;
    if (empty === EMPTY_LOOKS) break;
    if (clock.now() >= until)
      throw new Error(leftOver({ stage, clusters, unreadable, launching, linodes, waitMax }));
    await clock.sleep(earliest(until, plus(clock.now(), LOOK_EVERY)));
    // Functions of an earlier version, which do not know of drains, let launches in again.
    letIn = await keepOut(deps);
    paused += await pauseSchedules(deps);
  }
  const ended = counted(watch.ended(), 'cluster');
  print(
    `${stage} is empty: ${ended} ended, ${counted(paused, 'schedule')} paused, and Linode lists ` +
      `no Linode with the tag ${ownershipTag(stage)}. To launch there again: ${undoing(stage)}`,
  );
}

/** Lets launches in again. The schedules that the drain has paused stay paused. */
export async function undoDrain({ caps, clock, print, stage }: DrainDeps): Promise<void> {
  const since = await caps.endDrain(plus(clock.now(), LEDGER_TIME_MAX));
  print(
    since === null
      ? `${stage} was not drained: launches are let in.`
      : `${stage} lets launches in again, which the drain kept out since ${toIso(since)}. ` +
          'Schedules stay paused: each owner resumes their own.',
  );
}

const undoing = (stage: string) => `npm run drain -- --stage ${stage} --undo`;

const keepOut = ({ caps, clock }: DrainDeps): Promise<LetIn> =>
  caps.beginDrain(plus(clock.now(), LEDGER_TIME_MAX));

/** The index lags behind launches, so the records of all clusters that were let in are read, too. */
async function look(
  store: DrainDeps['store'],
  { open, underWay }: LetIn,
): Promise<Live & { readonly launching: readonly ClusterId[] }> {
  const live = await readLive(store, open);
  const known = new Set([...live.ids, ...live.unreadable.map(({ id }) => id)]);
  return { ...live, launching: underWay.filter((id) => !known.has(id)) };
}

const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

async function pauseSchedules(deps: DrainDeps): Promise<number> {
  const schedules = (await listSchedules(deps, ADMIN)).filter(({ enabled }) => enabled);
  let paused = 0;
  for (const { id } of schedules) {
    const change = pauseSchedule(deps, ADMIN, id);
    if (await unlessChanged(change)) paused += 1;
  }
  return paused;
}

/** All live records, from the index `due`, which the reaper reads, too, and those of `others`. */
export async function readLive(
  store: Pick<ClusterStore, 'due' | 'getMany'>,
  others: readonly ClusterId[] = [],
): Promise<Live> {
  const ids = new Set(others);
  for await (const { id } of store.due(epochMs(Number.MAX_SAFE_INTEGER))) {
    if (!isScheduleId(id)) ids.add(id);
  }
  const { records, unreadable } = await store.getMany([...ids]);
  return { ids: records.map(({ id }) => id), clusters: records.filter(isLive), unreadable };
}

export interface Live {
  /** The clusters whose records were read, also those that have ended. */
  readonly ids: readonly ClusterId[];
  readonly clusters: readonly LiveRecord[];
  /** The records that can't be read, so that nobody can request the end of their clusters. */
  readonly unreadable: readonly Unreadable[];
}

/** Says what to do about a record that keeps a stage from being empty. */
export const unreadableText = ({ id, unreadable }: Unreadable): string =>
  `${id}  its record is unreadable: ${unreadable} (see UnreadableRecords in docs/operate.md)`;

/** Follows the clusters from look to look, and prints how they change. */
function createWatch(deps: DrainDeps) {
  const { clock, print } = deps;
  /** The clusters that were live at the last look, and when the drain last nudged each. */
  let nudgedAt = new Map<ClusterId, EpochMs>();
  let lastPrinted: string | null = null;
  let ended = 0;

  async function end(record: LiveRecord): Promise<EpochMs> {
    const { id, phase, nodes, dueAt } = record;
    const now = clock.now();
    const last = nudgedAt.get(id);
    if (phase !== 'deleting') {
      if (last === undefined) {
        print(`${id} is ${phase} with ${counted(nodes.length, 'node')}. Requesting its deletion.`);
      }
      await unlessChanged(destroyCluster(deps, ADMIN, id));
      return now;
    }
    if (last === undefined) print(`${id} is being deleted already.`);
    if (last !== undefined && (now < plus(last, NUDGE_EVERY) || dueAt > now)) return last;
    await nudgeOrLeaveToReaper(deps, id);
    return now;
  }

  return {
    async endAll(live: readonly LiveRecord[]): Promise<void> {
      const next = new Map<ClusterId, EpochMs>();
      for (const record of live) next.set(record.id, await end(record));
      for (const id of nudgedAt.keys()) {
        if (next.has(id)) continue;
        ended += 1;
        print(`${id} has ended.`);
      }
      nudgedAt = next;
    },
    printLinodes(linodes: readonly Linode[] | null, live: readonly LiveRecord[]): void {
      if (linodes === null) return;
      const liveIds = new Set(live.map(({ id }) => id));
      const strays = linodes.filter(({ tags }) => {
        const id = clusterOfTags(tags);
        return id === null || !liveIds.has(id);
      });
      const text = [
        `Linodes with the tag ${ownershipTag(deps.stage)}: ${linodes.length}`,
        ...strays.map((linode) => `  ${named(linode)} has no live cluster: ${fate(linode)}`),
      ].join('\n');
      if (text !== lastPrinted) print(text);
      lastPrinted = text;
    },
    ended: () => ended,
  };
}

/** false: a pass changed the record at the same time, or it is gone; the next look shows which. */
async function unlessChanged(change: Promise<unknown>): Promise<boolean> {
  try {
    await change;
    return true;
  } catch (error) {
    if (error instanceof AppError && ['conflict', 'notFound'].includes(error.code)) return false;
    throw error;
  }
}

/** null: Linode is not available just now. */
async function listOurs({ linode, stage, clock, print }: DrainDeps): Promise<Linode[] | null> {
  try {
    return await linode.listByTag(ownershipTag(stage), plus(clock.now(), LIST_TIME_MAX));
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'linodeUnavailable')) throw error;
    print(`Linode's list can't be read just now. Trying again: ${error.message}`);
    return null;
  }
}

const named = ({ id, label }: Linode) => `Linode ${id} (${label})`;

function fate({ tags }: Linode): string {
  const reapAt = reapTimeOfTags(tags);
  return reapAt === null
    ? 'the sweeper destroys it soon'
    : `the sweeper destroys it soon, or at ${toIso(reapAt)} if it has no record`;
}

function leftOver({
  stage,
  clusters,
  unreadable,
  launching,
  linodes,
  waitMax,
}: Pick<Live, 'clusters' | 'unreadable'> & {
  readonly stage: string;
  readonly launching: readonly ClusterId[];
  readonly linodes: readonly Linode[] | null;
  readonly waitMax: DurationMs;
}): string {
  const tag = ownershipTag(stage);
  const lines = [
    ...clusters.map(({ id, phase }) => `  cluster ${id} (${phase})`),
    ...unreadable.map((record) => `  cluster ${unreadableText(record)}`),
    ...launching.map((id) => `  perhaps cluster ${id}, whose launch may be under way`),
    ...(linodes ?? []).map((linode) => `  ${named(linode)}`),
    ...(linodes === null ? [`  perhaps Linodes with the tag ${tag}: the list can't be read`] : []),
  ];
  const left = lines.length === 0 ? ['  perhaps nothing: only one look found it empty'] : lines;
  return [
    `${stage} is not empty after ${counted(waitMax / minutes(1), 'minute')}. Left:`,
    ...left,
    'Onebuck goes on deleting as long as the stack exists. Run this command again to wait longer.',
    `Until then nothing can be launched; to undo that: ${undoing(stage)}`,
    `The log of onebuck-${stage}-reconcile says which calls fail. You can also delete Linodes in`,
    "Linode's console.",
  ].join('\n');
}
