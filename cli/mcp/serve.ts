import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { amountIn } from '../../client/spec.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import type { SshOptions } from '../ssh.ts';
import { createAllowance } from './allowance.ts';
import { createAgentServer } from './server.ts';
import type { Session } from './session.ts';

export interface AgentOptions extends SshOptions {
  /** In US dollars, as people type them; undefined: the client asks a person before each spending. */
  readonly most?: string;
}

/**
 * Serves the Model Context Protocol on stdin and stdout until the client closes stdin. Throws a
 * CliError if `most` is no amount, or nobody is logged in.
 */
export async function serveAgent(
  context: Context,
  version: string,
  { most, ...ssh }: AgentOptions,
): Promise<void> {
  const mostUsd = most === undefined ? null : amountIn(most);
  if (mostUsd !== null && !(mostUsd > 0)) {
    throw new CliError('usage', `--most ${most} must be an amount in US dollars, such as 5.`);
  }
  const session: Session = {
    context,
    ssh,
    api: context.api(),
    allowance: mostUsd === null ? null : createAllowance(mostUsd),
    launched: new Map(),
    unclear: new Set(),
    spending: Promise.resolve(),
  };
  const closed = new Promise<void>((resolve) => process.stdin.once('close', resolve));
  const server = serveStdio(() => createAgentServer(session, version));
  await closed;
  await server.close();
}
