import type { AddedOwner, AddedToken, Budget, Owner } from './answers.ts';
import type { Api } from './api.ts';
import { dollars } from './money.ts';

/* The requests about budgets and owners. Each throws what client/api.ts throws. */

export { ADMIN } from '../lib/core/base/names.ts';

export type Period = Budget['periods'][number];

export const getBudget = (api: Api): Promise<Budget> => api.json('/budget');

export const listOwners = async (api: Api): Promise<readonly Owner[]> =>
  (await api.json<{ readonly owners: readonly Owner[] }>('/owners')).owners;

export const addOwner = (api: Api, body: object): Promise<AddedOwner> =>
  api.json('/owners', { method: 'POST', body });

export const changeOwner = (api: Api, owner: string, body: object): Promise<Owner> =>
  api.json(`/owners/${encodeURIComponent(owner)}`, { method: 'PATCH', body });

export const revokeOwner = (api: Api, owner: string): Promise<Owner> =>
  api.json(`/owners/${encodeURIComponent(owner)}`, { method: 'DELETE' });

export const addToken = (api: Api, owner: string, body: object): Promise<AddedToken> =>
  api.json(`/owners/${encodeURIComponent(owner)}/tokens`, { method: 'POST', body });

export const revokeToken = (api: Api, owner: string, id: string): Promise<null> =>
  api.json(`/owners/${encodeURIComponent(owner)}/tokens/${encodeURIComponent(id)}`, {
    method: 'DELETE',
  });

/** What part of a cap is spent and what part is open, from 0 to 1 together; null: no cap. */
export function sharesOf({
  capUsd,
  spentUsd,
  openUsd,
}: Period): { readonly spent: number; readonly open: number } | null {
  if (capUsd === null) return null;
  const spent = Math.min(1, spentUsd / capUsd);
  return { spent, open: Math.min(1 - spent, openUsd / capUsd) };
}

/** `$0.85 of $2.00 left`, or `no cap`. */
export const leftWords = ({ capUsd, leftUsd }: Period): string =>
  capUsd === null || leftUsd === null ? 'no cap' : `${dollars(leftUsd)} of ${dollars(capUsd)} left`;

/** `$0.15 spent, $1.00 open`. */
export const usedWords = ({ spentUsd, openUsd }: Period): string =>
  `${dollars(spentUsd)} spent, ${dollars(openUsd)} open`;

/** `2h` and `30d` from now on, or a time in ISO 8601 as it is; null: neither. */
export function expiryIn(text: string, now: number): string | null {
  const [, count = '', unit = ''] = /^([1-9]\d{0,3})([hd])$/.exec(text.trim()) ?? [];
  if (count !== '') {
    return new Date(now + Number(count) * (unit === 'h' ? 3_600_000 : 86_400_000)).toISOString();
  }
  const at = /^\d{4}-\d\d-\d\d/.test(text.trim()) ? Date.parse(text.trim()) : Number.NaN;
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}

/** An amount, `none`, or `default` for the cap of the deployment, as the API takes a cap. */
export const capIn = (text: string): unknown => {
  const cap = text.trim().toLowerCase();
  if (cap === 'none') return 'none';
  if (cap === 'default') return null;
  return /^\d+(\.\d+)?$/.test(cap) ? Number(cap) : text;
};
