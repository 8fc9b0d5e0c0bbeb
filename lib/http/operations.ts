import * as z from 'zod/mini';
import type { Right } from '../core/base/api-token.ts';
import { type MicroUsd, parseUsd } from '../core/base/money.ts';
import { MONTH_NAME } from '../core/billing/bill.ts';
import { ownerChangeSchema, ownerRequestSchema, tokenRequestSchema } from '../core/caps/owners.ts';
import { workSchema } from '../core/catalogue/shapes.ts';
import { agentCallSchema } from '../core/cluster/agent-call.ts';
import { changeSchema } from '../core/cluster/change.ts';
import { inventoryFormats } from '../core/cluster/inventory.ts';
import { phases } from '../core/cluster/record.ts';
import { specSchema, TRANSFER_GB_MAX } from '../core/cluster/spec.ts';
import { uploadRequestSchema } from '../core/job/upload.ts';
import {
  scheduleChangeSchema,
  scheduleSchema as scheduleRequestSchema,
} from '../core/schedule/schedule.ts';
import type { Settings } from '../settings.ts';
import {
  addedOwnerSchema,
  addedTokenSchema,
  agentAnswerSchema,
  budgetSchema,
  clusterSchema,
  clustersSchema,
  credentialsSchema,
  healthSchema,
  imageSchema,
  inventorySchema,
  jobLogSchema,
  jobResultsSchema,
  jobSchema,
  launchedSchema,
  ownerSchema,
  ownersSchema,
  quoteSchema,
  regionSchema,
  reportSchema,
  scheduleSchema,
  schedulesSchema,
  typeSchema,
  uploadSchema,
} from './schemas.ts';

/*
 * Every route, with its parameters, body, answers and problems. handlers/api.ts answers the routes,
 * requests are read by these schemas, and /openapi.json is generated from them.
 */

export interface Operation {
  /** The name of the operation, and of its function in a generated client. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: `/${string}`;
  readonly summary: string;
  readonly description?: string;
  /**
   * `open`: no token is needed. `agent`: the token of the agent on the node that the path names. Else
   * the right that the API token needs.
   */
  readonly access: 'open' | 'agent' | Right;
  /** The parameters in the URL; each schema reads a text. */
  readonly query: z.ZodMiniObject;
  /** The headers that the operation reads, in any case; it ignores all others. */
  readonly headers: z.ZodMiniObject;
  /**
   * null: no body. The use case reads the body, since it knows the deployment's limits and Linode's
   * catalogue.
   */
  readonly body: RequestBody | null;
  readonly answers: Readonly<Record<number, Answer>>;
  /** The statuses of problems, except those that every operation may have. */
  readonly problems: readonly number[];
}

export interface RequestBody {
  readonly name: string;
  readonly schema: (limits: Settings) => z.ZodMiniType;
  readonly example: unknown;
  /** The most bytes of the body; absent: those of the largest spec. */
  readonly bytesMax?: number;
}

export interface Answer {
  readonly description: string;
  readonly json?: z.ZodMiniType;
  /** The description of the answer as text/plain, if it has this form. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const operation = <const O extends Operation>(described: O): O => described;

const none = z.strictObject({});
const anyHeaders = z.object({});

/** A parameter in the URL: digits, read as a number from `least`, or 1, to `max`. */
const wholeNumber = (max: number, description: string, least = 1) =>
  z
    .pipe(
      z.string().check(z.regex(/^\d{1,9}$/, 'must be a whole number')),
      z.pipe(
        z.transform((digits: string) => Number(digits)),
        z
          .int()
          .check(z.gte(least, `must be at least ${least}`), z.lte(max, `must be at most ${max}`)),
      ),
    )
    .check(
      z.meta({
        description,
        override: ({ jsonSchema }) => {
          delete jsonSchema.pattern;
          Object.assign(jsonSchema, { type: 'integer', minimum: least, maximum: max });
        },
      }),
    );

/** A parameter in the URL: an amount in US dollars, read by `parseUsd`. */
const dollars = (description: string) =>
  z
    .pipe(
      z.string(),
      z.transform((amount: string, context): MicroUsd => {
        const parsed = parseUsd(amount);
        if (parsed.ok) return parsed.value;
        context.issues.push({ code: 'custom', message: parsed.fault, input: amount });
        return z.NEVER;
      }),
    )
    .check(z.meta({ description, override: { type: 'number', minimum: 0 } }));

/** A parameter in the URL: any text, in any case. */
const words = (description: string) => z.string().check(z.describe(description));

const oneOf = <const Values extends readonly [string, ...string[]]>(
  values: Values,
  description: string,
) => z.enum(values, `must be one of ${values.join(', ')}`).check(z.describe(description));

const month = (description: string) =>
  z.string().check(z.regex(MONTH_NAME, 'must be a month such as 2026-11'), z.describe(description));

/** The owner is the key of an index, which DynamoDB takes from 1 to 2 048 bytes. */
const owner = z
  .string()
  .check(
    z.minLength(1, 'must not be empty'),
    z.maxLength(256, 'must be at most 256 characters long'),
    z.describe("Only this owner's clusters; only the admin may name another owner."),
  );

const idempotencyKey = z.optional(
  z
    .string()
    .check(
      z.regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable characters without spaces'),
      z.describe('A repeated request with the same key and body gets the same answer.'),
    ),
);

/** The Prefer header (RFC 7240). Unknown preferences are ignored. */
const prefer = z.optional(
  z
    .string()
    .check(
      z.describe(
        '`wait=15`: answer when all nodes have addresses, or after 15 seconds. Not honoured for a ' +
          'repeated request, nor while five other launches of the last 20 seconds are live.',
      ),
    ),
);

/** The example of the API's description and of `npm start`: ten nodes for a dollar. */
export const exampleSpec = {
  nodes: 10,
  vcpus: 1,
  memoryMb: 1024,
  region: 'us-east',
  image: 'Ubuntu 24.04 LTS',
  budgetUsd: 1,
};

const spec: RequestBody = { name: 'Spec', schema: specSchema, example: exampleSpec };

/** A spec; with work, only the budget is required. */
const quoteRequest: RequestBody = {
  name: 'QuoteRequest',
  schema: (limits) => {
    const { shape } = specSchema(limits);
    return z.strictObject({
      ...shape,
      nodes: z.optional(shape.nodes),
      region: z.optional(shape.region),
      image: z.optional(shape.image),
      work: z.optional(workSchema),
    });
  },
  example: exampleSpec,
};

const clusterChange: RequestBody = {
  name: 'ClusterChange',
  schema: changeSchema,
  example: { budgetUsd: 2 },
};

const schedule: RequestBody = {
  name: 'ScheduleRequest',
  schema: scheduleRequestSchema,
  example: {
    name: 'nightly build',
    cron: '30 2 * * MON-FRI',
    timezone: 'Europe/Berlin',
    spec: spec.example,
    monthlyCapUsd: 20,
    retry: { forMinutes: 120, everyMinutes: 15 },
  },
};

const scheduleChange: RequestBody = {
  name: 'ScheduleChange',
  schema: scheduleChangeSchema,
  example: { cron: '30 4 * * MON-FRI', monthlyCapUsd: 30 },
};

const agentCall: RequestBody = {
  name: 'AgentCall',
  schema: () => agentCallSchema,
  example: { event: 'ready' },
  // A segment of a log in base64, and the rest.
  bytesMax: 96 * 1024,
};

const upload: RequestBody = {
  name: 'UploadRequest',
  schema: () => uploadRequestSchema,
  example: { bytes: 48_213 },
};

const ownerRequest: RequestBody = {
  name: 'OwnerRequest',
  schema: ownerRequestSchema,
  example: {
    owner: 'zoe',
    weeklyCapUsd: 2,
    token: { expiresAt: '2027-03-31T00:00:00Z', may: 'launch' },
  },
};

const ownerChange: RequestBody = {
  name: 'OwnerChange',
  schema: ownerChangeSchema,
  example: { weeklyCapUsd: 3, monthlyCapUsd: 'none' },
};

const tokenRequest: RequestBody = {
  name: 'TokenRequest',
  schema: tokenRequestSchema,
  example: { may: 'read' },
};

const ADMIN_ONLY = 'Only for the admin.';

const listOf = <Name extends string, Item extends z.ZodMiniType>(name: Name, item: Item) =>
  z.object({ [name]: z.array(item) } as Record<Name, z.ZodMiniArray<Item>>);

const LINODE_PROBLEMS = [502, 503];

export const operations = {
  health: operation({
    id: 'health',
    method: 'GET',
    path: '/health',
    summary: 'Whether the API is alive',
    access: 'open',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'The API is alive.', json: healthSchema } },
    problems: [],
  }),
  openapi: operation({
    id: 'openapi',
    method: 'GET',
    path: '/openapi.json',
    summary: 'This description of the API',
    access: 'open',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: {
      200: { description: 'OpenAPI 3.1.', json: z.looseObject({ openapi: z.string() }) },
    },
    problems: [],
  }),
  types: operation({
    id: 'listTypes',
    method: 'GET',
    path: '/types',
    summary: 'The types that match, the cheapest first',
    access: 'read',
    query: z.strictObject({
      vcpus: z.optional(wholeNumber(10_000, 'The fewest vCPUs.')),
      memoryMb: z.optional(wholeNumber(100_000_000, 'The least memory, in MB.')),
      gpus: z.optional(wholeNumber(100, 'The fewest GPUs.')),
      class: z.optional(
        words('The class, such as nanode, standard, dedicated, premium, highmem or gpu.'),
      ),
      region: z.optional(words('The region whose prices and availability are shown.')),
      maxHourlyUsd: z.optional(dollars('The most for an hour of one node.')),
      budgetUsd: z.optional(dollars('A budget: each type then says how many hours it affords.')),
      nodes: z.optional(wholeNumber(1_000, 'How many nodes the budget is for; 1 by default.')),
      transferGb: z.optional(
        wholeNumber(
          TRANSFER_GB_MAX,
          'The GB that these nodes are planned to send to the internet, all together.',
          0,
        ),
      ),
    }),
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'The types.', json: listOf('types', typeSchema) } },
    problems: [400, ...LINODE_PROBLEMS],
  }),
  regions: operation({
    id: 'listRegions',
    method: 'GET',
    path: '/regions',
    summary: 'The regions that a spec can name',
    access: 'read',
    query: z.strictObject({
      country: z.optional(words('The country in two letters, such as us.')),
      capability: z.optional(words('A capability of the regions, such as VPCs or GPU Linodes.')),
    }),
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'The regions.', json: listOf('regions', regionSchema) } },
    problems: [400, ...LINODE_PROBLEMS],
  }),
  images: operation({
    id: 'listImages',
    method: 'GET',
    path: '/images',
    summary: 'The images that a spec can name, the deprecated ones last',
    access: 'read',
    query: z.strictObject({
      capability: z.optional(
        words('A capability of the images, such as cloud-init, for userData.'),
      ),
      deprecated: z.optional(
        oneOf(['true', 'false'], 'true: only deprecated images; false: only the others.'),
      ),
      recovery: z.optional(
        oneOf(['true', 'false'], 'true: only recovery images; by default, only the others.'),
      ),
      search: z.optional(words('A part of the id or of the label.')),
    }),
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'The images.', json: listOf('images', imageSchema) } },
    problems: [400, ...LINODE_PROBLEMS],
  }),
  quote: operation({
    id: 'quote',
    method: 'POST',
    path: '/quotes',
    summary: 'What a spec will cost and how long its budget lasts',
    description:
      'Buys nothing. A budget that is too small still gets a quote; only the launch refuses it. With ' +
      '`work`, such as `{ "vcpuHours": 120 }`, all but the budget may be missing: the answer lists the ' +
      'clusters that do the work within the budget, and quotes the fastest. If none does, 422 ' +
      'names the smallest budget that would do.',
    access: 'read',
    query: none,
    headers: anyHeaders,
    body: quoteRequest,
    answers: { 200: { description: 'The quote.', json: quoteSchema } },
    problems: [400, 413, 415, 422, ...LINODE_PROBLEMS],
  }),
  launch: operation({
    id: 'launch',
    method: 'POST',
    path: '/clusters',
    summary: 'Launch a cluster',
    description:
      '422, before anything is bought, if the budget does not pay the first started hour or ' +
      'would exceed a cap; 409 if the Idempotency-Key was used with another body.',
    access: 'launch',
    query: z.strictObject({
      dryRun: z.optional(
        oneOf(['true', 'false'], 'true: answer with the quote, and launch nothing.'),
      ),
    }),
    headers: z.object({ 'Idempotency-Key': idempotencyKey, Prefer: prefer }),
    body: spec,
    answers: {
      200: { description: 'With dryRun: the quote.', json: quoteSchema },
      202: {
        description: 'The cluster, which is coming up.',
        json: launchedSchema,
        headers: { location: 'The path of the cluster.' },
      },
    },
    problems: [400, 409, 413, 415, 422, ...LINODE_PROBLEMS],
  }),
  clusters: operation({
    id: 'listClusters',
    method: 'GET',
    path: '/clusters',
    summary: 'Your clusters, the newest first',
    access: 'read',
    query: z.strictObject({
      status: z.optional(
        oneOf(
          [...phases, 'live'],
          'Only clusters with this status; live: provisioning, running or deleting.',
        ),
      ),
      limit: z._default(wholeNumber(100, 'The most clusters on a page.'), 20),
      cursor: z.optional(z.string().check(z.describe('The nextCursor of the page before.'))),
      month: z.optional(month('Only clusters that were launched in this month (UTC).')),
      owner: z.optional(owner),
    }),
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'A page of clusters.', json: clustersSchema } },
    problems: [400],
  }),
  cluster: operation({
    id: 'getCluster',
    method: 'GET',
    path: '/clusters/{id}',
    summary: 'One cluster: nodes, spend now, teardown time, history',
    access: 'read',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'The cluster.', json: clusterSchema } },
    problems: [400, 404],
  }),
  change: operation({
    id: 'changeCluster',
    method: 'PATCH',
    path: '/clusters/{id}',
    summary: 'Change the budget or maxHours of a live cluster',
    description:
      'Changes the teardown time, too. 409 if the teardown has begun; 422, with the value that ' +
      'would do, if the new limits could not be kept any more or would exceed a cap.',
    access: 'launch',
    query: none,
    headers: anyHeaders,
    body: clusterChange,
    answers: { 200: { description: 'The cluster.', json: clusterSchema } },
    problems: [400, 404, 409, 413, 415, 422],
  }),
  destroy: operation({
    id: 'destroyCluster',
    method: 'DELETE',
    path: '/clusters/{id}',
    summary: 'Destroy a cluster now',
    description: 'A second request changes nothing.',
    access: 'launch',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: {
      202: {
        description: 'The cluster, which is being destroyed or has ended.',
        json: clusterSchema,
      },
    },
    problems: [400, 404, 409],
  }),
  createUpload: operation({
    id: 'createUpload',
    method: 'POST',
    path: '/uploads',
    summary: 'A place for the inputs of a job',
    description:
      'PUT a tar.gz to the URL of the answer, and give its id in job.inputs. Only you can. It ' +
      'expires; a schedule keeps a copy of its inputs.',
    access: 'launch',
    query: none,
    headers: anyHeaders,
    body: upload,
    answers: { 201: { description: 'Where to put the inputs.', json: uploadSchema } },
    problems: [400, 413, 415],
  }),
  job: operation({
    id: 'getJob',
    method: 'GET',
    path: '/clusters/{id}/job',
    summary: 'How far the job of a cluster is, node by node',
    access: 'read',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'The job.', json: jobSchema } },
    problems: [400, 404],
  }),
  jobLog: operation({
    id: 'getJobLog',
    method: 'GET',
    path: '/clusters/{id}/job/log',
    summary: 'What the command has printed on a node, from a byte on',
    description:
      'To follow it, go on from `next` every few seconds until `isWhole`. A log is kept up to 32 ' +
      'MiB, and its end.',
    access: 'read',
    query: z.strictObject({
      rank: z._default(wholeNumber(499, 'The index of the node.', 0), 0),
      from: z._default(wholeNumber(999_999_999, 'The first byte.', 0), 0),
    }),
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'A part of the log.', json: jobLogSchema } },
    problems: [400, 404],
  }),
  jobResults: operation({
    id: 'getJobResults',
    method: 'GET',
    path: '/clusters/{id}/job/results',
    summary: 'The results that there are, an archive for each node that ran the command',
    access: 'read',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'The archives.', json: jobResultsSchema } },
    problems: [400, 404],
  }),
  stopJob: operation({
    id: 'stopJob',
    method: 'DELETE',
    path: '/clusters/{id}/job',
    summary: 'Stop the job of a cluster, and save what there is',
    description:
      'The command gets SIGTERM, log and results are saved, and the cluster ends as after its job, ' +
      'at the latest three minutes after the grace period. A second request changes nothing.',
    access: 'launch',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 202: { description: 'The cluster.', json: clusterSchema } },
    problems: [400, 404, 409],
  }),
  inventory: operation({
    id: 'getInventory',
    method: 'GET',
    path: '/clusters/{id}/inventory',
    summary: 'The nodes that have addresses, in the format of a tool',
    access: 'read',
    query: z.strictObject({
      format: z._default(
        oneOf(
          ['json', ...inventoryFormats],
          'json; a config file for ssh -F; lines for /etc/hosts; an inventory for Ansible; a ' +
            'hostfile for Open MPI.',
        ),
        'json',
      ),
    }),
    headers: anyHeaders,
    body: null,
    answers: {
      200: {
        description: 'The inventory.',
        json: inventorySchema,
        text: 'In every other format: a file for the tool.',
      },
    },
    problems: [400, 404],
  }),
  agent: operation({
    id: 'callAsAgent',
    method: 'POST',
    path: '/agent/{id}/{rank}',
    summary: "Only for nodes' agents: what a node says of itself",
    description:
      'Onebuck puts an agent on each node, with a token for that node and nothing else; no other ' +
      "token is taken here, and an agent's token nowhere else. The agent says when its node is " +
      'ready, or why not, asks to send more once its node has used half of its allowance, and calls ' +
      'at the teardown time, so that the cluster ends although no scheduled function runs. 409 once the cluster has ended.',
    access: 'agent',
    query: none,
    headers: anyHeaders,
    body: agentCall,
    answers: {
      200: {
        description: 'The teardown time, and a token for the next call.',
        json: agentAnswerSchema,
      },
    },
    problems: [400, 404, 409, 413, 415, 429],
  }),
  createSchedule: operation({
    id: 'createSchedule',
    method: 'POST',
    path: '/schedules',
    summary: 'Launch clusters on a cron expression',
    description:
      'The spec is checked and priced as for a launch: 422 if its budget does not pay the first ' +
      'started hour, or if you have as many schedules as an owner can have.',
    access: 'manage',
    query: none,
    headers: z.object({ 'Idempotency-Key': idempotencyKey }),
    body: schedule,
    answers: {
      201: {
        description: 'The schedule, which runs if it is enabled.',
        json: scheduleSchema,
        headers: { location: 'The path of the schedule.' },
      },
    },
    problems: [400, 409, 413, 415, 422, ...LINODE_PROBLEMS],
  }),
  schedules: operation({
    id: 'listSchedules',
    method: 'GET',
    path: '/schedules',
    summary: 'Your schedules, the newest first',
    access: 'read',
    query: z.strictObject({
      limit: z._default(wholeNumber(100, 'The most schedules on a page.'), 100),
      cursor: z.optional(z.string().check(z.describe('The nextCursor of the page before.'))),
    }),
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'A page of schedules.', json: schedulesSchema } },
    problems: [400],
  }),
  schedule: operation({
    id: 'getSchedule',
    method: 'GET',
    path: '/schedules/{id}',
    summary: 'One schedule: its next occurrences and its latest runs',
    access: 'read',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'The schedule.', json: scheduleSchema } },
    problems: [400, 404],
  }),
  changeSchedule: operation({
    id: 'changeSchedule',
    method: 'PATCH',
    path: '/schedules/{id}',
    summary: 'Change a schedule, pause or resume it',
    description:
      'Changes the fields that the body has; spec is replaced as a whole. A new spec, cron or ' +
      'timezone is checked as for a new schedule. Occurrences move from now on, and those while ' +
      'the schedule was paused are not made up for.',
    access: 'manage',
    query: none,
    headers: anyHeaders,
    body: scheduleChange,
    answers: { 200: { description: 'The schedule.', json: scheduleSchema } },
    problems: [400, 404, 409, 413, 415, 422, ...LINODE_PROBLEMS],
  }),
  deleteSchedule: operation({
    id: 'deleteSchedule',
    method: 'DELETE',
    path: '/schedules/{id}',
    summary: 'Delete a schedule',
    description: 'The clusters that it launched live on.',
    access: 'manage',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 204: { description: 'The schedule is deleted.' } },
    problems: [400, 404],
  }),
  report: operation({
    id: 'getReport',
    method: 'GET',
    path: '/report',
    summary: 'What a month cost, and what tearing down saved',
    access: 'read',
    query: z.strictObject({
      month: z.optional(month('The calendar month (UTC); the present month by default.')),
      owner: z.optional(owner),
      cursor: z.optional(z.string().check(z.describe('The nextCursor of the part before.'))),
    }),
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'The report.', json: reportSchema } },
    problems: [400],
  }),
  budget: operation({
    id: 'getBudget',
    method: 'GET',
    path: '/budget',
    summary: 'How far your caps of the day, the week and the month are used',
    description: 'With a token that has a limit of its own, the month has the lower of the two.',
    access: 'read',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'Your budget.', json: budgetSchema } },
    problems: [400],
  }),
  owners: operation({
    id: 'listOwners',
    method: 'GET',
    path: '/owners',
    summary: 'All owners, with their caps and tokens, by name',
    description: ADMIN_ONLY,
    access: 'read',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'The owners.', json: ownersSchema } },
    problems: [400],
  }),
  addOwner: operation({
    id: 'addOwner',
    method: 'POST',
    path: '/owners',
    summary: 'Add an owner with caps and a first token',
    description:
      `${ADMIN_ONLY} The answer shows the token once; only its hash is kept. 409 if there is such ` +
      'an owner. One who was revoked is added anew.',
    access: 'manage',
    query: none,
    headers: anyHeaders,
    body: ownerRequest,
    answers: {
      201: {
        description: 'The owner, and the token in clear.',
        json: addedOwnerSchema,
        headers: { location: 'The path of the owner.' },
      },
    },
    problems: [400, 409, 413, 415, 422],
  }),
  owner: operation({
    id: 'getOwner',
    method: 'GET',
    path: '/owners/{owner}',
    summary: 'One owner',
    description: ADMIN_ONLY,
    access: 'read',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'The owner.', json: ownerSchema } },
    problems: [400, 404],
  }),
  changeOwner: operation({
    id: 'changeOwner',
    method: 'PATCH',
    path: '/owners/{owner}',
    summary: "Change an owner's caps",
    description: `${ADMIN_ONLY} Changes the caps that the body has, from the next launch on.`,
    access: 'manage',
    query: none,
    headers: anyHeaders,
    body: ownerChange,
    answers: { 200: { description: 'The owner.', json: ownerSchema } },
    problems: [400, 404, 409, 413, 415, 422],
  }),
  revokeOwner: operation({
    id: 'revokeOwner',
    method: 'DELETE',
    path: '/owners/{owner}',
    summary: 'Revoke an owner',
    description:
      `${ADMIN_ONLY} From now on all tokens that were made here are refused, and nothing is launched ` +
      "or extended for the owner, also by schedules and with tokens of the secret. The owner's " +
      'clusters live on until their budgets end. A second request changes nothing.',
    access: 'manage',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'The owner.', json: ownerSchema } },
    problems: [400, 404, 409, 422],
  }),
  addToken: operation({
    id: 'addToken',
    method: 'POST',
    path: '/owners/{owner}/tokens',
    summary: 'Make a further token for an owner',
    description: `${ADMIN_ONLY} The answer shows the token once; only its hash is kept.`,
    access: 'manage',
    query: none,
    headers: anyHeaders,
    body: tokenRequest,
    answers: { 201: { description: 'The token in clear.', json: addedTokenSchema } },
    problems: [400, 404, 409, 413, 415, 422],
  }),
  revokeToken: operation({
    id: 'revokeToken',
    method: 'DELETE',
    path: '/owners/{owner}/tokens/{tokenId}',
    summary: 'Revoke a token of an owner, at once',
    description: ADMIN_ONLY,
    access: 'manage',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 204: { description: 'The token is revoked.' } },
    problems: [400, 404, 409],
  }),
  credentials: operation({
    id: 'getCredentials',
    method: 'GET',
    path: '/clusters/{id}/credentials',
    summary: 'How to log in to the nodes, for the owner of the cluster only',
    access: 'launch',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'User and password of each node.', json: credentialsSchema } },
    problems: [400, 404],
  }),
} as const;
