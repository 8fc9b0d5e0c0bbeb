import { describe, expect, it } from 'vitest';
import { messageOf } from '../../../../lib/core/notices/message.ts';
import type { RunNotice } from '../../../../lib/core/notices/runs.ts';
import { at, ID, SCHEDULE_ID, STAGE } from '../../../support/builders.ts';

const aRunNotice = (overrides: Partial<RunNotice> = {}): RunNotice => ({
  kind: 'runRefused',
  scheduleId: SCHEDULE_ID,
  owner: 'ann',
  stage: STAGE,
  name: 'nightly',
  at: at('2026-11-11T02:30:05Z'),
  occurrence: at('2026-11-11T02:30:00Z'),
  count: 1,
  from: at('2026-11-11T02:30:00Z'),
  clusterId: null,
  reason: 'the spec has faults.',
  tries: 1,
  nextAt: at('2026-11-12T02:30:00Z'),
  ...overrides,
});
const textOf = (overrides: Partial<RunNotice>) => messageOf(aRunNotice(overrides)).text;
const HEAD = 'Schedule sabcdefg234 (nightly)';
const REST =
  'The next run is at 2026-11-12T02:30:00.000Z. To change it: PATCH /schedules/sabcdefg234.';

describe('the message of a notice about a run', () => {
  it('says what happened, why, when the next run is, and what to do', () => {
    const when = '2026-11-11T02:30:00.000Z';
    expect(textOf({})).toBe(`${HEAD} launched nothing at ${when}: the spec has faults. ${REST}`);
    expect(textOf({ tries: 3, reason: 'sold out' })).toBe(
      `${HEAD} launched nothing at ${when}, after 3 tries: sold out. ${REST}`,
    );
    expect(textOf({ kind: 'runFailed', clusterId: ID, reason: 'no capacity' })).toBe(
      `${HEAD} launched cluster ${ID} at ${when}, and it has failed: no capacity. ${REST}`,
    );
    const missed = { kind: 'runMissed', reason: null } as const;
    const late = 'Onebuck could not launch within an hour';
    expect(textOf(missed)).toBe(`${HEAD} missed its run at ${when}: ${late}. ${REST}`);
    expect(textOf({ ...missed, count: 3, from: at('2026-11-09T02:30:00Z') })).toBe(
      `${HEAD} missed 3 runs from 2026-11-09T02:30:00.000Z to ${when}: ${late}. ${REST}`,
    );
    expect(textOf({ name: null, nextAt: null })).toMatch(
      /^Schedule sabcdefg234 launched .* There is no next run\. To change it: /,
    );
  });

  it('as JSON has the id <schedule>/<kind>/<occurrence>, the text and all values', () => {
    expect(messageOf(aRunNotice()).json).toEqual({
      id: 'sabcdefg234/runRefused/2026-11-11T02:30:00.000Z',
      text: expect.stringContaining('launched nothing'),
      kind: 'runRefused',
      at: '2026-11-11T02:30:05.000Z',
      stage: 'test',
      scheduleId: 'sabcdefg234',
      name: 'nightly',
      owner: 'ann',
      occurrence: '2026-11-11T02:30:00.000Z',
      from: '2026-11-11T02:30:00.000Z',
      count: 1,
      clusterId: null,
      reason: 'the spec has faults.',
      tries: 1,
      nextAt: '2026-11-12T02:30:00.000Z',
    });
  });

  it('has a subject fit for mail: at most 100 ASCII characters in one line', () => {
    const stage = 'a'.repeat(20);
    for (const kind of ['runRefused', 'runMissed', 'runFailed'] as const) {
      const { subject } = messageOf(aRunNotice({ kind, stage, name: 'Grüße' }));
      expect(subject).toMatch(/^Onebuck a+: schedule sabcdefg234 [ -~]{1,50}$/);
    }
  });
});
