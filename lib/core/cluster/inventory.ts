import type { NodeLabel } from '../base/names.ts';
import { addressOf, cidrOf, type RoomNetwork } from '../room/network.ts';
import type { ClusterRecord } from './record.ts';

/** The formats of files that tools read unchanged; for `json`, callers print `inventoryNodes`. */
export const inventoryFormats = ['ssh', 'hosts', 'ansible', 'mpi'] as const;
export type InventoryFormat = (typeof inventoryFormats)[number];

export interface InventoryNode {
  readonly index: number;
  readonly label: NodeLabel;
  /** What the node calls itself, and what the other nodes call it: `n0`, `n1`, …. */
  readonly name: string;
  readonly ipv4: string;
  readonly ipv6: string | null;
  /** The address on the private network; null: there is none. */
  readonly privateIp: string | null;
  readonly vcpus: number;
  readonly user: 'root';
}

/** The nodes that have an IPv4 address: they can be reached once they have booted. */
export function inventoryNodes(record: ClusterRecord): InventoryNode[] {
  return record.nodes.flatMap((node) => {
    if (node.state !== 'created') return [];
    const { index, label, ipv6 } = node;
    // Linode gives each node a public IPv4 address, which its record has first.
    const [ipv4] = node.ipv4;
    if (ipv4 === undefined) return [];
    const { network, bought } = record;
    return {
      index,
      label,
      name: nameOf(index),
      ipv4,
      ipv6: ipv6?.split('/')[0] ?? null,
      privateIp: network === undefined ? null : addressOf(network.subnet, index),
      vcpus: bought.vcpus,
      user: 'root',
    };
  });
}

const nameOf = (index: number): string => `n${index}`;

/**
 * The inventory as a file that a tool reads unchanged. Its first line says how complete it is.
 * `hostKey`: `ssh-ed25519 AAAA…`, the host key of every node; null: nobody knows those of the nodes.
 */
export function inventory(
  record: ClusterRecord,
  format: InventoryFormat,
  hostKey: string | null,
): string {
  const nodes = inventoryNodes(record);
  const lines = [headline(record, nodes.length), ...writers[format](nodes, record, hostKey)];
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

type Writer = (
  nodes: readonly InventoryNode[],
  record: ClusterRecord,
  hostKey: string | null,
) => readonly string[];

const writers: Readonly<Record<InventoryFormat, Writer>> = {
  ssh: (nodes, _, hostKey) => [
    '# Log in with: ssh -F <this file> n0',
    `# ${hostKeyWords(hostKey)}`,
    '# A session with a destroyed node ends after a minute.',
    ...nodes.flatMap((node) => sshHost(node, hostKey)),
  ],

  hosts: (nodes) => [
    '# Lines for /etc/hosts, good for as long as the cluster lives.',
    ...nodes.map(({ ipv4, label, name }) => `${ipv4}\t${label} ${name}`),
  ],

  ansible: (nodes, { id }, hostKey) => [
    '# Use with: ansible -i <this file> -m ping all',
    `[${id}]`,
    ...nodes.map(ansibleHost),
    '',
    '[head]',
    ...nodes.filter(isHead).map(({ label }) => label),
    '',
    '[workers]',
    ...nodes.filter((node) => !isHead(node)).map(({ label }) => label),
    '',
    `[${id}:vars]`,
    'ansible_user=root',
    `# ${hostKeyWords(hostKey)}`,
    `ansible_ssh_common_args='${ansibleSshArgs(hostKey)}'`,
  ],

  mpi: (nodes, { network }) => [
    '# Use on one of the nodes, as root; a slot is a vCPU:',
    `#   mpirun --allow-run-as-root ${mpiNetwork(network)}--hostfile <this file> <program>`,
    ...nodes.map(({ ipv4, privateIp, vcpus }) => `${privateIp ?? ipv4} slots=${vcpus}`),
  ],
};

const isHead = ({ index }: InventoryNode): boolean => index === 0;

function ansibleHost({ index, label, name, ipv4, privateIp }: InventoryNode): string {
  const variables = {
    ansible_host: ipv4,
    onebuck_rank: index,
    onebuck_name: name,
    ...(privateIp === null ? {} : { onebuck_private_ip: privateIp }),
  };
  return [label, ...Object.entries(variables).map(([key, value]) => `${key}=${value}`)].join(' ');
}

/** Open MPI would try the public interface as well, whose ports the nodes' firewall closes. */
function mpiNetwork(network: RoomNetwork | undefined): string {
  if (network === undefined) return '';
  const cidr = cidrOf(network.subnet);
  return ['btl', 'oob'].map((layer) => `--mca ${layer}_tcp_if_include ${cidr} `).join('');
}

const hostKeyWords = (hostKey: string | null): string =>
  hostKey === null
    ? 'Linode reuses addresses soon. So host keys are kept by label, in a file of their own.'
    : 'The nodes have the host key below, and ssh takes no other. It needs OpenSSH 8.5 or later.';

/**
 * Where nobody knows the host keys before, ssh trusts the first that a node shows, and refuses a
 * changed one. Otherwise ssh has the key from a command, so that the file holds all that it takes.
 */
const hostKeyOptions = (hostKey: string | null) =>
  hostKey === null
    ? {
        StrictHostKeyChecking: 'accept-new',
        UserKnownHostsFile: '~/.ssh/known_hosts_onebuck',
        // The default since OpenSSH 8.5. Older versions keep a key by address as well.
        CheckHostIP: 'no',
      }
    : {
        StrictHostKeyChecking: 'yes',
        HostKeyAlgorithms: 'ssh-ed25519',
        KnownHostsCommand: `/bin/echo %H ${hostKey}`,
        UserKnownHostsFile: '/dev/null',
        GlobalKnownHostsFile: '/dev/null',
      };

function sshHost({ label, name, ipv4, user }: InventoryNode, hostKey: string | null): string[] {
  const options = {
    HostName: ipv4,
    User: user,
    HostKeyAlias: label,
    ...hostKeyOptions(hostKey),
    // A destroyed node does not close its connections: ssh gives up after 3 × 20 s of silence.
    ServerAliveInterval: 20,
    ServerAliveCountMax: 3,
    ConnectTimeout: 15,
  };
  const lines = Object.entries(options).map(([name, value]) => `  ${name} ${value}`);
  return ['', `Host ${name} ${label}`, ...lines];
}

const ansibleSshArgs = (hostKey: string | null): string =>
  Object.entries({ HostKeyAlias: '{{ inventory_hostname }}', ...hostKeyOptions(hostKey) })
    .map(([name, value]) => `-o ${value.includes(' ') ? `"${name}=${value}"` : `${name}=${value}`}`)
    .join(' ');
