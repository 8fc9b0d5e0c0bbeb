import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { named } from './deployment.ts';
import { clientOf, type Emulator } from './emulator.ts';
import { expect } from './expect.ts';

/**
 * Has the function `digest` send the digest of the last week now, instead of within the hour: by the
 * topic it arrives, by the webhook, which nothing answers, it does not, and the function says so.
 */
export async function sendDigest(emulator: Emulator): Promise<void> {
  const lambda = new LambdaClient(clientOf(emulator));
  const invoked = await lambda.send(new InvokeCommand({ FunctionName: named('digest') }));
  lambda.destroy();
  const answer = Buffer.from(invoked.Payload ?? []).toString();
  const isToldOf = invoked.FunctionError !== undefined && answer.includes('the webhook');
  expect(isToldOf, `digest does not say that the webhook failed: ${answer}`);
}
