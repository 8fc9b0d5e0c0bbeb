import { describe, expect, it } from 'vitest';
import {
  destroySentence,
  endWords,
  nextSentence,
  troubleSentence,
  untilTeardown,
} from '../../../client/end.ts';
import { aCluster } from './builders.ts';

const at = (iso: string) => Date.parse(iso);
const NOW = at('2026-11-10T11:30:00Z');
const when = (ms: number) => new Date(ms).toISOString().slice(11, 16);

describe('the question before a destruction', () => {
  it('says the bill, and that the started hour is paid', () => {
    expect(destroySentence(aCluster(), NOW, when)).toBe(
      'Linode will bill $0.045 for it; $0.055 of its budget stays unspent. ' +
        'The started hour is paid anyway: until 12:00 it would cost no more.',
    );
  });

  it('says nothing of started hours or bills that are not known', () => {
    const going = aCluster({ status: 'deleting', affordableHours: null });
    expect(destroySentence(going, NOW, when)).not.toContain('paid anyway');
    const coming = aCluster({ spentUsd: 0, leftUsd: 0.1 });
    expect(destroySentence(coming, NOW, when)).toBe('Nothing has been billed for it yet.');
  });
});

describe('untilTeardown', () => {
  it.each([
    ['ahead', {}, NOW, 8_820_000],
    ['late', {}, at('2026-11-10T13:58:00Z'), -60_000],
    ['begun', { status: 'deleting' }, NOW, null],
    ['over', { status: 'deleted', teardownAt: null }, NOW, null],
  ] as const)(
    'has the milliseconds left, or null, for a teardown that is %s',
    (_, overrides, now, ms) => {
      expect(untilTeardown(aCluster(overrides), now)).toBe(ms);
    },
  );
});

it('endWords says the reason of the end, and nothing where there is none', () => {
  expect(endWords({ endReason: 'budget' })).toBe('its budget affords no further hour');
  expect(endWords({ endReason: null })).toBe('');
});

describe('nextSentence', () => {
  const clock = (iso: string) => iso.slice(11, 16);

  it('has the time and what Onebuck does then', () => {
    expect(nextSentence(aCluster(), clock)).toBe(
      'At 13:57 Onebuck destroys its nodes, when the budget is used up.',
    );
    const why = 'waits for Linode: GET /linode/instances: 429: Too many requests.';
    const waiting = aCluster({ next: { at: '2026-11-10T13:57:10.000Z', why } });
    expect(nextSentence(waiting, clock)).toBe(`At 13:57 Onebuck ${why}`);
  });

  it('is null once the cluster has ended', () => {
    expect(nextSentence({ next: null }, clock)).toBeNull();
  });
});

describe('troubleSentence', () => {
  const clock = (iso: string) => iso.slice(11, 16);

  it('says since when Onebuck waits, and why, with one full stop', () => {
    const reason = 'Linode refused the token: it is wrong, expired or revoked.';
    const trouble = { since: '2026-11-10T10:02:00.000Z', reason };
    expect(troubleSentence({ trouble }, clock)).toBe(
      `Since 10:02 Onebuck waits for Linode: ${reason}`,
    );
  });

  it('is null where nothing is in the way', () => {
    expect(troubleSentence(aCluster(), clock)).toBeNull();
  });
});
