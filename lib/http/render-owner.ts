import type { OwnerSeen, ShownToken } from '../app/manage-owners.ts';
import { type MicroUsd, microUsd, toUsd } from '../core/base/money.ts';
import { toIso } from '../core/base/units.ts';
import type { Standing } from '../core/caps/ledger.ts';
import { NO_OWN_CAPS, type OwnCap, type OwnerToken } from '../core/caps/owners.ts';

/** The caller's own caps. `tokenCap` limits the month, too; null: the token has no limit. */
export const renderBudget = (
  owner: string,
  standings: readonly Standing[],
  tokenCap: MicroUsd | null,
) => ({
  owner,
  periods: standings.map((standing) => {
    const caps = [standing.cap, standing.period === 'month' ? tokenCap : null];
    const least = caps.filter((cap) => cap !== null).toSorted((a, b) => a - b)[0] ?? null;
    return renderStanding({ ...standing, cap: least });
  }),
});

function renderStanding({ period, span, cap, spent, open }: Standing) {
  const left = cap === null ? null : microUsd(Math.max(0, cap - spent - open));
  return {
    period,
    startedAt: toIso(span.start),
    resetsAt: toIso(span.end),
    capUsd: cap === null ? null : toUsd(cap),
    spentUsd: toUsd(spent),
    openUsd: toUsd(open),
    leftUsd: left === null ? null : toUsd(left),
  };
}

/** An owner as the API shows one to the admin: of tokens neither the hash nor the text. */
export function renderOwner({ owner, record, tokensInSecret, standings }: OwnerSeen) {
  const { day, week, month } = record?.caps ?? NO_OWN_CAPS;
  return {
    owner,
    createdAt: record === null ? null : toIso(record.createdAt),
    revokedAt: record === null || record.revokedAt === null ? null : toIso(record.revokedAt),
    dailyCapUsd: renderOwnCap(day),
    weeklyCapUsd: renderOwnCap(week),
    monthlyCapUsd: renderOwnCap(month),
    tokens: (record?.tokens ?? []).map(renderToken),
    tokensInSecret,
    periods: standings.map(renderStanding),
  };
}

const renderOwnCap = (cap: OwnCap) => (typeof cap === 'number' ? toUsd(cap) : cap);

function renderToken({ id, createdAt, expiresAt, right, monthlyMax }: OwnerToken) {
  return {
    id,
    createdAt: toIso(createdAt),
    expiresAt: expiresAt === null ? null : toIso(expiresAt),
    may: right,
    monthlyCapUsd: monthlyMax === null ? null : toUsd(monthlyMax),
  };
}

export const renderShownToken = ({ token, kept }: ShownToken) => ({ ...renderToken(kept), token });
