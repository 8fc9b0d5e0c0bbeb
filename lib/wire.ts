import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SNSClient } from '@aws-sdk/client-sns';
import { createMetrics } from './adapters/aws/emf.ts';
import { createNudge } from './adapters/aws/lambda.ts';
import { createJobFiles, WITHOUT_CHECKSUMS } from './adapters/aws/s3.ts';
import { createSecrets, SECRET_FAULTS } from './adapters/aws/secrets-manager.ts';
import { createTopic } from './adapters/aws/sns.ts';
import { createClock, type SystemClock } from './adapters/clock.ts';
import { createAgentReports } from './adapters/dynamodb/agent-reports.ts';
import { createAllowances } from './adapters/dynamodb/allowances.ts';
import { createClusterStore } from './adapters/dynamodb/clusters.ts';
import { createDigestStore } from './adapters/dynamodb/digests.ts';
import { createInvoiceStore } from './adapters/dynamodb/invoices.ts';
import { createJobReports } from './adapters/dynamodb/job-reports.ts';
import { createLedgerStore } from './adapters/dynamodb/ledger.ts';
import { createOwnerStore } from './adapters/dynamodb/owners.ts';
import { createScheduleStore } from './adapters/dynamodb/schedules.ts';
import { createTransport } from './adapters/linode/axios-transport.ts';
import { createLinodeApi, isRealLinode } from './adapters/linode/client.ts';
import { createLog } from './adapters/log.ts';
import { createWebhook } from './adapters/webhook.ts';
import { createCaps } from './app/caps-keeper.ts';
import { createCatalogueCache } from './app/catalogue-cache.ts';
import { createHealthNotes } from './app/health.ts';
import { createAgentLimits } from './app/hear-agent.ts';
import { toAll } from './app/outbox.ts';
import type { ReconcileLimits } from './app/reconcile.ts';
import { durationMs } from './core/base/units.ts';
import { messageOf } from './core/notices/message.ts';
import type { Channel, JobFiles, Notifier } from './ports.ts';
import {
  misconfigured,
  readDigestEvery,
  readEndedKept,
  readLinodeUrl,
  readPublicUrl,
  readSettings,
  readStage,
  readWebhookUrl,
} from './read-settings.ts';

/*
 * The only place that reads the environment and builds adapters, each once a process, when it is
 * first needed: a function loads only the adapters that it uses. (The PURE marks let the bundler
 * drop those that a function never uses.)
 */

export const settings = /* @__PURE__ */ once(() => readSettings(process.env));

/**
 * Apart from the other settings, so that the reaper, the sweeper and passes can destroy although
 * another setting is bad.
 */
export const stage = /* @__PURE__ */ once(() => readStage(process.env));

export const log = /* @__PURE__ */ once(() => createLog('onebuck'));

/** A bad setting never makes it throw, so that metrics keep no function from destroying. */
export const metrics = /* @__PURE__ */ once(() =>
  createMetrics({
    stage: env('STAGE', 'unknown'),
    hasDashboard: env('DASHBOARD', 'false') === 'true',
    log: log(),
  }),
);

export const clock = /* @__PURE__ */ once((): SystemClock => {
  const rate = Number(env('CLOCK_RATE', '1'));
  const originMs = Number(env('CLOCK_ORIGIN', '0'));
  const isSet = ['CLOCK_RATE', 'CLOCK_ORIGIN'].some((name) => env(name, '') !== '');
  if (isSet && !isLocal()) {
    throw misconfigured('CLOCK_RATE and CLOCK_ORIGIN', 'are for local runs; remove them here');
  }
  if (!(rate > 0 && rate <= 100_000)) throw misconfigured('CLOCK_RATE', 'must be above 0');
  if (!Number.isSafeInteger(originMs)) throw misconfigured('CLOCK_ORIGIN', 'must be epoch ms');
  if (rate !== 1 && isRealLinode(linodeUrl())) {
    throw misconfigured('CLOCK_RATE', 'must be 1 with the real Linode, whose bill runs at rate 1');
  }
  return createClock({ originMs, rate });
});

/**
 * Time-outs for AWS, in milliseconds. By default the SDK waits for ever, and a service that does
 * not answer would hold up a function that can do without it.
 */
const aws = {
  requestHandler: {
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    throwOnRequestTimeout: true,
  },
};

/** How long records of ended clusters are kept. */
export const endedKept = () => readEndedKept(process.env);

const dynamodb = /* @__PURE__ */ once(() => new DynamoDBClient(aws));

export const store = /* @__PURE__ */ once(() =>
  createClusterStore(dynamodb(), required('TABLE_NAME'), endedKept()),
);

export const reports = /* @__PURE__ */ once(() =>
  createAgentReports(dynamodb(), required('TABLE_NAME')),
);

export const allowances = /* @__PURE__ */ once(() =>
  createAllowances(dynamodb(), required('TABLE_NAME')),
);

export const jobs = /* @__PURE__ */ once(() =>
  createJobReports(dynamodb(), required('TABLE_NAME')),
);

export const invoices = /* @__PURE__ */ once(() =>
  createInvoiceStore(dynamodb(), required('TABLE_NAME')),
);

/** What this process knows of the deployment's health. */
export const healthNotes = /* @__PURE__ */ once(() =>
  createHealthNotes({ clock: clock(), invoices: invoices() }),
);

/** What this process lets agents do. */
export const agentLimits = /* @__PURE__ */ once(() => createAgentLimits(clock()));

export const digests = /* @__PURE__ */ once(() =>
  createDigestStore(dynamodb(), required('TABLE_NAME')),
);

/** How often digests are sent; null: never. */
export const digestEvery = () => readDigestEvery(process.env);

export const schedules = /* @__PURE__ */ once(() =>
  createScheduleStore(dynamodb(), required('TABLE_NAME')),
);

export const owners = /* @__PURE__ */ once(() =>
  createOwnerStore(dynamodb(), required('TABLE_NAME')),
);

export const caps = /* @__PURE__ */ once(() =>
  createCaps({
    clock: clock(),
    ledger: createLedgerStore(dynamodb(), required('TABLE_NAME')),
    owners: owners(),
    store: store(),
    settings,
    random: Math.random,
  }),
);

export const secrets = /* @__PURE__ */ once(() =>
  createSecrets(new SecretsManagerClient(aws), {
    secretId: required('SECRET_ID'),
    clock: clock(),
    onMalformed: (fault) => {
      log().error('the secret is malformed', { fault });
      metrics().emit(() => ({ MalformedSecret: SECRET_FAULTS.indexOf(fault) + 1 }));
    },
  }),
);

/** null: this deployment has no bucket, and so no jobs. */
export const jobFiles = /* @__PURE__ */ once((): JobFiles | null => {
  const bucket = env('JOB_BUCKET', '');
  if (bucket === '') return null;
  return createJobFiles(new S3Client({ ...aws, ...WITHOUT_CHECKSUMS }), bucket);
});

/** With what the signed URLs of the bucket begin; null: this deployment has no bucket. */
export const jobFilesUrl = (): string | null => {
  const [bucket, endpoint] = [env('JOB_BUCKET', ''), env('AWS_ENDPOINT_URL_S3', '')];
  if (bucket === '') return null;
  if (endpoint !== '') return `${endpoint}/${bucket}/`;
  const region = env('AWS_REGION', '');
  return `https://${bucket}.s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`;
};

export const nudge = /* @__PURE__ */ once(() =>
  createNudge(new LambdaClient(aws), {
    reconcile: required('RECONCILE_FUNCTION'),
    schedule: required('SCHEDULE_FUNCTION'),
  }),
);

export const linode = /* @__PURE__ */ once(() =>
  createLinodeApi({
    transport: createTransport(linodeUrl()),
    clock: clock(),
    token: (options) => secrets().linodeToken(options),
    log: log(),
  }),
);

export const catalogue = /* @__PURE__ */ once(() => createCatalogueCache(linode(), clock(), log()));

/**
 * The topic and the webhook, if they are set; in local runs the log instead of the topic. Reads no
 * setting before there is a notice to send: a bad setting must not keep a pass from destroying.
 */
export const channels = /* @__PURE__ */ once((): readonly Channel[] => {
  const logged: Notifier = {
    send: async (notice) => log().info('notice', messageOf(notice).json),
  };
  const hasTopic = env('NOTICE_TOPIC_ARN', '') !== '';
  const first: Channel[] = hasTopic ? [{ name: 'topic', open: topic }] : [];
  return [
    ...(isLocal() ? [{ name: 'log', open: () => logged } as const] : first),
    ...(env('NOTICE_WEBHOOK_URL', '') === '' ? [] : [{ name: 'webhook', open: webhook } as const]),
  ];
});

/** Sends by all channels. */
export const notifier = /* @__PURE__ */ once((): Notifier => toAll(channels()));

/** At most two attempts of 2 s: a pass waits for its notices only a few seconds. */
const topic = /* @__PURE__ */ once(() => {
  const requestHandler = { ...aws.requestHandler, requestTimeout: 2_000 };
  const client = new SNSClient({ requestHandler, maxAttempts: 2 });
  return createTopic(client, required('NOTICE_TOPIC_ARN'));
});

const webhook = /* @__PURE__ */ once(() => {
  const url = readWebhookUrl(process.env, isLocal());
  return createWebhook({ url, key: () => secrets().webhookKey(), clock: clock() });
});

/** The adapters and settings that a launch needs. */
export const launchDeps = () => ({
  caps: caps(),
  catalogue: catalogue(),
  clock: clock(),
  files: jobFiles(),
  log: log(),
  nudge: nudge(),
  secrets: secrets(),
  settings: settings(),
  store: store(),
});

/** The time that a function keeps for saving its results, and for a last pass, in milliseconds. */
const SAVING_REAL_MS = 5_000;
const LAST_PASS_REAL_MS = 20_000;
/** How long a pass waits for its notices when all else is done. */
const NOTICES_REAL_MS = 5_000;

/** How long an invocation may go on: calls until `by`, new passes until `reserveMs` before `by`. */
export function limitsOf(context: { getRemainingTimeInMillis(): number }): ReconcileLimits {
  const realMs = Math.max(0, context.getRemainingTimeInMillis() - SAVING_REAL_MS);
  const by = clock().inRealMs(realMs);
  return {
    by,
    reserveMs: durationMs(by - clock().inRealMs(realMs - LAST_PASS_REAL_MS)),
    noticesMs: durationMs(by - clock().inRealMs(realMs - NOTICES_REAL_MS)),
  };
}

const isLocal = (): boolean =>
  env('IS_OFFLINE', '') === 'true' && env('AWS_EXECUTION_ENV', '') === '';

/**
 * Apart from the other settings, as `stage` is: a bad URL must keep a pass from no deletion, only
 * from creating nodes that could not report.
 */
export const publicUrl = () => readPublicUrl(process.env);

export const linodeUrl = () => readLinodeUrl(process.env);

function env(name: string, byDefault: string): string {
  return process.env[name] || byDefault;
}

function required(name: string): string {
  const value = env(name, '');
  if (value === '') throw misconfigured(name, 'must be set; serverless.yml does');
  return value;
}

function once<T>(build: () => T): () => T {
  let built: { readonly value: T } | null = null;
  return () => {
    built ??= { value: build() };
    return built.value;
  };
}
