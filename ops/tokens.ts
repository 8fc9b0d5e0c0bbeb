process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { adviceOn, messageOf } from './advice.ts';
import { openSecretsManager } from './aws.ts';
import { carryOut, parseRequest, secretIdOf } from './token-commands.ts';

const ACTIONS = ['GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage'];

/** `npm run tokens`: who may use the API. Region and credentials are found as AWS's tools do. */
async function main(args: readonly string[]): Promise<void> {
  const request = parseRequest(args);
  const { stage, region } = request;
  if (stage === 'local') loadLocalEnvironment();
  const client = openSecretsManager(region);
  await carryOut(client, request, { print: console.log, tell: console.error }).catch((error) => {
    const advised = { stage, secretId: secretIdOf(request), actions: ACTIONS };
    throw new Error(adviceOn(error, advised) ?? messageOf(error));
  });
}

/** `npm start` leaves behind where its Secrets Manager listens. */
function loadLocalEnvironment(): void {
  const byDefault = join(fileURLToPath(new URL('..', import.meta.url)), '.onebuck');
  const file = join(process.env.DATA_DIR || byDefault, 'functions.env');
  try {
    process.loadEnvFile(file);
  } catch {
    throw new Error(`There is no ${file}: the stage local is there while npm start runs.`);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(messageOf(error));
  process.exitCode = 1;
});
