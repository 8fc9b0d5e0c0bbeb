import type { Cluster, Job, JobNode } from '../../client/answers.ts';
import { countdown } from '../../client/durations.ts';
import { isJobOver } from '../../client/jobs.ts';
import { shownLine } from '../../client/log-lines.ts';
import { dollars } from '../../client/money.ts';
import { nearTime } from '../../client/times.ts';
import { countsOf, inOrder } from './nodes-choice.ts';
import type { Sort } from './sort.ts';

/** What a cluster's own answer has of its job. */
export type ClusterJob = NonNullable<Cluster['job']>;
export type NodeState = JobNode['state'];

export const stateNames = {
  waiting: 'Waiting for the nodes',
  staged: 'Ready to start',
  running: 'Running',
  collecting: 'Collecting results',
  done: 'Done',
  failed: 'Failed',
  stopped: 'Stopped',
} as const satisfies Record<NodeState, string>;

/** A text of somebody's in lines, without what could turn or hide it. */
export const plainText = (text: string): string =>
  text
    .split('\n')
    .map((line) => shownLine(line, { colours: false }))
    .join('\n');

const COMMAND_CHARACTERS_MAX = 80;

/** A command in one line, shortened where it is long. */
export function commandWords(command: string): string {
  const line = shownLine(command.trim().replaceAll(/\s+/g, ' '), { colours: false });
  const max = COMMAND_CHARACTERS_MAX;
  return line.length <= max ? line : `${line.slice(0, max - 1)}…`;
}

/** `exit code 3 on node 2`; null: the job has not ended, or has none. */
export function exitWords({ exitCode, node, state }: ClusterJob): string | null {
  if (!isJobOver({ state })) return null;
  const where = node === null ? '' : ` on node ${node}`;
  return exitCode === null ? `no exit code${where}` : `exit code ${exitCode}${where}`;
}

/** `Done: exit code 0`, `Running`. */
export function jobWords(job: ClusterJob): string {
  const exit = exitWords(job);
  return exit === null ? stateNames[job.state] : `${stateNames[job.state]}: ${exit}`;
}

/** Since when it runs, or from when to when it ran; empty: it has not started. */
export function ranWords({ startedAt, endedAt, state }: ClusterJob, now: number): string {
  if (startedAt === null) return isJobOver({ state }) ? 'It never started.' : '';
  const ms = (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt);
  const started = `Started ${nearTime(startedAt, now)}`;
  if (endedAt === null) return `${started}, ${countdown(ms)} ago.`;
  return `${started}, ended ${nearTime(endedAt, now)}, after ${countdown(ms)}.`;
}

const DONE = {
  destroy: 'When it is done, the cluster is destroyed.',
  keep: 'When it is done, the cluster is kept.',
} as const satisfies Record<ClusterJob['onDone'], string>;

const FAILED = {
  keepPaidHour: 'If it fails, the nodes stay for the rest of the hour that is paid anyway.',
  destroy: 'If it fails, the cluster is destroyed.',
  keep: 'If it fails, the cluster is kept.',
} as const satisfies Record<ClusterJob['onFailure'], string>;

/** What becomes of the cluster after the job. */
export const afterWords = ({ onDone, onFailure }: ClusterJob): string =>
  `${DONE[onDone]} ${FAILED[onFailure]}`;

/** What the end of the job has saved; null: nothing is known to be saved. */
export function savedWords({ saved }: Pick<Cluster, 'saved'>): string | null {
  if (saved === null) return null;
  const until = saved.untilTeardownUsd;
  const rest = until > 0 ? ` Until its teardown it would have cost ${dollars(until)} more.` : '';
  return `${dollars(saved.ofBudgetUsd)} of the budget was not spent.${rest}`;
}

export type JobNodeSortKey = 'index' | 'state' | 'exitCode' | 'startedAt' | 'endedAt' | 'logBytes';

export interface JobNodeFilter {
  /** An index, or a part of what a node says went wrong, as typed. */
  readonly search: string;
  /** Empty: any. */
  readonly state: NodeState | '';
}

/** The nodes that match, in order; equal ones by index, and those without a value last. */
export function chooseJobNodes(
  nodes: readonly JobNode[],
  { search, state }: JobNodeFilter,
  { key, isDown }: Sort<JobNodeSortKey>,
): readonly JobNode[] {
  const sought = search.trim().toLowerCase();
  const isFound = ({ index, reason }: JobNode) =>
    sought === '' || `${index}` === sought || !!reason?.toLowerCase().includes(sought);
  const found = nodes.filter((node) => (state === '' || node.state === state) && isFound(node));
  return inOrder(found, (node) => node[key], isDown);
}

/** Every state that a node has, and how many nodes have it, the most frequent first. */
export const statesOf = (nodes: readonly JobNode[]): readonly [NodeState, number][] =>
  countsOf(nodes.map(({ state }) => state));

/** The node whose log is looked at first: the one that decided, else the first that failed. */
export const firstNodeOf = ({ node, nodes }: Job): number =>
  node ?? nodes.find(({ state }) => state === 'failed')?.index ?? nodes[0]?.index ?? 0;
