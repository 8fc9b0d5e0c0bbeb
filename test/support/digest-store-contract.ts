import { beforeEach, describe, expect, it } from 'vitest';
import { hours, minutes, plus } from '../../lib/core/base/units.ts';
import { monthPeriod } from '../../lib/core/notices/digest/period.ts';
import { EMPTY_TALLY, withRecords } from '../../lib/core/notices/digest/tally.ts';
import type { DigestProgress, DigestStore } from '../../lib/ports.ts';
import { anEnded, at, gone, ID, LAUNCH, usd } from './builders.ts';

const NAME = '2026-11';
const KEPT = plus(LAUNCH, hours(1_000));
const failed = anEnded({
  phase: 'failed',
  owner: 'ann.smith',
  failure: 'the region has no capacity “now”',
  endedAt: plus(LAUNCH, hours(2)),
  spent: usd(0.03),
  nodes: [gone(0, { billedUntil: plus(LAUNCH, hours(2)) })],
});
const tally = withRecords(
  EMPTY_TALLY,
  { records: [failed], unreadable: [{ id: ID }] },
  monthPeriod(NAME),
  monthPeriod(NAME).end,
);
const aProgress: DigestProgress = { revision: 0, stage: 'reading', cursor: 'here', tally };

/** Tests what lib/ports.ts promises of a DigestStore. `anEmptyStore` returns one without items. */
export function digestStoreContract(name: string, anEmptyStore: () => Promise<DigestStore>): void {
  describe(name, () => {
    let store: DigestStore;
    beforeEach(async () => {
      store = await anEmptyStore();
    });
    const save = (progress: DigestProgress) => store.save(NAME, progress, KEPT);
    const claim = (time = LAUNCH, message = `${NAME}/all/topic`) =>
      store.claim(message, { now: time, until: plus(time, minutes(15)), keptUntil: KEPT });

    it('has nothing of a period of which nothing was saved', async () => {
      expect(await store.read(NAME)).toBeNull();
    });

    it('reads the progress as it was saved, with its revision raised by one', async () => {
      const first = { ...aProgress, revision: 1 };
      expect(await save(aProgress)).toEqual(first);
      expect(await store.read(NAME)).toEqual(first);
      expect(await store.read('2026-12')).toBeNull();
      const done = { revision: 1, stage: 'done', cursor: null, tally: EMPTY_TALLY } as const;
      expect(await save(done)).toEqual({ ...done, revision: 2 });
      expect(await store.read(NAME)).toEqual({ ...done, revision: 2 });
    });

    it.each([0, 1])('takes one of 20 saves over revision %i at once', async (revision) => {
      if (revision === 1) await save(aProgress);
      const all = Array.from({ length: 20 }, (_, n) => ({
        ...aProgress,
        revision,
        cursor: `${n}`,
      }));
      const answers = await Promise.all(all.map(save));
      const saved = answers.filter((answer) => answer !== 'conflict');
      expect(saved).toHaveLength(1);
      expect(await store.read(NAME)).toEqual(saved[0]);
    });

    it('lets one of 20 functions send a message, and each of another message', async () => {
      const claims = await Promise.all(Array.from({ length: 20 }, () => claim()));
      expect(claims.toSorted()).toEqual(['claimed', ...Array(19).fill('taken')]);
      expect(await claim(LAUNCH, `${NAME}/owner/ann/topic`)).toBe('claimed');
      expect(await claim(LAUNCH, '2026-12/all/topic')).toBe('claimed');
    });

    it('lets another function send it when the claim is over, or given back', async () => {
      await claim();
      expect(await claim(plus(LAUNCH, minutes(14)))).toBe('taken');
      expect(await claim(plus(LAUNCH, minutes(15)))).toBe('claimed');
      await store.release(`${NAME}/all/topic`);
      await store.release(`${NAME}/all/topic`);
      expect(await claim(plus(LAUNCH, minutes(16)))).toBe('claimed');
    });

    it('lets nobody send what was sent, however long ago', async () => {
      await claim();
      await store.sent(`${NAME}/all/topic`, LAUNCH);
      await store.sent(`${NAME}/all/topic`, LAUNCH);
      expect(await claim()).toBe('sent');
      expect(await claim(at('2027-01-01T00:00:00Z'))).toBe('sent');
      await store.release(`${NAME}/all/topic`);
      expect(await claim()).toBe('sent');
    });
  });
}
