import type { ApiToken } from '../core/base/api-token.ts';
import { ADMIN, OWNER_NAME } from '../core/base/names.ts';
import type { EpochMs } from '../core/base/units.ts';
import type { Standing } from '../core/caps/ledger.ts';
import {
  NO_OWN_CAPS,
  type OwnerRecord,
  type OwnerToken,
  type Parsed,
  parseOwner,
  parseOwnerChange,
  parseToken,
  TOKENS_MAX,
  type TokenLimits,
  withToken,
} from '../core/caps/owners.ts';
import { AppError } from '../errors.ts';
import type { Clock, Log, OwnerStore, Secrets } from '../ports.ts';
import type { CapsKeeper } from './caps-keeper.ts';
import { newOwnerToken } from './owner-token.ts';
import { CONFLICTS_MAX } from './save-over.ts';

export interface OwnerDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly owners: OwnerStore;
  readonly secrets: Pick<Secrets, 'apiTokens'>;
  readonly caps: Pick<CapsKeeper, 'standings'>;
  readonly log: Log;
}

/** An owner as the admin sees one. */
export interface OwnerSeen {
  readonly owner: string;
  /** null: the admin has decided nothing, and all tokens of the owner are in the secret. */
  readonly record: OwnerRecord | null;
  /** How many tokens of the owner the secret has; only the operator can revoke them. */
  readonly tokensInSecret: number;
  readonly standings: readonly Standing[];
}

/** A token in clear, which nothing can show again. */
export interface ShownToken {
  readonly token: string;
  readonly kept: OwnerToken;
}

/** AppError `notAllowed`, unless the caller is the admin. */
export function refuseOthers(caller: string): void {
  if (caller === ADMIN) return;
  throw new AppError('notAllowed', `Only ${ADMIN} can see and change owners.`);
}

/** Every owner who has a token in the secret or a record, by name. */
export async function listOwners(deps: OwnerDeps): Promise<OwnerSeen[]> {
  const [records, inSecret] = await Promise.all([
    deps.owners.list(),
    deps.secrets.apiTokens({ fresh: false }),
  ]);
  const byName = new Map(records.map((record) => [record.owner, record]));
  const known = Object.keys(inSecret).filter((owner) => (inSecret[owner] ?? []).length > 0);
  const names = [...new Set([...byName.keys(), ...known])].toSorted();
  return seen(
    deps,
    names.map((owner) => ({ owner, record: byName.get(owner) ?? null })),
    inSecret,
  );
}

/** AppError `notFound` if there is no such owner. */
export async function getOwner(deps: OwnerDeps, owner: string): Promise<OwnerSeen> {
  return seenOne(deps, owner, await known(deps, owner));
}

/**
 * Adds an owner with caps and a first token. AppError `conflict` if there is one already, since
 * nothing can show a first token again. An owner who was revoked is added anew.
 */
export async function addOwner(
  deps: OwnerDeps,
  input: unknown,
): Promise<{ readonly owner: OwnerSeen; readonly first: ShownToken }> {
  const now = deps.clock.now();
  const { owner, caps, token } = checked('The owner', parseOwner(input, now));
  refuseAdmin(owner, 'be added');
  const before = await deps.owners.get(owner);
  const inSecret = await secretTokensOf(deps, owner);
  if ((before !== null && before.revokedAt === null) || (before === null && inSecret > 0)) {
    throw exists(owner);
  }
  const empty = { owner, revision: 0, createdAt: now, tokens: [], revokedAt: null, caps };
  const { record, shown } = withNewToken(empty, token, now);
  const saved =
    before === null
      ? await deps.owners.insert({ ...record, revision: 1 })
      : await deps.owners.save({ ...record, revision: before.revision });
  if (saved === 'exists' || saved === 'conflict') throw exists(owner);
  deps.log.info('owner added', { owner, tokenId: shown.kept.id });
  return { owner: await seenOne(deps, owner, record), first: shown };
}

/** Changes the caps of an owner: those that the body names. */
export async function changeOwner(
  deps: OwnerDeps,
  owner: string,
  input: unknown,
): Promise<OwnerSeen> {
  const change = checked('The change', parseOwnerChange(input));
  const saved = await saveOver(deps, owner, (record) => ({ ...record, caps: change(record.caps) }));
  deps.log.info('caps of an owner changed', { owner, caps: saved.caps });
  return seenOne(deps, owner, saved);
}

/**
 * Revokes all tokens of the table that the owner has, by one write. From then on nothing is launched
 * or extended for the owner, also by a schedule or with a token of the secret. Live clusters go on
 * until their budgets end. A second call changes nothing.
 */
export async function revokeOwner(deps: OwnerDeps, owner: string): Promise<OwnerSeen> {
  refuseAdmin(owner, 'be revoked');
  const saved = await saveOver(deps, owner, (record) => ({
    ...record,
    tokens: [],
    revokedAt: record.revokedAt ?? deps.clock.now(),
  }));
  deps.log.info('owner revoked', { owner });
  return seenOne(deps, owner, saved);
}

/** AppError `refused` if the owner was revoked, or has TOKENS_MAX tokens. */
export async function addToken(
  deps: OwnerDeps,
  owner: string,
  input: unknown,
): Promise<ShownToken> {
  const now = deps.clock.now();
  const limits = checked('The token', parseToken(input, now));
  refuseAdmin(owner, 'get tokens');
  let shown: ShownToken | null = null;
  await saveOver(deps, owner, (record) => {
    if (record.revokedAt !== null) {
      throw new AppError('refused', `${owner} was revoked. POST /owners adds the owner again.`);
    }
    const next = withNewToken(record, limits, now);
    shown = next.shown;
    return next.record;
  });
  if (shown === null) throw new Error(`no token of ${owner} was made`);
  deps.log.info('token added', { owner, tokenId: (shown as ShownToken).kept.id });
  return shown;
}

/** Revokes one token, at once. AppError `notFound` if the table has no such token of the owner. */
export async function revokeToken(deps: OwnerDeps, owner: string, id: string): Promise<void> {
  await saveOver(deps, owner, (record) => {
    const tokens = record.tokens.filter((token) => token.id !== id);
    if (tokens.length < record.tokens.length) return { ...record, tokens };
    throw new AppError(
      'notFound',
      `${owner} has no token ${id} here. GET /owners/${owner} lists them; those in the secret are ` +
        'revoked by npm run tokens.',
    );
  });
  deps.log.info('token revoked', { owner, tokenId: id });
}

function withNewToken(record: OwnerRecord, limits: TokenLimits, now: EpochMs) {
  const { token, sha256 } = newOwnerToken(record.owner);
  const next = withToken(record, { ...limits, sha256 }, now);
  const kept = next === 'tooMany' ? undefined : next.tokens.at(-1);
  if (next === 'tooMany' || kept === undefined) {
    throw new AppError(
      'refused',
      `${record.owner} has ${TOKENS_MAX} tokens, the most that an owner can have. Revoke one first.`,
    );
  }
  return { record: next, shown: { token, kept } };
}

/** The owner's record, or null for one whose tokens are all in the secret; else `notFound`. */
async function known(deps: OwnerDeps, owner: string): Promise<OwnerRecord | null> {
  const record = OWNER_NAME.test(owner) ? await deps.owners.get(owner) : null;
  if (record !== null || (await secretTokensOf(deps, owner)) > 0) return record;
  throw new AppError('notFound', `There is no owner ${owner}. GET /owners lists all.`);
}

/** Saves what `next` makes of the owner's record, or of a first one. AppError `notFound`. */
async function saveOver(
  deps: OwnerDeps,
  owner: string,
  next: (record: OwnerRecord) => OwnerRecord,
): Promise<OwnerRecord> {
  for (let attempt = 0; attempt < CONFLICTS_MAX; attempt += 1) {
    const before = await known(deps, owner);
    const saved =
      before === null
        ? await insertFirst(deps, next(firstRecord(owner, deps.clock.now())))
        : await deps.owners.save(next(before));
    if (saved !== 'conflict') return saved;
  }
  throw new AppError('conflict', `The owner ${owner} is changing fast. Send the request again.`);
}

function firstRecord(owner: string, now: EpochMs): OwnerRecord {
  if (!OWNER_NAME.test(owner)) {
    throw new AppError(
      'refused',
      `${owner} is known to the secret only, which alone has such names.`,
    );
  }
  return { owner, revision: 1, createdAt: now, caps: NO_OWN_CAPS, tokens: [], revokedAt: null };
}

const insertFirst = async ({ owners }: OwnerDeps, record: OwnerRecord) =>
  (await owners.insert(record)) === 'exists' ? 'conflict' : record;

type TokensByOwner = Readonly<Record<string, readonly ApiToken[]>>;

/** An owner may have the name of something that every object has, such as `constructor`. */
const countOf = (tokens: TokensByOwner, owner: string): number =>
  Object.hasOwn(tokens, owner) ? (tokens[owner] ?? []).length : 0;

const secretTokensOf = async ({ secrets }: OwnerDeps, owner: string): Promise<number> => {
  const tokens = await secrets.apiTokens({ fresh: false });
  return countOf(tokens, owner);
};

async function seen(
  { caps }: OwnerDeps,
  subjects: readonly Pick<OwnerSeen, 'owner' | 'record'>[],
  inSecret: TokensByOwner,
): Promise<OwnerSeen[]> {
  const standings = await caps.standings(subjects);
  return subjects.map((subject, index) => ({
    ...subject,
    tokensInSecret: countOf(inSecret, subject.owner),
    standings: standings[index] ?? [],
  }));
}

async function seenOne(
  deps: OwnerDeps,
  owner: string,
  record: OwnerRecord | null,
): Promise<OwnerSeen> {
  const inSecret = await deps.secrets.apiTokens({ fresh: false });
  const [one] = await seen(deps, [{ owner, record }], inSecret);
  if (one === undefined) throw new Error(`the standing of ${owner} is missing`);
  return one;
}

function checked<T>(what: string, parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  const message = `${what} has faults; each is listed.`;
  throw new AppError('invalid', message, { faults: parsed.faults });
}

function refuseAdmin(owner: string, doing: string): void {
  if (owner !== ADMIN) return;
  throw new AppError(
    'refused',
    `${ADMIN} can't ${doing} here: its tokens are in the secret, which npm run tokens changes.`,
  );
}

const exists = (owner: string): AppError =>
  new AppError(
    'conflict',
    `There is an owner ${owner} already. PATCH /owners/${owner} changes the caps, and POST ` +
      `/owners/${owner}/tokens makes a further token.`,
  );
