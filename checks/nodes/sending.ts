import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { SLOW_BYTES_PER_SECOND } from '../../lib/core/billing/transfer.ts';
import { expect, until } from '../deploy/expect.ts';
import type { Node } from './cluster.ts';
import type { World } from './world.ts';

/** What a node says of its limit, in bytes. */
interface Sending {
  readonly sent: number;
  readonly allowance: number;
}

const SECONDS = 4;
const PRIVATE_BYTES = 50_000_000;
/** Slowed down, the node would send them in three minutes. */
const FAST_BYTES = 20_000_000;
const FAST_SECONDS_MAX = 5;
/** What ssh, which this check uses, and the agent may send beside. */
const BESIDE_BYTES = 1_000_000;

/**
 * A node that sends more than its slice is slowed down, can still be logged in to, asks Onebuck for
 * more, and is fast again. What it sends to another node does not count.
 */
export async function expectSending(world: World, nodes: readonly Node[]): Promise<void> {
  const sink = createServer((socket) => socket.resume().on('error', () => socket.destroy()));
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  const { port } = sink.address() as AddressInfo;
  try {
    const place = `/dev/tcp/${await world.lead(port)}/${port}`;
    await expectUnbilled(world, nodes);
    await expectSlowed(world, nodes[0], place);
    await expectGrant(world, nodes[0], place);
  } finally {
    sink.close();
  }
}

async function expectUnbilled(world: World, [node, other]: readonly Node[]): Promise<void> {
  const before = await sendingOf(world, node);
  const send = `head -c ${PRIVATE_BYTES} /dev/zero | ssh n${other?.index} 'cat > /dev/null'`;
  await world.on(node, send);
  const counted = (await sendingOf(world, node)).sent - before.sent;
  expect(counted < BESIDE_BYTES, `${counted} bytes count that n0 sent to n${other?.index}`);
}

/** Without its agent, the node does not ask for more. */
async function expectSlowed(world: World, node: Node | undefined, place: string): Promise<void> {
  const { on, report } = world;
  await on(node, 'systemctl stop onebuck-agent');
  await on(node, `systemd-run -q --unit=check-sending bash -c 'exec cat /dev/zero > ${place}'`);
  let allowed = 0;
  await until('n0 has sent its slice', 60, async () => {
    const { sent, allowance } = await sendingOf(world, node);
    allowed = allowance;
    return sent > allowance;
  });
  const rate = await rateOf(world, node);
  expect(
    rate > SLOW_BYTES_PER_SECOND / 4 && rate < SLOW_BYTES_PER_SECOND * 1.05,
    `beyond its slice, n0 sends ${rate} bytes a second`,
  );
  await on(node, 'systemctl stop check-sending');
  report(`beyond its slice of ${allowed} bytes, n0 sends ${rate} bytes a second, and ssh goes on`);
}

async function expectGrant(world: World, node: Node | undefined, place: string): Promise<void> {
  const { on, report } = world;
  await on(node, 'systemctl start onebuck-agent');
  await until('n0 may send more', 30, async () => {
    const { sent, allowance } = await sendingOf(world, node);
    return allowance > sent + FAST_BYTES;
  });
  await on(node, `timeout ${FAST_SECONDS_MAX} head -c ${FAST_BYTES} /dev/zero > ${place}`);
  const { sent, allowance } = await sendingOf(world, node);
  report(`n0 has asked, and is fast again: it may send ${allowance} bytes, and has sent ${sent}`);
}

/** What the table of the node says, in which nft writes 2,048 bytes as `2 kbytes`. */
export async function sendingOf({ on }: World, node: Node | undefined): Promise<Sending> {
  const table = await on(node, 'nft list table inet onebuck_sending');
  const number = (pattern: RegExp): number => {
    const [, digits, unit = ''] = pattern.exec(table) ?? [];
    expect(digits !== undefined, `the table of n${node?.index} lacks ${pattern}: ${table}`);
    return Number(digits) * 1024 ** ['', 'k', 'm', 'g'].indexOf(unit);
  };
  return {
    sent: number(/packets \d+ bytes (\d+)/),
    allowance: number(/over (\d+) ([kmg]?)bytes/),
  };
}

/** How many bytes the node's table counts in a second, within a few seconds. */
async function rateOf({ on }: World, node: Node | undefined): Promise<number> {
  const count = "nft list counter inet onebuck_sending sent | sed -n 's/.* bytes //p'";
  const printed = await on(node, `${count}; sleep ${SECONDS}; ${count}`);
  const [first = Number.NaN, last = Number.NaN] = printed.split('\n').map(Number);
  return Math.round((last - first) / SECONDS);
}
