import { beforeEach, describe, expect, it } from 'vitest';
import { hours, minutes, plus } from '../../lib/core/base/units.ts';
import type { AgentReport } from '../../lib/core/cluster/readiness.ts';
import type { AgentReports } from '../../lib/ports.ts';
import { ID, LAUNCH, OTHER_ID } from './builders.ts';
import { id } from './cluster-store-contract.ts';

const LATER = plus(LAUNCH, minutes(5));
const KEPT = plus(LAUNCH, hours(24));

const ready = { kind: 'ready', at: LAUNCH } satisfies AgentReport;
const failed = { kind: 'failed', at: LAUNCH, reason: 'status: error' } satisfies AgentReport;

/** Tests what lib/ports.ts promises of AgentReports. `anEmptyStore` returns a store without reports. */
export function agentReportsContract(
  name: string,
  anEmptyStore: () => Promise<AgentReports>,
): void {
  describe(name, () => {
    let reports: AgentReports;
    beforeEach(async () => {
      reports = await anEmptyStore();
    });
    const say = (rank: number, report: AgentReport, of = ID) =>
      reports.report(of, rank, report, KEPT);
    const read = async (of = ID) => Object.fromEntries((await reports.read([of])).get(of) ?? []);

    it('has no reports of a cluster of which nothing was said', async () => {
      expect(await reports.read([])).toEqual(new Map());
      expect(await reports.read([ID])).toEqual(new Map());
    });

    it('has what each node of a cluster has said, and of no other', async () => {
      await say(0, ready);
      await say(1, failed);
      await say(499, { ...ready, at: LATER });
      await say(0, failed, OTHER_ID);
      expect(await read()).toEqual({ 0: ready, 1: failed, 499: { ...ready, at: LATER } });
      expect(await read(OTHER_ID)).toEqual({ 0: failed });
    });

    it('keeps the first time at which a node was ready, whatever it says later', async () => {
      await say(0, ready);
      await say(0, { ...ready, at: LATER });
      await say(0, { ...failed, at: LATER });
      expect(await read()).toEqual({ 0: ready });
    });

    it('has a node that failed as ready once it says so, and until then its last reason', async () => {
      await say(0, failed);
      const again = { ...failed, at: LATER, reason: 'status: error again' };
      await say(0, again);
      expect(await read()).toEqual({ 0: again });
      await say(0, { ...ready, at: LATER });
      expect(await read()).toEqual({ 0: { ...ready, at: LATER } });
    });

    it('loses no report of 100 nodes that call at once, each twice', async () => {
      const ranks = Array.from({ length: 100 }, (_, rank) => rank);
      await Promise.all([...ranks, ...ranks].map((rank) => say(rank, ready)));
      expect(await read()).toEqual(Object.fromEntries(ranks.map((rank) => [rank, ready])));
    });

    it('reads the reports of 120 clusters, and leaves out those without', async () => {
      const ids = Array.from({ length: 120 }, (_, index) => id(index));
      await Promise.all(ids.map((of) => say(3, ready, of)));
      const found = await reports.read([...ids, id(1_000)]);
      expect(found.size).toBe(120);
      expect(found.get(id(77))).toEqual(new Map([[3, ready]]));
    });
  });
}
