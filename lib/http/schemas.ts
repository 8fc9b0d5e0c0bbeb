import * as z from 'zod/mini';
import { linodeStatuses } from '../core/cluster/linode.ts';

/*
 * What the API answers with. The renderers are checked against these when they are compiled, the
 * tests check every answer by them, and /openapi.json is made of them.
 */

const usd = (what: string) =>
  z.number().check(z.nonnegative(), z.describe(`${what}, in US dollars with at most 6 decimals.`));
const time = (what: string) => z.iso.datetime().check(z.describe(`${what}, UTC.`));
const count = (what: string) => z.int().check(z.nonnegative(), z.describe(what));
const text = (what: string) => z.string().check(z.describe(what));
const orNull = <Schema extends z.ZodMiniType>(schema: Schema) => z.nullable(schema);

export const healthSchema = z.object({
  status: z.literal('ok'),
  time: time('What the clock says'),
});

const alternativesSchema = z
  .array(
    z.object({
      kind: z.enum(['cheaperRegion', 'smallerType', 'biggerType', 'moreNodes', 'fewerNodes']),
      change: z
        .object({
          region: z.optional(z.string()),
          type: z.optional(z.string()),
          vcpus: z.optional(count('With memoryMb, where the spec asks for a size.')),
          memoryMb: z.optional(count('With vcpus.')),
          nodes: z.optional(count('How many.')),
        })
        .check(z.describe('Put over the fields of the spec, it makes one that can be launched.')),
      hourlyUsd: usd('For each started hour of the whole cluster'),
      affordableHours: count('How many hours the same budget lasts.'),
      spentAtTeardownUsd: usd('What Linode will have billed at its teardown'),
      sentence: text('The same for people.'),
    }),
  )
  .check(z.describe('What else could be launched, or what would fit into too small a budget.'));

export const problemSchema = z
  .object({
    title: text('What kind of problem it is.'),
    status: z.int().check(z.gte(400), z.lte(599)),
    code: z.enum([
      'invalid',
      'tooLarge',
      'unsupported',
      'refused',
      'notFound',
      'conflict',
      'misconfigured',
      'linodeDenied',
      'linodeRejected',
      'linodeUnavailable',
      'internal',
    ]),
    detail: text('What went wrong, and what to do.'),
    errors: z.optional(
      z.array(
        z.object({
          path: text('The field, parameter or header at fault; empty: the whole body.'),
          message: text('What is wrong with it.'),
        }),
      ),
    ),
    id: z.optional(text('Where the log of the deployment tells more.')),
    smallestBudgetUsd: z.optional(usd('The smallest budget that would do')),
    alternatives: z.optional(alternativesSchema),
    smallestMaxHours: z.optional(count('The smallest maxHours that would do.')),
    cap: z.optional(
      z.enum(['openBudget', 'ownerOpenBudget', 'ownerMonthlySpend', 'scheduleMonthlySpend']),
    ),
    capUsd: z.optional(usd('What the cap is set to')),
    openUsd: z.optional(usd('What the live clusters that count against the cap may cost')),
    committedUsd: z.optional(usd('The same, with what ended ones have cost in the month')),
    largestBudgetUsd: z.optional(usd('The largest budget that the cap would let through now')),
  })
  .check(z.describe('A problem, as RFC 9457 has it.'));

/** What API Gateway says by itself, before a function is asked. */
export const gatewaySchema = z.looseObject({ message: z.string() });

const machineFields = {
  type: text('The id of the type.'),
  vcpus: count('Of one node.'),
  memoryMb: count('Of one node.'),
  diskMb: count('Of one node.'),
  region: z.string(),
  image: text('The id of the image.'),
};

export const typeSchema = z.object({
  id: z.string(),
  label: z.string(),
  class: z.string(),
  vcpus: count('How many.'),
  memoryMb: count('How much memory.'),
  diskMb: count('How much disk.'),
  gpus: count('How many.'),
  hourlyUsd: orNull(usd('For each started hour of one node')),
  monthlyUsd: orNull(usd('The most that one node is billed in a month; null: no such cap')),
  available: z.optional(
    z.boolean().check(z.describe('With region: whether it has any left, as far as Linode tells.')),
  ),
  affordableHours: z.optional(count('With budgetUsd: how many hours it lasts from now on.')),
});

export const regionSchema = z.object({
  id: z.string(),
  label: z.string(),
  country: text('Two letters.'),
  siteType: z.string(),
  capabilities: z.readonly(z.array(z.string())),
});

export const imageSchema = z.object({
  id: z.string(),
  label: z.string(),
  deprecated: z.boolean(),
  capabilities: z.readonly(z.array(z.string())),
});

export const quoteSchema = z.object({
  nodes: count('How many.'),
  typeLabel: z.string(),
  why: text('Why this type was taken, to be read after its name.'),
  ...machineFields,
  budgetUsd: usd('As given'),
  maxHours: orNull(count('As given.')),
  backupsCounted: z
    .boolean()
    .check(z.describe('Whether the price is with backups, which the account may force.')),
  hourlyUsd: usd('For each started hour of the whole cluster'),
  firstHourUsd: usd('For the first started hour; twice hourlyUsd where a month ends in it'),
  smallestBudgetUsd: usd('What the first started hour costs; no smaller budget is accepted'),
  affordableHours: count('How many hours the budget lasts; 0: not even the first.'),
  teardownAt: orNull(time('When the destruction would begin')),
  spentAtTeardownUsd: usd('What Linode will have billed then'),
  unspentUsd: usd('What of the budget stays unspent'),
  warnings: z.array(text('What is allowed, and yet worth a thought.')),
  alternatives: alternativesSchema,
});

const nodeStatuses = ['planned', 'creating', 'gone', 'neverCreated', ...linodeStatuses] as const;

const nodeSchema = z.object({
  index: count('From 0.'),
  label: text('On Linode, fixed before it exists.'),
  status: z
    .enum(nodeStatuses)
    .check(z.describe("Its Linode's, as last seen; planned, creating, gone or never without.")),
  linodeId: orNull(z.int()),
  ipv4: orNull(z.string()),
  ipv6: orNull(z.string()),
  createdAt: orNull(time('When it was created')),
  reason: z.optional(text('Why it never came up.')),
});

/** The spec in the fields in which it was asked for. */
const askedSchema = z.object({
  name: orNull(z.string()),
  nodes: count('How many.'),
  type: z.optional(z.string()),
  vcpus: z.optional(count('The fewest.')),
  memoryMb: z.optional(count('The least.')),
  region: z.string(),
  image: z.string(),
  budgetUsd: usd('As asked for'),
  maxHours: orNull(count('As asked for.')),
  authorizedKeys: z.readonly(z.array(z.string())),
  userData: orNull(z.string()),
  onPartial: z.enum(['destroy', 'keep']),
  tags: z.readonly(z.array(z.string())),
});

export const clusterSchema = z.object({
  id: text('`c` and ten letters or digits.'),
  name: orNull(z.string()),
  owner: z.string(),
  scheduleId: orNull(text('The schedule that launched it.')),
  status: z.enum(['provisioning', 'running', 'deleting', 'deleted', 'failed']),
  spec: askedSchema,
  ...machineFields,
  nodes: z.array(nodeSchema),
  budgetUsd: usd('The most that Linode may bill'),
  maxHours: orNull(count('The most hours that a node may be billed.')),
  hourlyUsd: usd('For each started hour of the whole cluster'),
  spentUsd: usd('What Linode will bill, if all were deleted now'),
  leftUsd: usd('What of the budget is left'),
  affordableHours: orNull(count('How many hours the budget lasts, from the first node on.')),
  teardownAt: orNull(time('When its destruction begins, or began')),
  next: orNull(
    z
      .object({
        at: time('At the latest then'),
        why: text('What Onebuck does and why, to be read after "Onebuck".'),
      })
      .check(z.describe('What happens to it next; null: it has ended.')),
  ),
  createdAt: time('When it was launched'),
  startedAt: orNull(time('When all nodes ran')),
  endedAt: orNull(time('When Linode showed none of it any more')),
  endReason: orNull(z.enum(['budget', 'maxHours', 'requested', 'failed', 'lost'])),
  failure: orNull(text('Why the launch failed.')),
  overspentUsd: z.optional(usd('By how much it went over its budget; 0 as the promise has it')),
  history: z.array(z.object({ at: time('When'), event: text('What happened, and why.') })),
});

/** With the quote that it was launched on. */
export const launchedSchema = z.extend(clusterSchema, { quote: quoteSchema });

export const clustersSchema = z.object({
  clusters: z.array(clusterSchema),
  nextCursor: z.optional(text('For the next page; absent on the last.')),
});

export const credentialsSchema = z.object({
  nodes: z.array(
    z.object({
      index: count('From 0.'),
      label: z.string(),
      ipv4: orNull(z.string()),
      user: z.string(),
      rootPassword: orNull(text('null where keys were given instead.')),
    }),
  ),
});

export const inventoryNodeSchema = z.object({
  index: count('From 0.'),
  label: text('On Linode; the host name in every format.'),
  ipv4: z.string(),
  ipv6: orNull(z.string()),
  vcpus: count('How many.'),
  user: text('Whom to log in as.'),
});

const totalsFields = {
  clusters: count('How many were billed in the month.'),
  nodeHours: count('Started hours, node by node.'),
  billedUsd: usd('What Linode bills for them in the month'),
  savedUsd: usd("What they would have cost on top, had they been left on until the month's end"),
  overspentUsd: usd('How much of it is over a budget; 0 as the promise has it'),
};

export const reportSchema = z.object({
  month: z.string(),
  at: time('When it was made; live clusters count up to then'),
  ...totalsFields,
  monthlyCapUsd: orNull(usd("The most that one owner's month may come to; null: no such cap")),
  owners: z.optional(
    z
      .array(z.object({ owner: z.string(), ...totalsFields }))
      .check(z.describe('Whom the month was billed to, dearest first; for the admin.')),
  ),
});

const occurrence = { at: time('When it came round') };

const runSchema = z.discriminatedUnion('result', [
  z.object({ ...occurrence, result: z.literal('launched'), clusterId: z.string() }),
  z.object({ ...occurrence, result: z.literal('skipped'), reason: z.string() }),
  z.object({ ...occurrence, result: z.literal('refused'), reason: z.string() }),
  z.object({
    ...occurrence,
    result: z.literal('missed'),
    from: time('The first that was missed'),
    count: count('How many were missed, up to this one.'),
  }),
]);

export const scheduleSchema = z.object({
  id: text('`s` and ten letters or digits.'),
  name: orNull(z.string()),
  owner: z.string(),
  cron: z.string(),
  timezone: z.string(),
  spec: z.looseObject({}).check(z.describe('As it was given; it is priced anew at each run.')),
  overlap: z.enum(['skip', 'allow']),
  monthlyCapUsd: orNull(usd('The most that its clusters may cost in a calendar month')),
  enabled: z.boolean(),
  nextRuns: z.array(time('When it comes round')).check(z.describe('The next five.')),
  runs: z.array(runSchema).check(z.describe('What became of the latest, newest first.')),
  createdAt: time('When it was made'),
});
