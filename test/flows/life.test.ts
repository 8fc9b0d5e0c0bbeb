import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { specOf } from '../../cli/spec.ts';
import type { Terminal } from '../../cli/terminal.ts';
import { type DurationMs, hours, minutes, plus, seconds } from '../../lib/core/base/units.ts';
import { renderCluster } from '../../lib/http/render.ts';
import type { ClusterStore } from '../../lib/ports.ts';
import type { FaultRule } from '../../simulators/linode/simulator.ts';
import { OUR_TAG } from '../support/builders.ts';
import { aWorld, createStranger, START, type World } from '../support/flow-world.ts';
import { ED25519 } from '../support/public-keys.ts';

let world: World;

const BUDGET = 1_000_000;
const INSTANCE = '^/linode/instances/\\d+$';

/**
 * Expects of an ended cluster: no Linode is left, the bill is within the budget and not above the
 * recorded spend, and no two of its Linodes had the same label. Returns the record.
 */
async function expectPromiseKept(id: `c${string}`) {
  const record = await world.record(id);
  const billed = world.billed(id);
  expect(world.linodeCount(id), 'Linodes left').toBe(0);
  expect(billed, 'billed').toBeLessThanOrEqual(BUDGET);
  if (!('spent' in record)) throw new Error(`the cluster is ${record.phase}`);
  expect(record.spent, 'recorded spend').toBeGreaterThanOrEqual(billed);
  const labels = world.linode.instances(`onebuck=${id}`).map(({ label }) => label);
  expect(new Set(labels).size, 'Linodes by label').toBe(labels.length);
  return record;
}

/** Replaces all faults of the simulated Linode when the clock is `after` past START. */
function faultsFrom(after: DurationMs, faults: readonly FaultRule[]): void {
  world.clock.alarm(plus(START, after), () => world.linode.setFaults(faults));
}

/** Nodes without an agent, which have the user data as it was given if they have no network. */
const WITHOUT_ROOM = { settings: { publicUrl: null } };

describe('ten nodes for a dollar', () => {
  it('run for 13 hours, cost $0.975 and are gone before the hour mark', async () => {
    world = await aWorld();
    const { id } = await world.launch();
    await world.tickAndPass();
    const running = await world.record(id);
    expect(running.phase).toBe('running');
    expect(running.nodes.every((node) => 'ipv4' in node && node.ipv4.length === 1)).toBe(true);

    await world.reapUntil(plus(START, hours(14)));
    const ended = await expectPromiseKept(id);
    expect(ended).toMatchObject({ phase: 'deleted', endReason: 'budget', spent: 975_000 });
    expect(world.billed(id)).toBe(975_000);
    const lives = world.linode
      .instances(`onebuck=${id}`)
      .map(({ created, deleted }) => (deleted ?? Number.NaN) - created);
    expect(Math.max(...lives)).toBeLessThanOrEqual(hours(13));
    expect(Math.min(...lives)).toBeGreaterThanOrEqual(hours(13) - minutes(3) - seconds(2));
    // No metric of an alarm. The lead is the safety margin less the time that the deletions took.
    expect(world.emitted).toEqual([{ TeardownLead: expect.closeTo(180, -1) }]);
  });

  it('end after maxHours where maxHours end before the budget', async () => {
    world = await aWorld();
    const { id } = await world.launch({ maxHours: 2 });
    await world.reapUntil(plus(START, hours(3)));
    expect(await expectPromiseKept(id)).toMatchObject({ endReason: 'maxHours', spent: 150_000 });
  });

  it('end earlier where the account forces backups, which the budget pays too', async () => {
    world = await aWorld({ linode: { backupsForced: true } });
    const { id } = await world.launch();
    await world.reapUntil(plus(START, hours(14)));
    // (0.0075 + 0.003) × 10 = $0.105 a started hour; $1 pays nine of them.
    expect(await expectPromiseKept(id)).toMatchObject({ spent: 945_000 });
    expect(world.billed(id)).toBe(945_000);
  });

  it('are destroyed at once after a DELETE, also while they come up', async () => {
    world = await aWorld();
    const { id } = await world.launch();
    const passing = world.reconcile(id);
    await world.destroy(id);
    await passing;
    await world.reapUntil(plus(START, minutes(10)));
    expect(await expectPromiseKept(id)).toMatchObject({ endReason: 'requested' });
  });

  it("leave no tag on the account but the deployment's ownership tag", async () => {
    world = await aWorld();
    const { id } = await world.launch();
    await world.tickAndPass();
    await world.destroy(id);
    await world.reapUntil(plus(START, minutes(10)));
    expect((await world.callByHand('GET', '/tags')).data).toEqual([{ label: OUR_TAG }]);
  });

  it('have passwords that no record, log line or API answer shows', async () => {
    world = await aWorld();
    const { id } = await world.launch();
    await world.tickAndPass();
    const passwords = world.linode.instances().map(({ rootPass }) => rootPass ?? '');
    expect(new Set(passwords).size).toBe(10);
    const shown = JSON.stringify([await world.record(id), world.log]);
    for (const password of passwords) expect(shown).not.toContain(password);
    expect(shown).not.toContain('token-of-the-account');
  });

  it('have no password where the spec has SSH keys', async () => {
    world = await aWorld(WITHOUT_ROOM);
    const key = `${ED25519} me`;
    await world.launch({
      authorizedKeys: [key.replaceAll(' ', '\t ')],
      userData: '#cloud-config\n',
      network: 'none',
    });
    await world.tickAndPass();
    const [node] = world.linode.instances();
    expect(node).toMatchObject({ rootPass: null, authorizedKeys: [key] });
    expect(Buffer.from(node?.userData ?? '', 'base64').toString()).toBe('#cloud-config\n');
  });
});

describe('the nodes of a launch from the command line', () => {
  it('get the file of --user-data byte for byte, and the keys of --authorized-user', async () => {
    const script = Buffer.from('#!/bin/sh\r\necho \u00fc\r\n');
    const file = join(mkdtempSync(join(tmpdir(), 'onebuck-user-data-')), 'script.gz');
    onTestFinished(() => rmSync(dirname(file), { recursive: true }));
    for (const bytes of [gzipSync(script), script, Buffer.of(0, 255, 10)]) {
      writeFileSync(file, bytes);
      world = await aWorld(WITHOUT_ROOM);
      const options = { userData: file, authorizedUser: ['ann', 'bob'] };
      await world.launch({ ...specOf({ terminal: {} as Terminal }, options), network: 'none' });
      await world.tickAndPass();
      const [node] = world.linode.instances();
      expect(node).toMatchObject({ rootPass: null, authorizedUsers: ['ann', 'bob'] });
      expect(Buffer.from(node?.userData ?? '', 'base64')).toEqual(bytes);
    }
  });
});

describe('a hundred nodes', () => {
  it('are created within the rate limit: Linode refuses none of the creates', async () => {
    world = await aWorld();
    const { id } = await world.launch({ nodes: 100, budgetUsd: 2 });
    await world.tickAndPass();
    expect((await world.record(id)).phase).toBe('running');
    const creates = world.linode.requests()['POST /linode/instances'];
    expect(creates).toEqual({ total: 100, byStatus: { 200: 100 } });
    // Five windows of 20 creates, 15 s each; then a minute to boot, seen by a look every 10 s.
    expect(world.clock.now() - START).toBeLessThanOrEqual(seconds(60 + 70 + 10));
  });
});

describe('a launch that Linode refuses half-way', () => {
  it('fails with the reason, destroys its nodes, and costs their started hour', async () => {
    world = await aWorld({ linode: { accountLimit: 5 } });
    const { id } = await world.launch();
    await world.reapUntil(plus(START, minutes(10)));
    const failed = await expectPromiseKept(id);
    expect(failed).toMatchObject({ phase: 'failed', endReason: 'failed', spent: 5 * 7_500 });
    expect(failed).toHaveProperty('failure', expect.stringContaining('limit'));
  });

  it('keeps the created nodes if the spec has onPartial "keep"', async () => {
    world = await aWorld({ linode: { accountLimit: 5 } });
    const { id } = await world.launch({ onPartial: 'keep' });
    await world.tickAndPass();
    expect((await world.record(id)).phase).toBe('running');
    expect(world.linodeCount(id)).toBe(5);
    await world.reapUntil(plus(START, hours(27)));
    // Five nodes cost $0.0375 a started hour; $1 pays 26 hours.
    expect(await expectPromiseKept(id)).toMatchObject({ spent: 26 * 37_500 });
  });

  it("does not touch a stranger's Linode that has the label of a node", async () => {
    world = await aWorld();
    const { id, nodes } = await world.launch({ nodes: 2 });
    const stranger = await createStranger(world, nodes[1]?.label ?? '', []);
    await world.reapUntil(plus(START, minutes(10)));
    expect(await expectPromiseKept(id)).toMatchObject({ phase: 'failed' });
    const kept = world.linode.instances().find((linode) => linode.id === stranger);
    expect(kept?.deleted).toBeNull();
  });

  it('fails, and destroys its nodes, when a node does not boot in 20 minutes', async () => {
    world = await aWorld({ linode: { stuckLabels: ['-3$'] } });
    const { id } = await world.launch();
    await world.reapUntil(plus(START, minutes(30)));
    const failed = await expectPromiseKept(id);
    expect(failed).toHaveProperty('failure', expect.stringContaining('9 of 10'));
  });
});

describe('faults of Linode', () => {
  it.each(['dropAfter', 'error500After', 'status408After', 'busyAfter'] as const)(
    'Onebuck adopts a Linode whose create has lost its answer (%s)',
    async (kind) => {
      world = await aWorld();
      world.linode.setFaults([{ kind, method: 'POST', path: '^/linode/instances$', times: 4 }]);
      const { id } = await world.launch();
      await world.reapUntil(plus(START, hours(14)));
      expect(await expectPromiseKept(id)).toMatchObject({ endReason: 'budget', spent: 975_000 });
      expect(world.linode.instances(`onebuck=${id}`)).toHaveLength(10);
    },
  );

  it.each([
    'dropBefore',
    'status408',
    'status429',
    'status500',
    'html502',
    'status503',
    'nginx400',
    'html200',
  ] as const)('a cluster comes up although its first creates fail (%s)', async (kind) => {
    world = await aWorld();
    world.linode.setFaults([{ kind, method: 'POST', path: '^/linode/instances$', times: 4 }]);
    const { id } = await world.launch();
    await world.reapUntil(plus(START, minutes(10)));
    expect((await world.record(id)).phase).toBe('running');
    expect(world.linode.instances(`onebuck=${id}`)).toHaveLength(10);
  });

  it.each([
    ['deletions', { method: 'DELETE', path: INSTANCE }],
    ['lists', { method: 'GET', path: '^/linode/instances$' }],
    ['all calls', {}],
  ] as const)(
    'Onebuck keeps the budget when %s fail for two minutes of the safety margin',
    async (_, match) => {
      world = await aWorld();
      const { id } = await world.launch();
      faultsFrom(minutes(13 * 60 - 4), [{ kind: 'status500', ...match }]);
      faultsFrom(minutes(13 * 60 - 1), []);
      await world.reapUntil(plus(START, hours(14)));
      await expectPromiseKept(id);
    },
  );

  it('Onebuck keeps the budget when every GET fails for hours, while deletions work', async () => {
    world = await aWorld();
    const { id } = await world.launch();
    faultsFrom(minutes(13 * 60 - 4), [{ kind: 'status500', method: 'GET' }]);
    faultsFrom(hours(14), []);
    await world.reapUntil(plus(START, minutes(14 * 60 - 10)));
    expect(world.linodeCount(id)).toBe(0);
    await world.reapUntil(plus(START, hours(15)));
    await expectPromiseKept(id);
  });

  it('Onebuck reports the overspend of a longer outage, and deletes in the end', async () => {
    world = await aWorld();
    // Only two nodes: a pass tries for minutes to delete each of them.
    const { id } = await world.launch({ nodes: 2, budgetUsd: 0.2 });
    faultsFrom(hours(12), [{ kind: 'status503', method: 'DELETE', path: INSTANCE }]);
    faultsFrom(minutes(14.5 * 60), []);
    await world.reapUntil(plus(START, hours(15)));
    expect(world.linodeCount(id)).toBe(0);
    // 15 started hours at $0.015 are $0.225.
    expect(world.billed(id)).toBe(225_000);
    expect(await world.record(id)).toMatchObject({ spent: 225_000, overspent: 25_000 });
    const overspends = world.log.filter(
      ({ message }) => message === 'cluster overspent its budget',
    );
    expect(overspends).toMatchObject([{ level: 'error', details: { overspent: '$0.025' } }]);
    const overdue = world.emitted.filter(({ OverdueClusters }) => OverdueClusters === 1);
    // The metric is emitted at each tick; a pass takes its five minutes between two ticks.
    expect(overdue.length).toBeGreaterThan(15);
    expect(world.emitted.at(-1)).toEqual({ Overspend: 0.025, TeardownLead: expect.any(Number) });
    expect(world.emitted.at(-1)?.TeardownLead).toBeLessThan(-1 * 3_600);
  });

  it('Onebuck calls a cluster deleted only when the list shows none of its Linodes', async () => {
    world = await aWorld({ linode: { lingerDeletingSeconds: 240 } });
    const { id } = await world.launch();
    await world.tickAndPass();
    await world.destroy(id);
    await world.tickAndPass();
    await world.reapUntil(plus(START, minutes(20)));
    const ended = await expectPromiseKept(id);
    const deleted = world.linode
      .instances(`onebuck=${id}`)
      .map(({ deleted }) => deleted ?? Infinity);
    expect(ended.endedAt - Math.max(...deleted)).toBeGreaterThanOrEqual(minutes(4));
  });
});

describe('when people or the machine interfere', () => {
  it('a cluster whose nodes a person deletes ends as lost, and bills its hours', async () => {
    world = await aWorld();
    const { id } = await world.launch({ nodes: 2 });
    await world.tickAndPass();
    for (const node of world.existingLinodes(id))
      await world.callByHand('DELETE', `/linode/instances/${node.id}`);
    await world.reapUntil(plus(START, hours(1)));
    expect(await expectPromiseKept(id)).toMatchObject({ endReason: 'lost', spent: 15_000 });
  });

  it('a clock that is set back by an hour does not delay the teardown', async () => {
    world = await aWorld();
    const { id } = await world.launch();
    await world.reapUntil(plus(START, hours(5)));
    world.clock.set(plus(START, hours(4)));
    await world.reapUntil(plus(START, hours(14)));
    await expectPromiseKept(id);
  });
});

describe('an invocation that dies', () => {
  /**
   * A store that kills the invocation before or after the effect of the store's n-th call. Every
   * call then fails for 30 seconds, until the next invocation. No call kills once `isCounting` is
   * false.
   */
  function dyingStore(call: number, when: 'before' | 'after') {
    let calls = 0;
    const state = { isDead: false, hasDied: false, isCounting: true };
    const wrap = <Args extends unknown[], R>(method: (...args: Args) => Promise<R>) => {
      return async (...args: Args): Promise<R> => {
        if (state.isDead) throw new Error('the function is dead');
        calls += 1;
        const dies = state.isCounting && calls === call;
        if (dies && when === 'before') die();
        const result = await method(...args);
        if (dies) die();
        return result;
      };
    };
    function die(): never {
      state.isDead = true;
      state.hasDied = true;
      // The next invocation is a new process, which works.
      world.clock.alarm(plus(world.clock.now(), seconds(30)), () => {
        state.isDead = false;
      });
      throw new Error('the function died');
    }
    const replaceStore = (store: ClusterStore) => ({
      get: wrap(store.get),
      save: wrap(store.save),
    });
    return { state, replaceStore };
  }

  it.each(['before', 'after'] as const)(
    '%s the effect of any call to the store leaves no Linode behind and keeps the budget',
    async (when) => {
      let call = 1;
      for (; call < 60; call += 1) {
        const { state, replaceStore } = dyingStore(call, when);
        world = await aWorld({ inMemory: true, replaceStore });
        const { id } = await world.launch({ nodes: 3, budgetUsd: 0.0225 });
        await world.reconcile(id);
        world.clock.set(plus(world.clock.now(), minutes(1)));
        await world.reapUntil(plus(START, hours(2)));
        state.isCounting = false;
        await expectPromiseKept(id);
        expect(world.billed(id), `died at call ${call}`).toBeLessThanOrEqual(22_500);
        if (!state.hasDied) break;
      }
      expect(call, 'calls of a life').toBeGreaterThan(10);
    },
  );
});

describe('a launch that Linode keeps refusing', () => {
  const CREATES = { method: 'POST', path: '^/linode/instances$' };
  const refused = [
    ['a read-only token', { kind: 'missingScope' }, 'needs a token with linodes:read_write'],
    ['a revoked token', { kind: 'invalidToken' }, 'Linode refused the token'],
    ['429', { kind: 'status429' }, "Linode's rate limit leaves no time"],
    ['500', { kind: 'status500' }, '500: Internal server error'],
    ['maintenance', { kind: 'maintenance503' }, '503: Linode is in maintenance'],
  ] as const;

  it.each(refused)('for %s says why while it waits and at its end', async (_, fault, reason) => {
    world = await aWorld();
    const { id } = await world.launch({ nodes: 2, budgetUsd: 1 });
    world.linode.setFaults([{ ...CREATES, ...fault }]);
    for (const minute of [1, 7, 13]) {
      await world.reapUntil(plus(START, minutes(minute)));
      const waiting = await world.record(id);
      expect(waiting.phase).toBe('provisioning');
      const shown = renderCluster(waiting, world.clock.now());
      expect(shown.trouble?.reason).toContain(reason);
      expect(shown.next?.why).toContain(reason);
      expect(shown.nodes.map((node) => node.reason)).toEqual([
        expect.stringContaining(reason),
        expect.stringContaining(reason),
      ]);
    }
    await world.reapUntil(plus(START, minutes(30)));
    const { failure } = await expectPromiseKept(id);
    expect(failure).toContain('only 0 of 2 nodes were running when the time to come up ended');
    expect(failure).toContain('nodes 0-1: ');
    expect(failure).toContain(reason);
  });
});
