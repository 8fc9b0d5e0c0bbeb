import { AppError, reasonOf } from '../errors.ts';
import type { Clock, Secrets } from '../ports.ts';
import { type AgentClaim, readAgentToken } from './agent-token.ts';
import { tokenIn } from './authorize.ts';

export interface AuthorizeAgentDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly secrets: Pick<Secrets, 'passwordKey'>;
}

/**
 * The node whose agent calls, by the token in the `Authorization` header. `path`: the cluster and the
 * rank that the request is about. AppError `noToken` if there is no token; `unknownToken` if it was
 * not made by this deployment, or has expired; `notAllowed` if it speaks for another node.
 */
export async function authorizeAgent(
  { clock, secrets }: AuthorizeAgentDeps,
  authorization: string | undefined,
  path: { readonly id: string; readonly rank: string },
): Promise<AgentClaim> {
  const token = tokenIn(authorization);
  // Of another error, the message may name the secret, and whoever asks may be a stranger.
  const key = await secrets.passwordKey().catch((error: unknown) => {
    throw new Error(reasonOf(error));
  });
  const claim = key === null ? 'forged' : readAgentToken(key, token, clock.now());
  if (claim === 'forged') {
    throw new AppError(
      'unknownToken',
      'The token is none that this deployment gave to an agent. Only the agents on nodes call here.',
    );
  }
  if (claim === 'expired') {
    throw new AppError(
      'unknownToken',
      'The token has expired, as no call has renewed it for a week. The node goes on without an agent.',
    );
  }
  if (claim.clusterId !== path.id || `${claim.rank}` !== path.rank) {
    const own = `/agent/${claim.clusterId}/${claim.rank}`;
    throw new AppError('notAllowed', `The token speaks for one node only. Call ${own} with it.`);
  }
  return claim;
}
