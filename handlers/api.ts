import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { Hono } from 'hono';
import { handle } from 'hono/aws-lambda';
import type * as z from 'zod/mini';
import type { AgentClaim } from '../lib/app/agent-token.ts';
import { authorize, type Caller } from '../lib/app/authorize.ts';
import { authorizeAgent } from '../lib/app/authorize-agent.ts';
import { imagesOffered, regionsOffered, typesOffered } from '../lib/app/browse-catalogue.ts';
import { changeCluster } from '../lib/app/change-cluster.ts';
import { changeSchedule, deleteSchedule } from '../lib/app/change-schedule.ts';
import { createSchedule } from '../lib/app/create-schedule.ts';
import { createUpload } from '../lib/app/create-upload.ts';
import { destroyCluster } from '../lib/app/destroy-cluster.ts';
import { fitWork, hasWork } from '../lib/app/fit-work.ts';
import { hearAgent } from '../lib/app/hear-agent.ts';
import { knownHostKey } from '../lib/app/host-key.ts';
import { launch } from '../lib/app/launch.ts';
import {
  addOwner,
  addToken,
  changeOwner,
  getOwner,
  listOwners,
  refuseOthers,
  revokeOwner,
  revokeToken,
} from '../lib/app/manage-owners.ts';
import { offer } from '../lib/app/offer.ts';
import {
  getCluster,
  getCredentials,
  listClusters,
  waitForAddresses,
} from '../lib/app/read-clusters.ts';
import {
  clusterWithJob,
  jobOn,
  jobsOn,
  ranksOf,
  readLog,
  readResults,
} from '../lib/app/read-job.ts';
import { reportsOf, reportsOn } from '../lib/app/read-reports.ts';
import { clustersOfRuns, getSchedule, pageOfSchedules } from '../lib/app/read-schedules.ts';
import { report } from '../lib/app/report.ts';
import { stopJob } from '../lib/app/stop-job.ts';
import type { MicroUsd } from '../lib/core/base/money.ts';
import { type EpochMs, earliest, toIso } from '../lib/core/base/units.ts';
import { inventory, inventoryNodes } from '../lib/core/cluster/inventory.ts';
import type { ClusterRecord } from '../lib/core/cluster/record.ts';
import { AppError, reasonOf } from '../lib/errors.ts';
import { consoleInPlaceOf } from '../lib/http/console-views.ts';
import { type Operation, operations } from '../lib/http/operations.ts';
import { problemOf } from '../lib/http/problems.ts';
import {
  renderCluster,
  renderClusters,
  renderFit,
  renderImage,
  renderJob,
  renderJobsOf,
  renderLaunchQuote,
  renderLog,
  renderQuote,
  renderRegion,
  renderResults,
  renderType,
} from '../lib/http/render.ts';
import { renderBudget, renderOwner, renderShownToken } from '../lib/http/render-owner.ts';
import { renderReport } from '../lib/http/render-report.ts';
import { renderSchedule, renderSchedules } from '../lib/http/render-schedule.ts';
import { type ReadRequest, readRequest, waitSecondsOf } from '../lib/http/request.ts';
import {
  agentLimits,
  allowances,
  caps,
  catalogue,
  clock,
  endedKept,
  healthNotes,
  invoices,
  jobFiles,
  jobs,
  launchDeps,
  limitsOf,
  log,
  nudge,
  owners,
  reports,
  schedules,
  secrets,
  settings,
  store,
} from '../lib/wire.ts';

type Bindings = {
  event: APIGatewayProxyEventV2;
  lambdaContext: Context;
};

type Request<O extends Operation> = ReadRequest<O> & {
  readonly params: Readonly<Record<string, string>>;
  /** Empty where the route needs no token. */
  readonly owner: string;
  /** The limit of the token for the month of its owner; null: none. */
  readonly tokenCap: MicroUsd | null;
  /** The node whose agent calls; null where no agent may call. */
  readonly agent: O['access'] extends 'agent' ? AgentClaim : null;
  /** When the answer must be on its way to API Gateway. */
  readonly by: EpochMs;
};

/** The answers that an operation may give: for each status, a body that fits its schema. */
type Reply<O extends Operation> = {
  [Status in keyof O['answers']]: {
    readonly status: Status;
    readonly body:
      | (O['answers'][Status] extends { json: infer Json extends z.ZodMiniType }
          ? z.input<Json>
          : null)
      | (O['answers'][Status] extends { text: string } ? string : never);
    readonly headers: Readonly<Record<string, string>>;
  };
}[keyof O['answers']];

/** The longest wait of a launch; API Gateway gives up on a function after 30 s. */
const WAIT_SECONDS_MAX = 20;

/** The cluster as it is now, with what its nodes' agents have said, and their host key. */
const shown = async (record: ClusterRecord) => {
  const [said, progress, hostKey] = await Promise.all([
    reportsOf({ reports: reports(), log: log() }, record),
    jobOn({ jobs: jobs(), log: log() }, record),
    // A cluster is shown, and above all destroyed, even if the key of its host key can't be read.
    knownHostKey(secrets(), record).catch((error: unknown) => {
      log().warn('host key not derived', { clusterId: record.id, reason: reasonOf(error) });
      return null;
    }),
  ]);
  return renderCluster(record, clock().now(), said, hostKey, progress);
};

const app = new Hono<{ Bindings: Bindings }>();
const clusterDeps = () => ({ clock: clock(), store: store(), nudge: nudge(), log: log() });
const scheduleDeps = () => ({ ...launchDeps(), schedules: schedules() });
/** Quotes do without the ledger if it can't be read: then the cluster seems to start at once. */
const nextTurn = () =>
  caps()
    .nextTurn()
    .catch(() => clock().now());

const offerDeps = () => ({
  clock: clock(),
  catalogue: catalogue(),
  files: jobFiles(),
  secrets: secrets(),
  settings: settings(),
});

route(operations.health, async () => {
  const notes = await healthNotes()();
  const time = toIso(clock().now());
  return ok({ status: 'ok', time, ...(notes.length > 0 && { notes }) });
});

route(operations.openapi, async () => {
  // Loaded on demand, so that all other routes start without it.
  const { describeApi } = await import('../lib/http/document.ts');
  return ok({ ...describeApi(settings()) });
});

route(operations.types, async ({ query, by }) => {
  const { maxHourlyUsd: maxHourly, budgetUsd: budget, ...rest } = query;
  const types = await typesOffered(offerDeps(), { ...rest, maxHourly, budget }, by);
  return ok({ types: types.map(renderType) });
});

route(operations.regions, async ({ query, by }) =>
  ok({ regions: (await regionsOffered(offerDeps(), query, by)).map(renderRegion) }),
);

route(operations.images, async ({ query: { deprecated, recovery, ...rest }, by }) => {
  const isRecovery = recovery === 'true';
  const filter = { ...rest, deprecated: deprecated && deprecated === 'true', isRecovery };
  return ok({ images: (await imagesOffered(offerDeps(), filter, by)).map(renderImage) });
});

route(operations.quote, async ({ body, by }) =>
  ok(
    hasWork(body)
      ? renderFit(await fitWork(offerDeps(), body, by, nextTurn))
      : renderQuote(await offer(offerDeps(), body, by, nextTurn)),
  ),
);

route(operations.launch, async ({ query, headers: given, body, owner, tokenCap, by }) => {
  if (query.dryRun === 'true') return ok(renderQuote(await offer(offerDeps(), body, by, nextTurn)));
  const idempotencyKey = given['Idempotency-Key'] ?? null;
  const deps = launchDeps();
  const request = { owner, input: body, idempotencyKey, schedule: null, tokenCap, by };
  const launched = await launch(deps, request);
  const asked = launched.mayWait ? waitSecondsOf(given.Prefer) : 0;
  const waitSeconds = Math.min(asked, WAIT_SECONDS_MAX);
  // The launch may have used up part of the time for the answer.
  const until = earliest(clock().inRealMs(waitSeconds * 1000), by);
  const record = await waitForAddresses(deps, launched.record, until);
  const cluster = await shown(record);
  const headers = { location: `/clusters/${record.id}` };
  return reply(202, { ...cluster, quote: renderLaunchQuote(record) }, headers);
});

route(operations.clusters, async ({ query, owner }) => {
  const { status = null, limit, cursor = null, month = null, owner: asked = null } = query;
  const wanted = { status, limit, cursor, month, owner: asked };
  const page = await listClusters({ store: store() }, owner, wanted);
  return ok(renderClusters(page, clock().now(), ...(await saidOf(page.records))));
});

/** What the agents of the clusters have said of their nodes, and of their jobs. */
const saidOf = (records: readonly ClusterRecord[]) =>
  Promise.all([
    reportsOn({ reports: reports(), log: log() }, records),
    jobsOn({ jobs: jobs(), log: log() }, records),
  ]);

route(operations.cluster, async ({ params: { id = '' }, owner }) =>
  ok(await shown(await getCluster({ store: store() }, owner, id))),
);

route(operations.inventory, async ({ params: { id = '' }, query: { format }, owner }) => {
  const record = await getCluster({ store: store() }, owner, id);
  const hostKey = await knownHostKey(secrets(), record);
  if (format === 'json') return ok({ hostKey, nodes: inventoryNodes(record) });
  return ok(inventory(record, format, hostKey));
});

route(operations.report, async ({ query, owner, tokenCap }) => {
  const { month = null, owner: asked = null, cursor = null } = query;
  const deps = {
    clock: clock(),
    store: store(),
    invoices: invoices(),
    endedKept: endedKept(),
  };
  const monthReport = await report(deps, owner, { month, owner: asked, cursor });
  const { monthlySpendPerOwnerMax, monthEndHour } = settings();
  return ok(renderReport(monthReport, leastOf([monthlySpendPerOwnerMax, tokenCap]), monthEndHour));
});

route(operations.credentials, async ({ params: { id = '' }, owner }) =>
  ok({ nodes: await getCredentials({ store: store(), secrets: secrets() }, owner, id) }),
);

route(operations.change, async ({ params: { id = '' }, body: input, owner, tokenCap, by }) => {
  const deps = {
    ...clusterDeps(),
    allowances: allowances(),
    caps: caps(),
    settings: settings(),
  };
  const record = await changeCluster(deps, { owner, id, input, tokenCap, by });
  return ok(await shown(record));
});

route(operations.destroy, async ({ params: { id = '' }, owner }) => {
  const record = await destroyCluster(clusterDeps(), owner, id);
  return reply(202, await shown(record));
});

route(operations.createUpload, async ({ body, owner }) => {
  const upload = await createUpload({ clock: clock(), files: jobFiles() }, owner, body);
  return reply(201, { ...upload, expiresAt: toIso(upload.expiresAt) });
});

const jobDeps = () => ({ clock: clock(), store: store(), jobs: jobs(), files: jobFiles() });

route(operations.job, async ({ params: { id = '' }, owner }) => {
  const record = await clusterWithJob({ store: store() }, owner, id);
  const [said, progress, ranks] = await Promise.all([
    reportsOf({ reports: reports(), log: log() }, record),
    jobOn({ jobs: jobs(), log: log() }, record),
    ranksOf({ jobs: jobs() }, record),
  ]);
  return ok(renderJob(record, { reports: said, progress, ranks }));
});

route(operations.jobLog, async ({ params: { id = '' }, query: { rank, from }, owner }) =>
  ok(renderLog(rank, from, await readLog(jobDeps(), { owner, id, rank, from }))),
);

route(operations.jobResults, async ({ params: { id = '' }, owner }) =>
  ok(renderResults(await readResults(jobDeps(), owner, id))),
);

route(operations.stopJob, async ({ params: { id = '' }, owner }) =>
  reply(202, await shown(await stopJob(clusterDeps(), owner, id))),
);

route(operations.agent, async ({ agent, body: input }) => {
  const deps = {
    ...clusterDeps(),
    reports: reports(),
    allowances: allowances(),
    jobs: jobs(),
    files: jobFiles(),
    secrets: secrets(),
  };
  const heard = await hearAgent(
    { ...deps, limits: agentLimits(), endedKept: endedKept() },
    agent,
    input,
  );
  return ok({ ...heard, teardownAt: toIso(heard.teardownAt) });
});

route(operations.createSchedule, async ({ headers: given, body: input, owner, by }) => {
  const idempotencyKey = given['Idempotency-Key'] ?? null;
  const request = { owner, input, idempotencyKey, by };
  const { schedule } = await createSchedule(scheduleDeps(), request);
  return reply(201, renderSchedule(schedule), { location: `/schedules/${schedule.id}` });
});

route(operations.schedules, async ({ query: { limit, cursor = null }, owner }) =>
  ok(renderSchedules(await pageOfSchedules({ schedules: schedules() }, owner, { limit, cursor }))),
);

route(operations.schedule, async ({ params: { id = '' }, owner }) => {
  const schedule = await getSchedule({ schedules: schedules() }, owner, id);
  const records = await clustersOfRuns({ store: store() }, schedule);
  return ok(renderSchedule(schedule, renderJobsOf(records, ...(await saidOf(records)))));
});

route(operations.changeSchedule, async ({ params: { id = '' }, body: input, owner, by }) =>
  ok(renderSchedule(await changeSchedule(scheduleDeps(), { owner, id, input, by }))),
);

route(operations.deleteSchedule, async ({ params: { id = '' }, owner }) => {
  await deleteSchedule({ schedules: schedules(), files: jobFiles() }, owner, id);
  return reply(204, null);
});

const ownerDeps = () => ({
  clock: clock(),
  owners: owners(),
  secrets: secrets(),
  caps: caps(),
  log: log(),
});

route(operations.budget, async ({ owner, tokenCap }) => {
  const record = await owners().get(owner);
  const [standings = []] = await caps().standings([{ owner, record }]);
  return ok(renderBudget(owner, standings, tokenCap));
});

route(operations.owners, async ({ owner }) => {
  refuseOthers(owner);
  return ok({ owners: (await listOwners(ownerDeps())).map(renderOwner) });
});

route(operations.addOwner, async ({ body, owner }) => {
  refuseOthers(owner);
  const added = await addOwner(ownerDeps(), body);
  const shown = { ...renderOwner(added.owner), token: added.first.token };
  return reply(201, shown, { location: `/owners/${shown.owner}` });
});

route(operations.owner, async ({ params: { owner: named = '' }, owner }) => {
  refuseOthers(owner);
  return ok(renderOwner(await getOwner(ownerDeps(), named)));
});

route(operations.changeOwner, async ({ params: { owner: named = '' }, body, owner }) => {
  refuseOthers(owner);
  return ok(renderOwner(await changeOwner(ownerDeps(), named, body)));
});

route(operations.revokeOwner, async ({ params: { owner: named = '' }, owner }) => {
  refuseOthers(owner);
  return ok(renderOwner(await revokeOwner(ownerDeps(), named)));
});

route(operations.addToken, async ({ params: { owner: named = '' }, body, owner }) => {
  refuseOthers(owner);
  return reply(201, renderShownToken(await addToken(ownerDeps(), named, body)));
});

route(operations.revokeToken, async ({ params: { owner: named = '', tokenId = '' }, owner }) => {
  refuseOthers(owner);
  await revokeToken(ownerDeps(), named, tokenId);
  return reply(204, null);
});

function ok<Body>(body: Body) {
  return reply(200, body);
}

function reply<const Status extends number, Body>(
  status: Status,
  body: Body,
  headers: Readonly<Record<string, string>> = {},
) {
  return { status, body, headers };
}

function route<const O extends Operation>(
  operation: O,
  answer: (request: Request<O>) => Promise<Reply<O>>,
): void {
  const path = operation.path.replace(/\{(\w+)\}/g, ':$1');
  app.on(operation.method, path, async (c) => {
    const { event, lambdaContext } = c.env;
    const sent = lowerCased(event.headers);
    const view = consoleInPlaceOf(operation, sent);
    if (view !== null) return new Response(null, { status: 303, headers: { location: view } });
    const params = c.req.param() as Record<string, string>;
    const { caller, agent } = await callerOf(operation, event, sent.authorization, params);
    const read = readRequest(operation, {
      query: c.req.queries(),
      headers: sent,
      body: await c.req.text(),
    });
    const { status, body, headers } = await answer({
      ...read,
      params,
      owner: caller.owner,
      tokenCap: caller.monthlyMax,
      // Without an error, `access` decides which of the two it is.
      agent: agent as Request<O>['agent'],
      by: limitsOf(lambdaContext).by,
    });
    // An answer is true now only, and may hold secrets that others must not find in a cache.
    const all = { 'content-type': typeOf(body), 'cache-control': 'no-store', ...headers };
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return new Response(body === null ? null : text, { status: Number(status), headers: all });
  });
}

const NOBODY: Caller = { owner: '', monthlyMax: null };

/** Whose token a request bears, which the log then names. */
async function callerOf(
  { access, method, path }: Operation,
  { requestContext: { requestId } }: APIGatewayProxyEventV2,
  authorization: string | undefined,
  { id = '', rank = '' }: Readonly<Record<string, string>>,
): Promise<{ readonly caller: Caller; readonly agent: AgentClaim | null }> {
  if (access === 'open') return { caller: NOBODY, agent: null };
  const deps = { clock: clock(), secrets: secrets(), owners: owners() };
  const request = { requestId, route: `${method} ${path}` };
  if (access === 'agent') {
    const agent = await authorizeAgent(deps, authorization, { id, rank });
    log().info('request', { ...request, clusterId: agent.clusterId, rank: agent.rank });
    return { caller: NOBODY, agent };
  }
  const caller = await authorize(deps, authorization, access);
  log().info('request', { ...request, owner: caller.owner });
  return { caller, agent: null };
}

const leastOf = (caps: readonly (MicroUsd | null)[]): MicroUsd | null =>
  caps.filter((cap) => cap !== null).toSorted((a, b) => a - b)[0] ?? null;

const typeOf = (body: unknown) =>
  typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json';

const lowerCased = (headers: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

app.notFound((c) => {
  const route = `${c.req.method} ${c.req.path}`;
  const detail = `There is no ${route}. GET /openapi.json lists every route.`;
  const problem = problemOf(new AppError('notFound', detail), '');
  return c.body(JSON.stringify(problem.body), 404, problem.headers);
});

app.onError((error, c) => {
  const id = randomUUID();
  const problem = problemOf(error, id);
  if (problem.status >= 500) {
    log().error('request failed', {
      id,
      path: c.req.path,
      reason: String(error),
      stack: error.stack,
    });
  }
  return new Response(JSON.stringify(problem.body), problem);
});

export const handler = handle(app);
