import { type EpochMs, earliest, plus, seconds } from '../core/base/units.ts';
import type { LiveRecord } from '../core/cluster/record.ts';
import { type Measured, sendersOf } from '../core/cluster/sent.ts';
import { reasonOf } from '../errors.ts';
import type { Clock, LinodeApi, Log } from '../ports.ts';

export interface MeasureDeps {
  readonly clock: Clock;
  readonly linode: Pick<LinodeApi, 'bytesSent'>;
  readonly log: Log;
}

/** A pass measures while it lists, and a teardown waits no longer than this for it. */
const TIME_MAX = seconds(3);

/**
 * What the nodes of the cluster have sent this month, as far as Linode says in time: of a large
 * cluster, the nodes that were measured longest ago. Never throws.
 */
export async function measure(
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
