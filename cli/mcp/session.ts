import type { Cluster } from '../../client/answers.ts';
import type { Api } from '../../client/api.ts';
import { getCluster } from '../../client/clusters.ts';
import { dollars } from '../../client/money.ts';
import type { Context } from '../context.ts';
import type { SshOptions } from '../ssh.ts';
import type { Allowance } from './allowance.ts';

/** What all tools share, from the start of `onebuck mcp` to its end. */
export interface Session {
  readonly context: Context;
  /** How `exec` logs in to nodes. */
  readonly ssh: SshOptions;
  readonly api: Api;
  /** null: a person confirms each spending. */
  readonly allowance: Allowance | null;
  /** For each cluster that the agent launched: the idempotency key, which also names its stake. */
  readonly launched: Map<string, string>;
  /**
   * The keys of clusters with an extension that got no clear answer: it may still arrive, so that
   * their stakes are lowered only when they have ended.
   */
  readonly unclear: Set<string>;
  /** Settles when the last launch or extension has ended. */
  spending: Promise<unknown>;
}

/** How much the agent may spend still, as a sentence. */
export const limitSentence = ({ allowance }: Session): string =>
  allowance === null
    ? 'A person confirms each launch and each extension.'
    : `This agent may spend ${dollars(allowance.left())} more.`;

/**
 * Sets the stake of a launch or a cluster, as `Allowance.stake` does. If the allowance does not pay
 * it, looks first which clusters have ended meanwhile, since they cost less than their budgets.
 */
export async function stake(session: Session, key: string, usd: number): Promise<() => void> {
  const { allowance } = session;
  if (allowance === null) return () => {};
  try {
    return allowance.stake(key, usd);
  } catch {
    await settleEnded(session);
    return allowance.stake(key, usd);
  }
}

async function settleEnded(session: Session): Promise<void> {
  const settle = async ([id, key]: [string, string]) => {
    const cluster = await getCluster(session.api, id).catch(() => null);
    if (cluster !== null) settleIfEnded(session, cluster, key);
  };
  await Promise.all([...session.launched].map(settle));
}

/** Of a cluster that has ended, only the bill is at stake. */
export function settleIfEnded({ allowance }: Session, cluster: Cluster, key: string): void {
  if (typeof cluster.endedAt === 'string') allowance?.settle(key, cluster.spentUsd);
}
