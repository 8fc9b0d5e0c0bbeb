process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { carryOut, parseRequest, type Request, secretIdOf } from './token-commands.ts';

/** `npm run tokens`: who may use the API. Region and credentials are found as AWS's tools do. */
async function main(args: readonly string[]): Promise<void> {
  const request = parseRequest(args);
  const { stage, region } = request;
  if (stage === 'local') loadLocalEnvironment();
  const client = new SecretsManagerClient({
    ...(region === null ? {} : { region }),
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: 3_000,
      requestTimeout: 10_000,
      throwOnRequestTimeout: true,
    },
  });
  await carryOut(client, request, { print: console.log, tell: console.error }).catch((error) => {
    throw new Error(adviceOn(error, request) ?? messageOf(error));
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

/** What to do about an error of AWS's; null: its own message is all there is to say. */
function adviceOn(error: unknown, request: Request): string | null {
  const secretId = secretIdOf(request);
  const { name = '', code = '' } = error as { name?: string; code?: string };
  const message = messageOf(error);
  if (name === 'ResourceNotFoundException') {
    return (
      `There is no secret ${secretId} in this region. Give --stage or --region, or create it from ` +
      'a file that holds your Linode token:\n' +
      `  aws secretsmanager create-secret --name ${secretId} --secret-string file://<file>`
    );
  }
  if (name === 'AccessDeniedException') {
    const actions = 'GetSecretValue, PutSecretValue and UpdateSecretVersionStage';
    return `${message}\nIt takes secretsmanager: ${actions} on ${secretId}.`;
  }
  if (name === 'InvalidParameterException') {
    return `${message}\nIf others change ${secretId} just now, try again.`;
  }
  if (name === 'CredentialsProviderError') {
    return 'No AWS credentials. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.';
  }
  if (message === 'Region is missing') return 'Set AWS_REGION, or give --region.';
  if (code !== 'ECONNREFUSED') return null;
  return request.stage === 'local' ? 'Nothing runs here: npm start does.' : message;
}

const messageOf = (error: unknown): string =>
  (error instanceof Error && error.message) || String(error);

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(messageOf(error));
  process.exitCode = 1;
});
