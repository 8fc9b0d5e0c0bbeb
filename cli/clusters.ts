import type { Cluster } from '../client/answers.ts';
import type { Change } from '../client/clusters.ts';
import {
  changeCluster,
  getCluster,
  getCredentials,
  getInventory,
  getInventoryText,
  isLive,
  listClusters,
  listLive,
  nodesReady,
  unreadableSentence,
} from '../client/clusters.ts';
import { roughly } from '../client/durations.ts';
import { nextSentence, troubleSentence, untilTeardown } from '../client/end.ts';
import { dollarsMore, extensionOf } from '../client/extension.ts';
import { dollars } from '../client/money.ts';
import { plural } from '../client/plural.ts';
import { numberIn } from '../client/spec.ts';
import { fullTime } from '../client/times.ts';
import { transferSentence } from '../client/transfer.ts';
import { assertCanAsk, type Context, confirm, serverNow, show } from './context.ts';
import { CliError } from './errors.ts';
import { findCluster } from './find.ts';
import { amountText, areOfOthers, type Block, entry, facts, printable, table } from './format.ts';
import { drawBar, ending, endSentence, fuseAt, money, titleOf } from './fuse.ts';
import { inventoryTable } from './launch.ts';

export interface ListOptions {
  readonly status?: string;
  readonly month?: string;
  readonly owner?: string;
  readonly all: boolean;
}

export async function list(context: Context, options: ListOptions): Promise<void> {
  const { status, month, owner, all } = options;
  const api = context.api();
  const isOfLive = !all && status === undefined && month === undefined;
  const [{ clusters, unreadable }, now] = await Promise.all([
    isOfLive ? listLive(api, owner) : listClusters(api, { status, month, owner }),
    serverNow(api),
  ]);
  const missing = unreadableSentence(unreadable);
  show(context, { clusters, ...(missing === null ? {} : { unreadable }) }, () => {
    const none = isOfLive
      ? 'No cluster lives; --all shows those that ended.'
      : 'There is no such cluster.';
    return [
      clusters.length > 0 ? clustersTable(clusters, now) : none,
      ...(missing === null ? [] : ['', missing]),
    ];
  });
}

function clustersTable(clusters: readonly Cluster[], nowMs: number): Block {
  const hasOwners = areOfOthers(clusters);
  const head = ['ID', 'NAME', 'STATUS', 'NODES', 'TYPE', 'REGION', 'SPENT', 'BUDGET', 'ENDS'];
  const rows = clusters.map((cluster) => [
    ...(hasOwners ? [printable(cluster.owner)] : []),
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
  return table([...(hasOwners ? ['OWNER'] : []), ...head], rows);
}

function endsCell(cluster: Cluster, nowMs: number): string {
  if (cluster.endedAt !== null) return `ended ${fullTime(cluster.endedAt, nowMs)}`;
  const left = untilTeardown(cluster, nowMs);
  return left === null || left < 0 ? 'now' : `in ${roughly(left)}`;
}

export async function showOne(context: Context, named: string): Promise<void> {
  const api = context.api();
  const [found, now] = await Promise.all([findCluster(api, named), serverNow(api)]);
  // By its name a cluster is found in a list, which says less of each.
  const cluster = found.id === named ? found : await getCluster(api, found.id);
  show(context, cluster, () => clusterBlocks(context, cluster, now));
}

function clusterBlocks(context: Context, cluster: Cluster, nowMs: number): Block[] {
  const { terminal } = context;
  const fuse = fuseAt(cluster, nowMs);
  const ends = isLive(cluster) ? ending(cluster, nowMs) : endSentence(cluster);
  const next = nextSentence(cluster, (at) => fullTime(at, nowMs));
  const trouble = troubleSentence(cluster, (at) => fullTime(at, nowMs));
  return [
    facts([
      ['cluster', titleOf(cluster)],
      ['status', `${cluster.status}, ${nodesReady(cluster)}`],
      ['nodes', `${cluster.nodes.length} × ${cluster.type} in ${cluster.region}, ${cluster.image}`],
      ...(cluster.network === null ? [] : [['network', networkWords(cluster.network)] as const]),
      ...(cluster.job === null ? [] : jobFacts(cluster.job, nowMs)),
      ['money', `${money(cluster)}; ${dollars(cluster.hourlyUsd)} a started hour`],
      ...(cluster.transfer === null
        ? []
        : [['transfer', transferSentence(cluster.transfer)] as const]),
      ['ends', ends],
      ...(cluster.saved === null
        ? []
        : [['saved', `${dollars(cluster.saved.untilTeardownUsd)} until its teardown`] as const]),
      ...(cluster.overspentUsd ? [['over budget', dollars(cluster.overspentUsd)] as const] : []),
      ...(next === null ? [] : [['next', printable(next)] as const]),
      ...(trouble === null ? [] : [['trouble', printable(trouble)] as const]),
      ...(fuse === null ? [] : [['fuse', drawBar(fuse, terminal.look())] as const]),
      ['launched', `${fullTime(cluster.createdAt, nowMs)} by ${printable(cluster.owner)}`],
    ]),
    '',
    nodesTable(cluster),
    '',
    ...cluster.history.map(({ at, event }) => entry(fullTime(at, nowMs), printable(event))),
  ];
}

/** The command of a job, and how far it is. */
function jobFacts(job: NonNullable<Cluster['job']>, nowMs: number): (readonly [string, string])[] {
  const { command, on, state, exitCode, node, reason, startedAt, endedAt } = job;
  const at = endedAt ?? startedAt;
  const how = [
    at === null ? state : `${state} ${endedAt === null ? 'since' : 'at'} ${fullTime(at, nowMs)}`,
    ...(exitCode === null ? [] : [`exit ${exitCode}${node === null ? '' : ` on node ${node}`}`]),
    ...(reason === null ? [] : [printable(reason)]),
  ];
  return [
    ['command', `${printable(command)} (on ${on === 'head' ? 'node 0' : 'all nodes'})`],
    ['job', how.join(', ')],
  ];
}

const networkWords = ({ kind, vlan, cidr }: NonNullable<Cluster['network']>): string =>
  `${cidr}, ${kind}, on the VLAN ${vlan}`;

function nodesTable({ nodes, network }: Cluster): Block {
  const rows = nodes.map((node) => [
    ...[`${node.index}`, node.readyAt === null ? node.status : 'ready', node.ipv4 ?? ''],
    ...(network === null ? [] : [node.privateIp ?? '']),
    node.ipv6 ?? '',
    [
      node.label,
      ...(node.type === undefined ? [] : [`now ${node.type} in ${node.region}`]),
      ...(node.reason === undefined ? [] : [printable(node.reason)]),
      ...(node.agentReason === undefined ? [] : [`not ready: ${printable(node.agentReason)}`]),
    ].join(': '),
  ]);
  const head = ['NODE', 'STATUS', 'IPV4', ...(network === null ? [] : ['PRIVATE'])];
  return table([...head, 'IPV6', 'LABEL'], rows);
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
  readonly transfer?: string;
}

export async function extend(
  context: Context,
  named: string,
  { hours, budget, transfer, yes }: ExtendOptions,
): Promise<void> {
  const isOne = (hours === undefined) !== (budget === undefined);
  if (!isOne && (transfer === undefined || hours !== undefined)) {
    const usage = 'Give either --hours or --budget; --transfer with one of them, or by itself.';
    throw new CliError('usage', usage);
  }
  const more = hours === undefined ? null : wholeHours(hours);
  const toSend = transfer === undefined ? null : byTransfer(transfer);
  if (!yes) assertCanAsk(context.terminal, 'extend');
  const api = context.api();
  const before = await findCluster(api, named);
  const planned = [
    ...(more === null ? [] : [byHours(before, more, await serverNow(api))]),
    ...(budget === undefined ? [] : [byBudget(before, budget)]),
    ...(toSend === null ? [] : [toSend]),
  ];
  const sentences = planned.map(({ sentence }) => sentence).join(' ');
  const question = `${titleOf(before)}: ${sentences}\nExtend it?`;
  await confirm(context, { yes, what: 'extend', question });
  const change: Change = Object.assign({}, ...planned.map((one) => one.change));
  const after = await changeCluster(api, before.id, change);
  const now = await serverNow(api);
  show(context, after, () => [
    ...extendedLines(before, after, now),
    ...(toSend === null || after.transfer === null
      ? []
      : [`Its nodes have ${transferSentence(after.transfer)}.`]),
  ]);
}

/** A change, and what to say of it before it is made. */
interface Planned {
  readonly change: Change;
  readonly sentence: string;
}

function byHours(before: Cluster, hours: number, nowMs: number): Planned {
  const extension = extensionOf(before, hours, nowMs);
  if (extension === null) {
    const why = `${titleOf(before)} is being destroyed, or gone: launch another one.`;
    throw new CliError('failed', why);
  }
  const { change, costUsd } = extension;
  const cost = `${plural(hours, 'hour')} more cost ${dollars(costUsd)}`;
  const [was, willBe] = [dollars(before.budgetUsd), change.budgetUsd];
  const sentence =
    willBe === undefined
      ? `${cost}, which its budget of ${was} pays.`
      : `${cost}: its budget will be ${dollars(Number(willBe))} instead of ${was}.`;
  return { change, sentence };
}

function byBudget(before: Cluster, text: string): Planned {
  const change = newBudget(before, text);
  const willBe = amountText(change.budgetUsd);
  const was = dollars(before.budgetUsd);
  const hour = `${dollars(before.hourlyUsd)} a started hour`;
  return { change, sentence: `Its budget will be ${willBe} instead of ${was}, at ${hour}.` };
}

/** `400`: so many GB in all; `none`: what the nodes bring. */
function byTransfer(text: string): Planned {
  if (text === 'none') {
    return {
      change: { transferGb: null },
      sentence: 'Its nodes will be planned to send what they bring.',
    };
  }
  if (!/^\d{1,8}$/.test(text)) {
    throw new CliError('usage', `--transfer ${text} must be a whole number of GB, or none.`);
  }
  const sentence =
    `Its nodes will be planned to send ${text} GB in all: the budget holds back what that costs ` +
    'beyond what they bring.';
  return { change: { transferGb: Number(text) }, sentence };
}

/** `2`: to so much in all; `+1`: by so much. */
export function newBudget(before: Pick<Cluster, 'budgetUsd'>, text: string): Change {
  if (!text.startsWith('+')) return { budgetUsd: numberIn(text) ?? '' };
  const more = numberIn(text.slice(1));
  if (typeof more === 'number') return dollarsMore(before, more);
  throw new CliError('usage', `--budget ${text} must be an amount such as 2 or +1.50.`);
}

function wholeHours(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new CliError('usage', `--hours ${text} must be a whole number of at least 1.`);
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
