import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyedClusterId } from '../../lib/app/launch.ts';
import { clusterTag, nodeLabel, ownershipTag, reapTag } from '../../lib/core/base/names.ts';
import { durationMs, hours, minus, minutes, plus, seconds } from '../../lib/core/base/units.ts';
import { type EndedRecord, isLive } from '../../lib/core/cluster/record.ts';
import {
  aLinode,
  aRunning,
  at,
  created,
  ID,
  LAUNCH,
  linodeIdOf,
  OTHER_ID,
  OUR_TAGS,
  STAGE,
  teardownOf,
  usd,
} from '../support/builders.ts';
import { drawFaults } from './race.ts';
import { fixRandomPauses, World } from './world.ts';

fixRandomPauses();

const BEFORE = aRunning({ budget: usd(0.03) });
const TEARDOWN = teardownOf(BEFORE, LAUNCH);
const DUE = { ...BEFORE, dueAt: TEARDOWN, reapTags: [reapTag(TEARDOWN)] };
const tags = [...OUR_TAGS, reapTag(TEARDOWN)];

/** A second cluster, whose teardown time is hours away. */
const OTHERS = [0, 1].map((index) => created(index, { linodeId: linodeIdOf(index) + 100 }));
const OTHER = aRunning({
  id: OTHER_ID,
  nodes: OTHERS.map((node) => ({ ...node, label: nodeLabel(OTHER_ID, node.index) })),
  dueAt: plus(LAUNCH, hours(9)),
});
const otherTags = [ownershipTag(STAGE), clusterTag(OTHER_ID), reapTag(plus(LAUNCH, hours(9)))];

const STRANGERS = [
  aLinode({ id: 901, label: 'theirs', tags: [] }),
  // A Linode of another deployment on the account, with the same cluster id and reap time.
  aLinode({ id: 902, label: 'staging', tags: ['onebuck-staging', ...tags.slice(1)] }),
];
const ORPHAN = aLinode({ id: 903, label: 'left', tags: [ownershipTag(STAGE), reapTag(LAUNCH)] });

describe('reaper, sweeper, passes and requests at the teardown time', () => {
  const starters: Record<string, (world: World, name: string, at: typeof LAUNCH) => void> = {
    reaper: (world, name, at) => void world.startReaper(name, at),
    sweeper: (world, name, at) => void world.startSweep(name, at),
    pass: (world, name, at) => void world.startPass(name, ID, at),
    DELETE: (world, name, at) => void world.startDelete(name, ID, at),
    PATCH: (world, name, at) => void world.startChange(name, ID, { budgetUsd: 0.045 }, at),
  };
  const kinds = Object.keys(starters);
  const aStart = fc.record({
    kind: fc.constantFrom(...kinds),
    after: fc.constantFrom(-240_000, -61_000, -10_000, -1_000, -1, 0, 1, 500, 30_000, 61_000),
  });
  const starts = fc.array(aStart, { minLength: 2, maxLength: 5 });
  const names = ['reaper', 'pass', 'DELETE', 'PATCH'].map((kind) => `pass of ${kind}`);

  it('end the cluster that is due, and touch no other cluster and no stranger', async () => {
    const property = fc.asyncProperty(
      fc.scheduler(),
      drawFaults([...kinds, ...names], ['stalls', 'repeats']),
      starts,
      async (scheduler, faults, started) => {
        const world = new World(scheduler, { faults, now: minus(TEARDOWN, minutes(5)) });
        await world.putCluster(DUE, [aLinode({ tags }), aLinode({ index: 1, tags })]);
        const linodes = OTHER.nodes.map(({ index, label }) =>
          aLinode({ id: linodeIdOf(index) + 100, label, tags: otherTags }),
        );
        await world.putCluster(OTHER, linodes);
        for (const linode of [...STRANGERS, ORPHAN]) world.account.put(linode);

        for (const { kind, after } of started) {
          starters[kind]?.(world, kind, plus(TEARDOWN, durationMs(after)));
        }
        await world.run();
        await world.runReaper(minutes(4));
        await world.audit();

        const record = world.recordOf(ID);
        const nodes = isLive(record) ? [100, 101] : [];
        const ids = world.account.existing.map(({ id }) => id);
        expect(ids).toEqual([...nodes, 200, 201, 901, 902]);
        expect(world.violations).toEqual([]);
        expect(world.openBudgets).toEqual(world.liveBudgets);
        const spent = world.ledger.spent.get('owner:ann')?.['2026-11'] ?? 0;
        expect(spent).toBe(isLive(record) ? 0 : (record as EndedRecord).spent);
        if (!started.some(({ kind }) => kind === 'PATCH')) expect(isLive(record)).toBe(false);
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });
});

describe('a launch that races with the sweeper', () => {
  const actors = ['POST', 'pass of POST', 'pass', 'sweeper'];

  it('loses no Linode that its record protects, though the reap time has passed', async () => {
    const property = fc.asyncProperty(
      fc.scheduler(),
      drawFaults(actors, ['stalls']),
      async (scheduler, faults) => {
        // No deployment has so large a safety margin. With it only the record protects the nodes:
        // their reap tags, in whole minutes, are in the past when the nodes are created.
        const settings = { marginMs: durationMs(hours(1) - seconds(30)) };
        const now = at('2026-11-10T15:00:05Z');
        const world = new World(scheduler, { faults, settings, now });
        world.startLaunch('POST', { key: 'a key', budgetUsd: 0.015 });
        world.startPass('pass', keyedClusterId('ann', 'a key'));
        world.startSweep();
        await world.run();
        expect(world.violations).toEqual([]);
        expect(world.account.deleted.length).toBeGreaterThan(0);
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });
});
