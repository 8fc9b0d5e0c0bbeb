import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { LinodeSimulator } from '../../simulators/linode/simulator.ts';
import { named } from './deployment.ts';
import { clientOf, type Emulator } from './emulator.ts';
import { expect } from './expect.ts';
import { loseRun } from './functions.ts';

/**
 * Loses a run of the function `invoices` to a maintenance of Linode's. Then has Linode bill the month
 * already, at double prices, and the function compare that with the records now, instead of within
 * six hours.
 */
export async function compareInvoices(
  emulator: Emulator,
  simulator: LinodeSimulator,
): Promise<void> {
  simulator.setFaults([{ kind: 'maintenance503', path: '^/account/invoices' }]);
  await loseRun(emulator, 'invoices');
  simulator.setFaults([]);
  const differences = [{ labels: 'onebuck', kind: 'price', factor: 2 }] as const;
  simulator.updateSettings({ invoices: { differences } });
  const now = new Date();
  simulator.makeInvoice(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1));
  const lambda = new LambdaClient(clientOf(emulator));
  const invoked = await lambda.send(new InvokeCommand({ FunctionName: named('invoices') }));
  lambda.destroy();
  const answer = Buffer.from(invoked.Payload ?? []).toString();
  expect(invoked.FunctionError === undefined, `invoices failed: ${answer}`);
}
