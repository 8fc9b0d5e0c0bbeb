import { AGENT } from './agent.ts';
import { JOB_AGENT } from './job.ts';
import { SENDING } from './sending.ts';
import { flat } from './shell.ts';

/** What the boot script says about its node. All texts are free of blanks and quotes. */
export interface BootFacts {
  readonly clusterId: string;
  readonly index: number;
  readonly nodes: number;
  /** The cluster's subnet, and the address of this node in it; null: no private network. */
  readonly network: { readonly cidr: string; readonly address: string } | null;
  /** Such as `80`, `8000-8100` or `53/udp`. */
  readonly openPorts: readonly string[];
  /** Lines such as `NAME=value`, beside those that every node has; `$head` is the address of n0. */
  readonly environment: readonly string[];
  /** A public key in one line. */
  readonly hostKey: string;
  /** A private key file of OpenSSH, and its public key in one line. */
  readonly peerKey: { readonly private: string; readonly public: string };
  /** null: nodes can't reach Onebuck, so no agent runs on them. */
  readonly agent: AgentFacts | null;
  /** Whether the cluster has a job, which its agents can run. */
  readonly hasJob: boolean;
  /**
   * The bytes that the node may send to the internet in a calendar month (UTC) without asking; null: it
   * has no limit.
   */
  readonly slice: number | null;
}

interface AgentFacts {
  /** Where the agent of this node calls. */
  readonly url: string;
  readonly token: string;
  /** ISO 8601, in UTC. */
  readonly teardownAt: string;
}

/**
 * The script that cloud-init runs early in each boot, before sshd starts: names, keys, firewall and
 * agent. A second run changes nothing. It holds nothing that grows with the number of nodes: the
 * node makes all lists from the subnet and the number.
 */
export const bootScript = (facts: BootFacts): string => `#!/bin/sh
set -eu
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cluster=${facts.clusterId} rank=${facts.index} nodes=${facts.nodes}
cidr=${facts.network?.cidr ?? "''"} me=${facts.network?.address ?? '127.0.0.1'}
${facts.slice === null ? '' : `slice=${facts.slice}\n`}\
d=/etc/onebuck lib=/usr/local/lib/onebuck
# An image made of a node of another cluster has that cluster's files.
[ "$(cat $d/node 2> /dev/null)" = "$cluster-$rank" ] || rm -rf $d $lib
[ -e $d ] || nft delete table inet onebuck_sending 2> /dev/null || :
mkdir -p $d $lib
rm -f $d/fault

# put FILE MODE < text
put() { (umask 077 && cat > "$1.new") && chmod "$2" "$1.new" && mv "$1.new" "$1"; }
# own FILE < lines: puts these lines into a file that has others too.
own() {
  touch "$1"
  {
    awk '/^# onebuck$/ { ours = 1 } !ours; /^# onebuck end$/ { ours = 0 }' "$1"
    echo '# onebuck'
    cat
    echo '# onebuck end'
  } > "$d/own.new"
  cat "$d/own.new" > "$1"
  rm "$d/own.new"
}
# The agent reports a fault when cloud-init is done.
fault() { echo "$1" >> $d/fault; echo "onebuck: $1" >&2; }
systemd() { [ -d /run/systemd/system ]; }
${flat([NAMES, environment(facts), ssh(facts), firewall(facts), agent(facts.agent)].join(''))}\
${facts.hasJob ? JOB : ''}
if systemd; then
  systemctl daemon-reload
  systemctl -q enable onebuck-firewall${facts.agent === null ? '' : ' onebuck-agent'}
${facts.slice === null ? '' : START_FIREWALL}fi
${facts.agent === null ? '' : START}echo "$cluster-$rank" > $d/node
`;

/** An address and a name in each line: /etc/hosts and all other lists come from it. */
const NAMES = `
if [ -n "$cidr" ]; then
  awk -v nodes=$nodes -v base="$cidr" 'BEGIN {
    split(base, part, "[./]")
    for (i = 0; i < nodes; i++) {
      n = part[3] * 256 + part[4] + i + 1
      printf "%d.%d.%d.%d n%d\\n", part[1], part[2], int(n / 256), n % 256, i
    }
  }' > $d/hosts
else
  echo "127.0.0.1 n$rank" > $d/hosts
fi
own /etc/hosts < $d/hosts
awk -v slots="$(nproc)" '{ print $2 " slots=" slots }' $d/hosts > $d/hostfile
addresses=$(awk '{ printf "%s%s", n++ ? "," : "", $1 }' $d/hosts)
head=$(sed -n 's/ n0$//p' $d/hosts)
known=$(awk '{ printf "%s%s,%s", n++ ? "," : "", $2, $1 }' $d/hosts)
`;

/** Logins read /etc/environment by pam_env; services get the defaults of systemd. */
function environment({ network, nodes, agent, environment }: BootFacts): string {
  const isRoom = network !== null || nodes === 1;
  const lines = [
    'ONEBUCK_CLUSTER=$cluster',
    'ONEBUCK_RANK=$rank',
    'ONEBUCK_NODES=$nodes',
    'NODE_RANK=$rank',
    'NUM_NODES=$nodes',
    ...(isRoom
      ? [
          'ONEBUCK_ADDRESSES=$addresses',
          'ONEBUCK_HEAD=n0',
          'ONEBUCK_HOSTFILE=$d/hostfile',
          'MASTER_ADDR=$head',
          'MASTER_PORT=29500',
        ]
      : []),
    ...(agent === null ? [] : ['ONEBUCK_TEARDOWN_AT=$(cat $d/teardown-at)']),
    ...environment,
  ];
  return `${
    agent === null ? '' : `[ -e $d/teardown-at ] || echo ${agent.teardownAt} > $d/teardown-at\n`
  }cat > $d/environment <<E
${lines.join('\n')}
E
own /etc/environment < $d/environment
if systemd; then
  mkdir -p /etc/systemd/system.conf.d
  { echo '[Manager]'; echo "DefaultEnvironment=$(tr '\\n' ' ' < $d/environment)"; } \\
    > /etc/systemd/system.conf.d/onebuck.conf
else
  mkdir -p /etc/profile.d
  echo 'set -a; . /etc/onebuck/environment; set +a' > /etc/profile.d/onebuck.sh
fi
`;
}

/** Root logs in to the other nodes without a prompt, and knows their host key in advance. */
const ssh = ({ network, hostKey, peerKey }: BootFacts): string =>
  network === null
    ? ''
    : `put $d/id_ed25519 600 <<'E'
${peerKey.private.trimEnd()}
E
echo "$known ${hostKey}" > $d/known_hosts
mkdir -p /etc/ssh/ssh_config.d
cat > /etc/ssh/ssh_config.d/onebuck.conf <<E
Match localuser root host $known
  User root
  IdentityFile $d/id_ed25519
  BatchMode yes
  StrictHostKeyChecking yes
  GlobalKnownHostsFile $d/known_hosts
  UserKnownHostsFile /dev/null
E
[ -d /root/.ssh ] || mkdir -m 700 /root/.ssh
(umask 077 && own /root/.ssh/authorized_keys) <<'E'
from="${network.cidr}" ${peerKey.public}
E
! command -v restorecon > /dev/null || restorecon -R $d /root/.ssh
`;

interface PortSet {
  readonly protocol: 'tcp' | 'udp';
  readonly ports: readonly string[];
}

/** The ports that the internet reaches, by protocol; ssh is always among them. */
function portSets(openPorts: readonly string[]): PortSet[] {
  const isUdp = (ports: string) => ports.endsWith('/udp');
  const udp = openPorts.filter(isUdp).map((ports) => ports.replace('/udp', ''));
  const tcp = openPorts.filter((ports) => !isUdp(ports));
  return [
    { protocol: 'tcp', ports: ['22', ...tcp] },
    ...(udp.length === 0 ? [] : [{ protocol: 'udp' as const, ports: udp }]),
  ];
}

/**
 * Lets in ssh and the open ports from the internet, and everything from the cluster's subnet. What
 * is forwarded from the internet, such as to a container, needs an open port too.
 */
function firewall({ openPorts, slice }: BootFacts): string {
  const sets = portSets(openPorts);
  const forEach = (line: (set: PortSet) => string) => sets.map(line).join('\n');
  const firewalld = openPorts.map((ports) => (ports.includes('/') ? ports : `${ports}/tcp`));
  return `
wan=$({ ip route; ip -6 route; } | sed -n 's/^default.* dev \\([^ ]*\\).*/\\1/p' | head -n 1)
lan=
if [ -n "$cidr" ]; then
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    lan=$(ip -o addr | awk -v address=$me/ 'index($4, address) == 1 { print $2; exit }')
    [ -z "$lan" ] || break
    sleep 1
  done
  [ -n "$lan" ] || fault "no interface has the private address $me (is Network Helper off?)"
fi
{
  cat <<'E'
table inet onebuck
delete table inet onebuck
table inet onebuck {
${forEach(
  ({ protocol, ports }) =>
    `set ${protocol}_open {
type inet_service; flags interval; auto-merge
elements = { ${ports.join(', ')} }
}`,
)}
chain input {
type filter hook input priority 0; policy drop;
ct state established,related accept
iif lo accept
meta l4proto { icmp, ipv6-icmp } accept
${forEach(({ protocol }) => `${protocol} dport @${protocol}_open accept`)}
E
  [ -z "$lan" ] || echo "iifname $lan ip saddr $cidr accept"
  echo '}
chain forward {
type filter hook forward priority 0; policy accept;
ct state established,related accept'
  [ -z "$wan" ] || cat <<E
${forEach(({ protocol }) => `iifname $wan meta l4proto ${protocol} ct original proto-dst @${protocol}_open accept`)}
iifname $wan drop
E
  echo '}
}'
} > $d/firewall.nft
# Where nft is missing, it is installed in cloud-init's last stage.
! command -v nft > /dev/null || nft -f $d/firewall.nft || fault "nft refuses $d/firewall.nft"
${slice === null ? '' : LIMIT}# firewalld has tables of its own, which drop what is not allowed in them too.
if firewall-cmd --state > /dev/null 2>&1; then
  [ -z "$lan" ] || firewall-cmd -q --permanent --zone=trusted --change-interface="$lan"
${firewalld.map((port) => `  firewall-cmd -q --permanent --add-port=${port}\n`).join('')}\
  firewall-cmd -q --reload
fi
# At the next boots, the firewall is there before the network is.
if systemd; then
  cat > /etc/systemd/system/onebuck-firewall.service <<'E'
[Unit]
DefaultDependencies=no
After=nftables.service
Wants=network-pre.target
Before=network-pre.target sysinit.target shutdown.target
Conflicts=shutdown.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/onebuck/firewall.nft
${slice === null ? '' : KEPT_LIMIT}[Install]
WantedBy=sysinit.target
E
fi
`;
}

/** The limit holds before the first script of the user runs; see `SENDING`. */
const LIMIT = `put $lib/sending 644 <<'END'
${SENDING}END
echo "slice=$slice wan=\${wan:-eth0}" > $d/limit
! command -v nft > /dev/null || (. $lib/sending; load || renew) ||
  fault 'nft refuses the limit of what the node sends'
`;

/** What was sent is known after a reboot: before this service, all that may send has been stopped. */
const KEPT_LIMIT = `ExecStart=/bin/sh -c '. /usr/local/lib/onebuck/sending; load || renew'
ExecStop=/bin/sh -c '. /usr/local/lib/onebuck/sending; keep_sent'
`;

/** A service that was not started is not stopped either. */
const START_FIREWALL =
  '  ! command -v nft > /dev/null || systemctl --no-block start onebuck-firewall\n';

const agent = (facts: AgentFacts | null): string =>
  facts === null
    ? ''
    : `echo ${facts.url} > $d/url
[ -e $d/token ] || echo ${facts.token} | put $d/token 600
put $lib/agent 755 <<'END'
${AGENT}END
if systemd; then
  cat > /etc/systemd/system/onebuck-agent.service <<'E'
[Unit]
Wants=network-online.target
After=network-online.target
[Service]
ExecStart=/bin/sh /usr/local/lib/onebuck/agent
Restart=always
RestartSec=30
OOMScoreAdjust=-900
[Install]
WantedBy=multi-user.target
E
fi
`;

/**
 * The agent of the job, which the agent starts when the node is ready, and the command's own service.
 * What the command leaves in the background is ended with it. Old versions of systemd ignore what
 * they don't know.
 */
const JOB = `put $lib/job 755 <<'END'
${JOB_AGENT}END
python=$(command -v python3 || echo /usr/libexec/platform-python)
if systemd; then
  echo 'systemctl --no-block start onebuck-job-agent' > $lib/job.sh
  cat > /etc/systemd/system/onebuck-job-agent.service <<E
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=$python $lib/job
Restart=on-failure
RestartSec=5
OOMScoreAdjust=-900
E
  cat > /etc/systemd/system/onebuck-job.service <<E
[Service]
ExecStart=$python $lib/job run
SyslogIdentifier=onebuck-job
KillMode=mixed
OOMPolicy=continue
TasksMax=infinity
E
else
  echo "nohup $python $lib/job > /dev/null 2>&1 &" > $lib/job.sh
fi
`;

/** cloud-init's early stage must not wait for the agent, which waits for the network. */
const START = `if systemd; then
  systemctl --no-block start onebuck-agent
else
  nohup sh $lib/agent > /dev/null 2>&1 &
fi
`;
