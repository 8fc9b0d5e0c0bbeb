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

/** Starts the simulated Linode, which takes FULL, OTHER, READER and `tokens` with their scopes. */
export async function startLinode(tokens: Readonly<Record<string, string>> = {}) {
  const scopesOfTokens = { [FULL]: ENOUGH, [OTHER]: '*', [READER]: 'linodes:read_only', ...tokens };
  const simulator = await startSimulator({ now: Date.now, tokens: scopesOfTokens });
  const { sendOnce } = createLinodeHttp({
    transport: createTransport(simulator.url),
    clock: aClock(),
    token: async () => '',
    log: silentLog,
  });
  return { simulator, ask: sendOnce };
}

/**
 * The setup command over a Secrets Manager with the secret; null: there is none yet. `accounts` has
 * the account of a token that does not belong to the simulator's account.
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
  const messages: string[] = [];
  const questions: string[] = [];

  return {
    ...kept,
    simulator,
    messages,
    /** The questions by which the command asked for a Linode token. */
    questions,
    secrets: () =>
      createSecrets(client, { secretId: SECRET_ID, clock: aClock(), onMalformed() {} }),
    /** Runs the command, which reads `linodeToken`; returns the lines that it prints. */
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
          inform: (line: string) => messages.push(line),
        },
      };
      await carryOutSetup(deps, parseSetup(['--stage', 'prod', ...args]));
      return printed;
    },
  };
}
