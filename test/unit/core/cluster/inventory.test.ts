import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type InventoryFormat,
  inventoryFormats,
  inventoryNodes,
  inventory as inventoryWith,
} from '../../../../lib/core/cluster/inventory.ts';
import type { ClusterRecord } from '../../../../lib/core/cluster/record.ts';
import {
  aBought,
  aCluster,
  aDeleting,
  anEnded,
  aRunning,
  created,
  creating,
  deleting,
  gone,
  ID,
  neverCreated,
  planned,
} from '../../../support/builders.ts';

/** Of a cluster whose nodes make host keys of their own, unless a test gives one. */
const inventory = (
  record: ClusterRecord,
  format: InventoryFormat,
  hostKey: string | null = null,
): string => inventoryWith(record, format, hostKey);

const bought = aBought({ vcpus: 4 });
const pair = aRunning({ bought, nodes: [created(0), created(1, { ipv6: '2001:db8::1/128' })] });
/** On the private network; node 1 is gone. */
const room = aRunning({
  nodes: [created(0), gone(1), created(2)],
  network: { kind: 'private', vlan: 'onebuck-prod', subnet: { block: 260, bits: 24 } },
});
const FIRST = `onebuck-${ID}-0`;
const SECOND = `onebuck-${ID}-1`;

describe('inventoryNodes', () => {
  it('has the address, the user and the vCPUs of each node', () => {
    expect(inventoryNodes(pair)).toEqual([
      {
        ...{ index: 0, label: FIRST, name: 'n0', ipv4: '192.0.2.0', ipv6: null },
        ...{ privateIp: null, vcpus: 4, user: 'root' },
      },
      {
        ...{ index: 1, label: SECOND, name: 'n1', ipv4: '192.0.2.1', ipv6: '2001:db8::1' },
        ...{ privateIp: null, vcpus: 4, user: 'root' },
      },
    ]);
  });

  it('has the addresses on the private network, by the numbers of the nodes', () => {
    expect(inventoryNodes(room).map(({ name, privateIp }) => [name, privateIp])).toEqual([
      ['n0', '10.129.4.1'],
      ['n2', '10.129.4.3'],
    ]);
  });

  it('leaves out nodes that do not exist, are deleted, or have no address yet', () => {
    const addressless = created(6, { ipv4: [] });
    const nodes = [
      planned(0),
      creating(1),
      created(2),
      deleting(3),
      gone(4),
      neverCreated(5),
      addressless,
    ];
    expect(inventoryNodes(aRunning({ nodes })).map(({ index }) => index)).toEqual([2]);
  });
});

describe('inventory', () => {
  it('for /etc/hosts has lines of an address and a label', () => {
    expect(linesOf(inventory(pair, 'hosts'))).toEqual([
      `192.0.2.0\t${FIRST} n0`,
      `192.0.2.1\t${SECOND} n1`,
    ]);
  });

  it('for Open MPI has a slot for each vCPU', () => {
    expect(linesOf(inventory(pair, 'mpi'))).toEqual(['192.0.2.0 slots=4', '192.0.2.1 slots=4']);
  });

  it('for Open MPI stays on the private network, and says how to run it as root', () => {
    expect(inventory(room, 'mpi').split('\n').slice(1)).toEqual([
      '# Use on one of the nodes, as root; a slot is a vCPU:',
      '#   mpirun --allow-run-as-root --mca btl_tcp_if_include 10.129.4.0/24 ' +
        '--mca oob_tcp_if_include 10.129.4.0/24 --hostfile <this file> <program>',
      '10.129.4.1 slots=1',
      '10.129.4.3 slots=1',
      '',
    ]);
  });

  it("for Ansible has groups of the cluster's id, of its head and of its workers", () => {
    expect(linesOf(inventory(pair, 'ansible')).slice(0, 9)).toEqual([
      `[${ID}]`,
      `${FIRST} ansible_host=192.0.2.0 onebuck_rank=0 onebuck_name=n0`,
      `${SECOND} ansible_host=192.0.2.1 onebuck_rank=1 onebuck_name=n1`,
      '[head]',
      FIRST,
      '[workers]',
      SECOND,
      `[${ID}:vars]`,
      'ansible_user=root',
    ]);
    expect(linesOf(inventory(room, 'ansible'))[2]).toBe(
      `onebuck-${ID}-2 ansible_host=192.0.2.2 onebuck_rank=2 onebuck_name=n2 ` +
        'onebuck_private_ip=10.129.4.3',
    );
  });

  it('is in each format a whole file, with a comment on how to use it', () => {
    const whole = (format: (typeof inventoryFormats)[number]) =>
      inventory(pair, format).split('\n');
    const headline = `# Cluster ${ID} (running): 2 of 2 nodes.`;
    expect(whole('hosts').slice(0, 2)).toEqual([
      headline,
      '# Lines for /etc/hosts, good for as long as the cluster lives.',
    ]);
    expect(whole('mpi').slice(0, 3)).toEqual([
      headline,
      '# Use on one of the nodes, as root; a slot is a vCPU:',
      '#   mpirun --allow-run-as-root --hostfile <this file> <program>',
    ]);
    expect(whole('ssh').slice(0, 8)).toEqual([
      headline,
      '# Log in with: ssh -F <this file> n0',
      '# Linode reuses addresses soon. So host keys are kept by label, in a file of their own.',
      '# A session with a destroyed node ends after a minute.',
      '',
      `Host n0 ${FIRST}`,
      '  HostName 192.0.2.0',
      '  User root',
    ]);
    expect(whole('ansible').slice(0, 2)).toEqual([
      headline,
      '# Use with: ansible -i <this file> -m ping all',
    ]);
    expect(whole('ansible').slice(-4)).toEqual([
      'ansible_user=root',
      '# Linode reuses addresses soon. So host keys are kept by label, in a file of their own.',
      `ansible_ssh_common_args='-o "HostKeyAlias={{ inventory_hostname }}"` +
        ' -o StrictHostKeyChecking=accept-new' +
        " -o UserKnownHostsFile=~/.ssh/known_hosts_onebuck -o CheckHostIP=no'",
      '',
    ]);
  });

  it.each(inventoryFormats)(
    'in the format %s starts with the number of nodes that have addresses',
    (format) => {
      const partly = aRunning({ nodes: [created(0), creating(1), planned(2)] });
      expect(inventory(partly, format)).toMatch(`# Cluster ${ID} (running): 1 of 3 nodes.\n`);
    },
  );

  it.each(inventoryFormats)(
    'in the format %s starts with a line if no node has an address yet',
    (format) => {
      const waiting = inventory(aRunning({ nodes: [creating(0)] }), format);
      expect(waiting).toContain('(running): none of its 1 nodes has an address yet');
      const text = inventory(aCluster(), format);
      expect(text.split('\n')[0]).toContain('none of its 2 nodes has an address yet');
      expect(text).not.toContain(FIRST);
      expect(text.endsWith('\n')).toBe(true);
    },
  );

  it.each(inventoryFormats)(
    'in the format %s says that an ended cluster has no nodes any more',
    (format) => {
      for (const record of [aDeleting({ nodes: [deleting(0)] }), anEnded()]) {
        expect(inventory(record, format).split('\n')[0]).toMatch(/it has no nodes any more\.$/);
      }
    },
  );
});

describe('the real ssh', () => {
  it.skipIf(!isInstalled('ssh', '-V'))('reads the address and the options (needs ssh)', () => {
    const file = fileWith(inventory(pair, 'ssh'));
    const ask = (host: string) =>
      execFileSync('ssh', ['-G', '-T', '-F', file, host], { encoding: 'utf8' });
    const printed = ask(SECOND);
    const named = (text: string) => text.replace(/^(host|originalhost) .*\n/gm, '');
    expect(named(ask('n1'))).toBe(named(printed));
    const options = new Map(
      printed.split('\n').map((line) => line.split(/ (.*)/, 2) as [string, string]),
    );
    expect(options.get('hostname')).toBe('192.0.2.1');
    expect(options.get('user')).toBe('root');
    expect(options.get('hostkeyalias')).toBe(SECOND);
    expect(options.get('stricthostkeychecking')).toBe('accept-new');
    expect(options.get('userknownhostsfile')).toMatch(/known_hosts_onebuck$/);
    expect(options.get('serveraliveinterval')).toBe('20');
  });
});

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ';

describe('a host key that is known before the nodes are', () => {
  it('is in the file for ssh, which takes no other', () => {
    const [, host = ''] = inventory(pair, 'ssh', KEY).split('\n\n');
    expect(host.split('\n').map((line) => line.trim())).toEqual([
      `Host n0 ${FIRST}`,
      'HostName 192.0.2.0',
      'User root',
      `HostKeyAlias ${FIRST}`,
      'StrictHostKeyChecking yes',
      'HostKeyAlgorithms ssh-ed25519',
      `KnownHostsCommand /bin/echo %H ${KEY}`,
      'UserKnownHostsFile /dev/null',
      'GlobalKnownHostsFile /dev/null',
      'ServerAliveInterval 20',
      'ServerAliveCountMax 3',
      'ConnectTimeout 15',
    ]);
    expect(inventory(pair, 'ssh', KEY)).toContain(
      '# The nodes have the host key below, and ssh takes no other. It needs OpenSSH 8.5 or later.',
    );
  });

  it('is in the variables for Ansible, as one argument', () => {
    expect(inventory(pair, 'ansible', KEY)).toContain(
      `\nansible_ssh_common_args='-o "HostKeyAlias={{ inventory_hostname }}"` +
        ' -o StrictHostKeyChecking=yes -o HostKeyAlgorithms=ssh-ed25519' +
        ` -o "KnownHostsCommand=/bin/echo %H ${KEY}"` +
        " -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null'\n",
    );
  });

  it.each(['hosts', 'mpi'] as const)('changes nothing for %s', (format) => {
    expect(inventory(pair, format, KEY)).toBe(inventory(pair, format));
  });
});

describe('the real ansible-inventory', () => {
  const hasAnsible = isInstalled('ansible-inventory', '--version');
  it.skipIf(!hasAnsible)(
    'reads the group, its hosts and their options (needs ansible-core)',
    () => {
      const read = ansible(inventory(pair, 'ansible'));
      expect(read[ID]?.hosts).toEqual([FIRST, SECOND]);
      expect([read.head?.hosts, read.workers?.hosts]).toEqual([[FIRST], [SECOND]]);
      expect(read._meta?.hostvars?.[SECOND]).toMatchObject({
        ansible_host: '192.0.2.1',
        ansible_user: 'root',
        onebuck_rank: 1,
        ansible_ssh_common_args: expect.stringMatching(
          /^-o "HostKeyAlias=\{\{ inventory_hostname \}\}" -o .*[^']$/,
        ),
      });
    },
  );

  it.skipIf(!hasAnsible)('reads the host key as one argument of ssh (needs ansible-core)', () => {
    const read = ansible(inventory(pair, 'ansible', KEY));
    expect(read._meta?.hostvars?.[SECOND]).toMatchObject({
      ansible_ssh_common_args: expect.stringContaining(
        `-o "KnownHostsCommand=/bin/echo %H ${KEY}" -o`,
      ),
    });
  });

  it.skipIf(!hasAnsible)('reads a cluster without nodes (needs ansible-core)', () => {
    expect(ansible(inventory(aCluster(), 'ansible'))._meta?.hostvars).toEqual({});
  });
});

/** The lines of the text without comments and empty lines. */
const linesOf = (text: string) => text.split('\n').filter((line) => !/^(#|$)/.test(line));

const isInstalled = (command: string, version: string) =>
  spawnSync(command, [version]).status === 0;

function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'onebuck-inventory-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'inventory');
  writeFileSync(file, text);
  return file;
}

interface AnsibleInventory {
  readonly hosts?: readonly string[];
  readonly hostvars?: Readonly<Record<string, unknown>>;
}

/** Reads the inventory with Ansible; fails on any warning, such as for an invalid group name. */
function ansible(text: string): Readonly<Record<string, AnsibleInventory>> {
  const args = ['--list', '-i', fileWith(text)];
  const { stdout, stderr } = spawnSync('ansible-inventory', args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Readonly<Record<string, AnsibleInventory>>;
}
