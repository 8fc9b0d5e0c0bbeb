process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { epochMs } from '../lib/core/base/units.ts';
import { adviceOn, messageOf } from './advice.ts';
import { openSecretsManager } from './aws.ts';
import { carryOut, parseRequest, secretIdOf } from './token-commands.ts';

const ACTIONS = ['GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage'];

/** `npm run tokens`. Finds region and credentials where AWS's own tools find them. */
async function main(args: readonly string[]): Promise<void> {
  const request = parseRequest(args);
  const { stage, region } = request;
  if (stage === 'local') loadLocalEnvironment();
  const client = openSecretsManager(region);
  await carryOut(client, request, {
    print: console.log,
    inform: console.error,
    readFile: (path) => readFileSync(path, 'utf8'),
    now: epochMs(Date.now()),
  }).catch((error) => {
    const command = { stage, secretId: secretIdOf(request), actions: ACTIONS };
    throw new Error(adviceOn(error, command) ?? messageOf(error));
  });
}

/** Reads the address of the local Secrets Manager from the file that `npm start` writes. */
function loadLocalEnvironment(): void {
  const defaultDir = join(fileURLToPath(new URL('..', import.meta.url)), '.onebuck');
  const file = join(process.env.DATA_DIR || defaultDir, 'functions.env');
  try {
    process.loadEnvFile(file);
  } catch {
    throw new Error(`There is no ${file}: the stage local exists only while npm start runs.`);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(messageOf(error));
  process.exitCode = 1;
});
