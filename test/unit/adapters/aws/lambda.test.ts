import {
  InvokeCommand,
  LambdaClient,
  ResourceNotFoundException,
  TooManyRequestsException,
} from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { createNudge } from '../../../../lib/adapters/aws/lambda.ts';

function aNudge() {
  const client = new LambdaClient({ region: 'us-east-1' });
  const names = { reconcile: 'onebuck-test-reconcile', schedule: 'onebuck-test-schedule' };
  return { mock: mockClient(client), nudge: createNudge(client, names) };
}

describe('a nudge', () => {
  it.each([
    ['reconcile', 'onebuck-test-reconcile', { passes: [{ clusterId: 'caaaaaaaaaa' }] }],
    ['runSchedule', 'onebuck-test-schedule', { scheduleId: 'saaaaaaaaaa' }],
  ] as const)('by %s queues one event for %s', async (method, name, event) => {
    const { mock, nudge } = aNudge();
    mock.on(InvokeCommand).resolves({ StatusCode: 202 });
    if (method === 'reconcile') await nudge.reconcile(event.passes);
    else await nudge.runSchedule(event.scheduleId);
    const [call, ...others] = mock.commandCalls(InvokeCommand);
    expect(others).toEqual([]);
    const { FunctionName, InvocationType, Payload } = call?.args[0].input ?? {};
    expect({ FunctionName, InvocationType }).toEqual({
      FunctionName: name,
      InvocationType: 'Event',
    });
    expect(JSON.parse(Buffer.from(Payload as Uint8Array).toString())).toEqual(event);
  });

  it.each([
    ['throttled', new TooManyRequestsException({ message: 'slow down', $metadata: {} })],
    ['without its function', new ResourceNotFoundException({ message: 'none', $metadata: {} })],
  ])('that is %s throws: the caller decides what a lost nudge means', async (_, error) => {
    const { mock, nudge } = aNudge();
    mock.on(InvokeCommand).rejects(error);
    await expect(nudge.reconcile([{ clusterId: 'caaaaaaaaaa' }])).rejects.toBe(error);
  });
});
