import type { CapsKeeper } from './caps.ts';
import { formatUsd, toUsd } from './core/base/money.ts';
import { type ClusterId, isClusterId } from './core/base/names.ts';
import { type EpochMs, plus, seconds } from './core/base/units.ts';
import { type Changed, changeCluster as change, parseChange } from './core/cluster/change.ts';
import { type ClusterRecord, isLive, type LiveRecord } from './core/cluster/record.ts';
import { beginDeleting } from './core/pass/plan.ts';
import { AppError, reasonOf } from './errors.ts';
import { rootPassword } from './passwords.ts';
import type { Clock, ClusterStore, ListQuery, Log, Nudge, Secrets } from './ports.ts';
import type { Settings } from './settings.ts';

/** The owner who sees and may end everybody's clusters. */
export const ADMIN = 'admin';

/** Passes write the same record, so that a few conflicts in a row are normal. */
const CONFLICTS_MAX = 20;

export interface ClusterDeps {
  readonly clock: Clock;
  readonly store: ClusterStore;
  readonly nudge: Nudge;
  readonly log: Log;
}

export interface ChangeDeps extends ClusterDeps {
  readonly caps: Pick<CapsKeeper, 'raise' | 'settle'>;
  readonly settings: Settings;
}

export interface ChangeRequest {
  readonly owner: string;
  readonly id: string;
  /** The change as it came, not yet checked. */
  readonly input: unknown;
  /** Give up, where too many change what the caps count, after this instant. */
  readonly by: EpochMs;
}

/** One cluster of the owner's; somebody else's is `notFound`, as if it did not exist. */
export async function getCluster(
  { store }: Pick<ClusterDeps, 'store'>,
  owner: string,
  id: string,
): Promise<ClusterRecord> {
  const record = isClusterId(id) ? await store.get(id) : 'notFound';
  if (record === 'notFound' || (owner !== ADMIN && record.owner !== owner)) {
    throw noCluster(id);
  }
  return record;
}

const noCluster = (id: string) =>
  new AppError('notFound', `There is no cluster ${id}. GET /clusters lists yours.`);

/** `owner`: that one's alone, for the admin to ask. */
export type ClusterFilter = Omit<ListQuery, 'owner' | 'month'> &
  Partial<Pick<ListQuery, 'owner' | 'month'>>;

export async function listClusters(
  { store }: Pick<ClusterDeps, 'store'>,
  owner: string,
  { owner: asked = null, month = null, ...query }: ClusterFilter,
) {
  return store.list({ ...query, month, owner: ownerSeen(owner, asked) });
}

/**
 * Whose clusters `owner` gets who asks for those of `asked` (null: for all that there are to see);
 * null: everybody's. Others than the admin may ask for their own alone, and learn from the refusal
 * nothing of who else there is.
 */
export function ownerSeen(owner: string, asked: string | null): string | null {
  if (owner === ADMIN) return asked;
  if (asked === null || asked === owner) return owner;
  const fault = { path: 'owner', message: `must be ${owner}, or left out: you see your own alone` };
  throw new AppError('invalid', "Only the admin sees other owners' clusters.", { faults: [fault] });
}

/** Begins the destruction; asking again, also of an ended cluster, changes nothing. */
export async function deleteCluster(
  deps: ClusterDeps,
  owner: string,
  id: string,
): Promise<ClusterRecord> {
  for (let attempt = 0; attempt < CONFLICTS_MAX; attempt += 1) {
    const record = await getCluster(deps, owner, id);
    if (!isLive(record) || record.phase === 'deleting') return record;
    const end = { reason: 'requested', failure: null } as const;
    const saved = await deps.store.save(beginDeleting(record, deps.clock.now(), end));
    if (saved === 'conflict') continue;
    await nudgeOrLeaveToReaper(deps, record.id);
    return saved;
  }
  throw new AppError('conflict', `Cluster ${id} is changing fast. Send the DELETE again.`);
}

/**
 * Changes budget or `maxHours` of a live cluster. The record changes first, then, in the pass that
 * is asked for, the `reap` tags: dying in between leaves tags by which the sweeper keeps the old
 * budget. AppError `invalid` with every fault; `conflict` where its teardown has begun; `refused`,
 * with what would do, where the new limits could not be kept.
 */
export async function changeCluster(
  deps: ChangeDeps,
  { owner, id, input, by }: ChangeRequest,
): Promise<ClusterRecord> {
  const parsed = parseChange(input, deps.settings);
  if (!parsed.ok) {
    const { faults } = parsed;
    throw new AppError('invalid', 'The change has faults; each is listed.', { faults });
  }
  const conflict = (what: string) => new AppError('conflict', `${what}. Send the PATCH again.`);
  for (let attempt = 0; attempt < CONFLICTS_MAX; attempt += 1) {
    const record = await getCluster(deps, owner, id);
    const changed = change(record, parsed.change, { now: deps.clock.now(), owner });
    if (changed.kind !== 'changed') throw refusalOf(record, changed);
    const { next } = changed;
    if (next === record) return record;
    const saved = await saveWithinCaps(deps, record, next, by);
    if (saved === 'missing') throw conflict(`The budget of ${id} will be counted in 5 minutes`);
    if (saved === 'conflict') continue;
    await nudgeOrLeaveToReaper(deps, record.id);
    return saved;
  }
  throw conflict(`Cluster ${id} is changing fast`);
}

/**
 * A higher budget is counted before it is saved, and a lower one after: what dies in between
 * counts too much, never too little, until the sweeper puts it right.
 */
async function saveWithinCaps(
  { store, caps, log }: ChangeDeps,
  record: ClusterRecord,
  next: LiveRecord,
  by: EpochMs,
): Promise<ClusterRecord | 'conflict' | 'missing'> {
  const { id, budget } = next;
  if (budget > record.budget && (await caps.raise({ id, budget }, by)) === 'missing') {
    const { revision } = record;
    const now = await store.get(id);
    // It has changed meanwhile, and may have ended: then the next attempt says so.
    return now !== 'notFound' && now.revision !== revision ? 'conflict' : 'missing';
  }
  const saved = await store.save(next);
  if (saved !== 'conflict' && isLive(saved) && budget !== record.budget) {
    await caps.settle(saved, by).catch((error: unknown) => {
      log.warn('budget not settled', { clusterId: id, reason: reasonOf(error) });
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
      const what = isLive(record) ? `The teardown of ${id} has begun` : `Cluster ${id} has ended`;
      return new AppError('conflict', `${what}: launch another one.`);
    }
    case 'tooLittle': {
      const { spent, smallestBudget } = refusal;
      return new AppError(
        'refused',
        `${formatUsd(spent)} is billed already. The smallest budget that can still be kept is ` +
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

/** A lost nudge costs a minute: the record is due, and the reaper's next tick sees it. */
export async function nudgeOrLeaveToReaper(
  { nudge, log }: Pick<ClusterDeps, 'nudge' | 'log'>,
  id: ClusterId,
): Promise<void> {
  await nudge.reconcile(id).catch((error: unknown) => {
    log.warn('nudge lost', { clusterId: id, reason: String(error) });
  });
}

/** How to log in to the nodes that exist; `rootPassword` is null where keys were given instead. */
export async function getCredentials(
  { store, secrets }: { readonly store: ClusterStore; readonly secrets: Secrets },
  owner: string,
  id: string,
) {
  const record = await getCluster({ store }, owner, id);
  // Not even the admin's, who sees all else.
  if (record.owner !== owner) throw noCluster(id);
  const key = record.spec.authorizedKeys.length > 0 ? null : await secrets.passwordKey();
  return record.nodes.flatMap((node) =>
    node.state === 'made'
      ? {
          index: node.index,
          label: node.label,
          ipv4: node.ipv4[0] ?? null,
          user: 'root',
          rootPassword: key === null ? null : rootPassword(key, node.label),
        }
      : [],
  );
}

/**
 * The cluster once all its nodes have addresses or it has ended, or as it is at `until`. A record
 * that can't be read just then is no reason to hide that it was launched.
 */
export async function waitForAddresses(
  { clock, store }: Pick<ClusterDeps, 'clock' | 'store'>,
  record: ClusterRecord,
  until: EpochMs,
): Promise<ClusterRecord> {
  let current = record;
  while (
    clock.now() < until &&
    current.nodes.some(({ state }) => state === 'planned' || state === 'sent')
  ) {
    await clock.sleep(plus(clock.now(), seconds(1)));
    const read = await store.get(record.id).catch(() => 'unreadable' as const);
    if (read === 'notFound' || read === 'unreadable') return current;
    current = read;
  }
  return current;
}
