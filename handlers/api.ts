import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyEventV2WithLambdaAuthorizer, Context } from 'aws-lambda';
import { Hono } from 'hono';
import { handle } from 'hono/aws-lambda';
import { typesOffered } from '../lib/catalogue.ts';
import {
  deleteCluster,
  getCluster,
  getCredentials,
  listClusters,
  waitForAddresses,
} from '../lib/clusters.ts';
import { earliest } from '../lib/core/units.ts';
import { AppError } from '../lib/errors.ts';
import { launch, offer } from '../lib/launch.ts';
import { problemOf } from '../lib/problems.ts';
import {
  renderCluster,
  renderImage,
  renderLaunchQuote,
  renderQuote,
  renderRegion,
  renderType,
} from '../lib/render.ts';
import {
  parseBody,
  parseIdempotencyKey,
  parseLaunchQuery,
  parseListQuery,
  parseTypesQuery,
  parseWaitSeconds,
} from '../lib/requests.ts';
import { catalogue, clock, limitsOf, log, nudge, secrets, settings, store } from '../lib/wire.ts';

type Bindings = {
  event: APIGatewayProxyEventV2WithLambdaAuthorizer<{ owner: string }>;
  lambdaContext: Context;
};

/** API Gateway gives up on a function after 30 s. */
const WAIT_SECONDS_MAX = 20;

const app = new Hono<{ Bindings: Bindings }>();
const by = (env: Bindings) => limitsOf(env.lambdaContext).by;
const owner = (env: Bindings) => env.event.requestContext.authorizer.lambda.owner;
const clusterDeps = () => ({ clock: clock(), store: store(), nudge: nudge(), log: log() });
const offerDeps = () => ({ clock: clock(), catalogue: catalogue(), settings: settings() });

app.get('/health', (c) => c.json({ status: 'ok', time: new Date(clock().now()).toISOString() }));

app.get('/types', async (c) => {
  const filter = parseTypesQuery(c.req.query());
  const types = await typesOffered(catalogue(), filter, by(c.env));
  return c.json({ types: types.map(renderType) });
});

app.get('/regions', async (c) => {
  const regions = await catalogue().regions(by(c.env));
  return c.json({ regions: regions.map(renderRegion) });
});

app.get('/images', async (c) => {
  const images = await catalogue().images(by(c.env));
  return c.json({ images: images.map(renderImage) });
});

app.post('/quotes', async (c) =>
  c.json(renderQuote(await offer(offerDeps(), parseBody(await c.req.text()), by(c.env)))),
);

app.post('/clusters', async (c) => {
  const input = parseBody(await c.req.text());
  if (parseLaunchQuery(c.req.query()).dryRun) {
    return c.json(renderQuote(await offer(offerDeps(), input, by(c.env))));
  }
  const idempotencyKey = parseIdempotencyKey(c.req.header('idempotency-key'));
  const request = { owner: owner(c.env), input, idempotencyKey, by: by(c.env) };
  const deps = { ...clusterDeps(), ...offerDeps(), secrets: secrets() };
  const launched = await launch(deps, request);
  const waitSeconds = parseWaitSeconds(c.req.header('prefer'), WAIT_SECONDS_MAX);
  // The launch may have used up some of the time to answer in.
  const until = earliest(clock().inRealMs(waitSeconds * 1000), by(c.env));
  const record = await waitForAddresses(deps, launched.record, until);
  c.header('location', `/clusters/${record.id}`);
  const cluster = renderCluster(record, clock().now());
  return c.json({ ...cluster, quote: renderLaunchQuote(record) }, 202);
});

app.get('/clusters', async (c) => {
  const query = parseListQuery(c.req.query());
  const { records, nextCursor } = await listClusters({ store: store() }, owner(c.env), query);
  const clusters = records.map((record) => renderCluster(record, clock().now()));
  return c.json(nextCursor === null ? { clusters } : { clusters, nextCursor });
});

app.get('/clusters/:id', async (c) => {
  const record = await getCluster({ store: store() }, owner(c.env), c.req.param('id'));
  return c.json(renderCluster(record, clock().now()));
});

app.get('/clusters/:id/credentials', async (c) => {
  const deps = { store: store(), secrets: secrets() };
  const nodes = await getCredentials(deps, owner(c.env), c.req.param('id'));
  c.header('cache-control', 'no-store');
  return c.json({ nodes });
});

app.delete('/clusters/:id', async (c) => {
  const record = await deleteCluster(clusterDeps(), owner(c.env), c.req.param('id'));
  return c.json(renderCluster(record, clock().now()), 202);
});

app.notFound((c) => {
  const problem = problemOf(new AppError('notFound', `There is no ${c.req.path}.`), '');
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
