import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createNudge } from '../lib/adapters/aws/lambda.ts';
import { createJobFiles, WITHOUT_CHECKSUMS } from '../lib/adapters/aws/s3.ts';
import { createSecrets } from '../lib/adapters/aws/secrets-manager.ts';
import { createAgentReports } from '../lib/adapters/dynamodb/agent-reports.ts';
import { createAllowances } from '../lib/adapters/dynamodb/allowances.ts';
import { createClusterStore } from '../lib/adapters/dynamodb/clusters.ts';
import { createDigestStore } from '../lib/adapters/dynamodb/digests.ts';
import { createInvoiceStore } from '../lib/adapters/dynamodb/invoices.ts';
import { createJobReports } from '../lib/adapters/dynamodb/job-reports.ts';
import { createLedgerStore } from '../lib/adapters/dynamodb/ledger.ts';
import { createOwnerStore } from '../lib/adapters/dynamodb/owners.ts';
import { createScheduleStore } from '../lib/adapters/dynamodb/schedules.ts';
import { createLinodeApi } from '../lib/adapters/linode/client.ts';
import type { Transport } from '../lib/adapters/linode/http.ts';
import { type CapsKeeper, createCaps } from '../lib/app/caps-keeper.ts';
import { createCatalogueCache } from '../lib/app/catalogue-cache.ts';
import { createAgentLimits } from '../lib/app/hear-agent.ts';
import type { EpochMs } from '../lib/core/base/units.ts';
import type { Clock, Log, Metrics } from '../lib/ports.ts';
import type { Settings } from '../lib/settings.ts';
import { localDynamoDbClient, startDynamoDb, tableNamed } from '../simulators/aws/dynamodb.ts';
import { startS3 } from '../simulators/aws/s3.ts';
import { startSecrets } from '../simulators/aws/secrets.ts';
import { defaultSettings } from '../simulators/aws/settings.ts';
import { startLinodeSimulator } from '../simulators/linode/simulator.ts';
import { listen } from '../simulators/listen.ts';

export const STAGE = 'bench';
export const LINODE_TOKEN = 'token-of-the-account';
/** The token in the events of events/. */
export const API_TOKEN = 'onebuck-local';
const SECRET_ID = `onebuck/${STAGE}`;
const SECRET = JSON.stringify({
  linodeToken: LINODE_TOKEN,
  apiTokens: { admin: createHash('sha256').update(API_TOKEN).digest('hex') },
  passwordKey: 'key-of-the-root-passwords',
});
export const TABLE = tableNamed('clusters');
/** `nodesMax` is the largest that lib/wire.ts accepts. */
const SETTINGS: Settings = {
  ...defaultSettings(STAGE),
  nodesMax: 500,
  publicUrl: 'https://onebuck.example.com',
};
const JOB_BUCKET = 'jobs';
const FUNCTIONS = { reconcile: 'reconcile', schedule: 'schedule' };
const AWS = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
};

export type Servers = Awaited<ReturnType<typeof startServers>>;
export type Deps = ReturnType<typeof buildDeps>;

/**
 * Starts local stand-ins for the services that Onebuck calls, and clients of them. The stand-in for
 * Lambda accepts every call and invokes nothing.
 */
export async function startServers(now: () => EpochMs) {
  const linode = await startLinodeSimulator({ now, tokens: { [LINODE_TOKEN]: '*' } });
  const dynamoDbServer = await startDynamoDb(null, TABLE);
  const dynamoDb = localDynamoDbClient(dynamoDbServer.url);
  const secretsServer = await startSecrets(SECRET_ID, SECRET);
  const secretsManager = new SecretsManagerClient({ ...AWS, endpoint: secretsServer.url });
  const filesFolder = mkdtempSync(join(tmpdir(), 'onebuck-bench-files-'));
  const filesServer = await startS3({ bucket: JOB_BUCKET, folder: filesFolder });
  const s3 = new S3Client({ ...AWS, endpoint: filesServer.url, ...WITHOUT_CHECKSUMS });
  const queue = createServer((_, response) => response.writeHead(202).end());
  const queueUrl = await listen(queue, 0);
  const lambda = new LambdaClient({ ...AWS, endpoint: queueUrl });
  /** The environment for a function in another process. */
  const env = {
    AWS_ENDPOINT_URL_DYNAMODB: dynamoDbServer.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsServer.url,
    AWS_ENDPOINT_URL_LAMBDA: queueUrl,
    AWS_ENDPOINT_URL_S3: filesServer.url,
    AWS_REGION: AWS.region,
    AWS_ACCESS_KEY_ID: AWS.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: AWS.credentials.secretAccessKey,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    LINODE_API_URL: linode.url,
    STAGE,
    TABLE_NAME: TABLE.TableName,
    JOB_BUCKET,
    SECRET_ID,
    RECONCILE_FUNCTION: FUNCTIONS.reconcile,
    SCHEDULE_FUNCTION: FUNCTIONS.schedule,
  };

  async function close(): Promise<void> {
    for (const client of [dynamoDb, secretsManager, s3, lambda]) client.destroy();
    secretsServer.close();
    queue.close();
    queue.closeAllConnections();
    await Promise.all([dynamoDbServer.close(), filesServer.close(), linode.close()]);
    rmSync(filesFolder, { recursive: true });
  }
  /** The bytes of all files of jobs. */
  const filesBytes = () =>
    readdirSync(filesFolder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  return { dynamoDb, secretsManager, s3, filesBytes, lambda, linode, env, close };
}

/** Builds the adapters of one environment of a function. */
export function buildDeps(
  {
    dynamoDb,
    secretsManager,
    s3,
    lambda,
  }: Pick<Servers, 'dynamoDb' | 'secretsManager' | 's3' | 'lambda'>,
  around: {
    readonly transport: Transport;
    readonly clock: Clock;
    readonly log: Log;
    readonly metrics: Metrics;
  },
) {
  const { transport, clock, log, metrics } = around;
  const secrets = createSecrets(secretsManager, { secretId: SECRET_ID, clock, onMalformed() {} });
  const token = (options: { fresh: boolean }) => secrets.linodeToken(options);
  const api = createLinodeApi({ transport, clock, token, log });
  const owners = createOwnerStore(dynamoDb, TABLE.TableName);
  const store = createClusterStore(dynamoDb, TABLE.TableName);
  const ledger = createLedgerStore(dynamoDb, TABLE.TableName);
  return {
    clock,
    log,
    metrics,
    secrets,
    publicUrl: () => SETTINGS.publicUrl,
    stage: STAGE,
    linode: api,
    settings: SETTINGS,
    store,
    reports: createAgentReports(dynamoDb, TABLE.TableName),
    allowances: createAllowances(dynamoDb, TABLE.TableName),
    jobs: createJobReports(dynamoDb, TABLE.TableName),
    schedules: createScheduleStore(dynamoDb, TABLE.TableName),
    invoices: createInvoiceStore(dynamoDb, TABLE.TableName),
    digests: createDigestStore(dynamoDb, TABLE.TableName),
    files: createJobFiles(s3, JOB_BUCKET),
    agentLimits: createAgentLimits(clock),
    owners,
    caps: aKeeper(clock, { ledger, owners, store }),
    catalogue: createCatalogueCache(api, clock, log),
    notifier: { send: async () => {} },
    nudge: createNudge(lambda, FUNCTIONS),
  };
}

/** The keeper of the caps for one process. */
export const aKeeper = (
  clock: Clock,
  stores: Pick<Parameters<typeof createCaps>[0], 'ledger' | 'owners' | 'store'>,
): CapsKeeper => createCaps({ clock, ...stores, settings: () => SETTINGS, random: Math.random });
