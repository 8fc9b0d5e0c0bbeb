import type { LinodeSimulator } from '../../simulators/linode/simulator.ts';
import type { Emulator } from './emulator.ts';
import { expect } from './expect.ts';
import { loseRun, runNow } from './functions.ts';

/**
 * Loses a run of the function `invoices` to a maintenance of Linode's. Then has Linode bill the month
 * already, at double prices and with an item that names another cluster, and the function compare that
 * with the records now, instead of within six hours.
 */
export async function compareInvoices(
  emulator: Emulator,
  simulator: LinodeSimulator,
): Promise<void> {
  simulator.setFaults([{ kind: 'maintenance503', path: '^/account/invoices' }]);
  await loseRun(emulator, 'invoices');
  simulator.setFaults([]);
  const differences = [{ labels: 'onebuck', kind: 'price', factor: 2 }] as const;
  const extraItems = [{ label: 'onebuck-cunknown222-0', quantity: 1, unitPrice: 0.0075 }];
  simulator.updateSettings({ invoices: { differences, extraItems } });
  const now = new Date();
  simulator.makeInvoice(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1));
  const { hasFailed, answer } = await runNow(emulator, 'invoices');
  expect(!hasFailed, `invoices failed: ${answer}`);
}
