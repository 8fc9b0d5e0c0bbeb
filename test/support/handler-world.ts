import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Context } from 'aws-lambda';
import { onTestFinished, vi } from 'vitest';
import type { SystemClock } from '../../lib/adapters/clock.ts';
import { createAgentReports } from '../../lib/adapters/dynamodb/agent-reports.ts';
import { createClusterStore } from '../../lib/adapters/dynamodb/clusters.ts';
import { createInvoiceStore } from '../../lib/adapters/dynamodb/invoices.ts';
import { createScheduleStore } from '../../lib/adapters/dynamodb/schedules.ts';
import { durationMs, plus } from '../../lib/core/base/units.ts';
import type { Batch } from '../../lib/core/pass/batches.ts';
import { listen } from '../../simulators/listen.ts';
import { LOCAL_AWS, sha256, startSecret } from './aws.ts';
import { ALL_CLUSTERS, at, STAGE } from './builders.ts';
import { aClock, LINODE_TOKEN } from './doubles.ts';
import { BUCKET, startFiles } from './files.ts';
import { startSimulator } from './simulated-linode.ts';
import { startTable, TABLE } from './table.ts';

/** By which nodes would reach the API. */
export const PUBLIC_URL = 'https://onebuck.example.com';
const SECRET_ID = 'onebuck/test';
const RECONCILE = 'onebuck-test-reconcile';
const SCHEDULE = 'onebuck-test-schedule';
/** The API tokens of owners. */
export const TOKENS: Readonly<Record<string, string>> = {
  admin: 'onebuck-local',
  ann: 'anns-token',
  bob: 'bobs-token',
  eve: 'eves-token',
};
/** The key of which root passwords and the tokens of agents are made. */
export const PASSWORD_KEY = 'sixteen-or-more-characters';
const SECRET = {
  linodeToken: LINODE_TOKEN,
  apiTokens: Object.fromEntries(
    Object.entries(TOKENS).map(([owner, token]) => [owner, sha256(token)]),
  ),
  passwordKey: PASSWORD_KEY,
};

/**
 * The surroundings of a function: its environment variables, and the simulated AWS and Linode that
 * they name. The clock shows `now`, and stands still until a function sleeps. A test must import
 * handlers after this call and with `await import`, so that they read these variables and get this
 * clock instead of the machine's.
 */
export async function startWorld(
  options: {
    readonly now?: string;
    /** Runs during each sleep of a function. */
    readonly whileAsleep?: () => Promise<void>;
    readonly secret?: Readonly<Record<string, unknown>>;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
) {
  // A Sunday noon far from the end of a month: an hour across the end may be billed twice.
  const { now = '2026-11-22T12:00:00Z', secret = {}, env = {} } = options;
  const clock = aClock(at(now), options.whileAsleep);
  const simulator = await startSimulator({ now: clock.now });
  const { client, url } = await startTable();
  const secrets = await startSecret(SECRET_ID, { ...SECRET, ...secret });
  const { files, url: filesUrl } = await startFiles();
  const nudged: string[] = [];
  const nudgedSchedules: string[] = [];
  const unreachable = new Set<string>();
  const invoked = { [RECONCILE]: nudged, [SCHEDULE]: nudgedSchedules };
  const variables = {
    ...LOCAL_AWS,
    AWS_ENDPOINT_URL_DYNAMODB: url,
    AWS_ENDPOINT_URL_S3: filesUrl,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
    AWS_ENDPOINT_URL_LAMBDA: await startInvokeEndpoint(invoked, unreachable),
    IS_OFFLINE: 'true',
    LINODE_API_URL: simulator.url,
    PUBLIC_URL,
    STAGE,
    TABLE_NAME: TABLE.TableName,
    JOB_BUCKET: BUCKET,
    SECRET_ID,
    RECONCILE_FUNCTION: RECONCILE,
    SCHEDULE_FUNCTION: SCHEDULE,
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    POWERTOOLS_METRICS_DISABLED: 'true',
    ...env,
  };
  vi.resetModules();
  const createClock = (): SystemClock => ({
    ...clock,
    inRealMs: (realMs) => plus(clock.now(), durationMs(realMs)),
  });
  vi.doMock('../../lib/adapters/clock.ts', () => ({ createClock }));
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    vi.doUnmock('../../lib/adapters/clock.ts');
  });
  const store = createClusterStore(client, TABLE.TableName);
  return {
    clock,
    simulator,
    store,
    invoices: createInvoiceStore(client, TABLE.TableName),
    reports: createAgentReports(client, TABLE.TableName),
    schedules: createScheduleStore(client, TABLE.TableName),
    /** The files of jobs. */
    files,
    /** The clusters that the reconcile function was invoked for, in order. */
    nudged,
    /** The schedules that the schedule function was invoked for, in order. */
    nudgedSchedules,
    /** The ids of clusters and schedules whose invocations fail. */
    unreachable,
    listClusters: async () => (await store.list(ALL_CLUSTERS)).records,
    /** Writes the secret anew, with these fields in place of the world's own. */
    changeSecret: (fields: Readonly<Record<string, unknown>>) =>
      secrets.write({ ...SECRET, ...fields }),
    /** The labels of the Linodes that exist. */
    existingLabels: () =>
      simulator.instances().flatMap(({ deleted, label }) => (deleted === null ? [label] : [])),
  };
}

/**
 * Lambda's endpoint for asynchronous invocations: adds the id in each event to the list of the
 * invoked function in `invoked`, and answers 404 for an id in `unreachable`.
 */
async function startInvokeEndpoint(
  invoked: Readonly<Record<string, string[]>>,
  unreachable: ReadonlySet<string>,
) {
  const server = createServer(async (request, response) => {
    const payload = await text(request);
    const isEvent = request.headers['x-amz-invocation-type'] === 'Event';
    const path = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(request.url ?? '');
    const ids = invoked[path?.[1] ?? ''];
    if (ids === undefined || !isEvent) {
      response.writeHead(501).end();
      return;
    }
    const event = JSON.parse(payload) as { passes?: Batch; scheduleId?: string };
    const inEvent = event.passes?.map(({ clusterId }) => clusterId) ?? [event.scheduleId ?? ''];
    if (inEvent.some((id) => unreachable.has(id))) {
      const headers = { 'x-amzn-errortype': 'ResourceNotFoundException' };
      response.writeHead(404, headers).end('{"Message": "Function not found"}');
      return;
    }
    ids.push(...inEvent);
    response.writeHead(202).end();
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return listen(server, 0);
}

/** The context of an invocation that has `remainingMs` real milliseconds left. */
export const aContext = (remainingMs = 29_000) =>
  ({ getRemainingTimeInMillis: () => remainingMs }) as Context;
