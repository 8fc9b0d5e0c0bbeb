import type { NodeLabel } from '../base/names.ts';
import type { ClusterRecord } from './record.ts';

/** The formats of files that tools read unchanged; for `json`, callers print `inventoryNodes`. */
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

/** The nodes that have an IPv4 address: they can be reached once they have booted. */
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

/** The inventory as a file that a tool reads unchanged. Its first line says how complete it is. */
export function inventory(record: ClusterRecord, format: InventoryFormat): string {
  const nodes = inventoryNodes(record);
  const lines = [headline(record, nodes.length), ...writers[format](nodes, record)];
  return `${lines.join('\n')}\n`;
}

/** `#` begins a comment in every format. */
function headline({ id, phase, nodes }: ClusterRecord, reachable: number): string {
  const heading = `# Cluster ${id} (${phase}):`;
  if (reachable > 0) return `${heading} ${reachable} of ${nodes.length} nodes.`;
  const isComing = phase === 'provisioning' || phase === 'running';
  return isComing
    ? `${heading} none of its ${nodes.length} nodes has an address yet. Ask again in a few seconds.`
    : `${heading} it has no nodes any more.`;
}

type Writer = (nodes: readonly InventoryNode[], record: ClusterRecord) => readonly string[];

const writers: Readonly<Record<InventoryFormat, Writer>> = {
  ssh: (nodes) => [
    '# Log in with: ssh -F <this file> <label>',
    '# Linode reuses addresses soon. So host keys are kept by label, in a file of their own,' +
      ' and a session with a destroyed node ends after a minute.',
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
    '# Linode reuses addresses soon. So host keys are kept by label, in a file of their own.',
    `ansible_ssh_common_args='${ansibleSshArgs}'`,
  ],

  mpi: (nodes) => [
    '# Use on one of the nodes with: mpirun --hostfile <this file>. A slot is a vCPU.',
    ...nodes.map(({ ipv4, vcpus }) => `${ipv4} slots=${vcpus}`),
  ],
};

/**
 * ssh trusts the first host key of a node, which nobody knows before, and refuses a changed one.
 */
const hostKeys = {
  StrictHostKeyChecking: 'accept-new',
  UserKnownHostsFile: '~/.ssh/known_hosts_onebuck',
  // The default since OpenSSH 8.5. Older versions keep a key by address as well.
  CheckHostIP: 'no',
};

function sshHost({ label, ipv4, user }: InventoryNode): string[] {
  const options = {
    HostName: ipv4,
    User: user,
    HostKeyAlias: label,
    ...hostKeys,
    // A destroyed node does not close its connections: ssh gives up after 3 × 20 s of silence.
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
