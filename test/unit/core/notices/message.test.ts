import { describe, expect, it } from 'vitest';
import { type EpochMs, hours, minutes, plus } from '../../../../lib/core/base/units.ts';
import { lifeOf } from '../../../../lib/core/cluster/life.ts';
import type { ClusterRecord, NoticeKind } from '../../../../lib/core/cluster/record.ts';
import { messageOf } from '../../../../lib/core/notices/message.ts';
import { type Notice, withEndNotice, withNotice } from '../../../../lib/core/notices/notices.ts';
import {
  anEnded,
  aRunning,
  aSpec,
  created,
  LAUNCH,
  neverCreated,
  usd,
} from '../../../support/builders.ts';

const hoursIn = (length: number): EpochMs => plus(LAUNCH, hours(length));

describe('the message of a notice', () => {
  const noticeAt = (record: ClusterRecord, now: EpochMs): Notice => {
    const { notice } =
      'dueAt' in record ? withNotice(record, lifeOf(record, now), now) : withEndNotice(record, now);
    if (notice === null) throw new Error('no notice is due');
    return notice;
  };
  const ten = Array.from({ length: 10 }, (_, index) => created(index));
  const running = (notified: NoticeKind[]) => aRunning({ nodes: ten, notified });
  const text = (record: ClusterRecord, now: EpochMs) => messageOf(noticeAt(record, now)).text;

  it('is a sentence with the spend, the teardown time and what to do', () => {
    const head = 'Cluster cabcdefg234 (10 × g6-nanode-1)';
    const teardown =
      'Teardown at 2026-11-11T03:57:00.000Z unless you change the budget: ' +
      'PATCH /clusters/cabcdefg234.';
    expect(text(running([]), LAUNCH)).toBe(
      `${head} is up: 10 of 10 nodes with 10 IPv4 addresses. ${teardown} ` +
        'By then it will have cost $0.975 of its budget of $1.00.',
    );
    expect(text(running(['launched']), hoursIn(7))).toBe(
      `${head} has spent half of $0.975. ${teardown}`,
    );
    expect(text(running(['launched']), hoursIn(11))).toBe(
      `${head} has spent 84 % of $0.975. ${teardown}`,
    );
    expect(text(running(['launched', 'half', 'mostly']), plus(hoursIn(12), minutes(48)))).toBe(
      `${head} ends in 9 minutes. ${teardown} $0.975 is spent.`,
    );
    expect(text(anEnded(), LAUNCH)).toBe(
      'Cluster cabcdefg234 (2 × g6-nanode-1) is gone: its budget affords no further hour. ' +
        'It cost $0.015 of its budget of $1.00.',
    );
    const failed = { phase: 'failed', endReason: 'failed', failure: 'account limit' } as const;
    expect(text(anEnded({ ...failed, overspent: usd(0.02) }), LAUNCH)).toBe(
      'Cluster cabcdefg234 (2 × g6-nanode-1) has failed and is gone: account limit. ' +
        'It cost $0.015 of its budget of $1.00. That is $0.02 over the budget.',
    );
  });

  it('names the limit that ends the cluster', () => {
    expect(text(aRunning({ maxHours: 2 }), LAUNCH)).toContain(
      'unless you change its maxHours: PATCH',
    );
  });

  it('as JSON has an id of its own for each teardown time, the text and all values', () => {
    expect(messageOf(noticeAt(running(['launched']), hoursIn(7))).json).toEqual({
      id: 'cabcdefg234/half/2026-11-11T03:57:00.000Z',
      text: expect.stringContaining('has spent half'),
      kind: 'half',
      at: '2026-11-10T22:00:00.000Z',
      stage: 'test',
      clusterId: 'cabcdefg234',
      name: null,
      owner: 'ann',
      nodes: 10,
      type: 'g6-nanode-1',
      budgetUsd: 1,
      spentUsd: 0.525,
      teardownAt: '2026-11-11T03:57:00.000Z',
      limit: 'budget',
      billUsd: 0.975,
      nodesUp: 10,
      addresses: 10,
    });
    expect(messageOf(noticeAt(anEnded(), LAUNCH)).json).toMatchObject({
      id: 'cabcdefg234/gone',
      endReason: 'budget',
      failure: null,
      overspentUsd: 0,
    });
  });

  it.each([
    ['its budget affords no further hour', 'budget'],
    ['its nodes reached maxHours', 'maxHours'],
    ['somebody asked for its end', 'requested'],
    ['its nodes were deleted, though not by Onebuck', 'lost'],
    ['its launch failed', 'failed'],
  ] as const)('says that the cluster is gone since %s', (reason, endReason) => {
    expect(text(anEnded({ endReason }), LAUNCH)).toContain(`is gone: ${reason}. It cost`);
  });

  it('says how the job ended that ended the cluster, and what that saved', () => {
    const jobEnd = {
      ...({ state: 'failed', node: 2, exitCode: 3, reason: 'no out/' } as const),
      ...{ at: LAUNCH, teardownAt: hoursIn(13), billThen: usd(0.975) },
    };
    const record = anEnded({ endReason: 'done', jobEnd, spent: usd(0.075) });
    expect(text(record, LAUNCH)).toContain(
      'is gone: its job failed with exit code 3 on node 2: no out/. It cost $0.075 of its budget ' +
        'of $1.00. Its end saved $0.90.',
    );
    expect(messageOf(noticeAt(record, LAUNCH)).json).toMatchObject({
      ...{ endReason: 'done', jobState: 'failed', exitCode: 3, savedUsd: 0.9 },
    });
    const done = { ...jobEnd, state: 'done', node: null, exitCode: 0, reason: null } as const;
    expect(text(anEnded({ endReason: 'done', jobEnd: done }), LAUNCH)).toContain(
      'is gone: its job is done with exit code 0. It cost',
    );
    // A cluster that was kept after its job ended for another reason.
    const kept = messageOf(noticeAt(anEnded({ endReason: 'budget', jobEnd }), LAUNCH));
    expect(kept.text).toContain('is gone: its budget affords no further hour. It cost');
    expect(kept.json).not.toHaveProperty('jobState');
  });

  it('says that no node came up where the failure has no reason', () => {
    expect(
      text(anEnded({ phase: 'failed', endReason: 'failed', failure: null }), LAUNCH),
    ).toContain('has failed and is gone: no node came up. It cost');
  });

  it('says how many nodes are up, and how many addresses they have', () => {
    const nodes = [created(0, { ipv4: ['192.0.2.1', '192.168.1.1'] }), created(1), neverCreated(2)];
    expect(text(aRunning({ nodes }), LAUNCH)).toContain(
      '(3 × g6-nanode-1) is up: 2 of 3 nodes with 3 IPv4 addresses. ',
    );
  });

  it.each([
    ['is up', running([]), LAUNCH],
    ['has spent half', running(['launched']), hoursIn(7)],
    ['has spent 84 %', running(['launched']), hoursIn(11)],
    ['ends in 9 minutes', running(['launched']), plus(hoursIn(12), minutes(48))],
    ['is gone and cost $0.015', anEnded(), LAUNCH],
    ['has failed and cost $0.015', anEnded({ phase: 'failed', endReason: 'failed' }), LAUNCH],
  ] as const)('has the subject: %s', (subject, record, now) => {
    expect(messageOf(noticeAt(record, now)).subject).toBe(
      `Onebuck test: cluster cabcdefg234 ${subject}`,
    );
  });

  it('has a subject fit for mail: at most 100 ASCII characters in one line', () => {
    const spec = aSpec({ name: 'Grüße\nan alle' });
    const stage = 'a'.repeat(20);
    const ofRunning = (notified: NoticeKind[], at: EpochMs) =>
      noticeAt(aRunning({ nodes: ten, stage, spec, notified }), at);
    const notices = [
      ofRunning([], LAUNCH),
      ofRunning(['launched'], hoursIn(7)),
      ofRunning(['launched'], hoursIn(11)),
      ofRunning(['launched'], plus(hoursIn(12), minutes(50))),
      noticeAt(anEnded({ stage, spec, spent: usd(999_999.999999) }), LAUNCH),
      noticeAt(anEnded({ stage, spec, phase: 'failed', spent: usd(999_999.999999) }), LAUNCH),
    ];
    expect(new Set(notices.map(({ kind }) => kind)).size).toBe(6);
    for (const notice of notices) expect(messageOf(notice).subject).toMatch(/^[ -~]{1,100}$/);
  });
});
