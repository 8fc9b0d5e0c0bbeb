import { notFound } from './api-error.ts';
import type { Call } from './call.ts';
import { pageOf } from './collection.ts';
import { requestedInstance } from './instance-calls.ts';
import { pythonJson } from './json.ts';
import { transferOfAccount, transferOfInstance, transferPrices } from './transfer.ts';

export function listTransferPrices(call: Call): string {
  if (!call.settings.transferKnown) throw notFound();
  return pageOf(call, [], () => transferPrices);
}

export function showInstanceTransfer(call: Call): string {
  if (!call.settings.transferKnown) throw notFound();
  return pythonJson(transferOfInstance(requestedInstance(call), call.now));
}

export function showAccountTransfer({ account, settings, now }: Call): string {
  if (!settings.transferKnown) throw notFound();
  return pythonJson(transferOfAccount(account.allInstances(), now));
}
