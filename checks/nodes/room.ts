import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '../deploy/expect.ts';
import type { Cluster } from './cluster.ts';
import { expectSending, sendingOf } from './sending.ts';
import { openPorts, range } from './shell.ts';
import type { World } from './world.ts';

const NODES = 10;
const OPEN_PORT = 8080;
const CLOSED_PORT = 8081;

const userData = `#cloud-config
write_files:
- path: /srv/written
  content: written
runcmd:
- [sh, -c, 'cat /srv/written > /srv/ran']
`;

/** Ten nodes are ready, are one room, and are closed to the internet. */
export async function expectRoom(world: World): Promise<void> {
  const { report, launch, ready, destroy, cluster } = world;
  const began = Date.now();
  const since = () => `${((Date.now() - began) / 1000).toFixed(1)} s after the launch`;
  const { id } = await launch({ nodes: NODES, userData, openPorts: [`${OPEN_PORT}`] });
  await expectSsh(world, id);
  report(`ssh answers on the first node of ${id}, ${since()}`);
  const room = await ready(id, 180);
  report(`all ${NODES} nodes are ready, ${since()}`);
  await expectCleanBoots(world, room);
  await expectOneRoom(world, room);
  await expectClosed(world, room);
  await expectSending(world, room.nodes);
  await expectReboot(world, room);
  await destroy(id);
  expect((await cluster(id)).endReason === 'requested', `${id} did not end as requested`);
  report(`destroyed ${id}`);
}

async function expectSsh({ cluster, on }: World, id: string): Promise<void> {
  for (;;) {
    const first = (await cluster(id)).nodes.find(({ ipv4 }) => ipv4 !== null);
    if (first !== undefined && (await on(first, 'true').catch(() => null)) !== null) return;
    await delay(100);
  }
}

async function expectCleanBoots({ onAll, report }: World, room: Cluster): Promise<void> {
  for (const status of await onAll(room, 'cloud-init status --long')) {
    const isClean = /^status: done$/m.test(status) && /^recoverable_errors: \{\}$/m.test(status);
    expect(
      isClean && /^extended_status: done$/m.test(status),
      `cloud-init is not done:\n${status}`,
    );
  }
  for (const log of await onAll(room, 'grep -c WARNING /var/log/cloud-init.log || true')) {
    expect(log === '0', `cloud-init has logged ${log} warnings`);
  }
  for (const text of await onAll(room, 'cat /srv/ran')) {
    expect(text === 'written', `the user's cloud-config wrote ${text}`);
  }
  report("cloud-init is done without a warning, and the user's cloud-config ran on each node");
}

async function expectOneRoom({ onAll, report }: World, room: Cluster): Promise<void> {
  const names = room.nodes.map(({ index }) => `n${index}`);
  const privateIps = room.nodes.map(({ privateIp }) => privateIp);
  expect(new Set(privateIps).size === NODES, `the private addresses are ${privateIps.join(', ')}`);
  const ask = names.map((name) => `ssh -o StrictHostKeyChecking=yes ${name} hostname`).join(' && ');
  for (const printed of await onAll(room, ask, 120)) {
    expect(printed === names.join('\n'), `by ssh, the names are ${printed}`);
  }
  const variables = 'echo $ONEBUCK_RANK $ONEBUCK_NODES $NODE_RANK $ONEBUCK_HEAD $ONEBUCK_ADDRESSES';
  for (const [rank, printed] of (await onAll(room, variables)).entries()) {
    const expected = `${rank} ${NODES} ${rank} n0 ${privateIps.join(',')}`;
    expect(printed === expected, `the environment of n${rank} is ${printed}`);
  }
  report('every node logs in to every other by its name, with strict checking of host keys');
}

/** This machine is the internet: it has a cable to the nodes' public addresses only. */
async function expectClosed({ on, onAll, report }: World, room: Cluster): Promise<void> {
  const serve = (port: number) =>
    `systemd-run -q --unit=check-${port} python3 -m http.server ${port} --directory /srv`;
  await onAll(room, `${serve(OPEN_PORT)} && ${serve(CLOSED_PORT)}`);
  const [n0, n1] = room.nodes;
  const get = `curl -sf --retry 9 --retry-connrefused http://n0:${CLOSED_PORT}/ran`;
  expect((await on(n1, get)) === 'written', 'n1 does not reach the server of n0');
  const ports = [...range(1, 1024), ...range(6800, 6830), ...range(8000, 8800), 3000, 10_001];
  for (const node of [n0, n1]) {
    const open = await openPorts(node?.ipv4 ?? '', ports);
    expect(open.join() === `22,${OPEN_PORT}`, `from the internet ${open.join()} answer`);
  }
  report(`from the internet only ssh and the open port answer, and in the room all do`);
}

async function expectReboot(world: World, { nodes: [node] }: Cluster) {
  const { on, reboot, report } = world;
  const before = await sendingOf(world, node);
  await reboot(node);
  expect((await on(node, 'ssh n1 hostname; cat /srv/ran')) === 'n1\nwritten', 'n0 lost its room');
  const after = await sendingOf(world, node);
  expect(
    after.sent >= before.sent && after.allowance === before.allowance,
    `n0 has forgotten what it sent: ${JSON.stringify({ before, after })}`,
  );
  report(
    `a rebooted node is in the room again, and knows the ${after.sent} bytes that it has sent`,
  );
}
