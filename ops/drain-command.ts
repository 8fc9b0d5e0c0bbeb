import { InvalidArgumentError } from 'commander';
import { changeSchedule } from '../lib/app/change-schedule.ts';
import { type ClusterDeps, destroyCluster } from '../lib/app/destroy-cluster.ts';
import { nudgeOrLeaveToReaper } from '../lib/app/nudge.ts';
import { ADMIN } from '../lib/app/read-clusters.ts';
import { listSchedules } from '../lib/app/read-schedules.ts';
import {
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
import type { ClusterStore, LinodeApi, ScheduleStore } from '../lib/ports.ts';
import { npmCommand, parseDeployedStage, REGION } from './arguments.ts';

export interface DrainRequest {
  readonly stage: string;
  readonly region: string | null;
  readonly waitMax: DurationMs;
}

/** Throws, with the usage, on anything else than a request. No stage is taken for granted. */
export function parseDrain(args: readonly string[]): DrainRequest {
  const {
    stage,
    region = null,
    minutes: count,
  } = npmCommand('drain')
    .description('Pauses all schedules, destroys all clusters, and waits until no Linode is left.')
    .requiredOption('--stage <stage>', 'of the deployment', parseDeployedStage(NOT_DEPLOYED))
    .option(...REGION)
    .option('--minutes <minutes>', 'how long to wait at most', parseMinutes, 15)
    .parse(args, { from: 'user' })
    .opts<{ stage: string; region?: string; minutes: number }>();
  return { stage, region, waitMax: minutes(count) };
}

const NOT_DEPLOYED = 'It is not deployed: DELETE its clusters at the API of npm start.';

function parseMinutes(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Take a whole number from 1 to 9999.');
}

export interface DrainDeps extends ClusterDeps {
  readonly schedules: ScheduleStore;
  readonly linode: Pick<LinodeApi, 'listByTag'>;
  readonly stage: string;
  readonly print: (line: string) => void;
}

const LOOK_EVERY = seconds(5);
/** As often as the reaper asks for passes: it may be what does not work. */
const NUDGE_EVERY = minutes(1);
/** One look is not enough: lists lag by seconds, and hide what moves between their pages. */
const EMPTY_LOOKS = 2;
const LIST_TIME_MAX = seconds(60);

/**
 * Pauses what launches, has all live clusters destroyed, and looks again until there is none and
 * Linode lists nothing of the stage. Clusters that come up meanwhile are destroyed too. Throws what
 * repeating would not mend; and, after `waitMax`, an error that names what is left. It may be run
 * again at any time.
 */
export async function drain(deps: DrainDeps, waitMax: DurationMs): Promise<void> {
  const { clock, print, stage } = deps;
  const until = plus(clock.now(), waitMax);
  const watch = createWatch(deps);
  let paused = await pauseSchedules(deps);
  print(paused === 0 ? 'No schedule was on.' : `${counted(paused, 'schedule')} paused.`);
  for (let empty = 0; ; ) {
    const clusters = await readLive(deps.store);
    await watch.endAll(clusters);
    const linodes = await listOurs(deps);
    watch.tellLinodes(linodes, clusters);
    empty = clusters.length === 0 && linodes?.length === 0 ? empty + 1 : 0;
    if (empty === EMPTY_LOOKS) break;
    if (clock.now() >= until) throw new Error(leftOver({ stage, clusters, linodes, waitMax }));
    await clock.sleep(earliest(until, plus(clock.now(), LOOK_EVERY)));
    paused += await pauseSchedules(deps);
  }
  const ended = counted(watch.ended(), 'cluster');
  print(
    `${stage} is empty: ${ended} ended, ${counted(paused, 'schedule')} paused, and Linode lists ` +
      `nothing with the tag ${ownershipTag(stage)}.`,
  );
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

async function pauseSchedules(deps: DrainDeps): Promise<number> {
  const running = (await listSchedules(deps, ADMIN)).filter(({ enabled }) => enabled);
  let paused = 0;
  for (const { id } of running) {
    const change = changeSchedule(deps, ADMIN, id, { enabled: false });
    if (await unlessChanged(change)) paused += 1;
  }
  return paused;
}

/** By the index that the reaper goes by, whatever they are due for. */
export async function readLive(
  store: Pick<ClusterStore, 'due' | 'getMany'>,
): Promise<LiveRecord[]> {
  const ids: ClusterId[] = [];
  for await (const id of store.due(epochMs(Number.MAX_SAFE_INTEGER))) {
    if (!isScheduleId(id)) ids.push(id);
  }
  return (await store.getMany(ids)).filter(isLive);
}

/** Follows the clusters from look to look, and tells what has become of them. */
function createWatch(deps: DrainDeps) {
  const { clock, print } = deps;
  /** Those that lived at the last look, with when a pass was last asked for. */
  let nudgedAt = new Map<ClusterId, EpochMs>();
  let linodesTold: string | null = null;
  let ended = 0;

  async function end(record: LiveRecord): Promise<EpochMs> {
    const { id, phase, nodes, dueAt } = record;
    const now = clock.now();
    const last = nudgedAt.get(id);
    if (phase !== 'deleting') {
      if (last === undefined) {
        print(
          `${id} is ${phase} with ${counted(nodes.length, 'node')}: its deletion is asked for.`,
        );
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
    tellLinodes(linodes: readonly Linode[] | null, live: readonly LiveRecord[]): void {
      if (linodes === null) return;
      const liveIds = new Set(live.map(({ id }) => id));
      const stray = linodes.filter(({ tags }) => {
        const id = clusterOfTags(tags);
        return id === null || !liveIds.has(id);
      });
      const told = [
        `Linodes with the tag ${ownershipTag(deps.stage)}: ${linodes.length}`,
        ...stray.map((linode) => `  ${named(linode)} is of no live cluster: ${fate(linode)}`),
      ].join('\n');
      if (told !== linodesTold) print(told);
      linodesTold = told;
    },
    ended: () => ended,
  };
}

/** false: it has changed too fast, or is gone. The next look sees. */
async function unlessChanged(change: Promise<unknown>): Promise<boolean> {
  try {
    await change;
    return true;
  } catch (error) {
    if (error instanceof AppError && ['conflict', 'notFound'].includes(error.code)) return false;
    throw error;
  }
}

/** null: Linode can't say just now. */
async function listOurs({ linode, stage, clock, print }: DrainDeps): Promise<Linode[] | null> {
  try {
    return await linode.listByTag(ownershipTag(stage), plus(clock.now(), LIST_TIME_MAX));
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'linodeUnavailable')) throw error;
    print(`Linode's list can't be read, and is asked for again: ${error.message}`);
    return null;
  }
}

const named = ({ id, label }: Linode) => `Linode ${id} (${label})`;

function fate({ tags }: Linode): string {
  const reapAt = reapTimeOfTags(tags);
  return reapAt === null
    ? 'the sweeper destroys it'
    : `the sweeper destroys it, at ${toIso(reapAt)} if it has no record`;
}

function leftOver(left: {
  readonly stage: string;
  readonly clusters: readonly LiveRecord[];
  readonly linodes: readonly Linode[] | null;
  readonly waitMax: DurationMs;
}): string {
  const { stage, clusters, linodes, waitMax } = left;
  const tag = ownershipTag(stage);
  const lines = [
    ...clusters.map(({ id, phase }) => `  cluster ${id} (${phase})`),
    ...(linodes ?? []).map((linode) => `  ${named(linode)}`),
    ...(linodes === null ? [`  what Linode has with the tag ${tag} is not known`] : []),
  ];
  const what = lines.length === 0 ? ['  nothing that was seen twice: look once more'] : lines;
  return [
    `${stage} is not empty after ${counted(waitMax / minutes(1), 'minute')}. Left:`,
    ...what,
    'Deletion goes on as long as the stack is there. Run this again to wait on; the log of',
    `onebuck-${stage}-reconcile says what fails. Linode's console deletes by hand.`,
  ].join('\n');
}
