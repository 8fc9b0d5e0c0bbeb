import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { Nudge } from '../../ports.ts';

/** Invokes functions by name, without waiting for their end: Lambda queues the event. */
export function createNudge(
  client: LambdaClient,
  functionNames: { readonly reconcile: string; readonly schedule: string },
): Nudge {
  async function invoke(FunctionName: string, event: unknown): Promise<void> {
    const Payload = Buffer.from(JSON.stringify(event));
    await client.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload }));
  }

  return {
    reconcile: (passes) => invoke(functionNames.reconcile, { passes }),
    runSchedule: (scheduleId) => invoke(functionNames.schedule, { scheduleId }),
  };
}
