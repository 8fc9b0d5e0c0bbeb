import * as z from 'zod/mini';
import { endReasonNames } from '../core/cluster/end-reasons.ts';
import { linodeStatuses } from '../core/cluster/linode.ts';
import { differenceKinds } from '../core/invoices/differences.ts';
import { jobStates } from '../core/job/progress.ts';
import { setups } from '../core/room/setups.ts';

/*
 * The schemas of the API's answers. The compiler checks the renderers against them, the tests check
 * every answer, and /openapi.json is generated from them.
 */

const usd = (meaning: string, note = '') =>
  z
    .number()
    .check(
      z.nonnegative(),
      z.describe(withNote(`${meaning}, in US dollars with at most 6 decimals`, note)),
    );
const time = (meaning: string, note = '') =>
  z.iso.datetime().check(z.describe(withNote(`${meaning}, UTC`, note)));
const withNote = (description: string, note: string) =>
  note === '' ? `${description}.` : `${description}; ${note}.`;
const count = (meaning: string) => z.int().check(z.nonnegative(), z.describe(meaning));
const text = (meaning: string) => z.string().check(z.describe(meaning));
const orNull = <Schema extends z.ZodMiniType>(schema: Schema) => z.nullable(schema);

export const healthSchema = z.object({
  status: z.literal('ok'),
  time: time("The time of the deployment's clock"),
  notes: z.optional(
    z
      .array(z.string())
      .check(z.describe('What an operator should mend; absent: nothing that the API knows of.')),
  ),
});

const alternativesSchema = z
  .array(
    z.object({
      kind: z.enum(['cheaperRegion', 'smallerType', 'biggerType', 'moreNodes', 'fewerNodes']),
      change: z
        .object({
          region: z.optional(z.string()),
          type: z.optional(z.string()),
          vcpus: z.optional(count('With memoryMb, if the spec gives a size.')),
          memoryMb: z.optional(count('With vcpus, if the spec gives a size.')),
          nodes: z.optional(count('The number of nodes.')),
        })
        .check(z.describe('Fields to replace in the spec; then it can be launched.')),
      hourlyUsd: usd('The price of each started hour of the whole cluster'),
      affordableHours: count('How many hours the same budget lasts.'),
      spentAtTeardownUsd: usd('The bill at the teardown'),
      sentence: text('The alternative in a sentence for people.'),
    }),
  )
  .check(
    z.describe('Changes of the spec that could be launched, or that too small a budget would pay.'),
  );

export const problemSchema = z
  .object({
    title: text('The kind of the problem.'),
    status: z.int().check(z.gte(400), z.lte(599)),
    code: z.enum([
      'invalid',
      'noToken',
      'unknownToken',
      'notAllowed',
      'tooLarge',
      'unsupported',
      'refused',
      'tooMany',
      'notFound',
      'conflict',
      'unreadable',
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
          message: text('What is wrong, and what to do.'),
        }),
      ),
    ),
    id: z.optional(text('The id of the error in the log of the deployment.')),
    smallestBudgetUsd: z.optional(usd('The smallest budget that would be accepted')),
    alternatives: z.optional(alternativesSchema),
    smallestMaxHours: z.optional(count('The smallest maxHours that would be accepted.')),
    cap: z.optional(
      z.enum([
        'openBudget',
        'ownerOpenBudget',
        'ownerDailySpend',
        'ownerWeeklySpend',
        'ownerMonthlySpend',
        'scheduleDailySpend',
        'scheduleWeeklySpend',
        'scheduleMonthlySpend',
        'tokenMonthlySpend',
        'hourlyPrice',
      ]),
    ),
    capUsd: z.optional(usd('The amount of the cap')),
    openUsd: z.optional(usd('The budgets of the other live clusters under the cap')),
    committedUsd: z.optional(
      usd(
        'The budgets of other live clusters, and the bills of ended ones in the period of the cap',
      ),
    ),
    resetsAt: z.optional(time('When the day, week or month of the cap ends')),
    nextEndAt: z.optional(time('When the next live cluster ends, or before')),
    openHourlyUsd: z.optional(usd('What an hour of all live clusters costs now')),
    hourlyUsd: z.optional(usd('What an hour of the cluster would cost')),
    largestBudgetUsd: z.optional(usd('The largest budget that the cap allows now')),
  })
  .check(z.describe('A problem as in RFC 9457.'));

/**
 * An error that API Gateway answers by itself, because it admits no more requests or gets no answer
 * from the function. An HTTP API offers no way to give these errors another body.
 */
export const gatewaySchema = z.looseObject({ message: z.string() });

const machineFields = {
  type: text('The id of the type.'),
  vcpus: count('The vCPUs of one node.'),
  memoryMb: count('The memory of one node, in MB.'),
  diskMb: count('The disk of one node, in MB.'),
  region: z.string(),
  image: text('The id of the image.'),
};

const networkKind = z.enum(['private', 'isolated', 'none']);

export const typeSchema = z.object({
  id: z.string(),
  label: z.string(),
  class: z.string(),
  vcpus: count('The number of vCPUs.'),
  memoryMb: count('The memory, in MB.'),
  diskMb: count('The disk, in MB.'),
  gpus: count('The number of GPUs.'),
  hourlyUsd: orNull(usd('The price of each started hour of one node')),
  monthlyUsd: orNull(usd('The most that Linode bills for one node in a month', 'null: no limit')),
  available: z.optional(
    z
      .boolean()
      .check(
        z.describe(
          'With the parameter region: whether it has machines left, as far as Linode says.',
        ),
      ),
  ),
  affordableHours: z.optional(
    count('With the parameter budgetUsd: how many hours it affords from now on.'),
  ),
});

export const regionSchema = z.object({
  id: z.string(),
  label: z.string(),
  country: text('The country in two letters.'),
  siteType: z.string(),
  capabilities: z.readonly(z.array(z.string())),
});

export const imageSchema = z.object({
  id: z.string(),
  label: z.string(),
  deprecated: z.boolean(),
  recovery: z
    .boolean()
    .check(z.describe('Whether Linode made it of a deleted Linode, and soon deletes it.')),
  diskMb: count('The least disk of a type that can hold it, in MB.'),
  capabilities: z.readonly(z.array(z.string())),
});

const shapeSchema = z.object({
  nodes: count('The number of nodes.'),
  type: z.string(),
  typeLabel: z.string(),
  vcpus: count('The vCPUs of a node.'),
  memoryMb: count('The memory of a node.'),
  gpus: count('The GPUs of a node.'),
  hours: count('The started hours of each node: launch with maxHours set to it.'),
  costUsd: usd('What these hours cost'),
  takesMinutes: count('From the launch to the end of the work.'),
  wastedUsd: usd(
    'The part of costUsd for time without work',
    'Linode bills each started hour in full',
  ),
});

export const quoteSchema = z.object({
  nodes: count('The number of nodes.'),
  typeLabel: z.string(),
  why: text('Why Onebuck chose this type, in words that read on from its name.'),
  ...machineFields,
  budgetUsd: usd('The budget of the spec'),
  maxHours: orNull(count('maxHours of the spec.')),
  transfer: orNull(
    z
      .object({
        broughtGb: count("What the nodes add to the account's pool until the teardown."),
        limitGb: count(
          'transferGb of the spec; by default, broughtGb, or the background traffic if more.',
        ),
        reservedUsd: usd('What the budget holds back for the part of limitGb beyond broughtGb'),
      })
      .check(z.describe('Outbound transfer; null: it does not count, or no hour is afforded.')),
  ),
  network: networkKind.check(z.describe('The private network that the nodes get.')),
  backupsCounted: z
    .boolean()
    .check(z.describe('Whether the price includes backups, which the account may force.')),
  hourlyUsd: usd('The price of each started hour of the whole cluster'),
  firstHourUsd: usd(
    'The price of the first started hour',
    'twice hourlyUsd if a month ends in it, unless MONTH_END_HOUR is startMonth',
  ),
  smallestBudgetUsd: usd(
    'The price of the first started hour, with the transfer that is planned',
    'a launch refuses a smaller budget',
  ),
  affordableHours: count('How many hours the budget lasts; 0: it does not pay the first hour.'),
  startsAt: time('When the first nodes start; later than now while many others are created'),
  teardownAt: orNull(time('When the teardown would start')),
  spentAtTeardownUsd: usd('The bill at the teardown'),
  unspentUsd: usd('The part of the budget that stays unspent'),
  warnings: z.array(text('A warning about a choice that a launch accepts.')),
  alternatives: alternativesSchema,
  shapes: z.optional(
    z
      .array(shapeSchema)
      .check(
        z.describe(
          'Only for a request with work: the clusters that do the work within the budget, the ' +
            'fastest first, then the cheapest, then others between them.',
        ),
      ),
  ),
});

const nodeStatuses = [
  ...(['planned', 'creating', 'gone', 'takenOver', 'neverCreated'] as const),
  ...linodeStatuses,
] as const;

const nodeSchema = z.object({
  index: count('The index of the node, from 0.'),
  label: text('The label of the Linode, fixed before the Linode exists.'),
  status: z
    .enum(nodeStatuses)
    .check(
      z.describe(
        'Without a Linode: planned, creating, gone, takenOver or neverCreated; else as Linode last ' +
          'said.',
      ),
    ),
  linodeId: orNull(z.int()),
  ipv4: orNull(z.string()),
  ipv6: orNull(z.string()),
  privateIp: orNull(text('The address on the private network; null: there is none.')),
  createdAt: orNull(time('When the node was created')),
  readyAt: orNull(
    time('When the node said that its cloud-init is done', 'null: it has not said so'),
  ),
  agentReason: z.optional(
    text("Why the node is not ready, in its own words: cloud-init's status, and its last lines."),
  ),
  type: z.optional(
    text('The type that somebody made of the node; absent: the type of the cluster.'),
  ),
  region: z.optional(text('Its region, if somebody resized or migrated it.')),
  reason: z.optional(
    text(
      'Why the node was never created, is not created yet, can not be deleted, or counts for the ' +
        'cluster no more.',
    ),
  ),
});

/** The spec, in the fields of a request. */
const askedSchema = z.object({
  name: orNull(z.string()),
  nodes: count('The number of nodes.'),
  type: z.optional(z.string()),
  vcpus: z.optional(count('The fewest vCPUs.')),
  memoryMb: z.optional(count('The least memory, in MB.')),
  region: z.string(),
  image: z.string(),
  budgetUsd: usd('The budget at the launch'),
  maxHours: orNull(count('maxHours at the launch.')),
  transferGb: orNull(count('transferGb at the launch.')),
  authorizedKeys: z.readonly(z.array(z.string())),
  authorizedUsers: z.readonly(z.array(z.string())),
  userData: orNull(z.string()),
  userDataBase64: orNull(z.string()),
  onPartial: z.enum(['destroy', 'keep']),
  tags: z.readonly(z.array(z.string())),
  network: orNull(networkKind),
  setup: z.readonly(z.array(z.enum(setups))),
  openPorts: z.readonly(z.array(z.string())),
  job: orNull(
    z.object({
      command: z.string(),
      on: z.enum(['head', 'all']),
      env: z.record(z.string(), z.string()),
      inputs: z.readonly(z.array(z.string())),
      results: z.readonly(z.array(z.string())),
      onDone: z.enum(['destroy', 'keep']),
      onFailure: z.enum(['keepPaidHour', 'destroy', 'keep']),
      gracePeriodSeconds: z.int(),
      tasks: orNull(z.string()),
    }),
  ),
});

const hostKey = orNull(
  text(
    'The host key of every node, ssh-ed25519 and its base64, known before a node exists; null: each ' +
      'node makes its own.',
  ),
);

const exitCode = orNull(
  z.int().check(z.gte(0), z.lte(255), z.describe('That of the command; null: it has none.')),
);

const jobFields = {
  command: z.string(),
  on: z.enum(['head', 'all']),
  state: z
    .enum(jobStates)
    .check(
      z.describe(
        'waiting for the nodes and their inputs; running; collecting its results; done: it ended ' +
          'with 0; failed; stopped before it had ended.',
      ),
    ),
  exitCode,
  node: orNull(count('The node whose command did not end with 0; null: there is none.')),
  reason: orNull(text('Why it failed or was stopped; null: the exit code says all.')),
  startedAt: orNull(time('When the first node started the command')),
  endedAt: orNull(time('When the last node had told all')),
  onDone: z.enum(['destroy', 'keep']),
  onFailure: z.enum(['keepPaidHour', 'destroy', 'keep']),
  stopAskedAt: orNull(time('When somebody asked it to stop')),
};

export const clusterSchema = z.object({
  id: text('`c` and ten letters or digits.'),
  name: orNull(z.string()),
  owner: z.string(),
  scheduleId: orNull(text('The schedule that launched the cluster; null: a request did.')),
  status: z.enum(['provisioning', 'running', 'deleting', 'deleted', 'failed']),
  spec: askedSchema,
  ...machineFields,
  network: orNull(
    z
      .object({
        kind: z.enum(['private', 'isolated']),
        vlan: text('The label of the VLAN.'),
        cidr: text('The subnet of the cluster, such as 10.128.0.0/24.'),
      })
      .check(z.describe('The private network of the nodes; null: they have none.')),
  ),
  nodes: z.array(nodeSchema),
  budgetUsd: usd('The most that Linode may bill'),
  maxHours: orNull(count('The most hours that a node may be billed; null: no limit.')),
  hourlyUsd: usd(
    'The price of each started hour of the nodes that Linode bills or will bill',
    'of an ended cluster: of the nodes that it had',
  ),
  monthEndHour: z
    .enum(['bothMonths', 'startMonth'])
    .check(
      z.describe(
        "Whether an hour across a month's end counts in both months, or once, in the month in which " +
          'it begins: MONTH_END_HOUR, as it was at the launch.',
      ),
    ),
  spentUsd: usd('The bill if all nodes were deleted now'),
  leftUsd: usd('The part of the budget that is left'),
  transfer: orNull(
    z
      .object({
        sentGb: z.number().check(z.describe('What the nodes have sent, by the last measure.')),
        limited: z
          .boolean()
          .check(
            z.describe(
              'Whether the nodes slow themselves down beyond what the budget pays; false: passes only ' +
                'measure what they send.',
            ),
          ),
        broughtGb: count("What the nodes have added to the account's pool."),
        limitGb: orNull(
          count(
            'What it is planned to send: transferGb, or what its nodes bring until the teardown; ' +
              'null: it has ended, and its spec planned nothing.',
          ),
        ),
        beyondUsd: usd('The part of spentUsd for what was sent beyond what the nodes brought'),
        measuredAt: orNull(time('When what the nodes have sent was measured last')),
      })
      .check(z.describe('Outbound transfer; null: it does not count for this cluster.')),
  ),
  affordableHours: orNull(
    count('How many hours the budget lasts, from the first node on; null: the teardown has begun.'),
  ),
  teardownAt: orNull(time('When the teardown starts, or started', 'null: the cluster has ended')),
  spentAtTeardownUsd: orNull(
    usd('The bill at the teardown to come', 'null: the teardown has begun'),
  ),
  next: orNull(
    z
      .object({
        at: time('The latest time at which Onebuck acts'),
        why: text('What Onebuck does and why, to be read after "Onebuck".'),
      })
      .check(z.describe('What Onebuck does next; null: the cluster has ended.')),
  ),
  trouble: orNull(
    z
      .object({
        since: time('When Onebuck first met the reason'),
        reason: text("Why, in Linode's own words if Linode answered."),
      })
      .check(z.describe("Why Onebuck can't do now what is due; null: nothing is in its way.")),
  ),
  createdAt: time('When the cluster was launched'),
  startedAt: orNull(time('When the nodes were up')),
  agent: z
    .boolean()
    .check(z.describe('Whether its nodes have an agent, which says when they are ready.')),
  readyAt: orNull(time('When the last of its nodes was ready', 'null: some are not')),
  hostKey: z.optional(hostKey),
  job: orNull(
    z.object(jobFields).check(z.describe('What the cluster runs; null: its spec has no job.')),
  ),
  saved: orNull(
    z
      .object({
        ofBudgetUsd: usd('The part of the budget that was not spent'),
        untilTeardownUsd: usd('What the cluster would have cost in addition until its teardown'),
      })
      .check(
        z.describe('What the end of the job has saved; null: the cluster lives, or has no job.'),
      ),
  ),
  endedAt: orNull(time('When Linode listed no node of the cluster any more')),
  endReason: orNull(z.enum(endReasonNames)),
  failure: orNull(text('Why the launch failed.')),
  overspentUsd: z.optional(
    usd(
      'The part of the bill over the budget',
      '0 if Onebuck kept its promise; absent while a live cluster is within its budget',
    ),
  ),
  history: z.array(
    z.object({ at: time('When it happened'), event: text('What happened, and why.') }),
  ),
});

/** A cluster with the quote of its launch. */
export const launchedSchema = z.extend(clusterSchema, { quote: quoteSchema });

const unreadable = z.optional(
  z
    .array(z.string())
    .check(
      z.describe(
        'The ids of what is left out because its record is unreadable; absent if there is none.',
      ),
    ),
);

export const clustersSchema = z.object({
  clusters: z.array(clusterSchema),
  nextCursor: z.optional(text('The cursor of the next page; absent on the last page.')),
  unreadable,
});

export const jobSchema = z.object({
  ...jobFields,
  nodes: z
    .array(
      z.object({
        index: count('The index of the node, from 0.'),
        state: z.enum(['staged', ...jobStates]),
        exitCode,
        reason: orNull(text("The agent's words about what went wrong.")),
        stagedAt: orNull(time('When the node had the inputs')),
        startedAt: orNull(time('When it started the command')),
        exitedAt: orNull(time('When the command had ended')),
        endedAt: orNull(time('When its results were there')),
        heardAt: orNull(time('When its agent last told of the job')),
        logBytes: count('How long its log is.'),
      }),
    )
    .check(z.describe('The nodes that run the command.')),
});

export const jobLogSchema = z.object({
  rank: count('The index of the node.'),
  from: count('The first byte of this part.'),
  next: count('Where to go on.'),
  bytes: count('How long the log is by now.'),
  isWhole: z.boolean().check(z.describe('Whether this part ends the log, and nothing follows.')),
  data: text('At most 1 MiB of the log, in base64.'),
});

export const jobResultsSchema = z.object({
  results: z.array(
    z.object({
      index: count('The index of the node.'),
      name: text('The name of the archive, such as n0.tar.gz.'),
      bytes: count('The size of the archive.'),
      unpackedBytes: count('The bytes of the files in it, as the node says.'),
      files: count('The number of files in it, as the node says.'),
      url: text('Where to get it.'),
      expiresAt: time('Until when the URL is good'),
    }),
  ),
});

export const uploadSchema = z.object({
  id: text('`u` and ten letters or digits, for job.inputs.'),
  url: text('Takes one PUT of exactly as many bytes as were said: a tar.gz.'),
  expiresAt: time('Until when the URL is good'),
});

export const agentAnswerSchema = z.object({
  teardownAt: time('When the teardown of the cluster begins, or began'),
  status: clusterSchema.shape.status,
  token: text('The token for the next call, with a later expiry.'),
  allowanceMonth: z.optional(
    text('With sending, if the nodes have a limit: the calendar month (UTC) of allowanceBytes.'),
  ),
  allowanceBytes: z.optional(
    z
      .int()
      .check(
        z.gte(0),
        z.describe('The bytes that the node may send to the internet before it slows itself down.'),
      ),
  ),
  stop: z.optional(
    z.boolean().check(z.describe('With a job: whether the agent is to end the command now.')),
  ),
  job: z.optional(
    z
      .object({
        command: z.string(),
        on: z.enum(['head', 'all']),
        env: z.record(z.string(), z.string()),
        tasks: orNull(z.string()),
        results: z.readonly(z.array(z.string())),
        gracePeriodSeconds: z.int(),
        logEverySeconds: count('How often to send the log while it grows.'),
        inputs: z.readonly(z.array(z.object({ url: z.string(), bytes: z.int() }))),
      })
      .check(z.describe('To `job`: what to run.')),
  ),
  start: z.optional(
    z.enum(['wait', 'go', 'never']).check(z.describe('To `staged`: whether to start the command.')),
  ),
  reason: z.optional(text('With `never`: why not.')),
  share: z.optional(
    z
      .object({ index: z.int(), of: z.int() })
      .check(z.describe("With `go` and tasks: which of so many parts of them is the node's.")),
  ),
  askAgainSeconds: z.optional(count('With `wait`: when to ask again.')),
  upload: z.optional(
    z
      .object({
        url: text('Takes one PUT of as many bytes as were said.'),
        name: text('The name to tell with `ended`.'),
      })
      .check(z.describe('To `upload`: where to put the results.')),
  ),
});

export const credentialsSchema = z.object({
  nodes: z.array(
    z.object({
      index: count('The index of the node, from 0.'),
      label: z.string(),
      ipv4: orNull(z.string()),
      user: z.string(),
      rootPassword: orNull(text('null: the spec gives keys instead.')),
    }),
  ),
});

export const inventoryNodeSchema = z.object({
  index: count('The index of the node, from 0.'),
  label: text('The label of the Linode, and the host name in every format.'),
  name: text('What the nodes of the cluster call it: n0, n1, …'),
  ipv4: text('A public address.'),
  ipv6: orNull(z.string()),
  privateIp: orNull(text('The address on the private network; null: there is none.')),
  vcpus: count('The number of vCPUs.'),
  user: text('The user to log in as.'),
});

export const inventorySchema = z.object({ hostKey, nodes: z.array(inventoryNodeSchema) });

const totalsFields = {
  clusters: count('How many clusters were billed in the month.'),
  nodeHours: count('The started hours of all nodes.'),
  billedUsd: usd('What Linode bills for the clusters in the month'),
  savedUsd: usd('What the nodes would have cost in addition until the end of the month'),
  overspentUsd: usd('The part of the bill over a budget', '0 if Onebuck kept its promise'),
};

const differenceFields = {
  kind: z.enum(differenceKinds),
  usd: z.number().check(z.describe('How much more the invoice has, in USD.')),
  text: text('What differs.'),
  advice: text('What to do.'),
};

/** An amount of an invoice; a credit is below 0. */
const invoiceUsd = (meaning: string) => orNull(z.number().check(z.describe(`${meaning}, in USD.`)));
const NOT_YET = 'null: no invoice bills the whole month yet';

const billedClusterSchema = z.object({
  id: z.string(),
  name: orNull(z.string()),
  owner: z.string(),
  launchedAt: time('When the cluster was launched'),
  endedAt: orNull(time('When it ended', 'null: it lives')),
  type: z.string(),
  region: z.string(),
  nodes: count('How many nodes it has or had.'),
  nodeHours: count('The started hours of all nodes in the month.'),
  hourlyUsd: usd('The price of an hour of one node, as the launch bought it'),
  forecastUsd: orNull(
    usd("The month's share of what the launch forecast", 'null: an earlier version launched it'),
  ),
  billedUsd: usd('What Onebuck has recorded for the month'),
  invoicedUsd: invoiceUsd(`What Linode has invoiced for the month; ${NOT_YET}`),
  differenceUsd: invoiceUsd(`invoicedUsd less billedUsd; ${NOT_YET}`),
  differences: z.array(z.object(differenceFields)),
  invoiceIds: z.array(z.int()).check(z.describe('The invoices that have items of the cluster.')),
});

export const reportSchema = z.object({
  month: z.string(),
  at: time('When the report was made', 'live clusters are billed up to then'),
  ...totalsFields,
  monthlyCapUsd: orNull(
    usd("The most that one owner's clusters may cost in a month", 'null: no cap'),
  ),
  owners: z.optional(
    z
      .array(z.object({ owner: z.string(), ...totalsFields }))
      .check(z.describe('The totals of each owner, highest bill first; only for the admin.')),
  ),
  forecastUsd: orNull(
    usd('What the launches forecast for the month', 'null: some have no forecast'),
  ),
  invoicedUsd: invoiceUsd(`What Linode has invoiced for the clusters; ${NOT_YET}`),
  taxUsd: invoiceUsd(`The taxes on it; ${NOT_YET}`),
  byCluster: z
    .array(billedClusterSchema)
    .check(z.describe('The clusters that were billed in the month, newest first.')),
  differences: z
    .array(z.object({ ...differenceFields, labels: z.array(z.string()) }))
    .check(z.describe('Of items that belong to no cluster; only for the admin.')),
  learnt: z.optional(
    z
      .array(
        z.object({
          rule: z.literal('monthEndHour'),
          reading: z.enum(['startMonth', 'endMonth', 'bothMonths']),
          seen: count('How many nodes show it.'),
          invoiceIds: z.array(z.int()),
          setting: z
            .enum(['bothMonths', 'startMonth'])
            .check(z.describe('MONTH_END_HOUR, by which new clusters are reckoned.')),
        }),
      )
      .check(
        z.describe(
          "In which month Linode bills an hour across a month's end, as invoices show; only for the admin.",
        ),
      ),
  ),
  unreadable,
  nextCursor: z.optional(
    text(
      'The totals are those of a part of the clusters, because the history is long. Ask for the ' +
        'next part with this cursor, and add up the totals and join the lists of all parts. Absent ' +
        'on the last part.',
    ),
  ),
});

const ownCap = (period: string) =>
  orNull(
    z.union([
      z.literal('none'),
      usd(
        `The cap of the owner's ${period} that the admin has set`,
        '"none": no cap; null: the cap of the deployment',
      ),
    ]),
  );

const tokenSchema = z.object({
  id: text("The first digits of the token's hash."),
  createdAt: time('When it was made'),
  expiresAt: orNull(time('From when on it is refused', 'null: it works until it is revoked')),
  may: z.enum(['read', 'launch', 'manage']),
  monthlyCapUsd: orNull(
    usd("What the owner's month may come to by launches with it", 'null: no limit of its own'),
  ),
});

const clearToken = text('The token in clear. Nothing can show it again.');

const periodSchema = z.object({
  period: z.enum(['day', 'week', 'month']),
  startedAt: time('When the day, the week (on Monday) or the calendar month began'),
  resetsAt: time('When it ends, and its cap starts anew'),
  capUsd: orNull(usd("The most that the owner's clusters may cost in it", 'null: no cap')),
  spentUsd: usd('What ended clusters were billed in it'),
  openUsd: usd('The whole budgets of live clusters'),
  leftUsd: orNull(usd('What is left for budgets', 'null: no cap')),
});

const periods = z
  .array(periodSchema)
  .check(z.describe('Day, week and month, UTC. A cap limits what was spent and what is open.'));

export const budgetSchema = z.object({ owner: z.string(), periods });

export const ownerSchema = z.object({
  owner: z.string(),
  createdAt: orNull(time('When the admin first decided about the owner', 'null: never yet')),
  revokedAt: orNull(time('Since when nothing is launched for the owner', 'null: not revoked')),
  dailyCapUsd: ownCap('day'),
  weeklyCapUsd: ownCap('week'),
  monthlyCapUsd: ownCap('month'),
  tokens: z.array(tokenSchema),
  tokensInSecret: count('How many further tokens the secret has, which the operator manages.'),
  periods,
});

export const ownersSchema = z.object({ owners: z.array(ownerSchema) });

export const addedOwnerSchema = z.object({ ...ownerSchema.shape, token: clearToken });

export const addedTokenSchema = z.object({ ...tokenSchema.shape, token: clearToken });

const occurrence = {
  at: time('The time of the occurrence'),
  tries: z.optional(count('How often the run was tried, if more than once.')),
};

const { state: jobState, exitCode: jobExitCode, reason: jobReason } = jobFields;
const pickJob = { state: jobState, exitCode: jobExitCode, reason: jobReason };
const JOB_OF_RUN =
  'The job of its cluster; null: it has none, or its record is not kept any more. Only where one ' +
  'schedule is shown.';

const runSchema = z.discriminatedUnion('result', [
  z.object({
    ...occurrence,
    result: z.literal('launched'),
    clusterId: z.string(),
    job: z.optional(orNull(z.object(pickJob)).check(z.describe(JOB_OF_RUN))),
  }),
  z.object({
    ...occurrence,
    result: z.literal('failed'),
    clusterId: z.string(),
    reason: text('Why the cluster did not come up.'),
  }),
  z.object({ ...occurrence, result: z.literal('skipped'), reason: z.string() }),
  z.object({ ...occurrence, result: z.literal('refused'), reason: z.string() }),
  z.object({
    ...occurrence,
    result: z.literal('missed'),
    from: time('The first missed occurrence'),
    count: count('How many occurrences were missed, up to this one.'),
  }),
]);

export const scheduleSchema = z.object({
  id: text('`s` and ten letters or digits.'),
  name: orNull(z.string()),
  owner: z.string(),
  cron: z.string(),
  timezone: z.string(),
  spec: z.looseObject({}).check(z.describe('The spec as given; each run prices it anew.')),
  overlap: z.enum(['skip', 'allow']),
  dailyCapUsd: orNull(usd('The most that its clusters may cost in a day', 'null: no cap')),
  weeklyCapUsd: orNull(
    usd('The most that its clusters may cost in a week from Monday on', 'null: no cap'),
  ),
  monthlyCapUsd: orNull(
    usd('The most that its clusters may cost in a calendar month', 'null: no cap'),
  ),
  retry: orNull(
    z
      .object({
        forMinutes: count('For how many minutes after the occurrence.'),
        everyMinutes: count('How many minutes after the last try.'),
      })
      .check(z.describe('When a run that failed for capacity is tried again; null: never.')),
  ),
  enabled: z.boolean(),
  nextTryAt: orNull(time('When the latest run is tried again', 'null: it is not')),
  nextRuns: z.array(time('An occurrence')).check(z.describe('The next five occurrences.')),
  runs: z.array(runSchema).check(z.describe('The latest runs, newest first.')),
  createdAt: time('When the schedule was created'),
});

export const schedulesSchema = z.object({
  schedules: z.array(scheduleSchema),
  nextCursor: z.optional(text('The cursor of the next page; absent on the last page.')),
  unreadable,
});
