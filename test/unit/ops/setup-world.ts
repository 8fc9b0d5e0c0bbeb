import { createSecrets } from '../../../lib/adapters/aws/secrets-manager.ts';
import { createTransport } from '../../../lib/adapters/linode/axios-transport.ts';
import { createLinodeHttp } from '../../../lib/adapters/linode/http.ts';
import type { AskLinode } from '../../../ops/linode-token.ts';
import { carryOutSetup, parseSetup } from '../../../ops/setup-command.ts';
import { startSecret } from '../../support/aws.ts';
import { aClock, silentLog } from '../../support/doubles.ts';
import { startSimulator } from '../../support/simulated-linode.ts';

export const SECRET_ID = 'onebuck/prod';
export const FULL = 'linode-token-with-all-it-takes';
export const OTHER = 'linode-token-of-later';
export const READER = 'linode-token-that-may-only-read';
const ENOUGH = 'linodes:read_write account:read_write';

/** The simulated Linode over HTTP, and which tokens it takes. */
export async function startLinode(tokens: Readonly<Record<string, string>> = {}) {
  const all = { [FULL]: ENOUGH, [OTHER]: '*', [READER]: 'linodes:read_only', ...tokens };
  const simulator = await startSimulator({ now: Date.now, tokens: all });
  const { sendOnce } = createLinodeHttp({
    transport: createTransport(simulator.url),
    clock: aClock(),
    token: async () => '',
    log: silentLog,
  });
  return { simulator, ask: sendOnce };
}

/**
 * A Secrets Manager with this secret, or null for none yet, and the command at work on it.
 * `accounts`: of whom Linode takes a token for, where that is not the simulator's one account.
 */
export async function startSetup(
  secret: unknown = null,
  accounts: Readonly<Record<string, string>> = {},
) {
  const kept = await startSecret(SECRET_ID, secret);
  const { client } = kept;
  const { simulator, ask } = await startLinode();
  const askLinode: AskLinode = async (call, token) => {
    const { verdict, header } = await ask(call, token);
    const own = (name: string) => (name === 'x-customer-uuid' ? accounts[token] : undefined);
    return { verdict, header: (name) => own(name) ?? header(name) };
  };
  const told: string[] = [];
  const questions: string[] = [];

  return {
    ...kept,
    simulator,
    told,
    /** Those for a Linode token. */
    questions,
    secrets: () => createSecrets(client, { secretId: SECRET_ID, clock: aClock() }),
    /** What it prints, line by line, when given this Linode token. */
    async run(linodeToken: string, ...args: readonly string[]): Promise<string[]> {
      const printed: string[] = [];
      const deps = {
        client,
        askLinode,
        linodeToken: async (question: string) => {
          questions.push(question);
          return linodeToken;
        },
        output: {
          print: (line: string) => printed.push(line),
          inform: (line: string) => told.push(line),
        },
      };
      await carryOutSetup(deps, parseSetup(['--stage', 'prod', ...args]));
      return printed;
    },
  };
}
