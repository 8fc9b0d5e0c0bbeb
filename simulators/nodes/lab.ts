import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { join } from 'node:path';
import type { Interface } from '../linode/interfaces.ts';
import { type LabName, nodeNamespace } from './lab-name.ts';
import { anyLab, returnLab, takeLab } from './lease.ts';
import { cleanUp } from './leftovers.ts';
import { nodesFolder } from './root-file-system.ts';
import { run } from './run.ts';

/** The addresses of the lab's services, the same in each lab; root file systems have them. */
export const METADATA_ADDRESS = '169.254.169.254';
export const MIRROR_ADDRESS = '169.254.169.253';
export const MIRROR_PORT = 3142;

/** How a node is wired. */
export interface Wires {
  readonly id: number;
  /** Without a length. */
  readonly ipv4: string;
  /** A VLAN is the label's in its region. */
  readonly region: string;
  /** The first is eth0. */
  readonly interfaces: readonly Interface[];
  /** Whether the interfaces get their addresses. */
  readonly networkHelper: boolean;
}

/**
 * The network in which nodes stand, in network namespaces: a bridge for public addresses, which the
 * host reaches by a cable, and a bridge for each VLAN. There is no route out of the lab.
 */
export interface Lab {
  readonly name: LabName;
  /** The lab's folder on the disk; a node has the folder of its id in it. */
  readonly folder: string;
  /** Listens in the lab on `address:port`s, in this process. */
  listen(places: readonly string[]): Promise<Server[]>;
  /** Has `gateway:port` in the lab lead to the port of 127.0.0.1 of the host. */
  lead(port: number): Promise<void>;
  /** Makes the node's network namespace, with its interfaces up and addressed. */
  wire(wires: Wires): Promise<void>;
  unwire(id: number): Promise<void>;
  close(): Promise<void>;
}

/** Each systemd takes six inotify instances, and the kernel's default is 128 for all of root. */
const INOTIFY = '/proc/sys/fs/inotify/max_user_instances';
const INOTIFY_BEFORE = '/run/onebuck-nodes/inotify-instances-before';
const INOTIFY_INSTANCES = 4096;

export async function openLab(): Promise<Lab> {
  const folderOf = ({ number }: LabName) => join(nodesFolder, `lab-${number}`);
  const name = await takeLab(folderOf);
  const folder = folderOf(name);
  // A lab outlives its lease when the host reboots, since leases are in /run.
  await cleanUp(name, folder);
  mkdirSync(folder, { recursive: true });
  raiseInotify();
  const bridges = new Map<string, string>();
  let lastWired: Promise<void> = Promise.resolve();
  const servers: Server[] = [];
  const close = async () => {
    for (const server of servers) server.close();
    await cleanUp(name, folder);
    returnLab(name);
    if (!anyLab()) restoreInotify();
  };
  try {
    await makeNetwork(name);
  } catch (error) {
    await close();
    throw error;
  }
  const listen = async (places: readonly string[]) => {
    const opened = await listenIn(name.namespace, places);
    servers.push(...opened);
    return opened;
  };
  return {
    name,
    folder,
    listen,
    async lead(port) {
      const [server] = await listen([`${name.gateway}:${port}`]);
      server?.on('connection', (inside) => {
        const outside = connect(port, '127.0.0.1');
        inside.pipe(outside).pipe(inside);
        inside.on('error', () => outside.destroy());
        outside.on('error', () => inside.destroy());
      });
    },
    async wire(wires) {
      const namespace = nodeNamespace(name, wires.id);
      await run('ip', ['netns', 'add', namespace]);
      const { inLab, inNode } = wiring(name, wires, bridges);
      // In order: the first node of a VLAN makes the bridge that the others join.
      const wired = lastWired.then(() => ipIn(name.namespace, inLab));
      lastWired = wired.catch(() => {});
      await wired;
      await ipIn(namespace, inNode);
    },
    async unwire(id) {
      await run('ip', ['netns', 'delete', nodeNamespace(name, id)]);
    },
    close,
  };
}

/**
 * Commands of `ip` in the lab's namespace and, after them, in the node's. Adds the bridges of new
 * VLANs to `bridges`, which has the bridge of each VLAN.
 */
export function wiring(
  name: LabName,
  { id, ipv4, region, interfaces, networkHelper }: Wires,
  bridges: Map<string, string>,
): { readonly inLab: string[]; readonly inNode: string[] } {
  const inLab: string[] = [];
  const inNode = ['link set lo up'];
  // The addresses of Linode's begin so, and cloud-init looks for f2:3.
  const tail = [id >>> 16, id >>> 8, id].map((byte) => hex(byte & 255)).join(':');
  for (const [index, one] of interfaces.entries()) {
    const isPublic = one.purpose === 'public';
    const vlan = isPublic ? '' : `${region} ${one.label}`;
    const bridge = isPublic ? 'wan' : (bridges.get(vlan) ?? `vlan${bridges.size}`);
    if (!isPublic && !bridges.has(vlan)) {
      bridges.set(vlan, bridge);
      inLab.push(`link add ${bridge} type bridge forward_delay 0`, `link set ${bridge} up`);
    }
    const [end, inside] = [`n${id}-${index}`, `eth${index}`];
    const mac = `${isPublic ? 'f2:3c:95' : '90:de:01'}:${tail}`;
    const peer = `${inside} address ${mac} netns ${nodeNamespace(name, id)}`;
    inLab.push(
      `link add ${end} type veth peer name ${peer}`,
      `link set ${end} master ${bridge} up`,
    );
    const address = isPublic ? `${ipv4}/24` : one.address;
    if (!networkHelper) continue;
    if (address !== null) inNode.push(`address add ${address} dev ${inside}`);
    inNode.push(`link set ${inside} up`);
    if (isPublic) inNode.push(`route add default via ${name.gateway}`);
  }
  return { inLab, inNode };
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

/** Commands of `ip` in the lab's namespace that make the bridge of public addresses. */
export const publicBridge = (gateway: string): string[] => [
  'link set lo up',
  // Otherwise a bridge takes the lowest address of its ports, and with a port that comes or goes the
  // nodes would lose the gateway for half a minute.
  'link add wan address 02:00:00:00:00:01 type bridge forward_delay 0',
  `address add ${gateway}/24 dev wan`,
  `address add ${METADATA_ADDRESS}/32 dev wan`,
  `address add ${MIRROR_ADDRESS}/32 dev wan`,
  'link set wan up',
];

async function makeNetwork({ namespace, cable, subnet, gateway, hostAddress }: LabName) {
  await run('ip', ['netns', 'add', namespace]);
  await ipIn(namespace, publicBridge(gateway));
  // With forwarding and without a route out, what a node sends elsewhere is refused at once.
  const forwarding = ['sysctl', '-q', '-w', 'net.ipv4.ip_forward=1'];
  await run('ip', ['netns', 'exec', namespace, ...forwarding]);
  await run('ip', ['-batch', '-'], {
    input: [
      // It stands behind the cable: after the lab's end, nothing for a node leaves the host.
      `route replace unreachable ${subnet} metric 4000`,
      `link add ${cable} type veth peer name host netns ${namespace}`,
      `address add ${hostAddress}/24 dev ${cable}`,
      `link set ${cable} up`,
      '',
    ].join('\n'),
  });
  await ipIn(namespace, ['link set host master wan up']);
}

async function ipIn(namespace: string, commands: readonly string[]): Promise<void> {
  await run('ip', ['-netns', namespace, '-batch', '-'], { input: `${commands.join('\n')}\n` });
}

const listenersScript = join(import.meta.dirname, 'listeners.mjs');

function listenIn(namespace: string, places: readonly string[]): Promise<Server[]> {
  const args = ['netns', 'exec', namespace, process.execPath, listenersScript, ...places];
  const child = spawn('ip', args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const servers = new Map<string, Server>();
  return new Promise<Server[]>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`the listeners in the lab ended with ${code}`)));
    child.on('message', (message, handle) => {
      const { place, reason } = message as { readonly place: string; readonly reason?: string };
      if (reason !== undefined) reject(new Error(`can't listen on ${place}: ${reason}`));
      servers.set(place, handle as Server);
      if (servers.size < places.length) return;
      resolve(places.map((wanted) => servers.get(wanted) as Server));
    });
  }).finally(() => {
    if (child.connected) child.disconnect();
  });
}

function raiseInotify(): void {
  const before = Number(readFileSync(INOTIFY, 'utf8'));
  if (before >= INOTIFY_INSTANCES) return;
  writeFileSync(INOTIFY_BEFORE, `${before}`);
  writeFileSync(INOTIFY, `${INOTIFY_INSTANCES}`);
}

function restoreInotify(): void {
  // Absent: the host's own setting was high enough.
  if (!existsSync(INOTIFY_BEFORE)) return;
  writeFileSync(INOTIFY, readFileSync(INOTIFY_BEFORE, 'utf8'));
  rmSync(INOTIFY_BEFORE);
}
