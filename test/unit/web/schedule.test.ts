import { describe, expect, it } from 'vitest';
import type { Schedule } from '../../../client/answers.ts';
import {
  changeOf,
  editedSpec,
  formOf,
  newSchedule,
  type When,
  whenFaults,
  whenOf,
} from '../../../web/src/schedule.ts';

const images = [
  {
    ...{ id: 'linode/debian12', label: 'Debian 12', deprecated: false, recovery: false },
    ...{ diskMb: 1_800, capabilities: [] },
  },
];
const spec = {
  ...{ nodes: 2, vcpus: 1, memoryMb: 1024, region: 'us-east', image: 'Debian 12', budgetUsd: 1.5 },
  ...{ tags: ['a'], userData: '#!/bin/sh' },
};
const before = formOf(spec, images);

describe('the form of a schedule that is changed', () => {
  it('has the fields of its spec, with the id of an image that is named by its label', () => {
    expect(before).toMatchObject({
      ...{ nodes: '2', type: '', region: 'us-east', image: 'linode/debian12', budget: '1.5' },
    });
    expect(formOf({ ...spec, image: 'private/7' }, images).image).toBe('private/7');
  });

  it('leaves every field of the spec that nobody has changed', () => {
    expect(editedSpec(spec, before, before)).toEqual(spec);
    const form = { ...before, nodes: '3', budget: '2,50', region: 'br-gru' };
    expect(editedSpec(spec, before, form)).toEqual({
      ...{ ...spec, nodes: 3, budgetUsd: 2.5, region: 'br-gru' },
    });
  });

  it('puts user data that somebody has typed in place of bytes', () => {
    const { userData: _, ...rest } = spec;
    const ofBytes = { ...rest, userDataBase64: 'H4sI' };
    const shown = formOf(ofBytes, images);
    expect(editedSpec(ofBytes, shown, shown)).toEqual(ofBytes);
    expect(editedSpec(ofBytes, shown, { ...shown, userData: '#!/bin/sh' })).toEqual({
      ...{ ...rest, userData: '#!/bin/sh', userDataBase64: null },
    });
  });

  it('puts a type that somebody has chosen in place of the size', () => {
    const { vcpus: _, memoryMb: __, ...others } = spec;
    expect(editedSpec(spec, before, { ...before, type: 'g6-nanode-1' })).toEqual({
      ...{ ...others, type: 'g6-nanode-1' },
    });
  });

  it('has the keys and the other limits of its spec, and sends those that somebody has changed', () => {
    const whole = { ...spec, authorizedKeys: ['a b', 'c d'], maxHours: null, onPartial: 'keep' };
    const form = formOf(whole, images);
    expect(form).toMatchObject({ keys: 'a b\nc d', maxHours: '', onPartial: 'keep' });
    expect(editedSpec(whole, form, form)).toEqual(whole);
    const typed = { keys: 'e f', maxHours: '12', userData: '', onPartial: 'destroy' } as const;
    expect(editedSpec(whole, form, { ...form, ...typed })).toEqual({
      ...{ ...whole, authorizedKeys: ['e f'], maxHours: 12, userData: null, onPartial: 'destroy' },
    });
  });

  it('has the network, setups, ports and users of its spec, and sends those that are changed', () => {
    const room = { network: 'isolated', setup: ['mpi', 'nfs'], openPorts: ['80', 443] };
    const whole = { ...spec, ...room, authorizedUsers: ['ann', 'bob'] };
    const form = formOf(whole, images);
    const shown = { network: 'isolated', setup: 'mpi,nfs', open: '80, 443', users: 'ann bob' };
    expect(form).toMatchObject(shown);
    expect(editedSpec(whole, form, form)).toEqual(whole);
    const typed = { network: '', setup: '', open: '80 8000-8100', users: 'ann' };
    expect(editedSpec(whole, form, { ...form, ...typed })).toEqual({
      ...{ ...whole, network: null, setup: [] },
      ...{ openPorts: ['80', '8000-8100'], authorizedUsers: ['ann'] },
    });
  });

  it('sends only the fields that differ', () => {
    const schedule = {
      ...{ name: null, cron: '30 2 * * *', timezone: 'UTC', overlap: 'skip' },
      ...{ dailyCapUsd: null, weeklyCapUsd: 5, monthlyCapUsd: 20 },
      retry: { forMinutes: 60, everyMinutes: 5 },
    } as Schedule;
    const when = whenOf(schedule);
    expect(changeOf(when, when, schedule.retry)).toEqual({});
    const typed = { name: ' b ', cron: '0 4 * * * ', timezone: 'UTC ' };
    expect(changeOf(when, { ...when, ...typed }, schedule.retry)).toEqual({
      ...{ name: 'b', cron: '0 4 * * *' },
    });
    const caps = { dailyCap: '1,50', weeklyCap: '5', monthlyCap: ' ' };
    expect(changeOf(when, { ...when, ...caps }, schedule.retry)).toEqual({
      ...{ dailyCapUsd: 1.5, monthlyCapUsd: null },
    });
    const named = { ...when, name: 'b' };
    expect(changeOf(named, { ...named, name: ' ' }, null)).toEqual({ name: null });
    expect(changeOf(when, { ...when, retryFor: '90' }, schedule.retry)).toEqual({
      retry: { forMinutes: 90, everyMinutes: 5 },
    });
    expect(changeOf(when, { ...when, retryFor: '' }, schedule.retry)).toEqual({ retry: null });
  });
});

describe('when a schedule runs, as typed', () => {
  const when: When = {
    ...{ name: '', cron: '* * * * *', timezone: 'UTC', retryFor: '' },
    ...{ dailyCap: '', weeklyCap: '', monthlyCap: '' },
    overlap: 'skip',
  };
  const none = { cronFault: null, needsCap: false };

  it('has the faults of its fields', () => {
    expect(whenFaults(when, none)).toEqual({});
    const caps = { dailyCap: '0', weeklyCap: 'x', monthlyCap: '1,000' };
    const typed = { ...when, ...caps, timezone: 'Mars', retryFor: 'long' };
    const faults = whenFaults(typed, { ...none, cronFault: 'must be less' });
    expect(Object.keys(faults)).toEqual([
      ...['cron', 'timezone', 'dailyCapUsd', 'weeklyCapUsd', 'monthlyCapUsd'],
      'retry.forMinutes',
    ]);
  });

  it('must have a cap only where its months may cost too much', () => {
    const dear = { ...none, needsCap: true };
    expect(whenFaults(when, dear)).toHaveProperty(
      'monthlyCapUsd',
      expect.stringMatching(/^must be given/),
    );
    expect(whenFaults({ ...when, monthlyCap: '20' }, dear)).toEqual({});
    // A day's cap does not take its place: the API asks for the month's.
    expect(whenFaults({ ...when, dailyCap: '20' }, dear)).toHaveProperty('monthlyCapUsd');
  });

  it('is sent as a new schedule without the fields that are blank', () => {
    expect(newSchedule(when, spec, null)).toEqual({
      ...{ cron: '* * * * *', timezone: 'UTC', overlap: 'skip', retry: null, spec },
    });
    const caps = { dailyCap: '1', weeklyCap: '5', monthlyCap: '20' };
    const typed = { ...when, ...caps, name: ' a ', retryFor: '60' };
    expect(newSchedule(typed, spec, { forMinutes: 5, everyMinutes: 7 })).toMatchObject({
      ...{ name: 'a', dailyCapUsd: 1, weeklyCapUsd: 5, monthlyCapUsd: 20 },
      retry: { forMinutes: 60, everyMinutes: 7 },
    });
  });
});
