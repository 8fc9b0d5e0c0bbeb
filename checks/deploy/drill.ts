import { reapTimeOfTags } from '../../lib/core/base/names.ts';
import type { LinodeSimulator } from '../../simulators/linode/simulator.ts';
import { type Api, type Cluster, named } from './deployment.ts';
import { callAws, type Emulator } from './emulator.ts';
import { expect, until } from './expect.ts';
import { createSwitch, logOf, loseRun } from './functions.ts';
import { deleteRecord } from './table.ts';

/** The budget pays only the first started hour. */
const SPEC = {
  nodes: 2,
  type: 'g6-nanode-1',
  region: 'us-east',
  image: 'linode/debian12',
  budgetUsd: 0.02,
};
const HOUR_MS = 3_600_000;

export interface DrillWorld {
  readonly emulator: Emulator;
  readonly simulator: LinodeSimulator;
  /** How many milliseconds Linode's clock is behind the functions' clock. */
  readonly linodeIsBehindMs: number;
  /** Prints a line. */
  readonly report: (text: string) => void;
}

/**
 * Stops the reaper, launches a cluster, and deletes the cluster's record. Then only the `reap` tags
 * of the Linodes say when the Linodes are due, and only the sweeper reads these tags. The returned
 * `end` waits until the sweeper has destroyed the Linodes, and starts the reaper again.
 */
export async function beginDrill(world: DrillWorld, api: Api) {
  const { emulator, simulator, linodeIsBehindMs, report } = world;
  const reaper = createSwitch(emulator, 'reap');
  expect(
    await reaper.hasRun(new Date(0)),
    'the log of the reaper has no run from before the drill',
  );
  await reaper.stop();
  const stoppedAt = new Date();
  await loseRun(emulator, 'reap');
  report('the reaper is stopped: its reserved concurrency is 0, and a run of it is lost');

  const { id } = await api.call<Cluster>('POST', '/clusters', SPEC, 202);
  const nodes = () => simulator.instances(`onebuck=${id}`);
  // A pass creates Linodes with `reap` tags by the functions' clock, and corrects the tags once
  // Linode says when it created them. Without a record no pass would correct them.
  const reapTimes = () => nodes().map(({ tags }) => reapTimeOfTags(tags) ?? 0);
  await until(`the reap tags of ${id} are within the hour that its budget pays`, 60, () => {
    const paidUntil = nodes().map(({ created }) => created + HOUR_MS);
    return paidUntil.length === SPEC.nodes && Math.max(...reapTimes()) < Math.min(...paidUntil);
  });
  await deleteRecord(emulator, id);
  await api.call('GET', `/clusters/${id}`, undefined, 404);
  const reapAt = Math.min(...reapTimes());
  expect(
    nodes().every(({ deleted }) => deleted === null),
    `Linodes of ${id} were destroyed with the record`,
  );
  expect(reapAt > 0, `a Linode of ${id} has no reap tag`);
  report(
    `${id} was launched, and its record deleted; its reap tags say ` +
      new Date(reapAt).toISOString(),
  );
  await bringSweepForward(emulator);
  report('the sweeper now ticks each minute, instead of every 5 minutes');

  return {
    /** Resolves when the sweeper has destroyed the cluster, and the reaper runs again. */
    async end(): Promise<void> {
      await until(`the sweeper has destroyed ${id}`, 240, () =>
        nodes().every(({ deleted }) => deleted !== null),
      );
      for (const { created, deleted } of nodes()) {
        const destroyedAt = (deleted ?? 0) + linodeIsBehindMs;
        expect(destroyedAt >= reapAt, `${id} was destroyed before its reap time`);
        const isPaid = destroyedAt < created + HOUR_MS;
        expect(isPaid, `${id} was destroyed after the hour that its budget pays`);
      }
      const billed = simulator.bill(`onebuck=${id}`).totalMicroUsd;
      expect(billed <= SPEC.budgetUsd * 1e6, `Linode bills ${billed} micro-dollars for ${id}`);
      report(`${id} was destroyed at its reap time; Linode bills $${billed / 1e6}`);

      await until('the sweeper has logged each destruction', 60, async () => {
        const lines = await logOf(emulator, named('sweep'), stoppedAt);
        return nodes().every(({ label }) =>
          lines.some(({ message }) => isDestruction(message, label)),
        );
      });
      expect(!(await reaper.hasRun(stoppedAt)), 'the reaper has run though it was stopped');
      report('the log of the sweeper has the destructions; the log of the reaper has no run');
      await reaper.start();
      report('the reaper runs again');
    },
  };
}

const isDestruction = (line: string, label: string): boolean =>
  ['orphan destroyed', 'it has no record and its reap time has come', `"${label}"`].every((text) =>
    line.includes(text),
  );

interface Rule {
  readonly Name: string;
  readonly ScheduleExpression?: string;
}

/** Sets the sweeper's rule to each minute, since waiting up to 5 minutes would be too long here. */
async function bringSweepForward(emulator: Emulator): Promise<void> {
  const rules = await callAws<{ readonly Rules: readonly Rule[] }>(
    emulator,
    'events',
    'AWSEvents.ListRules',
    {},
  );
  const rule = rules.Rules.find(
    ({ ScheduleExpression }) => ScheduleExpression === 'rate(5 minutes)',
  );
  if (rule === undefined) throw new Error('no rule fires each 5 minutes');
  const sooner = { Name: rule.Name, ScheduleExpression: 'rate(1 minute)', State: 'ENABLED' };
  await callAws(emulator, 'events', 'AWSEvents.PutRule', sooner);
}
