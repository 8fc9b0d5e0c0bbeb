import { type EpochMs, hours, minutes, plus, toIso } from '../base/units.ts';

/** What the agents of a cluster have said of its job, all nodes together. */
export interface JobProgress {
  /** The nodes that have the inputs. */
  readonly staged: ReadonlySet<number>;
  /** When the first of them had; null: none has. */
  readonly stagedFrom: EpochMs | null;
  /** When the first node started the command; null: none has. */
  readonly startedAt: EpochMs | null;
  /** When the first node's command had ended; null: none has. */
  readonly exitedAt: EpochMs | null;
  /** The nodes that have told all, their results too; or that could not get their inputs. */
  readonly ended: ReadonlyMap<number, RankEnd>;
  /** When the last of them did; null: none has. */
  readonly endedAt: EpochMs | null;
}

export const NO_PROGRESS: JobProgress = {
  staged: new Set(),
  stagedFrom: null,
  startedAt: null,
  exitedAt: null,
  ended: new Map(),
  endedAt: null,
};

export interface RankEnd {
  /** 0 to 255; null: the command has no exit code, since it did not start or was lost. */
  readonly exitCode: number | null;
  /** Whether the agent ended the command, because the teardown was near or somebody had asked. */
  readonly isLastCall: boolean;
}

/** What one node's agent has said of the job. */
export interface RankProgress {
  readonly stagedAt: EpochMs | null;
  readonly startedAt: EpochMs | null;
  readonly exitedAt: EpochMs | null;
  readonly endedAt: EpochMs | null;
  readonly exitCode: number | null;
  /** Why it went wrong, or what is missing among the results; null: nothing was said. */
  readonly reason: string | null;
  /** The last call of the agent about the job. */
  readonly heardAt: EpochMs | null;
  readonly logBytes: number;
  readonly results: Results | null;
}

/** The archive with a node's results. */
export interface Results {
  /** The last part of its key: `r` and ten letters or digits. */
  readonly name: string;
  readonly bytes: number;
  /** The bytes of the files in it, and their number, as the agent says. */
  readonly unpackedBytes: number;
  readonly files: number;
}

export const NO_RANK_PROGRESS: RankProgress = {
  stagedAt: null,
  startedAt: null,
  exitedAt: null,
  endedAt: null,
  exitCode: null,
  reason: null,
  heardAt: null,
  logBytes: 0,
  results: null,
};

/** The nodes of a job, by their indexes. */
export interface JobNodes {
  /** The nodes that exist, or are to come. */
  readonly live: readonly number[];
  /** Those that run the command, also such as are gone. */
  readonly runners: readonly number[];
  /** Why nodes did not get ready. */
  readonly failed: ReadonlyMap<number, string>;
  /** When all nodes were up; null: some are not. */
  readonly upAt: EpochMs | null;
}

/** How long the others wait for a node that does not have the inputs. */
const STAGING_MAX = minutes(15);
/** How long nodes may take to get ready and fetch the inputs, if none of them has. */
const READY_MAX = hours(2);
/** An agent calls each minute, or each third in the largest clusters, while it has nothing to tell. */
const SILENCE_MAX = minutes(10);
/** Longer than the URL for the results is good. */
const UPLOAD_MAX = minutes(75);

/**
 * Whether nothing more is to be expected of a node, since its agent has told of the job, or could
 * have, and then nothing for long.
 */
export function isSilent(
  { heardAt, exitedAt }: Pick<RankProgress, 'heardAt' | 'exitedAt'>,
  { startedAt }: Pick<JobProgress, 'startedAt'>,
  now: EpochMs,
): boolean {
  const last = heardAt ?? startedAt;
  return last !== null && plus(last, exitedAt === null ? SILENCE_MAX : UPLOAD_MAX) < now;
}

export type Start =
  | { readonly kind: 'wait' | 'go' }
  /** `node`: the one that keeps the others from starting. */
  | { readonly kind: 'never'; readonly node: number; readonly reason: string };

/** Whether the command may start: every node must have the inputs, in case they work together. */
export function startOf(nodes: JobNodes, progress: JobProgress, now: EpochMs): Start {
  if (progress.startedAt !== null) return { kind: 'go' };
  const failure = failureOf(nodes);
  if (failure !== null) return { kind: 'never', ...failure };
  // A node without a task has ended with 0, and keeps nobody waiting.
  const lame = [...progress.ended].find(([, { exitCode }]) => exitCode !== 0)?.[0];
  if (lame !== undefined) {
    return { kind: 'never', node: lame, reason: `node ${lame} could not begin` };
  }
  const missing = nodes.live.filter((index) => !progress.staged.has(index));
  const [node] = missing;
  if (node === undefined) return { kind: 'go' };
  const until =
    progress.stagedFrom === null
      ? plus(nodes.upAt ?? now, READY_MAX)
      : plus(progress.stagedFrom, STAGING_MAX);
  if (now < until) return { kind: 'wait' };
  const which = missing.slice(0, 5).join(', ');
  const reason = `node ${which} did not have the inputs by ${toIso(until)}`;
  return { kind: 'never', node, reason };
}

function failureOf({ failed }: JobNodes): { node: number; reason: string } | null {
  const [first] = failed;
  if (first === undefined) return null;
  const [node, why] = first;
  return { node, reason: `node ${node} did not get ready: ${why}` };
}

/** How a job ended. */
export interface JobOutcome {
  /** `stopped`: the agents ended the command before it had ended by itself. */
  readonly state: 'done' | 'failed' | 'stopped';
  /** The node that decided it: the first whose command did not end with 0; null: none did. */
  readonly node: number | null;
  /** That of its command; null: it has none. */
  readonly exitCode: number | null;
  /** null: the exit code says all. */
  readonly reason: string | null;
}

/**
 * How the job has ended by `now`; null: it has not. `lost`: nodes of which nothing more is to come,
 * with the reason: they are gone, or silent.
 */
export function outcomeOf(
  nodes: JobNodes,
  progress: JobProgress,
  lost: ReadonlyMap<number, string>,
  now: EpochMs,
): JobOutcome | null {
  const start = startOf(nodes, progress, now);
  if (start.kind === 'never') {
    const { node, reason } = start;
    const end = progress.ended.get(node);
    // What the node says itself, says more.
    if (end === undefined) return { state: 'failed', exitCode: null, node, reason };
    const state = end.isLastCall ? 'stopped' : 'failed';
    return { state, exitCode: end.exitCode, node, reason: null };
  }
  const { runners } = nodes;
  const isOver = (index: number) => progress.ended.has(index) || lost.has(index);
  if (runners.length === 0 || !runners.every(isOver)) return null;
  const ends = runners.map((index) => ({
    index,
    end: progress.ended.get(index) ?? { exitCode: null, isLastCall: false },
  }));
  const bad = ends.find(({ end }) => end.exitCode !== 0);
  const isStopped = ends.some(({ end }) => end.isLastCall);
  if (bad === undefined) {
    return { state: isStopped ? 'stopped' : 'done', node: null, exitCode: 0, reason: null };
  }
  const { index: node, end } = bad;
  const why = progress.ended.has(node) ? undefined : lost.get(node);
  return {
    state: isStopped ? 'stopped' : 'failed',
    node,
    exitCode: end.exitCode,
    reason: why === undefined ? null : `node ${node} ${why}`,
  };
}

export type JobState = 'waiting' | 'running' | 'collecting' | JobOutcome['state'];

export const jobStates = [
  'waiting',
  'running',
  'collecting',
  'done',
  'failed',
  'stopped',
] as const satisfies readonly JobState[];

/** What a job does that has not ended. `collecting`: the command has ended, its results follow. */
export function stateOf({ runners }: JobNodes, progress: JobProgress): JobState {
  if (progress.startedAt === null) return 'waiting';
  const isAlone = runners.length === 1;
  return isAlone && progress.exitedAt !== null ? 'collecting' : 'running';
}

/** The same of one node. */
export function rankStateOf(rank: RankProgress): JobState | 'staged' {
  if (rank.endedAt !== null) return rank.exitCode === 0 ? 'done' : 'failed';
  if (rank.exitedAt !== null) return 'collecting';
  if (rank.startedAt !== null) return 'running';
  return rank.stagedAt === null ? 'waiting' : 'staged';
}
