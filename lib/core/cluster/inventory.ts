import type { NodeLabel } from '../base/names.ts';
import type { ClusterRecord } from './record.ts';

/** The forms that tools read as they are. `json` is `inventoryNodes`, and the caller's to print. */
export const inventoryFormats = ['ssh', 'hosts', 'ansible', 'mpi'] as const;
export type InventoryFormat = (typeof inventoryFormats)[number];

export interface InventoryNode {
  readonly index: number;
  readonly label: NodeLabel;
  readonly ipv4: string;
  readonly ipv6: string | null;
  readonly vcpus: number;
  readonly user: 'root';
}

/** The nodes that can be reached, or will be once they have booted. */
export function inventoryNodes(record: ClusterRecord): InventoryNode[] {
  return record.nodes.flatMap((node) => {
    if (node.state !== 'created') return [];
    const { index, label, ipv6 } = node;
    // Linode gives each node a public IPv4 address, and names it before any private one.
    const [ipv4] = node.ipv4;
    if (ipv4 === undefined) return [];
    const { vcpus } = record.bought;
    return { index, label, ipv4, ipv6: ipv6?.split('/')[0] ?? null, vcpus, user: 'root' };
  });
}

/** The cluster in the form that a tool reads as it is. Its first line says how complete it is. */
export function inventory(record: ClusterRecord, format: InventoryFormat): string {
  const nodes = inventoryNodes(record);
  const lines = [headline(record, nodes.length), ...writers[format](nodes, record)];
  return `${lines.join('\n')}\n`;
}

/** `#` begins a comment in all of the forms. */
function headline({ id, phase, nodes }: ClusterRecord, reachable: number): string {
  const whole = `# Cluster ${id} (${phase}):`;
  if (reachable > 0) return `${whole} ${reachable} of ${nodes.length} nodes.`;
  const isComing = phase === 'provisioning' || phase === 'running';
  return isComing
    ? `${whole} none of its ${nodes.length} nodes has an address yet. Ask again in a few seconds.`
    : `${whole} it has no nodes any more.`;
}

type Writer = (nodes: readonly InventoryNode[], record: ClusterRecord) => readonly string[];

const writers: Readonly<Record<InventoryFormat, Writer>> = {
  ssh: (nodes) => [
    '# Log in with: ssh -F <this file> <label>',
    '# Addresses are used again soon, hence host keys by label, in a file of their own; and a' +
      ' session with a node that was destroyed ends after a minute.',
    ...nodes.flatMap(sshHost),
  ],

  hosts: (nodes) => [
    '# Lines for /etc/hosts, good for as long as the cluster lives.',
    ...nodes.map(({ ipv4, label }) => `${ipv4}\t${label}`),
  ],

  ansible: (nodes, { id }) => [
    '# Use with: ansible -i <this file> -m ping all',
    `[${id}]`,
    ...nodes.map(({ label, ipv4 }) => `${label} ansible_host=${ipv4}`),
    '',
    `[${id}:vars]`,
    'ansible_user=root',
    '# Addresses are used again soon, hence host keys by label, in a file of their own.',
    `ansible_ssh_common_args='${ansibleSshArgs}'`,
  ],

  mpi: (nodes) => [
    '# Use on one of the nodes with: mpirun --hostfile <this file>. A slot is a vCPU.',
    ...nodes.map(({ ipv4, vcpus }) => `${ipv4} slots=${vcpus}`),
  ],
};

/** No one has told us the first key that a node shows; that it stays the same is checked. */
const hostKeys = {
  StrictHostKeyChecking: 'accept-new',
  UserKnownHostsFile: '~/.ssh/known_hosts_onebuck',
  // Off by default since OpenSSH 8.5: before, a key was kept by address as well.
  CheckHostIP: 'no',
};

function sshHost({ label, ipv4, user }: InventoryNode): string[] {
  const options = {
    HostName: ipv4,
    User: user,
    HostKeyAlias: label,
    ...hostKeys,
    // A machine that is destroyed does not say goodbye.
    ServerAliveInterval: 20,
    ServerAliveCountMax: 3,
    ConnectTimeout: 15,
  };
  const lines = Object.entries(options).map(([name, value]) => `  ${name} ${value}`);
  return ['', `Host ${label}`, ...lines];
}

const ansibleSshArgs = Object.entries({
  HostKeyAlias: '{{ inventory_hostname }}',
  ...hostKeys,
})
  .map(([name, value]) => `-o ${name}=${value}`)
  .join(' ');
