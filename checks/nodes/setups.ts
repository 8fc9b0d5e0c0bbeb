import { expect } from '../deploy/expect.ts';
import type { Cluster } from './cluster.ts';
import { openPorts, range } from './shell.ts';
import type { World } from './world.ts';

const NODES = 3;
const HOSTS = 'n0 n1 n2';
/** `nfs` needs a kernel with NFS, and `docker` one that lets root mount everything. */
const setup = ['mpi', 'slurm', 'dask', 'ray'];

/** cloud-init has started before the names were known, so that its scripts read them. */
const userData = `#!/bin/sh
. /etc/onebuck/environment
echo "$ONEBUCK_RANK of $ONEBUCK_NODES" > /srv/script-ran
`;

/** Three nodes install the setups, and each setup does a job on all of them. */
export async function expectSetups(world: World): Promise<void> {
  const { launch, ready, report, destroy, onAll } = world;
  const began = Date.now();
  const { id } = await launch({
    nodes: NODES,
    type: 'g6-standard-2',
    setup,
    userData,
    maxHours: 3,
  });
  const room = await ready(id, 600);
  const seconds = Math.round((Date.now() - began) / 1000);
  report(`${id} is ready with ${setup.join(', ')}, ${seconds} s after the launch`);
  const ran = await onAll(room, 'cat /srv/script-ran');
  expect(ran.join() === '0 of 3,1 of 3,2 of 3', `the user's script wrote ${ran.join()}`);
  await expectMpi(world, room);
  await expectSlurm(world, room);
  await expectPython(world, room, 'Dask', DASK_JOB);
  await expectPython(world, room, 'Ray', RAY_JOB);
  await expectServersClosed(world, room);
  await destroy(id);
}

/** Sixteen broadcasts of 1 MiB, so that traffic on the wrong interface would be seen. */
const MPI_JOB = `from mpi4py import MPI
import socket
world = MPI.COMM_WORLD
data = bytearray(1 << 20)
for _ in range(16): world.Bcast(data, 0)
hosts = world.gather(socket.gethostname())
if world.rank == 0: print(*sorted(hosts))
`;

async function expectMpi({ on, report }: World, { nodes }: Cluster): Promise<void> {
  const [n0, n1] = nodes;
  const sent = async (): Promise<number[]> =>
    (await on(n1, 'cat /sys/class/net/eth[01]/statistics/rx_bytes')).split('\n').map(Number);
  const before = await sent();
  await on(n0, `cat > /srv/job.py <<'E'\n${MPI_JOB}E`);
  await on(n0, `for n in ${HOSTS}; do scp -q /srv/job.py $n:/srv/job.py; done`);
  const printed = await on(n0, 'mpirun -np 3 --map-by node python3 /srv/job.py', 120);
  expect(printed === HOSTS, `mpirun prints ranks on ${printed}`);
  const [publicBytes = 0, privateBytes = 0] = (await sent()).map(
    (bytes, index) => bytes - (before[index] ?? 0),
  );
  const MiB = 1024 * 1024;
  expect(privateBytes > 16 * MiB, `n1 got ${privateBytes} bytes by the private network`);
  expect(publicBytes < MiB, `n1 got ${publicBytes} bytes by the public network`);
  report(
    `mpirun runs on ${printed}: ${privateBytes} bytes by the private network, ${publicBytes} by the public`,
  );
}

async function expectSlurm({ on, report }: World, { nodes: [n0] }: Cluster): Promise<void> {
  const job = `cd /srv && sbatch -Q --wait -N3 -o slurm.out --wrap 'srun hostname' && sort slurm.out`;
  const printed = await on(n0, job, 120);
  expect(printed.split('\n').join(' ') === HOSTS, `Slurm's job ran on ${printed}`);
  report(`sbatch runs a job on ${HOSTS}`);
}

const DASK_JOB = `import os, socket
from dask.distributed import Client
client = Client(os.environ['DASK_SCHEDULER_ADDRESS'], timeout=30)
client.wait_for_workers(3, timeout=60)
print(*sorted(client.run(socket.gethostname).values()), sum(client.gather(client.map(pow, range(4), [2] * 4))))
`;

const RAY_JOB = `import os, socket, ray
ray.init(os.environ['RAY_ADDRESS'], log_to_driver=False)
nodes = [node['NodeManagerAddress'] for node in ray.nodes() if node['Alive']]
@ray.remote(num_cpus=0)
def host(): return socket.gethostname()
@ray.remote(num_cpus=0)
def square(n): return n * n
hosts = [host.options(resources={'node:' + node: 0.001}).remote() for node in nodes]
print(*sorted(ray.get(hosts, timeout=60)), sum(ray.get([square.remote(n) for n in range(4)], timeout=60)))
`;

/** The job prints the hosts on which it has run, and 0 + 1 + 4 + 9. */
async function expectPython(
  { on, report }: World,
  { nodes: [n0] }: Cluster,
  name: string,
  job: string,
): Promise<void> {
  const run = `/opt/onebuck/bin/python - 2>/tmp/${name} <<'E' || { tail -n 5 /tmp/${name}; exit 1; }\n${job}E`;
  const printed = await on(n0, run, 180);
  expect(printed.split('\n').at(-1) === `${HOSTS} 14`, `${name}'s job prints ${printed}`);
  report(`${name} runs a job on ${HOSTS}`);
}

/** What listens on n0 is the room's only. */
async function expectServersClosed({ on, report }: World, { nodes }: Cluster): Promise<void> {
  const [n0] = nodes;
  const listening = (await on(n0, 'ss -Htln | awk \'{ sub(/.*:/, "", $4); print $4 }\''))
    .split('\n')
    .map(Number);
  expect(listening.includes(8786), `the scheduler of Dask does not listen: ${listening.join()}`);
  const open = await openPorts(n0?.ipv4 ?? '', [...range(1, 1024), ...listening]);
  expect(open.join() === '22', `from the internet ${open.join()} answer on n0`);
  const count = new Set(listening).size;
  report(`${count} ports of n0 have servers, and from the internet only ssh answers`);
}
