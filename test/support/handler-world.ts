import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Context } from 'aws-lambda';
import { onTestFinished, vi } from 'vitest';
import type { SystemClock } from '../../lib/adapters/clock.ts';
import { createClusterStore } from '../../lib/adapters/dynamodb/clusters.ts';
import { createScheduleStore } from '../../lib/adapters/dynamodb/schedules.ts';
import { durationMs, plus } from '../../lib/core/base/units.ts';
import type { ClusterStore, ScheduleStore } from '../../lib/ports.ts';
import { localDynamoDbClient, startDynamoDb } from '../../simulators/aws/dynamodb.ts';
import { startSecrets } from '../../simulators/aws/secrets.ts';
import { type LinodeSimulator, startLinodeSimulator } from '../../simulators/linode/simulator.ts';
import { listen } from '../../simulators/listen.ts';
import { at } from './builders.ts';
import { aClock, type TestClock } from './doubles.ts';
import { TABLE } from './table.ts';

export const STAGE = 'test';
export const LINODE_TOKEN = 'token-of-the-account';
export const sha256 = (token: string) => createHash('sha256').update(token).digest('hex');

const SECRET_ID = 'onebuck/test';
const RECONCILE = 'onebuck-test-reconcile';
const SCHEDULE = 'onebuck-test-schedule';
const SECRET = {
  linodeToken: LINODE_TOKEN,
  apiTokens: { admin: sha256('onebuck-local'), ann: sha256('anns-token') },
  passwordKey: 'sixteen-or-more-characters',
};

/** What a function finds around it: its variables, and behind them AWS and Linode, simulated. */
export interface World {
  /** Stands still, but for sleepers: they set it. */
  readonly clock: TestClock;
  readonly simulator: LinodeSimulator;
  readonly store: ClusterStore;
  readonly schedules: ScheduleStore;
  /** The clusters that the reconcile function was invoked for, in order. */
  readonly nudged: readonly string[];
  /** The schedules that the schedule function was invoked for, in order. */
  readonly nudgedSchedules: readonly string[];
  /** The clusters and schedules for which invoking it fails. */
  readonly unreachable: Set<string>;
}

/**
 * Starts a world in which it is `now`. Handlers are to be imported after that, and with `await
 * import`: they find it by their variables, and its clock in place of the machine's.
 */
export async function startWorld(
  options: {
    readonly now?: string;
    /** What happens whenever somebody sleeps. */
    readonly whileAsleep?: () => Promise<void>;
    readonly secret?: Readonly<Record<string, unknown>>;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<World> {
  // A Sunday noon, far from the end of a month, where an hour may be billed twice.
  const { now = '2026-11-22T12:00:00Z', secret = {}, env = {} } = options;
  const clock = aClock(at(now), options.whileAsleep);
  const simulator = await startLinodeSimulator({ now: clock.now, tokens: { [LINODE_TOKEN]: '*' } });
  const dynamodb = await startDynamoDb(null, TABLE);
  const client = localDynamoDbClient(dynamodb.url);
  const secrets = await startSecrets(SECRET_ID, JSON.stringify({ ...SECRET, ...secret }));
  const nudged: string[] = [];
  const nudgedSchedules: string[] = [];
  const unreachable = new Set<string>();
  const invoked = { [RECONCILE]: nudged, [SCHEDULE]: nudgedSchedules };
  const lambda = await startInvokeEndpoint(invoked, unreachable);
  const variables = {
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
    AWS_ENDPOINT_URL_LAMBDA: lambda.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    IS_OFFLINE: 'true',
    LINODE_API_URL: simulator.url,
    STAGE,
    TABLE_NAME: TABLE.TableName,
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
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    vi.doUnmock('../../lib/adapters/clock.ts');
    client.destroy();
    secrets.close();
    lambda.close();
    await Promise.all([dynamodb.close(), simulator.close()]);
  });
  const store = createClusterStore(client, TABLE.TableName);
  const schedules = createScheduleStore(client, TABLE.TableName);
  return { clock, simulator, store, schedules, nudged, nudgedSchedules, unreachable };
}

/** Lambda's endpoint, as far as it takes events: it notes their ids by the function's name. */
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
    const event = JSON.parse(payload) as { clusterId?: string; scheduleId?: string };
    const id = event.clusterId ?? event.scheduleId ?? '';
    if (unreachable.has(id)) {
      const headers = { 'x-amzn-errortype': 'ResourceNotFoundException' };
      response.writeHead(404, headers).end('{"Message": "Function not found"}');
      return;
    }
    ids.push(id);
    response.writeHead(202).end();
  });
  const url = await listen(server, 0);
  return {
    url,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The context of an invocation that has so many real milliseconds left. */
export const aContext = (remainingMs = 29_000) =>
  ({ getRemainingTimeInMillis: () => remainingMs }) as Context;
