import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../client/answers.ts';
import type { Api } from '../client/api.ts';
import {
  changeCluster,
  destroyCluster,
  getCluster,
  getCredentials,
  getInventory,
  getInventoryText,
  isLive,
  listClusters,
  listLive,
} from '../client/clusters.ts';
import { roughly } from '../client/durations.ts';
import { lifeOf, nextMark } from '../client/fuse.ts';
import { dollars } from '../client/money.ts';
import { plural } from '../client/plural.ts';
import { pauseMs, whileBusy } from '../client/poll.ts';
import { clockTime, fullTime } from '../client/times.ts';
import { knownHostsFile } from './config.ts';
import { assertCanAsk, type Context, confirm, serverNow, show } from './context.ts';
import { CliError } from './errors.ts';
import { findCluster } from './find.ts';
import { facts, printable, table } from './format.ts';
import { drawBar, ending, endSentence, fuseAt, money, nodesUp, titleOf } from './fuse.ts';
import { inventoryTable } from './launch.ts';
import { patiently } from './patience.ts';
import { amount } from './spec.ts';

export interface ListOptions {
  readonly status?: string;
  readonly month?: string;
  readonly all: boolean;
}

export async function list(context: Context, options: ListOptions): Promise<void> {
  const { status, month, all } = options;
  const api = context.api();
  const isOfLive = !all && status === undefined && month === undefined;
  const [clusters, now] = await Promise.all([
    isOfLive ? listLive(api) : listClusters(api, { status, month }),
    serverNow(api),
  ]);
  show(context, { clusters }, () => {
    if (clusters.length > 0) return clustersTable(clusters, now);
    return isOfLive
      ? 'No cluster lives; --all shows those that ended.'
      : 'There is no such cluster.';
  });
}

function clustersTable(clusters: readonly Cluster[], nowMs: number): string[] {
  const head = ['ID', 'NAME', 'STATUS', 'NODES', 'TYPE', 'REGION', 'SPENT', 'BUDGET', 'ENDS'];
  const rows = clusters.map((cluster) => [
    cluster.id,
    printable(cluster.name ?? ''),
    cluster.status,
    `${cluster.nodes.length}`,
    cluster.type,
    cluster.region,
    dollars(cluster.spentUsd),
    dollars(cluster.budgetUsd),
    endsCell(cluster, nowMs),
  ]);
  return table(head, rows);
}

function endsCell({ status, teardownAt, endedAt }: Cluster, nowMs: number): string {
  if (endedAt !== null) return `ended ${fullTime(endedAt, nowMs)}`;
  if (status === 'deleting' || teardownAt === null) return 'now';
  return `in ${roughly(Date.parse(teardownAt) - nowMs)}`;
}

export async function showOne(context: Context, named: string): Promise<void> {
  const api = context.api();
  const [cluster, now] = await Promise.all([findCluster(api, named), serverNow(api)]);
  show(context, cluster, () => clusterLines(context, cluster, now));
}

function clusterLines(context: Context, cluster: Cluster, nowMs: number): string[] {
  const { terminal } = context;
  const fuse = fuseAt(cluster, nowMs);
  const ends = isLive(cluster) ? ending(cluster, nowMs) : endSentence(cluster);
  const nodes = cluster.nodes.map(({ index, status, ipv4, ipv6, label, reason }) => [
    `${index}`,
    status,
    ipv4 ?? '',
    ipv6 ?? '',
    reason === undefined ? label : `${label}: ${printable(reason)}`,
  ]);
  return [
    ...facts([
      ['cluster', titleOf(cluster)],
      ['status', `${cluster.status}, ${nodesUp(cluster)}`],
      ['nodes', `${cluster.nodes.length} × ${cluster.type} in ${cluster.region}, ${cluster.image}`],
      ['money', `${money(cluster)}; ${dollars(cluster.hourlyUsd)} a started hour`],
      ['ends', ends],
      ...(fuse === null ? [] : [['fuse', drawBar(fuse, terminal.look())] as const]),
      ['launched', `${fullTime(cluster.createdAt, nowMs)} by ${printable(cluster.owner)}`],
    ]),
    '',
    ...table(['NODE', 'STATUS', 'IPV4', 'IPV6', 'LABEL'], nodes),
    '',
    ...cluster.history.map(
      ({ at, event }) => `${terminal.dim(fullTime(at, nowMs))}  ${printable(event)}`,
    ),
  ];
}

export async function inventory(
  context: Context,
  named: string,
  { format }: { readonly format?: string },
): Promise<void> {
  const api = context.api();
  const { id } = await findCluster(api, named);
  if (format !== undefined && format !== 'json') {
    if (context.json) {
      throw new CliError('usage', `--json and --format ${format} exclude each other.`);
    }
    const text = await getInventoryText(api, id, format);
    return context.terminal.out(text.replace(/\n$/, ''));
  }
  const answer = await getInventory(api, id);
  if (format === 'json') return context.terminal.out(JSON.stringify(answer));
  show(context, answer, () => inventoryTable(answer.nodes));
}

export async function credentials(context: Context, named: string): Promise<void> {
  const api = context.api();
  const { id } = await findCluster(api, named);
  const answer = await getCredentials(api, id);
  show(context, answer, () =>
    table(
      ['NODE', 'IPV4', 'USER', 'PASSWORD'],
      answer.nodes.map(({ index, ipv4, user, rootPassword }) => [
        `${index}`,
        ipv4 ?? '',
        user,
        rootPassword ?? 'none: it has your keys',
      ]),
    ),
  );
}

export interface ExtendOptions {
  readonly yes: boolean;
  readonly hours?: string;
  readonly budget?: string;
}

export async function extend(
  context: Context,
  named: string,
  { hours, budget, yes }: ExtendOptions,
): Promise<void> {
  if ((hours === undefined) === (budget === undefined)) {
    throw new CliError('usage', 'Give either --hours or --budget.');
  }
  const api = context.api();
  if (!yes) assertCanAsk(context.terminal, 'extend');
  const more = hours === undefined ? null : wholeHours(hours);
  const before = await findCluster(api, named);
  const budgetUsd = more === null ? newBudget(before, budget ?? '') : null;
  await confirm(context, {
    yes,
    what: 'extend',
    question: extendQuestion(before, more, budgetUsd),
  });
  const after =
    more === null
      ? await changeCluster(api, before.id, { budgetUsd: budgetUsd ?? '' })
      : await extendByHours(api, before, more);
  const now = await serverNow(api);
  show(context, after, () => extendedLines(before, after, now));
}

function extendQuestion(before: Cluster, hours: number | null, budgetUsd: string | null): string {
  const hour = `${dollars(before.hourlyUsd)} a started hour`;
  const what =
    hours === null
      ? `Its budget will be ${printable(`$${budgetUsd}`)} instead of ${dollars(before.budgetUsd)}, at ${hour}.`
      : `${plural(hours, 'hour')} more, at ${hour}: ${dollars(hours * before.hourlyUsd)}.`;
  return `${titleOf(before)}: ${what}\nExtend it?`;
}

const microsOf = (dollars: number) => Math.round(dollars * 1e6);

/** `2`: to so much in all; `+1`: by so much. */
export function newBudget({ budgetUsd }: Pick<Cluster, 'budgetUsd'>, text: string): string {
  if (!text.startsWith('+')) return amount(text) ?? '';
  const more = amount(text.slice(1)) ?? '';
  if (!/^\d+(\.\d{1,6})?$/.test(more)) {
    throw new CliError('usage', `--budget ${text} must be an amount such as 2 or +1.50.`);
  }
  return `${(microsOf(budgetUsd) + microsOf(Number(more))) / 1e6}`;
}

function wholeHours(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new CliError('usage', `--hours ${text} must be a whole number of at least 1.`);
}

/** An hour across a month's end costs two: the missing ones are paid for in a second step. */
async function extendByHours(api: Api, before: Cluster, hours: number): Promise<Cluster> {
  const hour = microsOf(before.hourlyUsd);
  const raised = (from: Cluster, more: number) =>
    `${(microsOf(from.budgetUsd) + more * hour) / 1e6}`;
  const first = await changeCluster(api, before.id, {
    budgetUsd: raised(before, hours),
    ...(before.maxHours === null ? {} : { maxHours: before.maxHours + hours }),
  });
  if (first.affordableHours === null || before.affordableHours === null) return first;
  const missing = before.affordableHours + hours - first.affordableHours;
  if (missing <= 0) return first;
  return changeCluster(api, before.id, { budgetUsd: raised(first, missing) });
}

function extendedLines(before: Cluster, after: Cluster, nowMs: number): string[] {
  const hours = plural(after.affordableHours ?? 0, 'hour');
  return [
    `${titleOf(after)} lasts ${hours} instead of ${before.affordableHours ?? 0}: ` +
      `${ending(after, nowMs)}.`,
    `Its budget is ${dollars(after.budgetUsd)} instead of ${dollars(before.budgetUsd)}; ` +
      `${dollars(after.spentUsd)} is spent.`,
  ];
}

export interface RemoveOptions {
  readonly yes: boolean;
  readonly wait: boolean;
}

export async function remove(
  context: Context,
  named: string,
  { yes, wait }: RemoveOptions,
): Promise<void> {
  const { terminal } = context;
  if (!yes) assertCanAsk(terminal, 'destroy');
  const api = context.api();
  const found = await findCluster(api, named);
  if (!isLive(found)) return show(context, found, () => endSentence(found));
  const cost = costSentence(found, await serverNow(api));
  if (found.status !== 'deleting') {
    await confirm(context, { yes, what: 'destroy', question: `${cost}\nDestroy it now?` });
  }
  let cluster = await destroyCluster(api, found.id);
  rmSync(knownHostsFile(context.env, found.id), { force: true });
  if (!wait) {
    return show(context, cluster, () => [cost, `${titleOf(cluster)} is being destroyed.`]);
  }
  const waiting = context.onInterrupt(() => `Cluster ${found.id} is being destroyed all the same.`);
  try {
    while (isLive(cluster)) {
      await delay(pauseMs(whileBusy));
      cluster = await patiently(context, () => getCluster(api, found.id));
    }
  } finally {
    waiting.over();
  }
  show(context, cluster, () => endSentence(cluster));
}

/** What Linode bills is whole hours, so that ending it earlier in one saves nothing of it. */
export function costSentence(cluster: Cluster, nowMs: number): string {
  const { nodes, type, spentUsd, leftUsd } = cluster;
  const what = `${titleOf(cluster)} (${nodes.length} × ${type})`;
  const life = lifeOf(cluster);
  const cost = `${what} will have cost ${dollars(spentUsd)}, and ${dollars(leftUsd)} stays unspent`;
  const mark = life === null ? null : nextMark(life, nowMs);
  if (mark === null) return `${cost}.`;
  return `${cost}. The started hour is paid anyway: it lasts until ${clockTime(mark)}.`;
}
