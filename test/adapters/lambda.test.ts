import {
  InvokeCommand,
  LambdaClient,
  ResourceNotFoundException,
  TooManyRequestsException,
} from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { createNudge } from '../../lib/adapters/lambda.ts';

function aNudge() {
  const client = new LambdaClient({ region: 'us-east-1' });
  return { mock: mockClient(client), nudge: createNudge(client, 'onebuck-test-reconcile') };
}

describe('a nudge', () => {
  it('queues an event for the reconcile function, and does not wait for its end', async () => {
    const { mock, nudge } = aNudge();
    mock.on(InvokeCommand).resolves({ StatusCode: 202 });
    await nudge.reconcile('caaaaaaaaaa');
    const [call, ...others] = mock.commandCalls(InvokeCommand);
    expect(others).toEqual([]);
    const { FunctionName, InvocationType, Payload } = call?.args[0].input ?? {};
    expect({ FunctionName, InvocationType }).toEqual({
      FunctionName: 'onebuck-test-reconcile',
      InvocationType: 'Event',
    });
    expect(JSON.parse(Buffer.from(Payload as Uint8Array).toString())).toEqual({
      clusterId: 'caaaaaaaaaa',
    });
  });

  it.each([
    ['throttled', new TooManyRequestsException({ message: 'slow down', $metadata: {} })],
    ['without its function', new ResourceNotFoundException({ message: 'none', $metadata: {} })],
  ])(
    'that is %s lets the error out: the caller decides what a lost one means',
    async (_, error) => {
      const { mock, nudge } = aNudge();
      mock.on(InvokeCommand).rejects(error);
      await expect(nudge.reconcile('caaaaaaaaaa')).rejects.toBe(error);
    },
  );
});
