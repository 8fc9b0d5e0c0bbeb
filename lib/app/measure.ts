import { type EpochMs, earliest, plus, seconds } from '../core/base/units.ts';
import { type Granted, isLimited } from '../core/cluster/limited.ts';
import type { LiveRecord } from '../core/cluster/record.ts';
import { type Measured, sendersOf } from '../core/cluster/sent.ts';
import { reasonOf } from '../errors.ts';
import type { Allowances, Clock, LinodeApi, Log } from '../ports.ts';

export interface MeasureDeps {
  readonly clock: Clock;
  readonly linode: Pick<LinodeApi, 'bytesSent'>;
  readonly allowances: Pick<Allowances, 'read'>;
  readonly log: Log;
}

/** What a pass has measured, and what the nodes were granted by then. */
export interface Measuring {
  readonly measured: Measured;
  /** null: nothing was granted, or the nodes have no limit. */
  readonly granted: Granted | null;
}

export const UNMEASURED: Measuring = { measured: new Map(), granted: null };

/**
 * As `measuredOf`, with the grants of nodes that have a limit. Without these, nothing counts as
 * measured: nodes would seem not to keep to their limit. Never throws.
 */
export async function measure(
  deps: MeasureDeps,
  record: LiveRecord,
  passBy: EpochMs,
): Promise<Measuring> {
  const { allowances, log } = deps;
  const measured = await measuredOf(deps, record, passBy);
  if (!isLimited(record)) return { measured, granted: null };
  try {
    return { measured, granted: await allowances.read(record.id) };
  } catch (error) {
    log.warn('allowances not read', { clusterId: record.id, reason: reasonOf(error) });
    return UNMEASURED;
  }
}

/** A pass measures while it lists, and a teardown waits no longer than this for it. */
const TIME_MAX = seconds(3);

/**
 * What the nodes of the cluster have sent this month, as far as Linode says in time: of a large
 * cluster, the nodes that were measured longest ago. Never throws.
 */
async function measuredOf(
  { clock, linode, log }: MeasureDeps,
  record: LiveRecord,
  passBy: EpochMs,
): Promise<Measured> {
  const by = earliest(passBy, plus(clock.now(), TIME_MAX));
  const measured = new Map<number, number>();
  const reasons = new Set<string>();
  const all = sendersOf(record).map(async ({ index, linodeId }) => {
    try {
      const bytes = await linode.bytesSent(linodeId, by);
      if (bytes !== 'notFound') measured.set(index, bytes);
    } catch (error) {
      reasons.add(reasonOf(error));
    }
  });
  await Promise.all(all);
  const [reason] = reasons;
  if (reason !== undefined) log.warn('transfer not measured', { clusterId: record.id, reason });
  return measured;
}
