import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Power } from '../../../../simulators/linode/instance.ts';
import type { Machines } from '../../../../simulators/linode/machines.ts';
import { aWorld, type World } from '../../../support/simulated-linode.ts';

/** Machines that do nothing by themselves: the test says what becomes of them. */
class ScriptedMachines implements Machines {
  readonly asked: string[] = [];
  free = ['10.77.0.10', '10.77.0.11'];
  tell: (id: number, power: Power) => void = () => {};
  takeAddress = (last: string | null) =>
    last !== null && this.free.includes(last) ? last : (this.free.shift() ?? null);
  create = ({ id, ipv4 }: { id: number; ipv4: readonly string[] }, boots: boolean) =>
    void this.asked.push(`create ${id} at ${ipv4}, boots: ${boots}`);
  boot = (id: number) => void this.asked.push(`boot ${id}`);
  reboot = (id: number) => void this.asked.push(`reboot ${id}`);
  shutDown = (id: number) => void this.asked.push(`shutDown ${id}`);
  remove = (id: number) => void this.asked.push(`remove ${id}`);
  onPower = (listener: (id: number, power: Power) => void) => {
    this.tell = listener;
  };
}

async function aWorldWithMachines() {
  const machines = new ScriptedMachines();
  const world = await aWorld({ machines });
  const { json } = await world.create();
  return { ...world, machines, id: json.id as number, created: json };
}

const statusOf = async ({ call }: Pick<World, 'call'>, id: number): Promise<string> =>
  (await call('GET', `/linode/instances/${id}`)).json.status;

interface WireEvent {
  readonly id: number;
  readonly action: string;
  readonly status: string;
}

/** Oldest first. */
async function eventsOf({ call }: Pick<World, 'call'>): Promise<string[]> {
  const events: readonly WireEvent[] = (await call('GET', '/account/events')).json.data;
  return events.toSorted((a, b) => a.id - b.id).map(({ action, status }) => `${action} ${status}`);
}

describe('a Linode with a machine', () => {
  it("has the machine's address and power as its own, whatever the time", async () => {
    const { machines, id, created, clock, ...world } = await aWorldWithMachines();
    expect(created).toMatchObject({ status: 'provisioning', ipv4: ['10.77.0.10'] });
    expect(machines.asked).toEqual([`create ${id} at 10.77.0.10, boots: true`]);
    clock.now += 3_600_000;
    expect(await statusOf(world, id)).toBe('provisioning');
    machines.tell(id, 'booting');
    expect(await statusOf(world, id)).toBe('booting');
    machines.tell(id, 'running');
    expect(await statusOf(world, id)).toBe('running');
    expect(await eventsOf(world)).toEqual(['linode_create finished', 'linode_boot finished']);
  });

  it('is rebooted, shut down and booted by calls, which refuse one that is busy', async () => {
    const { machines, id, call, ...world } = await aWorldWithMachines();
    const ask = async (what: string) =>
      (await call('POST', `/linode/instances/${id}/${what}`)).status;
    expect(await ask('reboot')).toBe(400);
    machines.tell(id, 'running');
    expect(await ask('boot')).toBe(400);
    expect(await ask('reboot')).toBe(200);
    expect(await statusOf({ call }, id)).toBe('rebooting');
    machines.tell(id, 'running');
    expect(await ask('shutdown')).toBe(200);
    expect(await statusOf({ call }, id)).toBe('shutting_down');
    machines.tell(id, 'offline');
    expect(await ask('boot')).toBe(200);
    expect(await statusOf({ call }, id)).toBe('booting');
    const asked = [`reboot ${id}`, `shutDown ${id}`, `boot ${id}`];
    expect(machines.asked.slice(1)).toEqual(asked);
    expect(await eventsOf({ call, ...world })).toEqual([
      'linode_create finished',
      'linode_reboot finished',
      'linode_shutdown finished',
      'linode_boot started',
    ]);
  });

  it('takes its machine with it when it is deleted, and is not woken by it', async () => {
    const { machines, id, call } = await aWorldWithMachines();
    expect((await call('DELETE', `/linode/instances/${id}`)).status).toBe(200);
    expect(machines.asked.at(-1)).toBe(`remove ${id}`);
    machines.tell(id, 'running');
    expect((await call('GET', `/linode/instances/${id}`)).status).toBe(404);
  });

  it('is not created when no address is left', async () => {
    const { create, machines } = await aWorldWithMachines();
    expect((await create()).status).toBe(200);
    expect((await create()).status).toBe(403);
    expect(machines.asked).toHaveLength(2);
  });
});

it('Linodes of an earlier start get machines anew, at another address if need be', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'machines-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const stateFile = join(folder, 'linode.json');
  const earlier = new ScriptedMachines();
  const before = await aWorld({ machines: earlier, stateFile });
  const { json: on } = await before.create();
  const { json: off } = await before.create();
  earlier.tell(on.id, 'running');
  earlier.tell(off.id, 'offline');
  await before.simulator.close();

  const machines = new ScriptedMachines();
  machines.free = ['10.77.1.10', '10.77.0.11'];
  const { call } = await aWorld({ machines, stateFile });
  expect(machines.asked).toEqual([
    `create ${on.id} at 10.77.1.10, boots: true`,
    `create ${off.id} at 10.77.0.11, boots: false`,
  ]);
  const { json } = await call('GET', `/linode/instances/${on.id}`);
  expect(json).toMatchObject({ status: 'provisioning', ipv4: ['10.77.1.10'] });
});

it('a Linode that boots nothing has no power to switch', async () => {
  const { call, create } = await aWorld();
  const { json } = await create();
  const answer = await call('POST', `/linode/instances/${json.id}/reboot`);
  expect(answer.status).toBe(501);
});
