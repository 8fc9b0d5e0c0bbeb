import { type EpochMs, plus, seconds } from '../base/units.ts';
import { lifeOf } from '../cluster/life.ts';
import type { LiveRecord } from '../cluster/record.ts';
import { isMonthNew, MEASURE_AGE_MIN, sendersOf } from '../cluster/sent.ts';

/** So old a measure must be for the last one, right before the deletions. */
const LAST_AGE_MIN = seconds(5);

/**
 * Whether a pass measures what the nodes have sent: each look at a running cluster, and the pass
 * that begins its teardown.
 */
export function isMeasureDue(record: LiveRecord, now: EpochMs): boolean {
  if (record.bought.transfer === undefined || record.phase === 'provisioning') return false;
  if (isMonthNew(now)) return false;
  if (sendersOf(record).length === 0) return false;
  const { sent } = record;
  if (sent === undefined || now >= plus(sent.at, MEASURE_AGE_MIN)) return true;
  if (now < plus(sent.at, LAST_AGE_MIN)) return false;
  return record.phase === 'deleting'
    ? sent.at < record.deletingSince
    : now >= lifeOf(record, now).teardownAt;
}
