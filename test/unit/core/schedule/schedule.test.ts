import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { microUsd } from '../../../../lib/core/base/money.ts';
import { type EpochMs, hours, plus } from '../../../../lib/core/base/units.ts';
import {
  faultsOfSpec,
  parseSchedule,
  parseScheduleChange,
  type Run,
  type ScheduleChange,
  scheduleChangeSchema,
  scheduleSchema,
  withChange,
  withRun,
} from '../../../../lib/core/schedule/schedule.ts';
import { aSchedule, at, ID, OTHER_ID, usd } from '../../../support/builders.ts';

const limits = { nodesMax: 100, budgetMax: microUsd(50_000_000) };
const SPEC = {
  nodes: 2,
  type: 'g6-nanode-1',
  region: 'us-east',
  image: 'linode/debian12',
  budgetUsd: 1,
};
const aRequest = (overrides: Record<string, unknown> = {}) => ({
  cron: '30 2 * * *',
  spec: SPEC,
  ...overrides,
});

function requestOf(input: unknown) {
  const parsed = parseSchedule(input, limits);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.request;
}

/** The faults as `path: message`. */
function faultsOf(input: unknown): string[] {
  const parsed = parseSchedule(input, limits);
  return parsed.ok ? [] : parsed.faults.map(({ path, message }) => `${path}: ${message}`);
}

describe('a schedule', () => {
  it('needs a cron expression and a spec, and has a default for every other field', () => {
    expect(requestOf(aRequest())).toEqual({
      name: null,
      cron: '30 2 * * *',
      timezone: 'UTC',
      spec: SPEC,
      overlap: 'skip',
      dailyCap: null,
      weeklyCap: null,
      monthlyCap: null,
      retry: null,
      enabled: true,
    });
  });

  it('takes every field, and keeps the spec as the client sent it', () => {
    const spec = { anything: [1, null], budgetUsd: '1.50' };
    const input = {
      name: 'Nightly tests',
      cron: ' */5 * * * 1-5 ',
      timezone: 'Europe/Berlin',
      spec,
      overlap: 'allow',
      dailyCapUsd: 1,
      weeklyCapUsd: 5,
      monthlyCapUsd: 12.5,
      retry: { forMinutes: 60, everyMinutes: 10 },
      enabled: false,
    };
    expect(requestOf(input)).toEqual({
      name: 'Nightly tests',
      cron: '*/5 * * * 1-5',
      timezone: 'Europe/Berlin',
      spec,
      overlap: 'allow',
      dailyCap: 1_000_000,
      weeklyCap: 5_000_000,
      monthlyCap: 12_500_000,
      retry: { forMinutes: 60, everyMinutes: 10 },
      enabled: false,
    });
  });

  it('may have null for a name or a cap, as the API shows a schedule without them', () => {
    const { name, monthlyCap } = requestOf(aRequest({ name: null, monthlyCapUsd: null }));
    expect({ name, monthlyCap }).toEqual({ name: null, monthlyCap: null });
  });

  it('is refused with all its faults at once', () => {
    const input = {
      name: '',
      timezone: 7,
      overlap: 'queue',
      monthlyCapUsd: -1,
      enabled: 'yes',
      crom: '30 2 * * *',
    };
    expect(faultsOf(input)).toEqual([
      'name: name must be 1 to 64 printable characters',
      'cron: cron is required: a cron expression of five fields, as in "30 2 * * 1-5"',
      'timezone: timezone must be the name of an IANA time zone such as Europe/Berlin',
      'spec: spec is required: a spec, as POST /clusters takes it',
      'overlap: overlap must be "skip" or "allow"',
      'monthlyCapUsd: monthlyCapUsd must be an amount in US dollars, such as 2.5',
      'enabled: enabled must be true or false',
      'crom: "crom" is no field of a schedule; did you mean cron?',
    ]);
  });

  it.each([
    ['monthlyCapUsd', 0, 'must be more than 0'],
    ['monthlyCapUsd', 0.0000001, 'must have at most 6 decimals'],
    ['monthlyCapUsd', 2e9, 'must be at most 1000000000 US dollars'],
    ['cron', '', 'must be a cron expression of five fields, as in "30 2 * * 1-5"'],
    ['cron', '1,'.repeat(200), 'must be a cron expression of five fields, as in "30 2 * * 1-5"'],
    ['timezone', 'x'.repeat(65), 'must be the name of an IANA time zone such as Europe/Berlin'],
    ['retry', 30, 'must be an object such as {"forMinutes": 120, "everyMinutes": 15}'],
    [
      'retry',
      { forMinutes: 30, times: 3 },
      'must be an object such as {"forMinutes": 120, "everyMinutes": 15}',
    ],
    ['spec', null, 'must be a spec, as POST /clusters takes it'],
    ['spec', [SPEC], 'must be a spec, as POST /clusters takes it'],
    ['spec', 'ten nodes', 'must be a spec, as POST /clusters takes it'],
  ])('is refused for its %s: %j', (name, value, message) => {
    expect(faultsOf(aRequest({ [name]: value }))).toEqual([`${name}: ${name} ${message}`]);
  });

  it('takes when to try again, from 5 minutes to a day', () => {
    const retry = { forMinutes: 1_440, everyMinutes: 5 };
    expect(requestOf(aRequest({ retry }))).toMatchObject({ retry });
    expect(requestOf(aRequest({ retry: { forMinutes: 5 } }))).toMatchObject({
      retry: { forMinutes: 5, everyMinutes: 15 },
    });
    expect(faultsOf(aRequest({ retry: { forMinutes: 4, everyMinutes: 1_441 } }))).toEqual([
      'retry.forMinutes: retry.forMinutes must be a whole number from 5 to 1440',
      'retry.everyMinutes: retry.everyMinutes must be a whole number from 5 to 1440',
    ]);
  });

  it.each([null, undefined, 7, 'nightly', [], [aRequest()]])('can not be %j', (input) => {
    expect(faultsOf(input)).toEqual([': a schedule must be a JSON object']);
  });

  it('is parsed as far as its fields have no fault', () => {
    const parsed = parseSchedule(aRequest({ overlap: 'queue', timezone: 'Mars' }), limits);
    expect(parsed).toMatchObject({ ok: false, partial: { cron: '30 2 * * *', timezone: 'Mars' } });
  });

  it('has the faults of its spec at paths that start with spec', () => {
    const faults = [
      { path: '', message: 'a spec must be a JSON object' },
      { path: 'tags[1]', message: 'tags[1] must differ from the others' },
    ];
    expect(faultsOfSpec(faults)).toEqual([
      { path: 'spec', message: 'a spec must be a JSON object' },
      { path: 'spec.tags[1]', message: 'tags[1] must differ from the others' },
    ]);
  });

  it('is any JSON value, or has faults with distinct paths', () => {
    const fields = ['name', 'cron', 'timezone', 'spec', 'overlap', 'monthlyCapUsd', 'enabled'];
    const input = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.oneof(fc.constantFrom(...fields), fc.string()), fc.jsonValue()),
    );
    const property = fc.property(input, (value) => {
      const parsed = parseSchedule(value, limits);
      if (parsed.ok) return;
      const paths = parsed.faults.map(({ path }) => path);
      expect(new Set(paths).size).toBe(paths.length);
      expect(paths.length).toBeGreaterThan(0);
    });
    fc.assert(property);
  });
});

it('the JSON schema of a schedule describes each field', () => {
  const schema = z.toJSONSchema(scheduleSchema(limits), { io: 'input' });
  expect(schema).toMatchObject({
    type: 'object',
    additionalProperties: false,
    required: ['cron', 'spec'],
    properties: {
      timezone: { default: 'UTC' },
      overlap: { enum: ['skip', 'allow'], default: 'skip' },
      enabled: { type: 'boolean', default: true },
      spec: { type: 'object', properties: { nodes: { type: 'integer', maximum: 100 } } },
    },
  });
  const { spec: _, ...fields } = schema.properties ?? {};
  const change = z.toJSONSchema(scheduleChangeSchema(limits), { io: 'input' }).properties ?? {};
  for (const property of [...Object.values(fields), ...Object.values(change)]) {
    expect(JSON.stringify(property)).toMatch(/"description":"\w/);
  }
});

describe('a change', () => {
  it.each([true, false])('can set enabled to %j', (enabled) => {
    expect(parseScheduleChange({ enabled }, limits)).toEqual({ ok: true, change: { enabled } });
  });

  it('can replace each field, and only the fields that it has', () => {
    const fields = { name: 'b', cron: ' 0 4 * * * ', timezone: 'UTC', overlap: 'allow' };
    const change = { ...fields, spec: SPEC, monthlyCapUsd: 3.5, enabled: true };
    expect(parseScheduleChange(change, limits)).toEqual({
      ok: true,
      change: {
        ...{ ...fields, cron: '0 4 * * *', spec: SPEC, enabled: true },
        monthlyCap: usd(3.5),
      },
    });
    for (const [name, value] of Object.entries(change)) {
      const parsed = parseScheduleChange({ [name]: value }, limits);
      expect(parsed.ok && Object.keys(parsed.change)).toHaveLength(1);
    }
  });

  it('can take away the name and the cap', () => {
    expect(parseScheduleChange({ name: null, monthlyCapUsd: null }, limits)).toEqual({
      ok: true,
      change: { name: null, monthlyCap: null },
    });
  });

  it.each([
    [{ enabled: 'no' }, 'enabled', 'enabled must be true or false'],
    [{ cron: null }, 'cron', 'cron must be a cron expression of five fields, as in "30 2 * * 1-5"'],
    [{ spec: null }, 'spec', 'spec must be a spec, as POST /clusters takes it'],
    [{ monthlyCapUsd: 0 }, 'monthlyCapUsd', 'monthlyCapUsd must be more than 0'],
    [null, '', 'a change must be a JSON object'],
    [
      {},
      '',
      'a change must have at least one of name, cron, timezone, spec, overlap, dailyCapUsd, weeklyCapUsd, monthlyCapUsd, retry, enabled',
    ],
    [
      { crom: '0 0 * * *' },
      'crom',
      '"crom" is no field of a change of a schedule; did you mean cron?',
    ],
  ])('can not be %j', (input, path, message) => {
    expect(parseScheduleChange(input, limits)).toMatchObject({
      ok: false,
      faults: [{ path, message }],
    });
  });

  it('has all its faults at once, and the fields without a fault', () => {
    const input = { cron: 7, overlap: 'queue', timezone: 'Mars/Base' };
    expect(parseScheduleChange(input, limits)).toMatchObject({
      ok: false,
      faults: [{ path: 'cron' }, { path: 'overlap' }],
      partial: { timezone: 'Mars/Base' },
    });
  });
});

describe('withChange', () => {
  const NEXT = at('2026-11-12T04:00:00Z');
  const schedule = aSchedule();
  const changedBy = (change: ScheduleChange, before = schedule) =>
    withChange(before, change, () => NEXT);

  it.each<[string, ScheduleChange]>([
    ['cron', { cron: '0 4 * * *' }],
    ['timezone', { timezone: 'Europe/Berlin' }],
  ])('moves the next occurrence with another %s', (_, change) => {
    expect(changedBy(change)).toEqual({ ...schedule, ...change, nextAt: NEXT, dueAt: NEXT });
    const paused = aSchedule({ enabled: false, nextAt: null });
    expect(changedBy(change, paused)).toEqual({ ...paused, ...change });
  });

  it('leaves the next occurrence, and the next try at it, with another spec', () => {
    const late = aSchedule({ dueAt: plus(schedule.nextAt ?? NEXT, hours(0.5)) });
    const change = { spec: { ...SPEC, nodes: 1 }, overlap: 'allow', monthlyCap: null } as const;
    expect(changedBy(change, late)).toEqual({ ...late, ...change });
  });

  it('pauses and resumes', () => {
    const paused = changedBy({ enabled: false });
    expect(paused).toEqual({ ...schedule, enabled: false, nextAt: null, dueAt: null });
    expect(changedBy({ enabled: true }, paused)).toMatchObject({ nextAt: NEXT, dueAt: NEXT });
  });
});

describe('withRun', () => {
  const FIRST = at('2026-11-11T02:30:00Z');
  /** The occurrence of the day that is `days` after the first. */
  const day = (days: number) => plus(FIRST, hours(24 * days));
  const launched = (when: EpochMs): Run => ({ at: when, result: 'launched', clusterId: ID });
  const skipped = (when: EpochMs): Run => ({ at: when, result: 'skipped', reason: 'still live' });
  const missed = (from: EpochMs, count: number): Run => ({
    at: plus(from, hours(24 * (count - 1))),
    result: 'missed',
    from,
    count,
  });

  it('adds the run, moves on to the next occurrence, and keeps the id of the cluster', () => {
    const noted = withRun(aSchedule({ nextAt: FIRST }), launched(FIRST), day(1));
    expect(noted).toEqual(
      aSchedule({ nextAt: day(1), runs: [launched(FIRST)], lastClusterId: ID }),
    );
  });

  it('has no occurrence and is not due after the last', () => {
    const noted = withRun(aSchedule({ nextAt: FIRST }), skipped(FIRST), null);
    expect(noted).toMatchObject({ nextAt: null, dueAt: null, runs: [skipped(FIRST)] });
  });

  it('makes a schedule that was put off due at its next occurrence', () => {
    const late = aSchedule({ nextAt: FIRST, dueAt: plus(FIRST, hours(0.5)) });
    expect(withRun(late, skipped(FIRST), day(1)).dueAt).toBe(day(1));
  });

  it('keeps the newest 20 runs, and the latest cluster even without its run', () => {
    let schedule = withRun(aSchedule({ nextAt: FIRST }), launched(FIRST), day(1));
    for (let days = 1; days <= 30; days += 1) {
      schedule = withRun(schedule, skipped(day(days)), day(days + 1));
    }
    expect(schedule.runs).toHaveLength(20);
    expect(schedule.runs[0]).toEqual(skipped(day(30)));
    expect(schedule.runs.at(-1)).toEqual(skipped(day(11)));
    expect(schedule.lastClusterId).toBe(ID);
  });

  it('joins runs that were missed in a row', () => {
    const three = withRun(aSchedule({ nextAt: FIRST }), missed(FIRST, 3), day(3));
    const five = withRun(three, missed(day(3), 2), day(5));
    expect(five.runs).toEqual([missed(FIRST, 5)]);
    const later = withRun(withRun(five, skipped(day(5)), day(6)), missed(day(6), 1), day(7));
    expect(later.runs).toEqual([missed(day(6), 1), skipped(day(5)), missed(FIRST, 5)]);
  });

  it('changes nothing where another pass has noted a run of the occurrence', () => {
    const noted = withRun(aSchedule({ nextAt: FIRST }), skipped(FIRST), day(1));
    expect(withRun(noted, skipped(FIRST), day(1))).toBe(noted);
    expect(withRun(noted, missed(FIRST, 1), day(1))).toBe(noted);
    const withCluster = withRun(aSchedule({ nextAt: FIRST }), launched(FIRST), day(1));
    expect(withRun(withCluster, launched(FIRST), day(1))).toBe(withCluster);
    expect(withRun(withCluster, skipped(FIRST), day(1))).toBe(withCluster);
  });

  it('changes nothing where somebody paused or resumed the schedule meanwhile', () => {
    const paused = aSchedule({ nextAt: null, enabled: false });
    expect(withRun(paused, skipped(FIRST), day(1))).toBe(paused);
    const resumed = aSchedule({ nextAt: day(4) });
    expect(withRun(resumed, skipped(FIRST), day(1))).toBe(resumed);
  });

  it('notes a launched cluster in any case, since the cluster exists', () => {
    const noted = withRun(aSchedule({ nextAt: FIRST }), skipped(FIRST), day(1));
    expect(withRun(noted, launched(FIRST), day(1))).toEqual({
      ...noted,
      runs: [launched(FIRST)],
      lastClusterId: ID,
    });
    const paused = aSchedule({ nextAt: null, enabled: false });
    expect(withRun(paused, launched(FIRST), day(1))).toEqual({
      ...paused,
      runs: [launched(FIRST)],
      lastClusterId: ID,
    });
  });

  it('notes a cluster late, and keeps the missed run at the same occurrence', () => {
    const [missing, skipping] = [missed(FIRST, 2), skipped(day(2))];
    const before = aSchedule({ nextAt: day(3), runs: [skipping, missing] });
    expect(withRun(before, launched(day(1)), day(3))).toMatchObject({
      runs: [skipping, launched(day(1)), missing],
      lastClusterId: ID,
    });
  });

  it('keeps the id of the latest cluster where an earlier cluster is noted late', () => {
    const later: Run = { at: day(1), result: 'launched', clusterId: OTHER_ID };
    const noted = withRun(aSchedule({ nextAt: day(1) }), later, day(2));
    const notedLate = withRun(noted, launched(FIRST), day(1));
    expect(notedLate).toMatchObject({
      nextAt: day(2),
      lastClusterId: OTHER_ID,
      runs: [later, launched(FIRST)],
    });
  });
});
