import type { EpochMs } from '../base/units.ts';
import { monthName } from '../billing/bill.ts';
import { BACKGROUND_OF_NODE } from '../billing/transfer.ts';
import { leftBytes } from './allowance.ts';
import { allowanceIn, asCounted, type Granted, keepsToLimit, possibleBytes } from './limited.ts';
import type { LiveRecord } from './record.ts';
import type { Measured } from './sent.ts';

/** A node has used so much of its allowance if it is slowed, or about to be: measures lag behind. */
const USED_SHARE = 0.9;
/** Less than this part of what all nodes may have sent is not worth a grant: it is soon used up. */
const LEFT_SHARE = 0.02;

/**
 * Whether a pass has just measured that some node has used its allowance, and nothing is left to
 * grant it: it sends slowly, until somebody changes the budget or `transferGb`. A node that has sent
 * no more than background traffic may be slow, too, but its job does not wait for that.
 */
export function areSlowed(
  record: LiveRecord,
  { measured, granted }: { readonly measured: Measured; readonly granted: Granted | null },
  now: EpochMs,
): boolean {
  if (!keepsToLimit(record) || record.phase === 'deleting') return false;
  const month = monthName(now);
  const isUsed = ([index, bytes]: readonly [number, number]): boolean =>
    bytes > BACKGROUND_OF_NODE &&
    bytes >= asCounted(allowanceIn(record, granted, index, month)) * USED_SHARE;
  if (![...measured].some(isUsed)) return false;
  return leftBytes(record, granted, now) < possibleBytes(record, granted, now) * LEFT_SHARE;
}
