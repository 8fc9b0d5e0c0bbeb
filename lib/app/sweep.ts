import { formatUsd, toUsd } from '../core/base/money.ts';
import { type ClusterId, ownershipTag } from '../core/base/names.ts';
import {
  type DurationMs,
  type EpochMs,
  earliest,
  minus,
  minutes,
  plus,
  seconds,
} from '../core/base/units.ts';
import type { Linode } from '../core/cluster/linode.ts';
import { livingOf } from '../core/cluster/metrics.ts';
import { clustersNamedBy, findOrphans, type Orphan } from '../core/cluster/orphans.ts';
import { type ClusterRecord, isLive } from '../core/cluster/record.ts';
import { createPool, slimLinode, slimRecord } from '../core/cluster/slim.ts';
import { clusterOfVlan } from '../core/room/network.ts';
import { AppError, PartialListError, reasonOf } from '../errors.ts';
import type {
  Clock,
  ClusterStore,
  LinodeApi,
  Log,
  ManyRead,
  Metrics,
  Unreadable,
  Vlan,
} from '../ports.ts';
import { forEachAtMost } from './at-most.ts';
import type { CapsKeeper } from './caps-keeper.ts';

export interface SweepDeps {
  readonly clock: Clock;
  readonly linode: LinodeApi;
  readonly store: Pick<ClusterStore, 'getMany'>;
  readonly caps: Pick<CapsKeeper, 'audit' | 'openClusters'>;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly stage: string;
}

/**
 * The period of the sweeper's ticks: it waits for Linodes that become orphans before the next tick.
 */
const PERIOD = minutes(5);
const DELETE_TIME_MAX = seconds(60);
const CALLS_AT_ONCE = 20;
/** How often the sweeper tries to read the records before it goes by the `reap` tags only. */
const READS_MAX = 3;
const READ_AGAIN_AFTER = seconds(3);
/** As many as DynamoDB takes in one request. */
const RECORDS_AT_ONCE = 100;

/**
 * Destroys the Linodes of this deployment that no live record protects, even when all other parts
 * have failed. It needs only Linode; the records, if they can be read, only protect. If it can list
 * only some Linodes, it destroys the orphans among them: their records are read after the list.
 * Throws if it could not list every Linode, or could not destroy an orphan. At the end it audits
 * the ledger of the caps, and throws if it can't.
 */
export async function sweep(
  deps: SweepDeps,
  limits: { readonly by: EpochMs; readonly reserveMs: DurationMs },
): Promise<{ destroyed: number }> {
  // Asked for beside the Linodes, so that the function waits no longer.
  const vlans = listEmptyVlans(deps, vlansBy(deps, limits.by));
  const { destroyed, failures, clusters } = await destroyOrphans(deps, limits).finally(() => vlans);
  try {
    await auditCaps(deps, clusters);
  } catch (error) {
    deps.log.error('caps not audited', { reason: String(error) });
    // Throw the failure to destroy rather than this error: a Linode that lives on costs money.
    if (failures.length === 0) throw error;
  }
  await removeVlans(deps, await vlans, limits.by);
  if (failures.length === 0) return { destroyed };
  throw new AppError('linodeUnavailable', `sweep not complete: ${failures.join('; ')}`);
}

interface Swept {
  readonly destroyed: number;
  readonly failures: readonly string[];
  /** The clusters of all Linodes of this deployment, as last listed. */
  readonly clusters: readonly ClusterId[];
}

async function destroyOrphans(
  deps: SweepDeps,
  limits: { readonly by: EpochMs; readonly reserveMs: DurationMs },
): Promise<Swept> {
  const { clock } = deps;
  const horizon = earliest(plus(clock.now(), PERIOD), minus(limits.by, limits.reserveMs));
  let destroyed = 0;
  // An orphan that can't be destroyed must not keep the sweeper from those that fall due later.
  const failures: string[] = [];
  const pool = createPool();
  const list = async () =>
    (await listOurs(deps, limits.by, failures)).map((linode) => slimLinode(linode, pool));
  // List twice at the start: a list may lack Linodes that another list shows.
  let awaited: readonly Linode[] = await list();
  for (;;) {
    const listed = await list();
    const linodes = [...listed, ...(await leftOut(deps, awaited, listed, limits.by))];
    awaited = [];
    const records = await readRecords(deps, linodes);
    const now = clock.now();
    const orphans = findOrphans(linodes, records, { stage: deps.stage, now });
    const due = orphans.filter(({ at }) => at <= now);
    const failed = await destroy(deps, due, limits.by);
    failures.push(...failed);
    destroyed += due.length - failed.length;

    const later = orphans.filter(({ at }) => at > now && at <= horizon);
    const [next, ...others] = later.map(({ at }) => at);
    if (next === undefined) return { destroyed, failures, clusters: clustersOf(linodes) };
    awaited = later.map(({ linode }) => linode);
    await clock.sleep(earliest(next, ...others));
  }
}

/** The Linodes of this deployment. Of a list that can't be read to its end, those that were read. */
async function listOurs(
  { linode, stage }: SweepDeps,
  by: EpochMs,
  failures: string[],
): Promise<readonly Linode[]> {
  try {
    return await linode.listByTag(ownershipTag(stage), by);
  } catch (error) {
    if (!(error instanceof PartialListError)) throw error;
    failures.push(`not all Linodes could be listed: ${error.message}`);
    return error.found;
  }
}

/**
 * The Linodes of `awaited` that the next list does not show and that still exist: a list may lack
 * Linodes that another list showed, and there may be no other before their hour mark. A Linode that
 * can't be read is taken to be as it was.
 */
async function leftOut(
  { linode }: SweepDeps,
  awaited: readonly Linode[],
  listed: readonly Linode[],
  by: EpochMs,
): Promise<Linode[]> {
  const shown = new Set(listed.map(({ id }) => id));
  const missing = awaited.filter(({ id }) => !shown.has(id));
  const found: Linode[] = [];
  await forEachAtMost(CALLS_AT_ONCE, missing, async (seen) => {
    const current = await linode.get(seen.id, by).catch(() => seen);
    if (current !== 'notFound') found.push(current);
  });
  return found;
}

/** Corrects what a crash between the ledger and a record has left counted or uncounted. */
async function auditCaps(deps: SweepDeps, clusters: readonly ClusterId[]) {
  const { caps, store, log } = deps;
  const readRecords = async (ids: readonly ClusterId[]) => {
    const found = await getSlim(store, ids);
    reportUnreadable(deps, found);
    emitTotals(deps, found.records);
    return found;
  };
  const drift = await caps.audit(readRecords, clusters);
  for (const { id, kind, counted, actual } of drift) {
    const amounts = { counted: formatUsd(counted), actual: formatUsd(actual) };
    log.warn('caps drifted', { clusterId: id, kind, ...amounts });
  }
}

/** How long a call about VLANs may take: nothing depends on them that the sweeper is for. */
const VLAN_TIME_MAX = seconds(10);

const vlansBy = ({ clock }: SweepDeps, by: EpochMs): EpochMs =>
  earliest(by, plus(clock.now(), VLAN_TIME_MAX));

/** The VLANs without a Linode; none if they can't be read. */
async function listEmptyVlans({ linode, log }: SweepDeps, by: EpochMs): Promise<readonly Vlan[]> {
  try {
    return (await linode.vlans(null, by)).filter(({ linodes }) => linodes === 0);
  } catch (error) {
    log.warn('VLANs not read', { reason: reasonOf(error) });
    return [];
  }
}

/**
 * Deletes the VLANs of isolated clusters that have ended: a pass can't while Linode still counts a
 * deleted Linode among those attached, and an account may have 10 VLANs in a region. The record says
 * that a VLAN is this deployment's, as its label does not: stages may share an account. Linode
 * refuses to delete a VLAN that has got a Linode since, and removes empty ones by itself, so a
 * failure is no fault.
 */
async function removeVlans(deps: SweepDeps, empty: readonly Vlan[], by: EpochMs): Promise<void> {
  const { linode, store, log } = deps;
  const ids = empty.flatMap(({ label }) => clusterOfVlan(label) ?? []);
  const { records } = await getSlim(store, ids).catch(() => ({ records: [] }));
  const ours = empty.filter(({ region, label }) =>
    records.some(
      (record) =>
        !isLive(record) && record.network?.vlan === label && record.bought.region === region,
    ),
  );
  await forEachAtMost(CALLS_AT_ONCE, ours, async ({ region, label }) => {
    await linode.deleteVlan(region, label, vlansBy(deps, by)).catch((error: unknown) => {
      log.warn('VLAN left behind', { region, vlan: label, reason: reasonOf(error) });
    });
  });
}

/**
 * Logs and counts the records that can't be read: a person must look, since no pass can end their
 * clusters, and their budgets stay in the ledger.
 */
function reportUnreadable({ metrics, log }: SweepDeps, { unreadable }: ManyRead): void {
  for (const { id, unreadable: reason } of unreadable) {
    log.error('record is unreadable', { clusterId: id, reason });
  }
  if (unreadable.length > 0) metrics.emit(() => ({ UnreadableRecords: unreadable.length }));
}

/**
 * Emits the totals over live clusters. The audit reads them all, since the ledger has every live
 * cluster. Without live clusters, it emits nothing.
 */
function emitTotals({ metrics }: SweepDeps, records: readonly ClusterRecord[]): void {
  metrics.emit(() => {
    const { clusters, openBudget, hourly } = livingOf(records);
    if (clusters === 0) return {};
    return {
      LiveClusters: clusters,
      OpenBudget: toUsd(openBudget),
      SpendRate: toUsd(hourly),
    };
  });
}

const clustersOf = (linodes: readonly Linode[]): ClusterId[] => [
  ...new Set(linodes.flatMap(clustersNamedBy)),
];

/**
 * The records, a few at a time, without what the sweeper does not need: with all records whole, it
 * would not stay below half of its memory (docs/performance.md#a-sweep).
 */
async function getSlim(store: SweepDeps['store'], ids: readonly ClusterId[]): Promise<ManyRead> {
  const pool = createPool();
  const records: ClusterRecord[] = [];
  const unreadable: Unreadable[] = [];
  for (let from = 0; from < ids.length; from += RECORDS_AT_ONCE) {
    const read = await store.getMany(ids.slice(from, from + RECORDS_AT_ONCE));
    for (const record of read.records) records.push(slimRecord(record, pool));
    unreadable.push(...read.unreadable);
  }
  return { records, unreadable };
}

/**
 * null: no record can be read, which must not keep the sweeper from its work. One refused call must
 * not make it go by the tags, which may be as of an earlier budget.
 */
async function readRecords(
  { clock, store, caps, log }: SweepDeps,
  linodes: readonly Linode[],
): Promise<ManyRead | null> {
  for (let tries = 1; ; tries += 1) {
    try {
      // A Linode that neither its tags nor its label places may be a node of any live cluster.
      const isUnplaced = linodes.some((one) => clustersNamedBy(one).length === 0);
      const open = isUnplaced ? await caps.openClusters() : [];
      return await getSlim(store, [...new Set([...clustersOf(linodes), ...open])]);
    } catch (error) {
      if (tries >= READS_MAX) {
        log.error('records can not be read; only reap tags count', { reason: String(error) });
        return null;
      }
      await clock.sleep(plus(clock.now(), READ_AGAIN_AFTER));
    }
  }
}

/** Returns the labels of orphans that could not be destroyed, each with the reason. */
async function destroy(
  { clock, linode, metrics, log }: SweepDeps,
  orphans: readonly Orphan[],
  sweepBy: EpochMs,
): Promise<string[]> {
  const by = earliest(sweepBy, plus(clock.now(), DELETE_TIME_MAX));
  const failures: string[] = [];
  let destroyed = 0;
  await forEachAtMost(CALLS_AT_ONCE, orphans, async ({ linode: orphan, reason }) => {
    const details = { linodeId: orphan.id, label: orphan.label, reason };
    try {
      await linode.delete(orphan.id, by);
      destroyed += 1;
      log.warn('orphan destroyed', details);
    } catch (error) {
      failures.push(`${orphan.label}: ${String(error)}`);
      log.error('orphan not destroyed', { ...details, error: String(error) });
    }
  });
  if (destroyed > 0) metrics.emit(() => ({ OrphansDestroyed: destroyed }));
  return failures;
}
