import { beforeEach, describe, expect, it } from 'vitest';
import { hours, plus, seconds } from '../../lib/core/base/units.ts';
import { NO_PROGRESS, NO_RANK_PROGRESS } from '../../lib/core/job/progress.ts';
import type { JobNews, JobReports } from '../../lib/ports.ts';
import { ID, LAUNCH, OTHER_ID } from './builders.ts';
import { id } from './cluster-store-contract.ts';

const KEPT = plus(LAUNCH, hours(24));
const secondsIn = (count: number) => plus(LAUNCH, seconds(count));
const results = { name: 'raaaaaaaaaa', bytes: 5_000_000_000, unpackedBytes: 9e12, files: 3 };
const ended = (count: number, exitCode: number | null) =>
  ({
    kind: 'ended',
    at: secondsIn(count),
    exitCode,
    isLastCall: false,
    reason: null,
    results: null,
  }) satisfies JobNews;

/** Tests what lib/ports.ts promises of JobReports. `anEmptyStore` returns a store without news. */
export function jobReportsContract(name: string, anEmptyStore: () => Promise<JobReports>): void {
  describe(name, () => {
    let jobs: JobReports;
    beforeEach(async () => {
      jobs = await anEmptyStore();
    });
    const tell = (rank: number, news: JobNews, of = ID) => jobs.tell(of, rank, news, KEPT);
    const whole = async (of = ID) => (await jobs.read([of])).get(of);
    const rank = async (one: number, of = ID) => (await jobs.readRanks(of, [one])).get(one);

    it('has nothing of a job of which nothing was told', async () => {
      expect(await jobs.read([])).toEqual(new Map());
      expect(await jobs.read([ID])).toEqual(new Map());
      expect(await jobs.readRanks(ID, [0, 1])).toEqual(new Map());
    });

    it('tells a job from its first input to its end', async () => {
      await tell(0, { kind: 'staged', at: secondsIn(1) });
      await tell(2, { kind: 'staged', at: secondsIn(2) });
      expect(await whole()).toEqual({
        ...NO_PROGRESS,
        staged: new Set([0, 2]),
        stagedFrom: secondsIn(1),
      });
      await tell(0, { kind: 'started', at: secondsIn(3) });
      await tell(0, { kind: 'log', at: secondsIn(4), bytes: 70_000 });
      await tell(0, { kind: 'exited', at: secondsIn(5), exitCode: 3 });
      expect(await rank(0)).toEqual({
        ...NO_RANK_PROGRESS,
        stagedAt: secondsIn(1),
        startedAt: secondsIn(3),
        heardAt: secondsIn(5),
        logBytes: 70_000,
        exitedAt: secondsIn(5),
        exitCode: 3,
      });
      await tell(0, { ...ended(6, 3), isLastCall: true, reason: 'no out/', results });
      expect(await rank(0)).toMatchObject({
        endedAt: secondsIn(6),
        exitCode: 3,
        reason: 'no out/',
        results,
      });
      expect(await whole()).toEqual({
        staged: new Set([0, 2]),
        stagedFrom: secondsIn(1),
        startedAt: secondsIn(3),
        exitedAt: secondsIn(5),
        endedAt: secondsIn(6),
        ended: new Map([[0, { exitCode: 3, isLastCall: true }]]),
      });
    });

    it('keeps the first of each kind, and the longest log', async () => {
      await tell(1, { kind: 'staged', at: secondsIn(1) });
      await tell(1, { kind: 'staged', at: secondsIn(9) });
      await tell(1, { kind: 'started', at: secondsIn(2) });
      await tell(1, { kind: 'started', at: secondsIn(9) });
      await tell(1, { kind: 'log', at: secondsIn(3), bytes: 9 });
      await tell(1, { kind: 'log', at: secondsIn(9), bytes: 5 });
      await tell(1, { kind: 'exited', at: secondsIn(4), exitCode: 0 });
      await tell(1, { kind: 'exited', at: secondsIn(9), exitCode: 1 });
      await tell(1, ended(5, 0));
      await tell(1, ended(9, 1));
      expect(await rank(1)).toMatchObject({
        stagedAt: secondsIn(1),
        startedAt: secondsIn(2),
        logBytes: 9,
        exitedAt: secondsIn(4),
        endedAt: secondsIn(5),
        exitCode: 0,
        heardAt: secondsIn(9),
      });
      expect(await whole()).toMatchObject({
        startedAt: secondsIn(2),
        endedAt: secondsIn(5),
        ended: new Map([[1, { exitCode: 0, isLastCall: false }]]),
      });
    });

    it('keeps an end without an exit code', async () => {
      await tell(4, ended(5, null));
      expect(await whole()).toMatchObject({
        ended: new Map([[4, { exitCode: null, isLastCall: false }]]),
      });
    });

    it('loses no end of 100 nodes that tell it at once, each twice', async () => {
      const ranks = Array.from({ length: 100 }, (_, index) => index);
      await Promise.all([...ranks, ...ranks].map((one) => tell(one, ended(1, one))));
      const found = await whole();
      expect([...(found?.ended ?? [])].sort(([a], [b]) => a - b)).toEqual(
        ranks.map((one) => [one, { exitCode: one, isLastCall: false }]),
      );
      expect((await jobs.readRanks(ID, ranks)).get(77)).toMatchObject({ exitCode: 77 });
    });

    it('keeps clusters apart, and reads 120 at once', async () => {
      const ids = Array.from({ length: 120 }, (_, index) => id(index));
      await Promise.all(ids.map((of) => tell(3, { kind: 'started', at: LAUNCH }, of)));
      const found = await jobs.read([...ids, id(1_000)]);
      expect(found.size).toBe(120);
      expect(found.get(id(77))).toEqual({ ...NO_PROGRESS, startedAt: LAUNCH });
      expect(await whole(OTHER_ID)).toBeUndefined();
    });
  });
}
