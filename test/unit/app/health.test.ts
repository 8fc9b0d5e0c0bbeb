import { expect, it } from 'vitest';
import { createHealthNotes } from '../../../lib/app/health.ts';
import { minutes, plus } from '../../../lib/core/base/units.ts';
import { EMPTY_BOOK } from '../../../lib/core/invoices/invoice.ts';
import { LAUNCH } from '../../support/builders.ts';
import { aClock } from '../../support/doubles.ts';

it('says that invoices are not read, and asks the table every 5 minutes at most', async () => {
  const clock = aClock();
  let [reads, access] = [0, 'denied' as const as 'denied' | 'granted'];
  const book = async () => {
    reads += 1;
    return { ...EMPTY_BOOK, access };
  };
  const notes = createHealthNotes({ clock, invoices: { book } });
  expect(await notes()).toEqual([expect.stringContaining('account:read_only')]);
  access = 'granted';
  expect(await notes()).toHaveLength(1);
  clock.set(plus(LAUNCH, minutes(6)));
  expect([await notes(), reads]).toEqual([[], 2]);
});

it('says nothing if the table does not answer: the API is alive', async () => {
  const book = () => Promise.reject(new Error('no table'));
  expect(await createHealthNotes({ clock: aClock(), invoices: { book } })()).toEqual([]);
});
