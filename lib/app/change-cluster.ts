import { formatUsd, type MicroUsd, toUsd } from '../core/base/money.ts';
import type { EpochMs } from '../core/base/units.ts';
import { type Changed, changeCluster as change, parseChange } from '../core/cluster/change.ts';
import { lifeOf } from '../core/cluster/life.ts';
import { isLimited } from '../core/cluster/limited.ts';
import { type ClusterRecord, isLive, type LiveRecord } from '../core/cluster/record.ts';
import { withWarningsPassed } from '../core/notices/notices.ts';
import { AppError, reasonOf } from '../errors.ts';
import type { Allowances } from '../ports.ts';
import type { Settings } from '../settings.ts';
import type { CapsKeeper } from './caps-keeper.ts';
import type { ClusterDeps } from './destroy-cluster.ts';
import { isSaved } from './is-saved.ts';
import { nudgeOrLeaveToReaper } from './nudge.ts';
import { getCluster } from './read-clusters.ts';
import { CONFLICTS_MAX } from './save-over.ts';

export interface ChangeDeps extends ClusterDeps {
  readonly caps: Pick<CapsKeeper, 'raise' | 'adjust'>;
  readonly settings: Settings;
  readonly allowances: Pick<Allowances, 'read'>;
}

export interface ChangeRequest {
  readonly owner: string;
  readonly id: string;
  /** The change as the client sent it, not yet checked. */
  readonly input: unknown;
  /** As of a launch. */
  readonly tokenCap?: MicroUsd | null;
  /** After this instant, give up if other launches and changes keep writing the ledger. */
  readonly by: EpochMs;
}

/**
 * Changes the budget or `maxHours` of a live cluster. First the record changes, then, in the pass
 * that is nudged, the `reap` tags: a crash in between leaves tags by which the sweeper keeps the
 * old limits. AppErrors: `invalid` with every fault; `conflict` if the teardown has begun;
 * `refused`, with the smallest limits that would do, if the new limits could not be kept.
 */
export async function changeCluster(
  deps: ChangeDeps,
  { owner, id, input, tokenCap = null, by }: ChangeRequest,
): Promise<ClusterRecord> {
  const parsed = parseChange(input, deps.settings);
  if (!parsed.ok) {
    const { faults } = parsed;
    throw new AppError('invalid', 'The change has faults; each is listed.', { faults });
  }
  const conflict = (cause: string) => new AppError('conflict', `${cause}. Send the PATCH again.`);
  for (let attempt = 0; attempt < CONFLICTS_MAX; attempt += 1) {
    const record = await getCluster(deps, owner, id);
    // A node does not learn of a grant that is kept after this if its agent finds the record changed
    // then; of a grant in the milliseconds between, the next measure tells.
    const granted = isLimited(record) ? await deps.allowances.read(record.id) : null;
    const now = deps.clock.now();
    const changed = change(record, parsed.change, { now, owner, granted });
    if (changed.kind !== 'changed') throw refusalOf(record, changed);
    if (changed.next === record) return record;
    const next = withWarningsPassed(changed.next, lifeOf(changed.next, now), now);
    const saved = await saveWithinCaps(deps, record, next, { tokenCap, by });
    if (saved === 'missing') throw conflict(`The budget of ${id} will be counted in 5 minutes`);
    if (saved === 'conflict') continue;
    await nudgeOrLeaveToReaper(deps, record.id);
    return saved;
  }
  throw conflict(`Cluster ${id} is changing fast`);
}

/**
 * The ledger takes a higher budget before the record is saved, and a lower one after. A crash in
 * between counts too much, never too little, until the sweeper corrects it.
 */
async function saveWithinCaps(
  { store, caps, log }: ChangeDeps,
  record: ClusterRecord,
  next: LiveRecord,
  { tokenCap, by }: { readonly tokenCap: MicroUsd | null; readonly by: EpochMs },
): Promise<ClusterRecord | 'conflict' | 'missing'> {
  const { id, owner, budget } = next;
  const raised = { id, owner, budget, tokenCap };
  if (budget > record.budget && (await caps.raise(raised, by)) === 'missing') {
    const { revision } = record;
    const now = await store.get(id);
    // The record has changed meanwhile, and the cluster may have ended; then the next attempt says
    // so.
    return now !== 'notFound' && now.revision !== revision ? 'conflict' : 'missing';
  }
  const answer = await store.save(next);
  const isOurs = answer === 'conflict' && (await isSaved(store, next));
  const saved = isOurs ? { ...next, revision: next.revision + 1 } : answer;
  if (saved !== 'conflict' && isLive(saved) && budget !== record.budget) {
    await caps.adjust(saved, by).catch((error: unknown) => {
      log.warn('budget not adjusted', { clusterId: id, reason: reasonOf(error) });
    });
  }
  return saved;
}

function refusalOf(
  record: ClusterRecord,
  refusal: Exclude<Changed, { kind: 'changed' }>,
): AppError {
  const { id } = record;
  switch (refusal.kind) {
    case 'begun': {
      const cause = isLive(record) ? `The teardown of ${id} has begun` : `Cluster ${id} has ended`;
      return new AppError('conflict', `${cause}: launch another cluster.`);
    }
    case 'noTransfer':
      return new AppError(
        'refused',
        `The transfer of ${id} does not count, as the Onebuck that launched it, or its server, knew no ` +
          'prices of transfer: leave transferGb out, or launch another cluster.',
      );
    case 'tooLittle': {
      const { spent, smallestBudget, granted } = refusal;
      const unsent =
        granted === 0
          ? ''
          : `, and its nodes may still send ${formatUsd(granted)} of transfer that they are allowed`;
      return new AppError(
        'refused',
        `${formatUsd(spent)} is billed already${unsent}. The smallest budget that can still be kept is ` +
          `${formatUsd(smallestBudget)}; to end it now, DELETE /clusters/${id}.`,
        { members: { smallestBudgetUsd: toUsd(smallestBudget) } },
      );
    }
    case 'tooFewHours': {
      const { smallestMaxHours } = refusal;
      return new AppError(
        'refused',
        `The smallest maxHours that can still be kept is ${smallestMaxHours}; to end it now, ` +
          `DELETE /clusters/${id}.`,
        { members: { smallestMaxHours } },
      );
    }
  }
}
