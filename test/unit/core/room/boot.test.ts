import { afterEach, describe, expect, it } from 'vitest';
import { addressOf, cidrOf, type Subnet } from '../../../../lib/core/room/network.ts';
import { bootScript } from '../../../../lib/core/room/scripts/boot.ts';
import { setupScript } from '../../../../lib/core/room/scripts/setup.ts';
import type { RoomFacts } from '../../../../lib/core/room/user-data.ts';
import { someFacts } from '../../../support/room.ts';
import { aSandbox } from '../../../support/sandbox.ts';

/*
 * The boot script in a folder that stands for the root of a node. That it works on a node which
 * boots is for `npm run test:nodes`.
 */

const ROUTE = 'default via 192.0.2.1 dev eth0 onlink';
/** What apt-get does on a node whose image lacks nft, of which `withoutNft` makes the script. */
const INSTALLED = 'touch "$SANDBOX/installed"';

const withoutNft = (script: string) =>
  script.replaceAll('command -v nft', '[ -e "$SANDBOX/installed" ]');

function aNode(
  address = '10.128.0.2',
  commands: Readonly<Record<string, string>> = {},
  { hasSystemd = true } = {},
) {
  const sandbox = aSandbox({
    ip: `case $* in
*addr*) echo '2: eth0    inet 192.0.2.9/24 brd x'; echo '3: eth1    inet ${address}/24 scope global' ;;
'-6 route') ;;
*) echo '${ROUTE}' ;;
esac`,
    nft: 'cat "$2" > "$SANDBOX/loaded"',
    nproc: 'echo 2',
    date: 'echo 202611',
    sleep: ':',
    systemctl: 'echo "$*" >> "$SANDBOX/systemctl"',
    'firewall-cmd': 'exit 1',
    ...commands,
  });
  sandbox.put('etc/hosts', '127.0.0.1 localhost');
  sandbox.put('etc/environment', 'LANG=C.UTF-8\n');
  if (hasSystemd) sandbox.put('run/systemd/system/a', '');
  removals.push(sandbox.remove);
  const boot = (
    changes: Partial<RoomFacts> & { environment?: readonly string[] } = {},
    edit = (script: string) => script,
  ) => {
    const { hostKey, environment = [], ...facts } = { environment: [], ...someFacts(changes) };
    const script = bootScript({ ...facts, environment, hostKey: hostKey.public });
    // What the script leaves in the background has ended when this returns.
    return sandbox.run(`${edit(script)}wait\n`);
  };
  return { ...sandbox, boot };
}

const removals: (() => void)[] = [];
afterEach(() => {
  for (const remove of removals.splice(0)) remove();
});

describe('a node that boots', () => {
  it.each<[number, Subnet]>([
    [4, { block: 0, bits: 24 }],
    [250, { block: 300, bits: 24 }],
    [500, { block: 1020, bits: 22 }],
  ])('knows the names and addresses of all %i nodes', (nodes, subnet) => {
    const address = addressOf(subnet, 1);
    const { boot, read } = aNode(address);
    const { status } = boot({ nodes, network: { cidr: cidrOf(subnet), address } });

    const all = Array.from({ length: nodes }, (_, index) => addressOf(subnet, index));
    expect(status).toBe(0);
    expect(read('etc/hosts')).toBe(
      `127.0.0.1 localhost\n# onebuck\n${all
        .map((each, index) => `${each} n${index}\n`)
        .join('')}# onebuck end\n`,
    );
    expect(read('etc/onebuck/hostfile').split('\n').slice(0, 2)).toEqual([
      'n0 slots=2',
      'n1 slots=2',
    ]);
    expect(read('etc/onebuck/environment')).toContain(`ONEBUCK_ADDRESSES=${all.join(',')}\n`);
  });

  it('knows its slice from a line of its own, if it has one', () => {
    const { hostKey, ...facts } = someFacts({ slice: 933_440_000 });
    const script = (slice: number | null) =>
      bootScript({ ...facts, slice, environment: [], hostKey: hostKey.public });
    expect(script(933_440_000)).toMatch(/^cluster=.*\ncidr=.*\nslice=933440000\n/m);
    expect(script(null)).not.toContain('slice=');
  });

  it('has the environment in logins and services', () => {
    const { boot, read, root } = aNode();
    boot({ environment: ['RAY_ADDRESS=$head:6379'] });

    const lines = [
      'ONEBUCK_CLUSTER=cabcdefghij',
      'ONEBUCK_RANK=1',
      'ONEBUCK_NODES=4',
      'NODE_RANK=1',
      'NUM_NODES=4',
      'ONEBUCK_ADDRESSES=10.128.0.1,10.128.0.2,10.128.0.3,10.128.0.4',
      'ONEBUCK_HEAD=n0',
      `ONEBUCK_HOSTFILE=${root}/etc/onebuck/hostfile`,
      'MASTER_ADDR=10.128.0.1',
      'MASTER_PORT=29500',
      'ONEBUCK_TEARDOWN_AT=2026-11-27T12:00:00.000Z',
      'RAY_ADDRESS=10.128.0.1:6379',
    ];
    expect(read('etc/environment')).toBe(
      ['LANG=C.UTF-8', '# onebuck', ...lines, '# onebuck end', ''].join('\n'),
    );
    expect(read('etc/systemd/system.conf.d/onebuck.conf')).toBe(
      `[Manager]\nDefaultEnvironment=${lines.join(' ')} \n`,
    );
  });

  it('lets root log in to the other nodes, whose host key it knows, and them from the subnet', () => {
    const { boot, read } = aNode();
    const { hostKey, peerKey } = someFacts();
    boot();

    expect(read('etc/onebuck/id_ed25519')).toBe(peerKey.private);
    expect(read('root/.ssh/authorized_keys')).toBe(
      `# onebuck\nfrom="10.128.0.0/24" ${peerKey.public}\n# onebuck end\n`,
    );
    const hosts = 'n0,10.128.0.1,n1,10.128.0.2,n2,10.128.0.3,n3,10.128.0.4';
    expect(read('etc/onebuck/known_hosts')).toBe(`${hosts} ${hostKey.public}\n`);
    const config = read('etc/ssh/ssh_config.d/onebuck.conf');
    expect(config).toContain(`Match localuser root host ${hosts}\n`);
    expect(config).toContain('StrictHostKeyChecking yes\n');
  });

  it('lets in ssh and open ports from the internet, and the subnet by the private interface', () => {
    const { boot, read } = aNode();
    boot({ openPorts: ['80', '8000-8100', '53/udp'] });

    expect(read('loaded')).toBe(`table inet onebuck
delete table inet onebuck
table inet onebuck {
set tcp_open {
type inet_service; flags interval; auto-merge
elements = { 22, 80, 8000-8100 }
}
set udp_open {
type inet_service; flags interval; auto-merge
elements = { 53 }
}
chain input {
type filter hook input priority 0; policy drop;
ct state established,related accept
iif lo accept
meta l4proto { icmp, ipv6-icmp } accept
tcp dport @tcp_open accept
udp dport @udp_open accept
iifname eth1 ip saddr 10.128.0.0/24 accept
}
chain forward {
type filter hook forward priority 0; policy accept;
ct state established,related accept
iifname eth0 meta l4proto tcp ct original proto-dst @tcp_open accept
iifname eth0 meta l4proto udp ct original proto-dst @udp_open accept
iifname eth0 drop
}
}
`);
  });

  it('keeps to its slice: it counts what leaves for the internet, and slows it down beyond', () => {
    const { boot, read, root } = aNode('10.128.0.2', { nft: NFT });
    const { status } = boot({ slice: 60_000_000 });

    expect(status).toBe(0);
    expect(read('etc/onebuck/limit')).toBe('slice=60000000 wan=eth0\n');
    expect(read('sending')).toBe(`table inet onebuck_sending {
counter sent { packets 0 bytes 0 }
quota allowance { over 60000000 bytes used 0 bytes }
chain slow {
tcp sport { 22, 900-931 } limit rate 16000 bytes/second return
meta length < 256 limit rate 16000 bytes/second return
limit rate 64000 bytes/second burst 64000 bytes return
drop
}
chain sending {
type filter hook postrouting priority 0; policy accept;
oifname != eth0 accept
ip daddr 169.254.0.0/16 accept
ip6 daddr fe80::/10 accept
quota name allowance jump slow
counter name sent
}
}
`);
    expect(read(service('onebuck-firewall'))).toMatch(/^Before=.* sysinit\.target /m);
    const functions = `. ${root}/usr/local/lib/onebuck/sending; `;
    expect(read(service('onebuck-firewall'))).toContain(`
ExecStart=/usr/sbin/nft -f ${root}/etc/onebuck/firewall.nft
ExecStart=/bin/sh -c '${functions}load || renew'
ExecStop=/bin/sh -c '${functions}keep_sent'
`);
    expect(read('systemctl')).toContain('--no-block start onebuck-firewall\n');
  });

  it('has no such table if it has no slice', () => {
    const { boot, has, read } = aNode('10.128.0.2', { nft: NFT });
    boot({ slice: null });

    expect(has('sending')).toBe(false);
    expect(has('etc/onebuck/limit')).toBe(false);
    expect(read(service('onebuck-firewall'))).not.toContain('sending');
    expect(read('systemctl')).not.toContain('start onebuck-firewall');
  });

  it('counts on at its next boot, with the allowance that it was granted', () => {
    const { boot, read, put } = aNode('10.128.0.2', { nft: NFT });
    boot({ slice: 1_000 });
    put('etc/onebuck/sent', '202611 800 5000\n');
    boot({ slice: 1_000 });

    expect(read('sending')).toContain('\ncounter sent { packets 0 bytes 800 }\n');
    expect(read('sending')).toContain('\nquota allowance { over 5000 bytes used 800 bytes }\n');
    expect(read('etc/onebuck/sent')).toBe('202611 800 5000\n');
  });

  it('is slowed down from its next boot on if it has sent more than its allowance', () => {
    const { boot, read, put } = aNode('10.128.0.2', { nft: NFT });
    boot({ slice: 1_000 });
    put('etc/onebuck/sent', '202611 1800 1000\n');
    boot({ slice: 1_000 });

    expect(read('sending')).toContain('\ncounter sent { packets 0 bytes 1800 }\n');
    expect(read('sending')).toContain('\nquota allowance { over 1000 bytes used 1000 bytes }\n');
  });

  it('begins anew if the month has turned while it was off', () => {
    const { boot, read, put } = aNode('10.128.0.2', { nft: NFT });
    boot({ slice: 1_000 });
    put('etc/onebuck/sent', '202610 800 5000\n');
    boot({ slice: 1_000 });

    expect(read('sending')).toContain('\ncounter sent { packets 0 bytes 0 }\n');
    expect(read('sending')).toContain('\nquota allowance { over 1000 bytes used 0 bytes }\n');
  });

  it('changes nothing of a table that counts, when its script runs again', () => {
    const { boot, read, put } = aNode('10.128.0.2', { nft: NFT });
    boot({ slice: 1_000 });
    put('etc/onebuck/sent', '202611 800 5000\n');
    put('counter', '900');
    boot({ slice: 1_000 });

    expect(read('sending').split('\n').slice(0, 2)).toEqual([
      'flush table inet onebuck_sending',
      'delete quota inet onebuck_sending allowance',
    ]);
    expect(read('sending')).toContain('\nquota allowance { over 5000 bytes used 900 bytes }\n');
    expect(read('etc/onebuck/sent')).toBe('202611 800 5000\n');
  });

  it('forgets what the node has sent of which its image was made', () => {
    const { boot, read, put, has } = aNode('10.128.0.2', { nft: NFT });
    boot({ slice: 1_000 });
    put('etc/onebuck/sent', '202611 800 5000\n');
    put('counter', '900');
    boot({ clusterId: 'cnewnewnewn', slice: 2_000 });

    expect(read('sending')).toMatch(/^table inet onebuck_sending {\ncounter sent .* bytes 0 }\n/);
    expect(read('sending')).toContain('\nquota allowance { over 2000 bytes used 0 bytes }\n');
    put('counter', '900');
    boot({ clusterId: 'canothernew', slice: null });

    expect(has('counter')).toBe(false);
  });

  it('makes its table anew if nft does not take the change of one', () => {
    const refusing = NFT.replace("'-f -')", `'-f -') [ ! -e "$SANDBOX/counter" ] || exit 1;`);
    const { boot, read, put, has } = aNode('10.128.0.2', { nft: refusing });
    put('counter', '900');
    put('etc/onebuck/node', 'cabcdefghij-1\n');
    put('etc/onebuck/sent', '202611 800 5000\n');
    boot({ slice: 1_000 });

    expect(read('sending')).toMatch(/^table inet onebuck_sending {\ncounter sent .* bytes 800 }\n/);
    expect(has('etc/onebuck/fault')).toBe(false);
  });

  it('has firewall and limit from the last stage of cloud-init on, if its image lacks nft', () => {
    const nft = `case $* in *firewall.nft) echo firewall >> "$SANDBOX/loaded" ;; esac\n${NFT}`;
    const node = aNode('10.128.0.2', { nft, 'apt-get': INSTALLED });
    node.boot({ slice: 1_000 }, withoutNft);
    expect([node.has('sending'), node.has('etc/onebuck/fault')]).toEqual([false, false]);

    const { status } = node.run(withoutNft(setupScript([], null)));
    expect(status).toBe(0);
    expect(node.read('loaded')).toBe('firewall\n');
    expect(node.read('sending')).toContain('\nquota allowance { over 1000 bytes used 0 bytes }\n');
  });

  it.each([
    ['can not be installed', 'exit 1', ':', 'the firewall needs nft, which can not be installed'],
    ['refuses the firewall', INSTALLED, 'exit 1', 'nft refuses /etc/onebuck/firewall.nft'],
    [
      'refuses the limit',
      INSTALLED,
      'case $* in *firewall.nft) ;; *) exit 1 ;; esac',
      'nft refuses the limit of what the node sends',
    ],
  ])('fails in the last stage, and says why, if nft %s', (_, install, nft, why) => {
    const none = { dnf: 'exit 1', zypper: 'exit 1', pacman: 'exit 1', apk: 'exit 1' };
    const node = aNode('10.128.0.2', { ...none, nft, 'apt-get': install });
    node.boot({ slice: 1_000 }, withoutNft);

    const { status, stdout, stderr } = node.run(withoutNft(setupScript([], null)));
    expect(status).toBe(1);
    expect(`${stdout}${stderr}`.replace(node.root, '')).toBe(`onebuck: ${why}\n`);
  });

  it('tells firewalld, where it runs, of the private interface and the open ports', () => {
    const { boot, read } = aNode('10.128.0.2', {
      'firewall-cmd': 'echo "$*" >> "$SANDBOX/firewalld"',
    });
    boot({ openPorts: ['80', '53/udp'] });

    expect(read('firewalld').split('\n')).toEqual([
      '--state',
      '-q --permanent --zone=trusted --change-interface=eth1',
      '-q --permanent --add-port=80/tcp',
      '-q --permanent --add-port=53/udp',
      '-q --reload',
      '',
    ]);
  });

  it('starts the agent without waiting for it', () => {
    const { boot, read } = aNode();
    boot();

    expect(read('systemctl').split('\n')).toEqual([
      'daemon-reload',
      '-q enable onebuck-firewall onebuck-agent',
      '--no-block start onebuck-agent',
      '',
    ]);
    expect(read('etc/onebuck/token')).toBe('oba_cabcdefghij_1_token\n');
    expect(read('etc/onebuck/url')).toBe('https://api.example.com/agent/cabcdefghij/1\n');
  });

  it('has the agent of the job, and a service for it and for the command, if there is a job', () => {
    const { boot, read, has, root } = aNode();
    boot();
    expect(has('usr/local/lib/onebuck/job')).toBe(false);
    boot({ hasJob: true });

    const lib = `${root}/usr/local/lib/onebuck`;
    expect(read('usr/local/lib/onebuck/job')).toMatch(/^#!.*\nimport /);
    expect(read('usr/local/lib/onebuck/job.sh')).toBe(
      'systemctl --no-block start onebuck-job-agent\n',
    );
    const starts = /^ExecStart=(\S+) (.*)$/m;
    const [, python = '', agent] = starts.exec(read(service('onebuck-job-agent'))) ?? [];
    expect(agent).toBe(`${lib}/job`);
    expect(read(service('onebuck-job'))).toContain(`ExecStart=${python} ${lib}/job run\n`);
    expect(read('systemctl')).not.toContain('onebuck-job');
  });

  it('without systemd, starts the agent of the job in the background', () => {
    const { boot, read, root } = aNode('10.128.0.2', { nohup: ':' }, { hasSystemd: false });
    boot({ hasJob: true });

    const script = `^nohup \\S*python\\S* ${root}/usr/local/lib/onebuck/job > /dev/null 2>&1 &\n$`;
    expect(read('usr/local/lib/onebuck/job.sh')).toMatch(new RegExp(script));
  });

  it('changes nothing at its next boot, and keeps the token and the time of the agent', () => {
    const { boot, read, put } = aNode();
    boot();
    const paths = ['etc/hosts', 'etc/onebuck/environment', 'root/.ssh/authorized_keys'];
    const before = paths.map(read);
    put('etc/onebuck/token', 'a later token\n');
    put('etc/onebuck/told', '');
    boot();

    expect(paths.map(read)).toEqual(before);
    expect(read('etc/onebuck/token')).toBe('a later token\n');
    expect(read('etc/onebuck/told')).toBe('');
  });

  it('forgets the cluster of whose node its image was made', () => {
    const { boot, read, has, put } = aNode();
    boot();
    put('etc/onebuck/told', '');
    put('usr/local/lib/onebuck/job.sh', '');
    const clusterId = 'cnewnewnewn';
    boot({ clusterId, agent: { ...agentOf(clusterId), teardownAt: '2027-01-01T00:00:00.000Z' } });

    expect(has('etc/onebuck/told')).toBe(false);
    expect(has('usr/local/lib/onebuck/job.sh')).toBe(false);
    expect(read('etc/onebuck/token')).toBe('oba_cnewnewnewn_1\n');
    expect(read('etc/environment')).toContain('ONEBUCK_TEARDOWN_AT=2027-01-01T00:00:00.000Z\n');
    expect(read('etc/environment')).not.toContain('cabcdefghij');
  });

  it('notes what went wrong for the agent, and boots all the same', () => {
    const { boot, read } = aNode('10.128.0.77', { nft: 'exit 1' });
    const { status } = boot({ slice: 1_000 });

    expect(status).toBe(0);
    expect(read('etc/onebuck/fault').split('\n')).toEqual([
      'no interface has the private address 10.128.0.2 (is Network Helper off?)',
      expect.stringMatching(/^nft refuses .*firewall\.nft$/),
      'nft refuses the limit of what the node sends',
      '',
    ]);
  });

  it('without systemd, tells shells of the environment, and runs the agent in the background', () => {
    const nohup = 'echo "$*" > "$SANDBOX/nohup"';
    const { boot, read, has, root } = aNode('10.128.0.2', { nohup }, { hasSystemd: false });
    boot();

    expect(read('etc/profile.d/onebuck.sh')).toBe(
      `set -a; . ${root}/etc/onebuck/environment; set +a\n`,
    );
    expect(read('nohup')).toBe(`sh ${root}/usr/local/lib/onebuck/agent\n`);
    expect(has('systemctl')).toBe(false);
  });

  it('alone, is a room of one: its own name, no keys, closed to the internet', () => {
    const { boot, read, has } = aNode();
    boot({ index: 0, nodes: 1, network: null, agent: null });

    expect(read('etc/onebuck/hosts')).toBe('127.0.0.1 n0\n');
    expect(read('etc/onebuck/environment')).toContain('MASTER_ADDR=127.0.0.1\n');
    expect(read('loaded')).not.toContain('saddr');
    expect(has('etc/onebuck/id_ed25519')).toBe(false);
    expect(has('etc/onebuck/token')).toBe(false);
  });

  it('without a network, names no node but itself', () => {
    const { boot, read } = aNode();
    boot({ network: null });

    expect(read('etc/onebuck/hosts')).toBe('127.0.0.1 n1\n');
    expect(read('etc/onebuck/environment')).not.toContain('ONEBUCK_HEAD');
  });
});

/** Keeps the text of the table that counts; `counter` is there, with what it has counted, as it is. */
const NFT = `case $* in
'list counter '*) [ ! -e "$SANDBOX/counter" ] || echo "packets 1 bytes $(cat "$SANDBOX/counter")" ;;
'delete table '*) rm "$SANDBOX/counter" ;;
'-f -') cat > "$SANDBOX/sending" ;;
esac`;

const service = (name: string) => `etc/systemd/system/${name}.service`;

const agentOf = (clusterId: string) => ({
  url: `https://api.example.com/agent/${clusterId}/1`,
  token: `oba_${clusterId}_1`,
  teardownAt: '2026-11-27T12:00:00.000Z',
});
