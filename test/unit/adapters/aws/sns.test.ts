import { InternalErrorException, PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { createTopic } from '../../../../lib/adapters/aws/sns.ts';
import { type Digest, digestsOf } from '../../../../lib/core/notices/digest/digest.ts';
import { monthPeriod } from '../../../../lib/core/notices/digest/period.ts';
import { EMPTY_TALLY, withRecords } from '../../../../lib/core/notices/digest/tally.ts';
import { aNotice, anEnded, aSpec, LAUNCH, SCHEDULE_ID, usd } from '../../../support/builders.ts';
import { id } from '../../../support/cluster-store-contract.ts';

const TOPIC = 'arn:aws:sns:us-east-1:123456789012:onebuck-test-notices';

function aTopic() {
  const client = new SNSClient({ region: 'us-east-1' });
  return { mock: mockClient(client), topic: createTopic(client, TOPIC) };
}

describe('a notice to the topic', () => {
  it('is a sentence for mail, JSON for programs, and has attributes for filters', async () => {
    const { mock, topic } = aTopic();
    mock.on(PublishCommand).resolves({ MessageId: '1' });
    await topic.send(aNotice());
    const [call, ...others] = mock.commandCalls(PublishCommand);
    expect(others).toEqual([]);
    const { Message, MessageAttributes, ...rest } = call?.args[0].input ?? {};
    expect(rest).toEqual({
      TopicArn: TOPIC,
      Subject: 'Onebuck test: cluster cabcdefg234 is gone and cost $0.015',
      MessageStructure: 'json',
    });
    const { default: json, email, sms } = JSON.parse(Message ?? '');
    expect(email).toMatch(/^Cluster cabcdefg234 \(2 × g6-nanode-1\) is gone: .* \$1\.00\.$/);
    expect(sms).toBe(email);
    expect(JSON.parse(json)).toMatchObject({ id: 'cabcdefg234/gone', kind: 'gone', text: email });
    expect(MessageAttributes).toEqual({
      kind: { DataType: 'String', StringValue: 'gone' },
      clusterId: { DataType: 'String', StringValue: 'cabcdefg234' },
      owner: { DataType: 'String', StringValue: 'ann' },
    });
  });

  it('about a run of a schedule has the schedule as attribute, and no cluster', async () => {
    const { mock, topic } = aTopic();
    mock.on(PublishCommand).resolves({ MessageId: '1' });
    await topic.send({
      ...{ kind: 'runMissed', scheduleId: SCHEDULE_ID, owner: 'ann', stage: 'test', name: null },
      ...{ at: LAUNCH, occurrence: LAUNCH, from: LAUNCH, count: 1, tries: 1, nextAt: null },
      ...{ clusterId: null, reason: null },
    });
    const { MessageAttributes, Subject } =
      mock.commandCalls(PublishCommand)[0]?.args[0].input ?? {};
    expect(Subject).toBe('Onebuck test: schedule sabcdefg234 missed a run');
    expect(MessageAttributes).toEqual({
      kind: { DataType: 'String', StringValue: 'runMissed' },
      scheduleId: { DataType: 'String', StringValue: 'sabcdefg234' },
      owner: { DataType: 'String', StringValue: 'ann' },
    });
  });

  it('that is a digest has whom it is for as attribute, and no longer a text message than SNS takes', async () => {
    const { mock, topic } = aTopic();
    mock.on(PublishCommand).resolves({ MessageId: '1' });
    const records = Array.from({ length: 40 }, (_, n) => anEnded({ id: id(n), owner: `ann${n}` }));
    const period = monthPeriod('2026-11');
    const tally = withRecords(EMPTY_TALLY, { records, unreadable: [] }, period, period.end);
    const around = { stage: 'test', period, schedules: [], capOf: () => usd(100), admin: 'admin' };
    await topic.send(digestsOf(tally, around)[0] as Digest);
    const { Message, MessageAttributes } =
      mock.commandCalls(PublishCommand)[0]?.args[0].input ?? {};
    const { email, sms } = JSON.parse(Message ?? '');
    expect(email.length).toBeGreaterThan(1_600);
    expect(sms).toBe(email.slice(0, 1_600));
    expect(MessageAttributes).toEqual({
      kind: { DataType: 'String', StringValue: 'digest' },
      owner: { DataType: 'String', StringValue: 'admin' },
    });
  });

  it.each([
    ['1,400 owners', 1_400, 'lab'],
    ['owners and clusters with long names', 700, '"ü'.repeat(20)],
    ['one owner of all clusters', 1, '"'.repeat(40)],
  ])('that is a digest of %s is no larger than SNS takes', async (_, owners, name) => {
    const { mock, topic } = aTopic();
    mock.on(PublishCommand).resolves({ MessageId: '1' });
    const length = Math.max(1_000, owners);
    const records = Array.from({ length }, (_, n) =>
      anEnded({ id: id(n), owner: `${n % owners}`.padEnd(40, 'n'), spec: aSpec({ name }) }),
    );
    const period = monthPeriod('2026-11');
    const tally = withRecords(EMPTY_TALLY, { records, unreadable: [] }, period, period.end);
    const around = { stage: 'test', period, schedules: [], capOf: () => usd(100), admin: 'admin' };
    await topic.send(digestsOf(tally, around)[0] as Digest);
    const { Message = '', MessageAttributes } =
      mock.commandCalls(PublishCommand)[0]?.args[0].input ?? {};
    const bytes = Buffer.byteLength(Message) + Buffer.byteLength(JSON.stringify(MessageAttributes));
    expect(bytes).toBeLessThan(262_144);
    const json = JSON.parse(JSON.parse(Message).default);
    const lines = json.csv.trimEnd().split('\r\n').slice(1);
    expect(json.owners.length + json.ownersLeftOut).toBe(owners);
    expect(lines.length + json.csvLeftOut).toBe(length);
    // Nothing is left out for which there is room.
    if (json.csvLeftOut > 0) expect(bytes).toBeGreaterThan(230_000);
    if (json.csvLeftOut > 0) expect(json.text).toContain(`lacks ${json.csvLeftOut} clusters:`);
    // 1,000 rows of 700 owners: 300 have a second one, and have it only if all have a first.
    const withRows = new Set(lines.map((line: string) => line.split(',')[1]));
    expect(withRows.size).toBe(Math.min(owners, lines.length));
  });

  it('that SNS refuses throws its error', async () => {
    const { mock, topic } = aTopic();
    const error = new InternalErrorException({ message: 'down', $metadata: {} });
    mock.on(PublishCommand).rejects(error);
    await expect(topic.send(aNotice())).rejects.toBe(error);
  });
});
