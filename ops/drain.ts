process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
// The adapters log for CloudWatch; the errors that matter to a person are thrown as well.
process.env.POWERTOOLS_LOG_LEVEL ??= 'SILENT';

import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb';
import { LambdaClient, LambdaServiceException } from '@aws-sdk/client-lambda';
import type { Log } from '../lib/ports.ts';
import * as wire from '../lib/wire.ts';
import { adviceOn, messageOf } from './advice.ts';
import { deployedEnvironment, reconcileOf } from './deployment.ts';
import { type DrainRequest, drain, parseDrain, undoDrain } from './drain-command.ts';
import { secretIdOf } from './token-commands.ts';

/** The variables with which lib/wire.ts builds adapters for the deployed stage in this process. */
const SETTINGS = [
  'STAGE',
  'TABLE_NAME',
  'SECRET_ID',
  'RECONCILE_FUNCTION',
  'SCHEDULE_FUNCTION',
  'LINODE_API_URL',
];

/** `npm run drain`. Finds region and credentials where AWS's own tools find them. */
async function main(args: readonly string[]): Promise<void> {
  const request = parseDrain(args);
  if (request.region !== null) process.env.AWS_REGION = request.region;
  await carryOut(request).catch((error: unknown) => {
    throw new Error(adviceOnDrain(error, request) ?? messageOf(error));
  });
}

async function carryOut({ stage, waitMax, undoes }: DrainRequest): Promise<void> {
  const lambda = new LambdaClient({
    requestHandler: {
      connectionTimeout: 3_000,
      requestTimeout: 10_000,
      throwOnRequestTimeout: true,
    },
  });
  const deployed = await deployedEnvironment(lambda, stage);
  lambda.destroy();
  if (deployed === null) {
    throw new Error(
      `${stage} is not deployed in this region: Lambda has no ${reconcileOf(stage)}. ` +
        'Give --stage or --region. If the stack was removed while clusters were live, nothing ' +
        `destroys their Linodes: delete the Linodes with the tag onebuck-${stage} in Linode's ` +
        'console.',
    );
  }
  // The shell may have settings for the next deploy or for `npm start`; the drain must not use
  // them.
  for (const name of ['CLOCK_RATE', 'CLOCK_ORIGIN']) delete process.env[name];
  for (const name of SETTINGS) process.env[name] = deployed[name] ?? '';
  const deps = {
    clock: wire.clock(),
    store: wire.store(),
    schedules: wire.schedules(),
    caps: wire.caps(),
    nudge: wire.nudge(),
    linode: wire.linode(),
    stage: wire.stage(),
    log,
    print: console.log,
  };
  await (undoes ? undoDrain(deps) : drain(deps, waitMax));
}

const log: Log = {
  info() {},
  warn: (message, { clusterId, reason } = {}) =>
    console.error(`${message}: ${clusterId}: ${reason}`),
  error: (message, details) => console.error(message, details),
};

/** Says what to do about an error of AWS. null: there is no advice beyond the error's message. */
function adviceOnDrain(error: unknown, { stage }: DrainRequest): string | null {
  const isSecrets = !(
    error instanceof DynamoDBServiceException || error instanceof LambdaServiceException
  );
  const { name } = error as { name?: string };
  if (!isSecrets && name === 'ResourceNotFoundException') {
    return (
      `${messageOf(error)}: ${stage} is deployed, but its table or a function is gone. ` +
      'docs/operate.md says what to do when the table is lost.'
    );
  }
  if (!isSecrets && name === 'AccessDeniedException') {
    return (
      `${messageOf(error)}\nThe drain needs lambda: GetFunctionConfiguration and InvokeFunction; ` +
      `dynamodb: Query, GetItem, BatchGetItem and PutItem on onebuck-${stage}-clusters and its ` +
      'indexes; secretsmanager: GetSecretValue.'
    );
  }
  const actions = ['GetSecretValue'];
  return adviceOn(error, { stage, secretId: secretIdOf({ stage }), actions });
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(messageOf(error));
  process.exitCode = 1;
});
