import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { Nudge } from '../ports.ts';

/** Invokes the reconcile function without waiting for it: Lambda queues the event. */
export function createNudge(client: LambdaClient, functionName: string): Nudge {
  return {
    async reconcile(clusterId) {
      const Payload = Buffer.from(JSON.stringify({ clusterId }));
      await client.send(
        new InvokeCommand({ FunctionName: functionName, InvocationType: 'Event', Payload }),
      );
    },
  };
}
