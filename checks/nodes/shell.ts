import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { expect, until } from '../deploy/expect.ts';
import type { Cluster, Node } from './cluster.ts';

export interface Shell {
  /** Runs the command on the node as root, by ssh; returns what it printed. Throws if it fails. */
  on(node: Node | undefined, command: string, seconds?: number): Promise<string>;
  /** Runs the command on every node of the cluster at once. */
  onAll(cluster: Cluster, command: string, seconds?: number): Promise<string[]>;
  /** Copies a file between this machine and the node, by scp; the node's begins with `n:`. */
  copy(node: Node | undefined, from: string, to: string): Promise<void>;
  /** Reboots the node from inside, and waits until it answers again. */
  reboot(node: Node | undefined): Promise<void>;
  /** Stops the node at once, and waits until Linode's watchdog has booted it again. */
  cutPower(node: Node | undefined): Promise<void>;
}

export function createShell(key: string): Shell {
  const options = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null'];
  const args = ['-F', 'none', '-q', '-i', key, ...options.flatMap((option) => ['-o', option])];
  const on = async (node: Node | undefined, command: string, seconds = 60): Promise<string> => {
    const address = node?.ipv4 ?? null;
    if (address === null) throw new Error(`n${node?.index} has no address`);
    const { code, output } = await run('ssh', [...args, `root@${address}`, command], seconds);
    expect(code === 0, `on n${node?.index}, ${command} ended with ${code}: ${output}`);
    return output.trim();
  };
  const bootAnew = async (node: Node | undefined, command: string): Promise<void> => {
    const before = await on(node, BOOT);
    // The connection may end before the command does.
    await on(node, command, 10).catch(() => {});
    await until(`n${node?.index} has booted again`, BOOT_SECONDS_MAX, async () => {
      const now = await on(node, BOOT, 5).catch(() => before);
      return now !== before;
    });
  };
  return {
    on,
    onAll: (cluster, command, seconds) =>
      Promise.all(cluster.nodes.map((node) => on(node, command, seconds))),
    async copy(node, ...paths) {
      const files = paths.map((path) => path.replace(/^n:/, `root@${node?.ipv4}:`));
      const { code, output } = await run('scp', [...args, ...files], 60);
      expect(code === 0, `scp ${files.join(' ')} ended with ${code}: ${output}`);
    },
    reboot: (node) => bootAnew(node, 'systemctl reboot --no-block'),
    cutPower: (node) => bootAnew(node, 'systemctl poweroff --force --force'),
  };
}

function run(
  program: 'ssh' | 'scp',
  args: readonly string[],
  seconds: number,
): Promise<{ readonly code: number | string; readonly output: string }> {
  return new Promise((resolve) => {
    const options = { timeout: seconds * 1000, maxBuffer: 16 * 1024 * 1024 };
    execFile(program, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : (error.code ?? error.signal ?? 'a time-out');
      resolve({ code, output: code === 0 ? stdout : `${stdout}${stderr}`.slice(-2_000) });
    });
  });
}

/** Prints when systemd took over, and when the node booted. */
const BOOT = 'systemctl show -P UserspaceTimestamp -P UserspaceTimestampMonotonic; uptime -s';
const BOOT_SECONDS_MAX = 60;

const ANSWER_MS_MAX = 1_500;

/** Which of the TCP ports of the address answer to this machine, which is the internet to nodes. */
export async function openPorts(address: string, ports: Iterable<number>): Promise<number[]> {
  const tried = await Promise.all(
    [...new Set(ports)].map(async (port) => ((await answers(address, port)) ? [port] : [])),
  );
  return tried.flat().toSorted((a, b) => a - b);
}

function answers(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: ANSWER_MS_MAX });
    const end = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.on('connect', () => end(true));
    socket.on('timeout', () => end(false));
    socket.on('error', () => end(false));
  });
}

/** The numbers from `first` to `last`. */
export const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);
