import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, Inventory, InventoryNode } from '../client/answers.ts';
import type { Api } from '../client/api.ts';
import { getInventory, hasPasswords } from '../client/clusters.ts';
import { plural } from '../client/plural.ts';
import { pauseMs, whileBusy } from '../client/poll.ts';
import { knownHostsFile } from './config.ts';
import { type Context, serverNow } from './context.ts';
import { CliError } from './errors.ts';
import { findCluster } from './find.ts';

export interface SshOptions {
  readonly sshConfig?: string;
  readonly sshOption?: readonly string[];
}

/** The remote command's exit code, or ssh's own 255. */
export async function ssh(
  context: Context,
  { named, index, command }: { named: string; index: string; command: readonly string[] },
  options: SshOptions,
): Promise<number> {
  const api = context.api();
  const cluster = await findCluster(api, named);
  const { id } = cluster;
  const { nodes, hostKey } = await reachable(api, id);
  const node = nodes.find((one) => `${one.index}` === index);
  if (node === undefined) {
    const there = nodes.map((one) => one.index).join(', ');
    throw new CliError('notFound', `Cluster ${id} has no node ${index} now: it has ${there}.`);
  }
  const args = sshArgs(node, prepareKnownHosts(context, id, hostKey), options);
  const now = await serverNow(api);
  const tell = (sentence: string) => context.terminal.note(sentence);
  await untilOpen(args, { index: node.index, isYoung: isYoung(cluster, node, now), tell });
  // What is typed is for the other side, Ctrl-C too.
  const held = context.holdInterrupts();
  try {
    return await exitCodeOf(spawn('ssh', [...args, ...command], { stdio: 'inherit' }));
  } finally {
    held.over();
  }
}

/** What ssh ends with where it has not run the command. */
export const SSH_FAILED = 255;

export interface Ran {
  readonly index: number;
  readonly label: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** On all nodes at once. 0 if it ended so everywhere. */
export async function exec(
  context: Context,
  { named, command }: { named: string; command: readonly string[] },
  options: SshOptions,
): Promise<number> {
  const { terminal, json } = context;
  const note = (sentence: string) => terminal.note(sentence);
  if (command.length === 0) {
    throw new CliError('usage', 'Say what to run: onebuck exec <cluster> -- <command>.');
  }
  const cluster = await findCluster(context.api(), named);
  const { id, spec } = cluster;
  const interrupt = new AbortController();
  const running = context.onInterrupt(() => {
    interrupt.abort();
    return 'What was started on the nodes may go on there.';
  });
  const ran = await runOnNodes(context, cluster, {
    command,
    options,
    signal: interrupt.signal,
    note,
    tell(stream, line, prefix) {
      if (json) return;
      if (stream === 'stdout') terminal.out(`${prefix} ${line}`);
      else terminal.note(`${prefix} ${line}`);
    },
  });
  running.over();
  if (json) terminal.out(JSON.stringify({ nodes: ran }));
  else terminal.note(exitCodesLine(ran));
  const isRefused = ran.some(({ exitCode }) => exitCode === SSH_FAILED);
  if (isRefused && hasPasswords(spec)) {
    terminal.note(
      `${id} was launched without an SSH key, and only "onebuck ssh" asks for a password: ` +
        `"onebuck credentials ${id}" has it.`,
    );
  }
  return ran.every(({ exitCode }) => exitCode === 0) ? 0 : 1;
}

export interface Running {
  /** Read by the shell of each node. */
  readonly command: readonly string[];
  readonly options: SshOptions;
  /** Ends ssh; what ssh started on the nodes may go on. */
  readonly signal: AbortSignal;
  /** Called for each line of output, with the number of its node. */
  readonly tell?: (stream: 'stdout' | 'stderr', line: string, prefix: string) => void;
  /** Called with a sentence about a node that lets nobody in yet. */
  readonly note?: (sentence: string) => void;
}

/** Runs a command on all nodes of a cluster at once. Throws a CliError if a node has no address. */
export async function runOnNodes(
  context: Pick<Context, 'api' | 'env'>,
  cluster: Pick<Cluster, 'id' | 'nodes'>,
  { command, options, signal, tell = () => {}, note = () => {} }: Running,
): Promise<readonly Ran[]> {
  const { id, nodes: all } = cluster;
  const api = context.api();
  const [{ nodes, hostKey }, now] = await Promise.all([reachable(api, id), serverNow(api)]);
  const lacking = all.filter(
    ({ index, status }) =>
      !['gone', 'takenOver', 'neverCreated', 'deleting'].includes(status) &&
      !nodes.some((one) => one.index === index),
  );
  if (lacking.length > 0) {
    const which = lacking.map(({ index }) => index).join(', ');
    throw new CliError(
      'failed',
      `Cluster ${id} has no address yet for node ${which}: "onebuck show ${id}" tells when it has.`,
    );
  }
  const knownHosts = prepareKnownHosts(context, id, hostKey);
  const width = Math.max(...nodes.map(({ index }) => `${index}`.length));
  return Promise.all(
    nodes.map(async (node): Promise<Ran> => {
      const args = sshArgs(node, knownHosts, options);
      const { index } = node;
      await untilOpen(args, { index, isYoung: isYoung(cluster, node, now), tell: note, signal });
      const child = spawn('ssh', ['-o', 'BatchMode=yes', ...args, ...command], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const end = () => child.kill('SIGTERM');
      signal.addEventListener('abort', end);
      const prefix = `[${`${node.index}`.padStart(width)}]`;
      const said = { stdout: '', stderr: '' };
      const follow = (stream: 'stdout' | 'stderr') =>
        eachLine(child[stream], (line) => {
          said[stream] += `${line}\n`;
          tell(stream, line, prefix);
        });
      const [exitCode] = await Promise.all([exitCodeOf(child), follow('stdout'), follow('stderr')]);
      signal.removeEventListener('abort', end);
      return { index: node.index, label: node.label, exitCode, ...said };
    }),
  );
}

/** `Exit codes: 0 on 9 nodes, 2 on node 3.` */
export function exitCodesLine(ran: readonly Pick<Ran, 'index' | 'exitCode'>[]): string {
  const codes = [...new Set(ran.map(({ exitCode }) => exitCode))].sort((a, b) => a - b);
  const parts = codes.map((code) => {
    const indexes = ran.filter(({ exitCode }) => exitCode === code).map(({ index }) => index);
    const where = code === 0 ? plural(indexes.length, 'node') : `node ${indexes.join(', ')}`;
    return `${code} on ${where}${code === SSH_FAILED ? ' (ssh could not log in)' : ''}`;
  });
  return `Exit codes: ${parts.join('; ')}.`;
}

async function reachable(api: Api, id: string): Promise<Inventory> {
  const inventory = await getInventory(api, id);
  if (inventory.nodes.length > 0) return inventory;
  throw new CliError(
    'failed',
    `Cluster ${id} has no node with an address now: "onebuck show ${id}" tells why.`,
  );
}

/** What is given by options comes first: of two values, ssh takes the first. */
export function sshArgs(
  { ipv4, label, user }: InventoryNode,
  { file, isWhole }: KnownHosts,
  { sshConfig, sshOption = [] }: SshOptions,
): string[] {
  const ours = {
    User: user,
    StrictHostKeyChecking: isWhole ? 'yes' : 'accept-new',
    // Only of this key is it known that the node's is right.
    ...(isWhole ? { HostKeyAlgorithms: 'ssh-ed25519' } : {}),
    UserKnownHostsFile: `"${file}"`,
    HostKeyAlias: label,
    CheckHostIP: 'no',
    ConnectTimeout: '15',
    // A machine that is destroyed does not say goodbye.
    ServerAliveInterval: '20',
    ServerAliveCountMax: '3',
  };
  return [
    ...(sshConfig === undefined ? [] : ['-F', sshConfig]),
    ...sshOption.flatMap((option) => ['-o', option]),
    ...Object.entries(ours).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ipv4,
    '--',
  ];
}

export interface KnownHosts {
  readonly file: string;
  /** Whether the file has the key of every node; false: ssh adds the first that a node shows. */
  readonly isWhole: boolean;
}

/** `hostKey`: the key of every node; null: each node has its own, which nobody knows before. */
function prepareKnownHosts(
  { env }: Pick<Context, 'env'>,
  clusterId: string,
  hostKey: string | null,
): KnownHosts {
  const file = knownHostsFile(env, clusterId);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  if (hostKey === null) return { file, isWhole: false };
  const line = `onebuck-${clusterId}-* ${hostKey}\n`;
  // Another ssh may read the file just now.
  if (!existsSync(file) || readFileSync(file, 'utf8') !== line) {
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, line);
    renameSync(fresh, file);
  }
  return { file, isWhole: true };
}

/** How long after its creation a node may still be booting. */
const YOUNG_MS = 10 * 60_000;
/** For how long a young node is asked again. */
const RETRY_MS = 2 * 60_000;

/** `nowMs`: the server's time. */
function isYoung({ nodes }: Pick<Cluster, 'nodes'>, { index }: InventoryNode, nowMs: number) {
  const createdAt = nodes.find((node) => node.index === index)?.createdAt ?? null;
  return createdAt !== null && nowMs - Date.parse(createdAt) < YOUNG_MS;
}

interface Opening {
  readonly index: number;
  readonly isYoung: boolean;
  readonly tell: (sentence: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Waits until the SSH server of a young node answers, for two minutes at most: a node runs before its
 * SSH server does. Why another node can't be reached, ssh itself says.
 */
async function untilOpen(
  args: readonly string[],
  { index, isYoung, tell, signal }: Opening,
): Promise<void> {
  if (!isYoung) return;
  const until = Date.now() + RETRY_MS;
  for (let tries = 1; await isClosed(args); tries += 1) {
    if (Date.now() > until || signal?.aborted) return;
    if (tries === 1) tell(`Node ${index} is young and lets nobody in yet. Trying for two minutes.`);
    await delay(pauseMs(whileBusy));
  }
}

const CLOSED = /refused|timed out|no route to host|unreachable|reset by peer|connection closed by/i;

/** Whether nobody answers: ssh offers no way to log in, so that it can run nothing. */
async function isClosed(args: readonly string[]): Promise<boolean> {
  const offering = ['-o', 'BatchMode=yes', '-o', 'PreferredAuthentications=none'];
  const child = spawn('ssh', [...offering, ...args, 'true'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  let said = '';
  const follow = eachLine(child.stderr, (line) => {
    said += line;
  });
  const [exitCode] = await Promise.all([exitCodeOf(child), follow]);
  return exitCode === SSH_FAILED && CLOSED.test(said);
}

function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(new CliError('failed', `ssh cannot be started: ${error.message}. Install OpenSSH.`));
    });
    child.once('close', (code) => resolve(code ?? SSH_FAILED));
  });
}

async function eachLine(
  stream: NodeJS.ReadableStream,
  tell: (line: string) => void,
): Promise<void> {
  for await (const line of createInterface({ input: stream })) tell(line);
}
