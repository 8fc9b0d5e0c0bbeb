import type { ClusterId } from '../core/base/names.ts';
import { type EpochMs, minutes, plus } from '../core/base/units.ts';
import { monthName } from '../core/billing/bill.ts';
import { type SendableOf, sendableBytes } from '../core/cluster/allowance.ts';
import { type Granted, possibleBefore } from '../core/cluster/limited.ts';
import type { LiveRecord } from '../core/cluster/record.ts';

interface Known {
  /** What the bytes depend on. */
  readonly key: string;
  readonly at: EpochMs;
  readonly bytes: number;
}

/** Then it is reckoned anew, as more may be sent by then: when nodes that got nothing ask again. */
const KNOWN_FOR = minutes(5);
const CLUSTERS_MAX = 1_000;

/**
 * `sendableBytes`, reckoned once for all nodes of a cluster that ask: of the same record and month, what
 * could be sent at an earlier instant may be sent later, too. To reckon it for each ask would take so
 * long that of hundreds of nodes that begin together, most would find another's grant kept meanwhile.
 */
export function createSendable(): SendableOf {
  const known = new Map<ClusterId, Known>();
  return (record, granted, now) => {
    const key = keyOf(record, granted, now);
    const found = known.get(record.id);
    const isKnown = found?.key === key && found.at <= now && now < plus(found.at, KNOWN_FOR);
    if (isKnown) return found.bytes;
    const bytes = sendableBytes(record, granted, now);
    known.delete(record.id);
    known.set(record.id, { key, at: now, bytes });
    const [oldest] = known.keys();
    if (known.size > CLUSTERS_MAX && oldest !== undefined) known.delete(oldest);
    return bytes;
  };
}

/** Grants of the month itself change nothing about what all nodes may send together. */
function keyOf(record: LiveRecord, granted: Granted | null, now: EpochMs): string {
  const month = monthName(now);
  return JSON.stringify([record.revision, month, possibleBefore(record, granted, month)]);
}
