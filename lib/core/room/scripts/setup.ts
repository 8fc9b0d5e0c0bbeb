import { type Setup, setups } from '../setups.ts';

/*
 * What a node installs in cloud-init's last stage, before the user's own scripts. Each setup ends
 * only when it works on this node: on n0, its server answers; every other node has joined n0.
 */

/** From PyPI. Both have wheels for Python 3.10 (Ubuntu 22.04) to 3.13 (Debian 13). */
const DASK_VERSION = '2026.8.0';
const RAY_VERSION = '2.60.0';

interface Recipe {
  /**
   * Lines of the environment of every login and service, in which `$head` is the address of n0.
   * `cidr`: null: no private network.
   */
  readonly environment?: (cidr: string | null) => readonly string[];
  /** A part of the script that adds the distribution's packages to `$@`. */
  readonly packages?: string;
  /** Requirements for pip. */
  readonly python?: readonly string[];
  readonly script: string;
}

const RECIPES: Readonly<Record<Setup, Recipe>> = {
  docker: {
    // Debian 13 has the client in a package of its own.
    packages: `set -- "$@" docker.io
! apt-cache show docker-cli > /dev/null 2>&1 || set -- "$@" docker-cli
`,
    script: `systemctl -q enable --now docker
try 120 docker info > /dev/null 2>&1 || end 'docker: the daemon does not answer'
`,
  },
  mpi: {
    environment: (cidr) => [
      'OMPI_ALLOW_RUN_AS_ROOT=1',
      'OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1',
      // Open MPI 4 reads the names with OMPI, Open MPI 5 those with PRTE and PMIX.
      'OMPI_MCA_orte_default_hostfile=/etc/onebuck/hostfile',
      'PRTE_MCA_prte_default_hostfile=/etc/onebuck/hostfile',
      ...(cidr === null
        ? []
        : [
            'OMPI_MCA_pml=ob1',
            `OMPI_MCA_btl_tcp_if_include=${cidr}`,
            `OMPI_MCA_oob_tcp_if_include=${cidr}`,
            `PRTE_MCA_prte_if_include=${cidr}`,
            `PMIX_MCA_ptl_tcp_if_include=${cidr}`,
          ]),
    ],
    packages: `set -- "$@" openmpi-bin python3-mpi4py
[ "$rank" != 0 ] || set -- "$@" gcc libc6-dev libopenmpi-dev
`,
    script: `peer() { [ "$rank" = 0 ] || ssh n0 true 2> /dev/null; }
try 900 peer || end 'mpi: no ssh to n0'
mpirun -host "n$rank" -np 1 true || end 'mpi: mpirun does not run here'
`,
  },
  nfs: {
    packages: `if [ "$rank" = 0 ]; then set -- "$@" nfs-kernel-server; else set -- "$@" nfs-common; fi
`,
    script: `mkdir -p /shared
if [ "$rank" != 0 ]; then
  grep -q '^n0:/shared ' /etc/fstab || echo 'n0:/shared /shared nfs _netdev,nofail 0 0' >> /etc/fstab
  systemctl daemon-reload
  mounted() { mountpoint -q /shared || mount /shared 2> /dev/null; }
  try 900 mounted || end 'nfs: n0:/shared can not be mounted'
elif [ -n "$cidr" ]; then
  mkdir -p /etc/exports.d
  echo "/shared $cidr(rw,sync,no_subtree_check,no_root_squash)" > /etc/exports.d/onebuck.exports
  { systemctl -q enable --now nfs-server && exportfs -ra; } || end 'nfs: /shared is not exported'
fi
`,
  },
  slurm: {
    packages: `set -- "$@" munge slurmd slurm-client
[ "$rank" != 0 ] || set -- "$@" slurmctld
`,
    // The secret of munge comes from the key that all nodes have. Every node makes the same file.
    script: `mkdir -p /etc/slurm /var/lib/slurm/slurmctld /var/lib/slurm/slurmd /var/log/slurm
chown -R slurm: /var/lib/slurm /var/log/slurm
if [ -n "$cidr" ]; then
  sha512sum < /etc/onebuck/id_ed25519 | head -c 128 > /etc/munge/munge.key
  chown munge: /etc/munge/munge.key
  chmod 400 /etc/munge/munge.key
fi
memory=$(awk '/^MemTotal/ { print int($2 / 1152 / 16) * 16 }' /proc/meminfo)
cat > /etc/slurm/slurm.conf <<E
ClusterName=onebuck
SlurmctldHost=n0($head)
SlurmUser=slurm
AuthType=auth/munge
StateSaveLocation=/var/lib/slurm/slurmctld
SlurmdSpoolDir=/var/lib/slurm/slurmd
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
DebugFlags=NO_CONF_HASH
NodeName=n[0-$((ONEBUCK_NODES - 1))] CPUs=$(nproc) RealMemory=$memory
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
E
# Nothing above needs cgroups. Slurm 23 and later can do without, where it does not find its own.
case $(slurmd -V) in
  *\\ 2[0-2].*) ;;
  *) echo CgroupPlugin=disabled > /etc/slurm/cgroup.conf ;;
esac
systemctl restart munge
[ "$rank" != 0 ] || systemctl restart slurmctld
systemctl restart slurmd
try 900 timeout 40 srun -Q -I30 -t 1 -w "n$rank" true 2> /dev/null || end 'slurm: no job runs here'
`,
  },
  dask: {
    environment: () => ['DASK_SCHEDULER_ADDRESS=tcp://$head:8786'],
    python: [`dask==${DASK_VERSION}`, `distributed==${DASK_VERSION}`],
    script: `[ "$rank" != 0 ] ||
  unit dask-scheduler "$venv/dask scheduler --host $me --port 8786 --dashboard-address $me:8787"
unit dask-worker "$venv/dask worker tcp://$head:8786 --host $me --name n$rank --nworkers 1 \\
--nthreads $(nproc) --no-dashboard"
try 900 timeout 60 $venv/python -c 'import sys, dask.distributed as dask
client = dask.Client(timeout=20)
client.submit(int, workers=[sys.argv[1]]).result(20)' "n$rank" > /dev/null 2>&1 ||
  end 'dask: the worker has not joined n0'
`,
  },
  ray: {
    environment: () => ['RAY_ADDRESS=$head:6379', 'RAY_USAGE_STATS_ENABLED=0'],
    python: [`ray==${RAY_VERSION}`],
    script: `role=--address=$head:6379
[ "$rank" != 0 ] || role='--head --port=6379 --include-dashboard=false'
unit ray "$venv/ray start --block --node-ip-address=$me $role"
try 900 timeout 120 $venv/python -c 'import sys, ray
ray.init(sys.argv[1] + ":6379", log_to_driver=False)
here = {"node:" + sys.argv[2]: 0.001}
ray.get(ray.remote(lambda: 0).options(num_cpus=0, resources=here).remote(), timeout=60)' \\
  "$head" "$me" > /dev/null 2>&1 || end 'ray: the node has not joined n0'
`,
  },
};

/** Lines of the environment of every login and service, by which programs find their server. */
export const setupEnvironment = (setup: readonly Setup[], cidr: string | null): readonly string[] =>
  setup.flatMap((name) => RECIPES[name].environment?.(cidr) ?? []);

/** The script that makes the setups; it also installs nft where an image lacks it. */
export function setupScript(setup: readonly Setup[], cidr: string | null): string {
  const recipes = setups.filter((name) => setup.includes(name)).map((name) => RECIPES[name]);
  return `#!/bin/sh
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export DEBIAN_FRONTEND=noninteractive HOME=/root
end() { echo "onebuck: $1" >&2; exit 1; }
if ! command -v nft > /dev/null; then
  {
    apt-get -qq update && apt-get -qqy install nftables || dnf -qy install nftables ||
      zypper -nq install nftables || pacman -Sy --noconfirm nftables || apk add nftables
  } > /dev/null 2>&1
  command -v nft > /dev/null || end 'the firewall needs nft, which can not be installed'
  nft -f /etc/onebuck/firewall.nft || end 'nft refuses /etc/onebuck/firewall.nft'
  (. /usr/local/lib/onebuck/sending && load) ||
    end 'nft refuses the limit of what the node sends'
fi
${recipes.length === 0 ? '' : preparation(recipes, cidr)}${recipes.map(({ script }) => script).join('')}`;
}

function preparation(recipes: readonly Recipe[], cidr: string | null): string {
  const packages = recipes.map((recipe) => recipe.packages ?? '').join('');
  const python = recipes.flatMap((recipe) => recipe.python ?? []);
  return `set -a
. /etc/onebuck/environment
set +a
cidr=${cidr ?? "''"} rank=$ONEBUCK_RANK
address() { sed -n "s/ $1\\$//p" /etc/onebuck/hosts; }
me=$(address "n$rank") head=$(address n0)
# try SECONDS COMMAND...: until the command succeeds.
try() {
  until=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt $until ] || return 1
    sleep 2
  done
}
set --
${packages}${python.length === 0 ? '' : 'set -- "$@" python3-venv\n'}\
if ! dpkg -s "$@" > /dev/null 2>&1; then
  try 300 apt-get -qq update
  # Servers start below, when their files are there: without them, slurmd waits for two minutes.
  printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  try 300 apt-get -qqy -o DPkg::Lock::Timeout=300 --no-install-recommends install "$@" > /dev/null ||
    end "apt-get can not install $*"
  rm /usr/sbin/policy-rc.d
fi
${python.length === 0 ? '' : venv(python)}`;
}

const venv = (requirements: readonly string[]): string => `venv=/opt/onebuck/bin
[ -x $venv/pip ] || python3 -m venv /opt/onebuck || end 'python3 -m venv fails'
try 600 $venv/pip -q --disable-pip-version-check install --no-cache-dir ${requirements.join(' ')} ||
  end 'pip can not install ${requirements.join(' ')}'
# unit NAME COMMAND
unit() {
  cat > "/etc/systemd/system/onebuck-$1.service" <<E
[Unit]
Wants=network-online.target
After=network-online.target
[Service]
ExecStart=$2
Restart=always
RestartSec=5
LimitNOFILE=65536
[Install]
WantedBy=multi-user.target
E
  systemctl daemon-reload
  systemctl -q enable --now "onebuck-$1"
}
`;
