import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { type ClusterId, isClusterId } from '../core/base/names.ts';
import { type EpochMs, epochMs, hours, plus } from '../core/base/units.ts';

/** What an agent's token says: it speaks for one node of one cluster, until it expires. */
export interface AgentClaim {
  readonly clusterId: ClusterId;
  /** The index of the node. */
  readonly rank: number;
  /** In whole seconds, rounded up. From then on the token is refused. */
  readonly expiresAt: EpochMs;
}

/**
 * How long a token is taken. The agent calls at least every 6 hours, and each answer renews it, so
 * that a node which can't reach the API for a week falls silent.
 */
const LIFE = hours(7 * 24);

/**
 * The expiry of a token that is handed out at `at`. The token in a node's user data counts from the
 * launch of its cluster, so that a repeated create has the same user data.
 */
export const expiryFrom = (at: EpochMs): EpochMs => plus(at, LIFE);

/**
 * The token of a node's agent: `oba_<clusterId>_<rank>_<expiry, epoch seconds in base 36>_<mac>`.
 * `key` is the deployment's `passwordKey`; nothing of the token is stored.
 */
export function agentToken(key: string, { clusterId, rank, expiresAt }: AgentClaim): string {
  const seconds = Math.ceil(expiresAt / 1_000).toString(36);
  const claim = `oba_${clusterId}_${rank}_${seconds}`;
  return `${claim}_${macOf(key, claim)}`;
}

/** A rank has no leading zeros, and the expiry has at most the digits of the year 5138. */
const TOKEN = /^(oba_(c[a-z2-7]{10})_(0|[1-9]\d{0,2})_([0-9a-z]{1,7}))_([\w-]{43})$/;

/**
 * What the token claims, if it was made with `key`; `forged`: it was not, or it is no agent's token.
 * `expired` is only said of a token that was made with `key`.
 */
export function readAgentToken(
  key: string,
  token: string,
  now: EpochMs,
): AgentClaim | 'forged' | 'expired' {
  const [, claim = '', clusterId = '', rank, seconds = '', mac = ''] = TOKEN.exec(token) ?? [];
  // The texts are compared, not the bytes: base64url has more than one text for 32 bytes.
  const isOurs = timingSafeEqual(Buffer.from(macOf(key, claim)), Buffer.from(mac.padEnd(43)));
  if (!isOurs || !isClusterId(clusterId)) return 'forged';
  const expiresAt = epochMs(Number.parseInt(seconds, 36) * 1_000);
  return expiresAt <= now ? 'expired' : { clusterId, rank: Number(rank), expiresAt };
}

const macOf = (key: string, claim: string): string =>
  createHmac('sha256', macKeyOf(key)).update(claim).digest('base64url');

/** What was derived last: a process has one `passwordKey`, and each call of an agent needs it. */
let last: { readonly key: string; readonly derived: Buffer } | null = null;

function macKeyOf(key: string): Buffer {
  if (last?.key !== key) {
    last = { key, derived: Buffer.from(hkdfSync('sha256', key, 'onebuck agent token', '', 32)) };
  }
  return last.derived;
}
