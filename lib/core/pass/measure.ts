import { type EpochMs, minutes, plus, seconds } from '../base/units.ts';
import { lifeOf } from '../cluster/life.ts';
import type { LiveRecord } from '../cluster/record.ts';
import { isMonthNew, MEASURE_AGE_MIN, sendersOf } from '../cluster/sent.ts';
import { firstBegin, MEASURE_FIRST_MAX } from '../cluster/transfer.ts';

/** So old a measure must be for the last one, right before the deletions. */
const LAST_AGE_MIN = seconds(5);

/** How often nodes of a cluster that does not come up are measured. */
const PROVISIONING_EVERY = minutes(5);

/**
 * Whether a pass measures what the nodes have sent: each look at a running cluster, and the pass
 * that begins its teardown. The passes of a cluster that is coming up do so only if that takes long:
 * its slices leave room for what nodes send slowly until then.
 */
export function isMeasureDue(record: LiveRecord, now: EpochMs): boolean {
  if (record.bought.transfer === undefined || isMonthNew(now)) return false;
  if (sendersOf(record).length === 0) return false;
  const { sent } = record;
  if (record.phase === 'provisioning') {
    const last = sent === undefined ? null : plus(sent.at, PROVISIONING_EVERY);
    return now >= (last ?? plus(firstBegin(record, now), MEASURE_FIRST_MAX));
  }
  if (sent === undefined || now >= plus(sent.at, MEASURE_AGE_MIN)) return true;
  if (now < plus(sent.at, LAST_AGE_MIN)) return false;
  return record.phase === 'deleting'
    ? sent.at < record.deletingSince
    : now >= lifeOf(record, now).teardownAt;
}
