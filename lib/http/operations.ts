import * as z from 'zod/mini';
import { type MicroUsd, parseUsd } from '../core/base/money.ts';
import { MONTH_NAME } from '../core/billing/bill.ts';
import { changeSchema } from '../core/cluster/change.ts';
import { inventoryFormats } from '../core/cluster/inventory.ts';
import { phases } from '../core/cluster/record.ts';
import { specSchema } from '../core/cluster/spec.ts';
import {
  scheduleChangeSchema,
  scheduleSchema as scheduleRequestSchema,
} from '../core/schedule/schedule.ts';
import type { Settings } from '../settings.ts';
import {
  clusterSchema,
  clustersSchema,
  credentialsSchema,
  healthSchema,
  imageSchema,
  inventoryNodeSchema,
  launchedSchema,
  quoteSchema,
  regionSchema,
  reportSchema,
  scheduleSchema,
  typeSchema,
} from './schemas.ts';

/*
 * Every route, with all that goes in and comes out of it. handlers/api.ts answers them, requests
 * are read by them, and /openapi.json is written from them.
 */

export interface Operation {
  /** Of the function in a generated client. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: `/${string}`;
  readonly summary: string;
  readonly description?: string;
  /** Open: anybody may ask. */
  readonly access: 'open' | 'token';
  /** Every value is a text until its schema has read it. */
  readonly query: z.ZodMiniObject;
  /** Whatever the case of their names; others are ignored. */
  readonly headers: z.ZodMiniObject;
  /** Read by the use case, which knows the deployment's limits and Linode's catalogue. */
  readonly body: RequestBody | null;
  readonly answers: Readonly<Record<number, Answer>>;
  /** The statuses of problems, those apart that any operation may have. */
  readonly problems: readonly number[];
}

export interface RequestBody {
  readonly name: string;
  readonly schema: (limits: Settings) => z.ZodMiniType;
  readonly example: unknown;
}

export interface Answer {
  readonly description: string;
  readonly json?: z.ZodMiniType;
  /** What it says as text/plain. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const operation = <const O extends Operation>(described: O): O => described;

const none = z.strictObject({});
const anyHeaders = z.object({});

/** In the URL: digits, read as a number. */
const wholeNumber = (max: number, description: string) =>
  z
    .pipe(
      z.string().check(z.regex(/^\d{1,9}$/, 'must be a whole number')),
      z.pipe(
        z.transform((digits: string) => Number(digits)),
        z.int().check(z.gte(1, 'must be at least 1'), z.lte(max, `must be at most ${max}`)),
      ),
    )
    .check(
      z.meta({
        description,
        override: { type: 'integer', minimum: 1, maximum: max, pattern: undefined },
      }),
    );

/** In the URL: an amount in US dollars, read by `parseUsd`. */
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

/** In the URL: anything, in any case. */
const words = (description: string) => z.string().check(z.describe(description));

const oneOf = <const Values extends readonly [string, ...string[]]>(
  values: Values,
  description: string,
) => z.enum(values, `must be one of ${values.join(', ')}`).check(z.describe(description));

const month = (description: string) =>
  z.string().check(z.regex(MONTH_NAME, 'must be a month such as 2026-11'), z.describe(description));

/** The key of an index, which DynamoDB takes neither empty nor beyond 2 048 bytes. */
const owner = z
  .string()
  .check(
    z.minLength(1, 'must not be empty'),
    z.maxLength(256, 'must be at most 256 characters long'),
    z.describe("That one's alone; for the admin to ask."),
  );

const idempotencyKey = z.optional(
  z
    .string()
    .check(
      z.regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable characters without spaces'),
      z.describe(
        'The same key with the same body gives the same answer, however often it is sent.',
      ),
    ),
);

/** RFC 7240. Another preference is none that is known, and no fault. */
const prefer = z.optional(
  z
    .string()
    .check(z.describe('`wait=15`: answer when all nodes have addresses, but within 15 seconds.')),
);

/** Ten nodes for a dollar: what the description and `npm start` launch for an example. */
export const exampleSpec = {
  nodes: 10,
  vcpus: 1,
  memoryMb: 1024,
  region: 'us-east',
  image: 'Ubuntu 24.04 LTS',
  budgetUsd: 1,
};

const spec: RequestBody = { name: 'Spec', schema: specSchema, example: exampleSpec };

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
  },
};

const scheduleChange: RequestBody = {
  name: 'ScheduleChange',
  schema: () => scheduleChangeSchema,
  example: { enabled: false },
};

const listOf = <Name extends string, Item extends z.ZodMiniType>(name: Name, item: Item) =>
  z.object({ [name]: z.array(item) } as Record<Name, z.ZodMiniArray<Item>>);

const LINODE_PROBLEMS = [502, 503];

export const operations = {
  health: operation({
    id: 'health',
    method: 'GET',
    path: '/health',
    summary: 'Is it alive?',
    access: 'open',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'It is.', json: healthSchema } },
    problems: [],
  }),
  openapi: operation({
    id: 'openapi',
    method: 'GET',
    path: '/openapi.json',
    summary: 'This description',
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
    access: 'token',
    query: z.strictObject({
      vcpus: z.optional(wholeNumber(10_000, 'The fewest.')),
      memoryMb: z.optional(wholeNumber(100_000_000, 'The least.')),
      gpus: z.optional(wholeNumber(100, 'The fewest.')),
      class: z.optional(words('Such as nanode, standard, dedicated, premium, highmem or gpu.')),
      region: z.optional(words('Whose prices and availability are shown.')),
      maxHourlyUsd: z.optional(dollars('The most for an hour of one node.')),
      budgetUsd: z.optional(dollars('How many hours it lasts is told with each type.')),
      nodes: z.optional(wholeNumber(1_000, 'Of how many nodes; 1 unless given.')),
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
    access: 'token',
    query: z.strictObject({
      country: z.optional(words('Two letters, such as us.')),
      capability: z.optional(words('One that they have, such as VPCs or GPU Linodes.')),
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
    access: 'token',
    query: z.strictObject({
      capability: z.optional(words('One that they have, such as cloud-init, for userData.')),
      deprecated: z.optional(oneOf(['true', 'false'], 'Only those, or only the others.')),
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
    description: 'Buys nothing. A budget that is too small is told, and is no problem here.',
    access: 'token',
    query: none,
    headers: anyHeaders,
    body: spec,
    answers: { 200: { description: 'The quote.', json: quoteSchema } },
    problems: [400, 413, 415, ...LINODE_PROBLEMS],
  }),
  launch: operation({
    id: 'launch',
    method: 'POST',
    path: '/clusters',
    summary: 'Launch a cluster',
    description:
      'Refused with 422 before anything is bought where the budget does not pay the first started ' +
      'hour or a cap would be passed; 409 where the key was used with another body.',
    access: 'token',
    query: z.strictObject({
      dryRun: z.optional(oneOf(['true', 'false'], 'Answer with the quote, and launch nothing.')),
    }),
    headers: z.object({ 'Idempotency-Key': idempotencyKey, Prefer: prefer }),
    body: spec,
    answers: {
      200: { description: 'With dryRun: the quote.', json: quoteSchema },
      202: {
        description: 'It comes up.',
        json: launchedSchema,
        headers: { location: 'Where to look at it.' },
      },
    },
    problems: [400, 409, 413, 415, 422, ...LINODE_PROBLEMS],
  }),
  clusters: operation({
    id: 'listClusters',
    method: 'GET',
    path: '/clusters',
    summary: 'Your clusters, the newest first',
    access: 'token',
    query: z.strictObject({
      status: z.optional(oneOf(phases, 'Only those.')),
      limit: z._default(wholeNumber(100, 'How many on a page.'), 20),
      cursor: z.optional(z.string().check(z.describe('The nextCursor of the page before.'))),
      month: z.optional(month('Launched in that month (UTC).')),
      owner: z.optional(owner),
    }),
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'A page of them.', json: clustersSchema } },
    problems: [400],
  }),
  cluster: operation({
    id: 'getCluster',
    method: 'GET',
    path: '/clusters/{id}',
    summary: 'One cluster: nodes, spend now, teardown time, history',
    access: 'token',
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
      'Moves the teardown time. 409 where the teardown has begun; 422, with what would do, where ' +
      'the new limits could not be kept any more or a cap would be passed.',
    access: 'token',
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
    description: 'Asking again changes nothing.',
    access: 'token',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 202: { description: 'It is on its way out, or gone.', json: clusterSchema } },
    problems: [400, 404, 409],
  }),
  inventory: operation({
    id: 'getInventory',
    method: 'GET',
    path: '/clusters/{id}/inventory',
    summary: 'The nodes that have addresses, in the form that a tool reads',
    access: 'token',
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
        json: listOf('nodes', inventoryNodeSchema),
        text: 'For every other format: a file to be used as it is.',
      },
    },
    problems: [400, 404],
  }),
  createSchedule: operation({
    id: 'createSchedule',
    method: 'POST',
    path: '/schedules',
    summary: 'Launch clusters on a cron expression',
    description:
      'The spec is checked and priced as for a launch: 422 where its budget does not pay the first ' +
      'started hour, or where you have as many schedules as there can be.',
    access: 'token',
    query: none,
    headers: z.object({ 'Idempotency-Key': idempotencyKey }),
    body: schedule,
    answers: {
      201: {
        description: 'It is kept, and runs if it is enabled.',
        json: scheduleSchema,
        headers: { location: 'Where to look at it.' },
      },
    },
    problems: [400, 409, 413, 415, 422, ...LINODE_PROBLEMS],
  }),
  schedules: operation({
    id: 'listSchedules',
    method: 'GET',
    path: '/schedules',
    summary: 'Your schedules, the newest first',
    access: 'token',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'All of them.', json: listOf('schedules', scheduleSchema) } },
    problems: [400],
  }),
  schedule: operation({
    id: 'getSchedule',
    method: 'GET',
    path: '/schedules/{id}',
    summary: 'One schedule: its next runs, and what became of the latest',
    access: 'token',
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
    summary: 'Pause a schedule, or have it go on',
    description: 'It goes on from now: what came round while it was paused is not made up for.',
    access: 'token',
    query: none,
    headers: anyHeaders,
    body: scheduleChange,
    answers: { 200: { description: 'The schedule.', json: scheduleSchema } },
    problems: [400, 404, 409, 413, 415],
  }),
  deleteSchedule: operation({
    id: 'deleteSchedule',
    method: 'DELETE',
    path: '/schedules/{id}',
    summary: 'Delete a schedule',
    description: 'What it has launched lives on.',
    access: 'token',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 204: { description: 'It is gone.' } },
    problems: [400, 404],
  }),
  report: operation({
    id: 'getReport',
    method: 'GET',
    path: '/report',
    summary: 'What a month cost, and what tearing down saved',
    access: 'token',
    query: z.strictObject({
      month: z.optional(month('The calendar month (UTC); left out: this one.')),
      owner: z.optional(owner),
    }),
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'The report.', json: reportSchema } },
    problems: [400],
  }),
  credentials: operation({
    id: 'getCredentials',
    method: 'GET',
    path: '/clusters/{id}/credentials',
    summary: 'How to log in to the nodes, for the owner alone',
    access: 'token',
    query: none,
    headers: anyHeaders,
    body: null,
    answers: { 200: { description: 'User and password of each node.', json: credentialsSchema } },
    problems: [400, 404],
  }),
} as const;
