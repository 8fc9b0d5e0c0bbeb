import { describe, expect, it, onTestFinished } from 'vitest';
import { epochMs, minutes, plus, toIso } from '../../../../lib/core/base/units.ts';
import type { Clock } from '../../../../lib/ports.ts';
import { type Rule, startRules, ticksOf } from '../../../../simulators/aws/eventbridge.ts';
import { at } from '../../../support/builders.ts';

/** The first `count` ticks after an instant, as ISO texts without their seconds. */
function ticks(rate: string, timezone: string, after: string, count: number): string[] {
  const nextAfter = ticksOf({ rate, timezone });
  const found: string[] = [];
  for (let last = at(after); found.length < count; ) {
    last = nextAfter(last);
    found.push(toIso(last).replace(':00.000Z', 'Z'));
  }
  return found;
}

describe('a rate', () => {
  it.each([
    ['rate(1 minute)', '2026-11-22T12:01Z', '2026-11-22T12:02Z'],
    ['rate(5 minutes)', '2026-11-22T12:05Z', '2026-11-22T12:10Z'],
    ['rate(2 hours)', '2026-11-22T14:00Z', '2026-11-22T16:00Z'],
    ['rate(1 day)', '2026-11-23T00:00Z', '2026-11-24T00:00Z'],
  ])(
    '%s ticks at whole multiples of its period, whenever it was started',
    (rate, first, second) => {
      expect(ticks(rate, 'UTC', '2026-11-22T12:00:20.500Z', 2)).toEqual([first, second]);
    },
  );

  it('ticks next strictly after the instant, so that no tick comes twice', () => {
    expect(ticks('rate(1 minute)', 'UTC', '2026-11-22T12:00:00Z', 1)).toEqual([
      '2026-11-22T12:01Z',
    ]);
  });
});

describe('a cron expression', () => {
  it('ticks at its time in its zone, in summer and in winter', () => {
    const rate = 'cron(0 2 * * ? *)';
    expect(ticks(rate, 'UTC', '2026-11-22T12:00:00Z', 2)).toEqual([
      '2026-11-23T02:00Z',
      '2026-11-24T02:00Z',
    ]);
    expect(ticks(rate, 'America/New_York', '2026-10-31T12:00:00Z', 2)).toEqual([
      '2026-11-01T07:00Z', // in the night in which clocks go back, after the change
      '2026-11-02T07:00Z',
    ]);
    expect(ticks(rate, 'America/New_York', '2026-07-01T12:00:00Z', 1)).toEqual([
      '2026-07-02T06:00Z',
    ]);
  });

  it('knows the names of weekdays', () => {
    // 22 November 2026 is a Sunday.
    expect(ticks('cron(30 18 ? * MON-FRI *)', 'UTC', '2026-11-20T19:00:00Z', 2)).toEqual([
      '2026-11-23T18:30Z',
      '2026-11-24T18:30Z',
    ]);
  });

  it('ticks next strictly after the instant', () => {
    expect(ticks('cron(0 2 * * ? *)', 'UTC', '2026-11-23T02:00:00Z', 1)).toEqual([
      '2026-11-24T02:00Z',
    ]);
  });
});

it.each([
  'at(2026-11-22T12:00:00)',
  'cron(0 2 * * ? 2027)',
  'cron(0 2 * * ?)',
  'rate(1 week)',
  'rate()',
])('a rule %s is refused with an error that quotes it', (rate) => {
  expect(() => ticksOf({ rate, timezone: 'UTC' })).toThrow(rate);
});

describe('ticking', () => {
  /** A clock that a test sets forward with `to`; it wakes each sleeper at the sleeper's time. */
  function aClock(start: string): Clock & { to(iso: string): Promise<void> } {
    let now = at(start);
    let sleepers: { until: number; wake: () => void }[] = [];
    return {
      now: () => now,
      sleep: (until) =>
        until <= now
          ? Promise.resolve()
          : new Promise((wake) => {
              sleepers.push({ until, wake });
            }),
      async to(iso) {
        const target = at(iso);
        for (;;) {
          const next = Math.min(target, ...sleepers.map(({ until }) => until));
          now = epochMs(next);
          const due = sleepers.filter(({ until }) => until <= now);
          sleepers = sleepers.filter(({ until }) => until > now);
          for (const { wake } of due) wake();
          await new Promise(setImmediate);
          if (due.length === 0 && next >= target) return;
        }
      },
    };
  }

  function ticking(
    clock: Clock,
    rule: Partial<Rule>,
    invoke: () => Promise<void> = async () => {},
  ) {
    const calls: { name: string; event: unknown }[] = [];
    const aRule = { functionName: 'f', rate: 'rate(1 minute)', timezone: 'UTC', input: null };
    const rules = startRules([{ ...aRule, ...rule }], clock, (name, payload) => {
      calls.push({ name, event: JSON.parse(payload) });
      return invoke();
    });
    onTestFinished(() => rules.close());
    return { calls, rules };
  }

  it("sends EventBridge's event with the time of the tick", async () => {
    const clock = aClock('2026-11-22T12:00:30Z');
    const { calls } = ticking(clock, { functionName: 'reap' });
    await clock.to('2026-11-22T12:02:30Z');
    const event = { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} };
    expect(calls).toEqual([
      { name: 'reap', event: expect.objectContaining({ ...event, time: '2026-11-22T12:01:00Z' }) },
      { name: 'reap', event: expect.objectContaining({ ...event, time: '2026-11-22T12:02:00Z' }) },
    ]);
  });

  it('sends the input of a rule, with the time of the tick in the place of the variable', async () => {
    const clock = aClock('2026-11-22T12:00:00Z');
    const input = { scheduledTime: '<aws.scheduler.scheduled-time>', spec: { nodes: 2 } };
    const { calls } = ticking(clock, { rate: 'cron(0 2 * * ? *)', input });
    await clock.to('2026-11-23T03:00:00Z');
    expect(calls).toEqual([
      { name: 'f', event: { scheduledTime: '2026-11-23T02:00:00Z', spec: { nodes: 2 } } },
    ]);
  });

  it('skips ticks while four invocations of the rule are under way', async () => {
    const clock = aClock('2026-11-22T12:00:00Z');
    const { calls } = ticking(clock, {}, () => new Promise(() => {}));
    await clock.to('2026-11-22T13:00:00Z');
    expect(calls).toHaveLength(4);
  });

  it('does not make up for ticks that were missed', async () => {
    const clock = aClock('2026-11-22T12:00:00Z');
    let calls = 0;
    const late: Clock = {
      now: clock.now,
      // Wakes ten minutes late, as on a machine that was asleep.
      sleep: (until) => clock.sleep(plus(until, minutes(10))),
    };
    ticking(late, {}, async () => {
      calls += 1;
    });
    await clock.to('2026-11-22T12:25:00Z');
    expect(calls).toBe(2);
  });

  it('ends when closed', async () => {
    const clock = aClock('2026-11-22T12:00:00Z');
    const { calls, rules } = ticking(clock, {});
    rules.close();
    await clock.to('2026-11-22T13:00:00Z');
    expect(calls).toEqual([]);
  });
});
