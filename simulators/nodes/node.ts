import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { uptime } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { deepestFirst, groupFolders, type Hierarchies } from './cgroups.ts';
import { makeDisk, type NewDisk } from './disk.ts';
import type { Lab, Wires } from './lab.ts';
import { nodeNamespace } from './lab-name.ts';
import { lassieBoots } from './lassie.ts';
import { endingOf, launchArguments } from './launch.ts';
import { removeGroup } from './leftovers.ts';

export interface NodeOptions extends Wires, NewDisk {
  readonly memoryMb: number;
  readonly lab: Lab;
  readonly base: string;
  readonly hierarchies: Hierarchies;
  /** Called when the node's systemd runs, when Lassie boots the node, and when it is powered off. */
  readonly onPower: (power: 'booting' | 'running' | 'offline') => void;
  readonly log: (line: string) => void;
}

/** By systemd's manual: SIGRTMIN+4 powers off, SIGRTMIN+5 reboots; SIGRTMIN is 34. */
const POWER_OFF = 38;
const REBOOT = 39;
/** Linode pulls the plug after this time. */
const SHUT_DOWN_MS_MAX = 60_000;

/** A node: a disk, its wires, and the machine that is booted from it, or not. */
export class Node {
  readonly #options: NodeOptions;
  readonly #folder: string;
  readonly #groups: readonly string[];
  /** The process whose child is PID 1 of the node; null: the node is off. */
  #machine: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  /** What is to be done when the machine ends, if not what the ending says. */
  #after: 'stay' | 'boot' | 'gone' | null = null;
  readonly #lassie: number[] = [];

  private constructor(options: NodeOptions) {
    this.#options = options;
    this.#folder = join(options.lab.folder, `${options.id}`);
    const { cgroup } = options.lab.name;
    this.#groups = groupFolders(options.hierarchies, `${cgroup}/${options.id}`);
  }

  /** Makes the node's disk, wires and groups, and does not boot it. */
  static async make(options: NodeOptions): Promise<Node> {
    const node = new Node(options);
    makeDisk(node.#folder, options);
    for (const group of node.#groups) mkdirSync(group, { recursive: true });
    const { memory } = options.hierarchies;
    if (memory !== null) {
      const group = `${memory.folder}/${options.lab.name.cgroup}/${options.id}`;
      writeFileSync(join(group, memory.limitFile), `${options.memoryMb * 1024 * 1024}`);
    }
    await options.lab.wire(options);
    return node;
  }

  boot(): void {
    if (this.#machine !== null) return;
    const { lab, id, base, log } = this.#options;
    const args = launchArguments({
      namespace: nodeNamespace(lab.name, id),
      groups: this.#groups,
      base,
      folder: this.#folder,
      uptimeSeconds: uptime(),
    });
    const output = openSync(join(this.#folder, 'boot.log'), 'a');
    // In a session of its own, the machine does not get the Ctrl-C of the terminal.
    const stdio = ['ignore', output, output, 'pipe'] as const;
    const machine = spawn('sh', args, { detached: true, stdio: [...stdio] });
    closeSync(output);
    this.#machine = machine;
    this.#after = null;
    (machine.stdio[3] as Readable).once('data', () => this.#options.onPower('running'));
    this.#ended = new Promise((resolve) => {
      machine.on('error', (error) => log(`the node ${id} can't be booted: ${error.message}`));
      machine.on('close', (code, signal) => {
        this.#machine = null;
        this.#whenEnded(code, signal);
        resolve();
      });
    });
  }

  /** As the API's reboot: the guest is asked, and after a minute forced. */
  async reboot(): Promise<void> {
    if (this.#machine === null) return this.boot();
    await this.#end(REBOOT, 'boot');
  }

  async shutDown(): Promise<void> {
    await this.#end(POWER_OFF, 'stay');
  }

  /** Pulls the plug and takes all of the node away. */
  async remove(): Promise<void> {
    this.#after = 'gone';
    this.#machine?.kill('SIGKILL');
    await this.#ended;
    await this.#options.lab.unwire(this.#options.id);
    for (const group of this.#groups.flatMap(deepestFirst)) await removeGroup(group);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #end(signal: number, after: 'stay' | 'boot'): Promise<void> {
    const machine = this.#machine;
    if (machine === null) return;
    this.#after = after;
    const init = childOf(machine.pid ?? 0);
    if (init !== null) process.kill(init, signal);
    const timer = setTimeout(() => machine.kill('SIGKILL'), SHUT_DOWN_MS_MAX);
    await this.#ended;
    clearTimeout(timer);
  }

  #whenEnded(code: number | null, signal: NodeJS.Signals | null): void {
    const { onPower, log, id } = this.#options;
    const after = this.#after;
    // Nobody is told that it is off: its Linode is gone, or boots again with the next start.
    if (after === 'gone') return;
    const ending = endingOf(code, signal);
    if (after === 'boot' || (after === null && ending === 'reboot')) {
      this.boot();
      return;
    }
    if (after === null && ending === 'failure') {
      const last = readFileSync(join(this.#folder, 'boot.log'), 'utf8').trim().slice(-1_000);
      log(`the machine of the node ${id} ended with ${signal ?? code}: ${last}`);
    }
    onPower('offline');
    if (after === 'stay' || ending === 'failure') return;
    if (!lassieBoots(this.#lassie, Date.now())) return;
    this.#lassie.push(Date.now());
    onPower('booting');
    this.boot();
  }
}

/** The only child of the process; null: it has none. */
function childOf(pid: number): number | null {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? null : Number(children.split(' ')[0]);
  } catch {
    return null;
  }
}
