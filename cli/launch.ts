import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, InventoryNode, Launched } from '../client/answers.ts';
import { type Api, mayPass } from '../client/api.ts';
import { getQuote } from '../client/catalogue.ts';
import {
  getCluster,
  getInventory,
  isComing,
  launchCluster,
  listLive,
  nodesReady,
  READY_MS_MAX,
  unreadyNodes,
} from '../client/clusters.ts';
import { endWords } from '../client/end.ts';
import { createIdempotencyKey } from '../client/idempotency-key.ts';
import { pauseMs, whileBusy } from '../client/poll.ts';
import { isLinodesRefusal } from '../client/problem.ts';
import type { Spec } from '../client/spec.ts';
import { readableTimes } from '../client/times.ts';
import { assertCanAsk, type Context, confirm, serverNow, show, showBlocks } from './context.ts';
import { CliError, withAdvice } from './errors.ts';
import { type Block, printable, table } from './format.ts';
import { ending, endSentence, money, nodesBar, titleOf } from './fuse.ts';
import { patiently } from './patience.ts';
import { quoteQuestion, tooLittle } from './quote.ts';
import { type SpecOptions, specOf } from './spec.ts';

export interface LaunchOptions extends SpecOptions {
  readonly yes: boolean;
  readonly wait: boolean;
  readonly idempotencyKey?: string;
}

export async function launch(context: Context, options: LaunchOptions): Promise<void> {
  const { terminal } = context;
  if (!options.yes) assertCanAsk(terminal, 'launch');
  const api = context.api();
  const body = specOf(context, options);
  await warnOfNamesakes(context, api, body.name);
  if (!options.yes) await askByQuote(context, api, body);
  const launched = await sendLaunch(context, api, body, options.idempotencyKey);
  if (!options.wait) {
    const now = await serverNow(api);
    return show(context, launched, () => launchedLines(launched, now));
  }
  const cluster = await waitUntilUp(context, api, launched);
  if (context.json) return terminal.out(JSON.stringify(cluster));
  const { nodes } = await getInventory(api, cluster.id);
  showBlocks(terminal, [...launchedLines(cluster, await serverNow(api)), inventoryTable(nodes)]);
}

/** Launches a cluster; a launch whose answer is lost may be repeated with the key, which is told then. */
export async function sendLaunch(
  context: Context,
  api: Api,
  body: Spec,
  key = createIdempotencyKey(),
): Promise<Launched> {
  const again = `The same command with --idempotency-key ${key} tells, and launches nothing twice.`;
  const sending = context.onInterrupt(() => `It may have been launched. ${again}`);
  try {
    return await launchCluster(api, body, key);
  } catch (error) {
    if (isLinodesRefusal(error)) throw withAdvice(error, 'Nothing was launched.');
    throw mayPass(error) ? withAdvice(error, `It may have been launched. ${again}`) : error;
  } finally {
    sending.over();
  }
}

/**
 * Commands find a live cluster by its name only if no other has the name. If the list can't be read,
 * the launch itself says why.
 */
export async function warnOfNamesakes(
  { terminal }: Context,
  api: Api,
  name: unknown,
): Promise<void> {
  if (typeof name !== 'string') return;
  const { clusters } = await listLive(api).catch(() => ({ clusters: [] }));
  const namesakes = clusters.filter((cluster) => cluster.name === name).map(({ id }) => id);
  if (namesakes.length === 0) return;
  const live = `${namesakes.join(', ')} ${namesakes.length === 1 ? 'lives' : 'live'}`;
  terminal.note(`Note: ${live} with the name "${printable(name)}" already: give ids from now on.`);
}

/** Asks whether to launch, after what it costs and `more`. Throws if the budget pays no hour of it. */
export async function askByQuote(
  context: Context,
  api: Api,
  body: Spec,
  more: readonly string[] = [],
): Promise<void> {
  const { quote, now } = await quoteOf(context, api, body);
  const question = [quoteQuestion(quote, now), ...more, 'Launch it?'].join('\n');
  await confirm(context, { yes: false, what: 'launch', question });
}

/** The quote of a launch, whose warnings are told. Throws if the budget pays no hour of it. */
export async function quoteOf(context: Context, api: Api, body: Spec) {
  const [quote, now] = await Promise.all([getQuote(api, body), serverNow(api)]);
  if (quote.affordableHours === 0) throw tooLittle(quote, now);
  for (const warning of quote.warnings) {
    context.terminal.note(`Note: ${readableTimes(warning, now)}`);
  }
  return { quote, now };
}

export const launchedLines = (cluster: Cluster, nowMs: number): string[] => [
  `${titleOf(cluster)}  ${cluster.status}, ${nodesReady(cluster)}`,
  `${money(cluster)}; ${ending(cluster, nowMs)}`,
];

export function inventoryTable(nodes: readonly InventoryNode[]): Block {
  const hasNetwork = nodes.some(({ privateIp }) => privateIp !== null);
  return table(
    ['NODE', 'LABEL', 'IPV4', ...(hasNetwork ? ['PRIVATE'] : []), 'USER'],
    nodes.map(({ index, label, ipv4, privateIp, user }) => [
      ...[`${index}`, label, ipv4],
      ...(hasNetwork ? [privateIp ?? ''] : []),
      user,
    ]),
  );
}

/**
 * Draws a bar in a terminal; else tells of each change on stderr, and stdout has the answer alone.
 */
async function waitUntilUp(context: Context, api: Api, launched: Cluster): Promise<Cluster> {
  const { id } = launched;
  const livesOn =
    `Cluster ${id} lives on, and is paid for: "onebuck watch ${id}" shows it, ` +
    `"onebuck rm ${id}" ends it.`;
  const waiting = context.onInterrupt(() => livesOn);
  const { terminal } = context;
  const isDrawn = terminal.canRedraw && !context.json;
  try {
    let told = '';
    let runsSince: number | null = null;
    for (let cluster = launched; ; ) {
      const lines = progressOf(cluster);
      if (isDrawn) terminal.redraw([nodesBar(cluster, terminal.look()), ...lines]);
      else if (lines.join() !== told) for (const line of lines) terminal.note(line);
      told = lines.join();
      if (cluster.status === 'running') runsSince ??= Date.now();
      else if (cluster.status !== 'provisioning') throw notUp(cluster);
      const isLate = runsSince !== null && Date.now() - runsSince > READY_MS_MAX;
      if (!isComing(cluster) || isLate) return ready(cluster, livesOn);
      await delay(pauseMs(whileBusy));
      cluster = await patiently(context, () => getCluster(api, id));
    }
  } catch (error) {
    throw mayPass(error) ? withAdvice(error, livesOn) : error;
  } finally {
    terminal.settle();
    waiting.over();
  }
}

/** The cluster if all of its nodes that can say so are ready; else throws a CliError with reasons. */
function ready(cluster: Cluster, livesOn: string): Cluster {
  const unready = cluster.agent ? unreadyNodes(cluster) : [];
  if (unready.length === 0) return cluster;
  const reasons = unready.map(({ index, why }) =>
    why === null
      ? `Node ${index} has said nothing for ${READY_MS_MAX / 60_000} minutes.`
      : `Node ${index} is not ready: ${printable(why)}`,
  );
  const message = [`${titleOf(cluster)} runs, but not as asked.`, ...reasons, livesOn].join('\n');
  throw new CliError('failed', message, cluster);
}

/** How many nodes are up, and why the others are not, if Onebuck waits for Linode. */
export function progressOf(cluster: Cluster): readonly string[] {
  const counts = new Map<string, number>();
  for (const { status } of cluster.nodes) counts.set(status, (counts.get(status) ?? 0) + 1);
  counts.delete('running');
  const others = [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
  const line = `${cluster.id}: ${nodesReady(cluster)}${others === '' ? '' : ` (${others})`}`;
  const { trouble } = cluster;
  return trouble === null
    ? [line]
    : [line, `Onebuck waits for Linode: ${printable(trouble.reason)}`];
}

function notUp(cluster: Cluster): CliError {
  const why = cluster.failure ?? endWords(cluster);
  const message =
    cluster.status === 'deleting'
      ? `${titleOf(cluster)} is being destroyed: ${printable(why)}.`
      : endSentence(cluster);
  return new CliError('failed', message, cluster);
}
