process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

import { linodeUrl } from '../lib/wire.ts';
import { adviceOn, messageOf } from './advice.ts';
import { openSecretsManager } from './aws.ts';
import { linodeAt } from './linode-token.ts';
import { Interrupted, readLinodeToken } from './linode-token-input.ts';
import { fileOf } from './settings.ts';
import { ACTIONS, carryOutSetup, parseSetup } from './setup-command.ts';
import { secretIdOf } from './token-commands.ts';

/** `npm run setup` creates the secret that a deployment needs before `serverless deploy`. */
async function main(args: readonly string[]): Promise<void> {
  const request = parseSetup(args);
  const url = linodeUrl();
  const sources = {
    fromEnvironment: process.env.LINODE_TOKEN ?? '',
    input: process.stdin,
    output: process.stderr,
  };
  if (process.env.LINODE_API_URL) {
    console.error(
      `Note: LINODE_API_URL is set, so this command calls ${url}. The functions call the server ` +
        `that ${fileOf(request.stage)} names, or else Linode.`,
    );
  }
  const deps = {
    client: openSecretsManager(request.region),
    askLinode: linodeAt(url),
    linodeToken: (question: string) => readLinodeToken(question, sources),
    output: { print: console.log, inform: console.error },
  };
  await carryOutSetup(deps, request).catch((error) => {
    if (error instanceof Interrupted) throw error;
    const command = { stage: request.stage, secretId: secretIdOf(request), actions: ACTIONS };
    throw new Error(adviceOn(error, command) ?? messageOf(error));
  });
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(messageOf(error));
  process.exitCode = error instanceof Interrupted ? 130 : 1;
});
