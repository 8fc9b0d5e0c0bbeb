import type { NodeLabel } from '../../core/base/names.ts';
import { type EpochMs, earliest, plus } from '../../core/base/units.ts';
import type { Linode } from '../../core/cluster/linode.ts';
import { clusterNamedBy } from '../../core/cluster/members.ts';
import { reasonOf } from '../../errors.ts';
import type { Clock, CreateOutcome, CreateRequest, Log } from '../../ports.ts';
import { type Call, describe, errorOf, illShaped } from './answer.ts';
import { type LinodeHttp, waitAfter, warnOfRetry } from './http.ts';
import type { Pacer } from './pacing.ts';
import { decodeLinode, encodeCreate } from './wire.ts';

export interface CreateDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly http: Pick<LinodeHttp, 'sendOnce' | 'token'>;
  readonly pacer: Pacer;
  readonly findByLabel: (label: NodeLabel, by: EpochMs) => Promise<Linode | 'notFound'>;
}

/**
 * Linode's API has no idempotency key. The label, unique in the account, serves as one
 * (docs/linode.md#creates). A create is sent again only after an answer that proves that Linode did
 * nothing: too many calls, or an invalid token. After any other answer that leaves this open, the
 * label is looked up, and a Linode that bears Onebuck's tags is adopted.
 */
export async function createLinode(
  deps: CreateDeps,
  request: CreateRequest,
  limits: { readonly notAfter: EpochMs; readonly by: EpochMs },
): Promise<CreateOutcome> {
  const { clock, log, http, pacer } = deps;
  const call = createCall(request);
  const waitUntil = earliest(limits.notAfter, limits.by);
  let token = await http.token({ fresh: false });
  let refreshed = false;
  for (let attempt = 1; ; attempt += 1) {
    const slot = await pacer.take(waitUntil);
    if (slot !== 'taken') return notSent("Linode's rate limit leaves no time for it", slot.retryAt);
    const now = clock.now();
    if (now > (attempt === 1 ? limits.notAfter : waitUntil)) return notSent('it is too late', now);

    const { verdict, header } = await http.sendOnce(call, token);
    pacer.learn(header);
    switch (verdict.kind) {
      case 'ok':
        return created(deps, request, call, verdict.body, limits.by);
      case 'rateLimited': {
        const waitMs = waitAfter(verdict, attempt);
        pacer.pause(plus(clock.now(), waitMs));
        warnOfRetry(log, call, verdict, { attempt, waitMs });
        continue;
      }
      case 'invalidToken':
        if (refreshed) throw errorOf(call, verdict);
        refreshed = true;
        token = await http.token({ fresh: true });
        continue;
      case 'denied':
        throw errorOf(call, verdict);
      case 'rejected':
        if (!/label must be unique/i.test(verdict.reason)) return refused(verdict.reason);
        return adopt(deps, request, describe(call, verdict), limits.by);
      case 'transient':
      case 'failed':
        return adopt(deps, request, describe(call, verdict), limits.by);
    }
  }
}

function createCall(request: CreateRequest): Call {
  return {
    method: 'POST',
    path: '/linode/instances',
    body: encodeCreate(request),
    secrets: [request.rootPassword, request.userData].filter((secret) => secret !== null),
  };
}

async function created(
  deps: CreateDeps,
  request: CreateRequest,
  call: Call,
  body: unknown,
  by: EpochMs,
): Promise<CreateOutcome> {
  const decoded = decodeLinode(body);
  if (decoded.ok && decoded.value.label === request.label) {
    return { kind: 'created', linode: decoded.value };
  }
  const fault = decoded.ok ? 'label is another one' : decoded.fault;
  return adopt(deps, request, describe(call, illShaped(fault)), by);
}

/**
 * After a create that may have had an effect (`doubt` says why), looks up the Linode with the
 * label.
 */
async function adopt(
  { findByLabel }: CreateDeps,
  { label, tags }: CreateRequest,
  doubt: string,
  by: EpochMs,
): Promise<CreateOutcome> {
  let found: Linode | 'notFound';
  try {
    found = await findByLabel(label, by);
  } catch (error) {
    return { kind: 'unknown', reason: `${doubt}; then ${reasonOf(error)}` };
  }
  if (found === 'notFound') {
    return { kind: 'unknown', reason: `${doubt}; then no Linode had its label` };
  }
  // Do not compare the `reap` tag or the spec's own tags: they may have changed since an earlier
  // try. The cluster's tag may be lost; then the label names the cluster.
  const own = tags.filter((tag) => tag.startsWith('onebuck-'));
  const hasOwn = own.length > 0 && own.every((tag) => found.tags.includes(tag));
  const isOurs = hasOwn && clusterNamedBy(found) === clusterNamedBy({ tags, label });
  return isOurs
    ? { kind: 'created', linode: found }
    : refused(`label ${label} is in use by a Linode that is not ours`);
}

const refused = (reason: string): CreateOutcome => ({ kind: 'refused', reason });

const notSent = (reason: string, retryAt: EpochMs): CreateOutcome => ({
  kind: 'notSent',
  reason,
  retryAt,
});
