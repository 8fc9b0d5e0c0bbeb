import type { Cluster } from '../../client/answers.ts';
import type { Api } from '../../client/api.ts';
import { getCluster, isLive } from '../../client/clusters.ts';
import { dollars } from '../../client/money.ts';
import type { Context } from '../context.ts';
import type { SshOptions } from '../ssh.ts';
import type { Allowance } from './allowance.ts';

/** What all tools share, from the start of `onebuck mcp` to its end. */
export interface Session {
  readonly context: Context;
  /** How `run` logs in to nodes. */
  readonly ssh: SshOptions;
  readonly api: Api;
  /** null: a person confirms each spending. */
  readonly allowance: Allowance | null;
  /** For each cluster that the agent launched: the idempotency key, which also names its stake. */
  readonly launched: Map<string, string>;
  /** Settles when the last extension has ended. */
  extending: Promise<unknown>;
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
    await settleEnded(session, allowance);
    return allowance.stake(key, usd);
  }
}

async function settleEnded({ api, launched }: Session, allowance: Allowance): Promise<void> {
  const settle = async ([id, key]: [string, string]) => {
    const cluster: Cluster | null = await getCluster(api, id).catch(() => null);
    if (cluster !== null && !isLive(cluster)) allowance.settle(key, cluster.spentUsd);
  };
  await Promise.all([...launched].map(settle));
}
