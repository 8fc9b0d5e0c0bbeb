import { exampleSpec } from './operations.ts';

/*
 * An example of each answer, by operation id and status, as /openapi.json shows it. A test checks
 * the examples against the schemas.
 */

const machine = {
  type: 'g6-nanode-1',
  vcpus: 1,
  memoryMb: 1024,
  diskMb: 25_600,
  region: 'us-east',
  image: 'linode/ubuntu24.04',
};

const terms = {
  hourlyUsd: 0.075,
  firstHourUsd: 0.075,
  smallestBudgetUsd: 0.075,
  affordableHours: 13,
  startsAt: '2026-11-23T04:25:03.281Z',
  teardownAt: '2026-11-23T17:22:03.000Z',
  spentAtTeardownUsd: 0.975,
  unspentUsd: 0.025,
};

const periods = [
  {
    ...{ period: 'day', capUsd: null, spentUsd: 0.075, openUsd: 1, leftUsd: null },
    ...{ startedAt: '2026-11-23T00:00:00.000Z', resetsAt: '2026-11-24T00:00:00.000Z' },
  },
  {
    ...{ period: 'week', capUsd: 2, spentUsd: 0.15, openUsd: 1, leftUsd: 0.85 },
    ...{ startedAt: '2026-11-23T00:00:00.000Z', resetsAt: '2026-11-30T00:00:00.000Z' },
  },
  {
    ...{ period: 'month', capUsd: null, spentUsd: 3.3, openUsd: 1, leftUsd: null },
    ...{ startedAt: '2026-11-01T00:00:00.000Z', resetsAt: '2026-12-01T00:00:00.000Z' },
  },
];

const owner = {
  ...{ owner: 'ann', createdAt: '2026-10-01T08:00:00.000Z', revokedAt: null },
  ...{ dailyCapUsd: null, weeklyCapUsd: 2, monthlyCapUsd: null },
  tokens: [
    {
      ...{ id: '1a2b3c4d', createdAt: '2026-10-01T08:00:00.000Z' },
      ...{ expiresAt: '2027-03-31T00:00:00.000Z', may: 'launch', monthlyCapUsd: null },
    },
  ],
  tokensInSecret: 0,
  periods,
};

const quote = {
  nodes: 10,
  typeLabel: 'Nanode 1GB',
  why: 'the cheapest type available in us-east with at least 1 vCPU and 1 GB',
  ...machine,
  network: 'private',
  budgetUsd: 1,
  maxHours: null,
  transfer: { broughtGb: 166, limitGb: 166, reservedUsd: 0 },
  backupsCounted: false,
  ...terms,
  warnings: [],
  alternatives: [
    {
      kind: 'moreNodes',
      change: { nodes: 20 },
      hourlyUsd: 0.15,
      affordableHours: 6,
      spentAtTeardownUsd: 0.9,
      sentence: '20 × g6-nanode-1 cost $0.15 an hour: $1.00 buys 6 hours instead of 13.',
    },
  ],
};

const spec = {
  name: null,
  ...exampleSpec,
  maxHours: null,
  transferGb: null,
  authorizedKeys: [],
  authorizedUsers: [],
  userData: null,
  userDataBase64: null,
  onPartial: 'destroy',
  tags: [],
  network: null,
  setup: [],
  openPorts: [],
  job: null,
};

const cluster = {
  id: 'c5ks6joutnp',
  name: null,
  owner: 'ann',
  scheduleId: null,
  status: 'running',
  spec,
  ...machine,
  network: { kind: 'private', vlan: 'onebuck-prod', cidr: '10.128.0.0/24' },
  nodes: [
    {
      index: 0,
      label: 'onebuck-c5ks6joutnp-0',
      status: 'running',
      linodeId: 90_000_001,
      ipv4: '192.0.2.1',
      ipv6: '2001:db8::1',
      privateIp: '10.128.0.1',
      createdAt: '2026-11-23T04:25:03.000Z',
      readyAt: '2026-11-23T04:26:41.730Z',
    },
  ],
  budgetUsd: 1,
  maxHours: null,
  hourlyUsd: 0.075,
  monthEndHour: 'bothMonths',
  spentUsd: 0.075,
  leftUsd: 0.925,
  transfer: {
    ...{ sentGb: 2.4, limited: true, broughtGb: 0, limitGb: 166, beyondUsd: 0 },
    measuredAt: '2026-11-23T04:56:03.000Z',
  },
  affordableHours: 13,
  teardownAt: '2026-11-23T17:22:03.000Z',
  spentAtTeardownUsd: 0.975,
  next: {
    at: '2026-11-23T17:22:03.000Z',
    why: 'destroys its nodes, when the budget is used up',
  },
  trouble: null,
  createdAt: '2026-11-23T04:25:03.281Z',
  startedAt: '2026-11-23T04:26:03.483Z',
  agent: true,
  readyAt: '2026-11-23T04:26:41.730Z',
  job: null,
  saved: null,
  endedAt: null,
  endReason: null,
  failure: null,
  history: [
    {
      at: '2026-11-23T04:25:03.281Z',
      event: 'launched by ann: $1.00 lasts 13 hours, until 2026-11-23T17:22:03.268Z',
    },
  ],
};

const job = {
  ...{ command: 'mpirun ./pi', on: 'head', onDone: 'destroy', onFailure: 'keepPaidHour' },
  ...{ state: 'running', exitCode: null, node: null, reason: null },
  startedAt: '2026-11-23T04:26:42.900Z',
  endedAt: null,
  stopAskedAt: null,
};

const schedule = {
  id: 'szupxlgixg4',
  name: 'nightly build',
  owner: 'ann',
  cron: '30 2 * * MON-FRI',
  timezone: 'Europe/Berlin',
  spec,
  overlap: 'skip',
  dailyCapUsd: null,
  weeklyCapUsd: 5,
  monthlyCapUsd: 20,
  retry: { forMinutes: 120, everyMinutes: 15 },
  enabled: true,
  nextTryAt: null,
  nextRuns: ['2026-11-25T01:30:00.000Z'],
  runs: [{ at: '2026-11-24T01:30:00.000Z', result: 'launched', clusterId: 'c5ks6joutnp' }],
  createdAt: '2026-11-23T04:26:19.961Z',
};

const totals = {
  clusters: 1,
  nodeHours: 130,
  billedUsd: 0.975,
  savedUsd: 13.125,
  overspentUsd: 0,
};

export const examples: Readonly<Record<string, unknown>> = {
  'health 200': { status: 'ok', time: '2026-11-23T04:25:00.000Z' },
  'openapi 200': { openapi: '3.1.1' },
  'listTypes 200': {
    types: [
      {
        id: 'g6-nanode-1',
        label: 'Nanode 1GB',
        class: 'nanode',
        vcpus: 1,
        memoryMb: 1024,
        diskMb: 25_600,
        gpus: 0,
        hourlyUsd: 0.0075,
        monthlyUsd: 5,
        available: true,
        affordableHours: 133,
      },
    ],
  },
  'listRegions 200': {
    regions: [
      {
        id: 'us-east',
        label: 'Newark, NJ',
        country: 'us',
        siteType: 'core',
        capabilities: ['Linodes', 'Metadata'],
      },
    ],
  },
  'listImages 200': {
    images: [
      {
        id: 'linode/ubuntu24.04',
        label: 'Ubuntu 24.04 LTS',
        deprecated: false,
        recovery: false,
        diskMb: 3500,
        capabilities: ['cloud-init'],
      },
    ],
  },
  'quote 200': quote,
  'launch 200': quote,
  'launch 202': { ...cluster, status: 'provisioning', startedAt: null, spentUsd: 0, quote },
  'listClusters 200': { clusters: [cluster], nextCursor: 'MTc5NTM0ODgwMDAwMC9jNWtzNmpvdXRucA' },
  'getCluster 200': cluster,
  'getInventory 200': {
    hostKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ…',
    nodes: [
      {
        index: 0,
        label: 'onebuck-c5ks6joutnp-0',
        name: 'n0',
        ipv4: '192.0.2.1',
        ipv6: '2001:db8::1',
        privateIp: '10.128.0.1',
        vcpus: 1,
        user: 'root',
      },
    ],
  },
  'getCredentials 200': {
    nodes: [
      {
        index: 0,
        label: 'onebuck-c5ks6joutnp-0',
        ipv4: '192.0.2.1',
        user: 'root',
        rootPassword: 'Aa1-…',
      },
    ],
  },
  'createUpload 201': {
    id: 'unqzv6vtlio',
    url: 'https://onebuck-prod-jobs.s3.amazonaws.com/uploads/ann/unqzv6vtlio?X-Amz-Signature=…',
    expiresAt: '2026-11-23T05:25:03.000Z',
  },
  'getJob 200': {
    ...job,
    nodes: [
      {
        index: 0,
        state: 'running',
        exitCode: null,
        reason: null,
        stagedAt: '2026-11-23T04:26:42.100Z',
        startedAt: '2026-11-23T04:26:42.900Z',
        exitedAt: null,
        endedAt: null,
        heardAt: '2026-11-23T04:40:03.000Z',
        logBytes: 31,
      },
    ],
  },
  'getJobLog 200': {
    ...{ rank: 0, from: 0, next: 31, bytes: 31, isWhole: false },
    data: 'My4xNDE1OTMgZnJvbSAyMCByYW5rcwpkb25lCg==',
  },
  'getJobResults 200': {
    results: [
      {
        ...{ index: 0, name: 'n0.tar.gz', bytes: 48_213, unpackedBytes: 130_044, files: 7 },
        url: 'https://onebuck-prod-jobs.s3.amazonaws.com/jobs/c5ks6joutnp/0/results/r…',
        expiresAt: '2026-11-23T06:10:00.000Z',
      },
    ],
  },
  'stopJob 202': { ...cluster, job: { ...job, stopAskedAt: '2026-11-23T05:00:00.000Z' } },
  'callAsAgent 200': {
    teardownAt: '2026-11-23T17:22:03.000Z',
    status: 'running',
    token: 'oba_c5ks6joutnp_0_tp0lhf_…',
  },
  'changeCluster 200': { ...cluster, budgetUsd: 2, leftUsd: 1.925, affordableHours: 26 },
  'destroyCluster 202': {
    ...cluster,
    status: 'deleting',
    affordableHours: null,
    teardownAt: '2026-11-23T09:00:00.000Z',
    endReason: 'requested',
  },
  'createSchedule 201': schedule,
  'listSchedules 200': { schedules: [schedule] },
  'getSchedule 200': schedule,
  'changeSchedule 200': { ...schedule, enabled: false, nextRuns: [] },
  'getBudget 200': { owner: 'ann', periods },
  'listOwners 200': { owners: [owner] },
  'addOwner 201': { ...owner, token: 'onebuck_ann.…' },
  'getOwner 200': owner,
  'changeOwner 200': { ...owner, weeklyCapUsd: 3, monthlyCapUsd: 'none' },
  'revokeOwner 200': { ...owner, revokedAt: '2026-11-24T00:00:00.000Z', tokens: [] },
  'addToken 201': { ...owner.tokens[0], may: 'read', token: 'onebuck_ann.…' },
  'getReport 200': {
    ...{ month: '2026-11', at: '2026-12-02T00:00:00.000Z', monthlyCapUsd: 20 },
    ...totals,
    ...{ forecastUsd: 0.975, invoicedUsd: 0.99, taxUsd: 0.1 },
    byCluster: [
      {
        ...{ id: 'cabcdefg234', name: 'demo', owner: 'ann' },
        ...{ launchedAt: '2026-11-22T20:00:00.000Z', endedAt: '2026-11-23T09:00:12.000Z' },
        ...{ type: 'g6-nanode-1', region: 'us-east', nodes: 10, nodeHours: 130, hourlyUsd: 0.0075 },
        ...{ forecastUsd: 0.975, billedUsd: 0.975, invoicedUsd: 0.99, differenceUsd: 0.015 },
        differences: [
          {
            ...{ kind: 'hours', usd: 0.015 },
            text: 'Linode bills other hours than recorded for 1 node: +$0.015.',
            advice: "Compare the item's dates with the cluster's record.",
          },
        ],
        invoiceIds: [30000001],
      },
    ],
    differences: [],
    learnt: [
      {
        ...{ rule: 'monthEndHour', reading: 'startMonth', seen: 4, invoiceIds: [30000001] },
        setting: 'bothMonths',
      },
    ],
  },
};

export const problemExamples: Readonly<Record<number, unknown>> = {
  400: {
    title: 'The request has faults',
    status: 400,
    code: 'invalid',
    detail: 'The spec has faults; each is listed with what to do.',
    errors: [{ path: 'region', message: 'there is no region us-eats; did you mean us-east?' }],
  },
  401: {
    title: 'The request has no token',
    status: 401,
    code: 'noToken',
    detail: 'Send a token with the request, as the header "Authorization: Bearer <token>".',
  },
  403: {
    title: 'The token is not taken',
    status: 403,
    code: 'unknownToken',
    detail: 'This deployment has no such token, or no more. Ask its operator for a token.',
  },
  404: {
    title: 'Not found',
    status: 404,
    code: 'notFound',
    detail: 'There is no cluster caaaaaaaaaa. GET /clusters lists yours.',
  },
  409: {
    title: 'Conflict with the present state',
    status: 409,
    code: 'conflict',
    detail: 'This Idempotency-Key was used with another body. Use a new key for a new cluster.',
  },
  413: {
    title: 'The body is too long',
    status: 413,
    code: 'tooLarge',
    detail: 'The body must be at most 131072 bytes long.',
  },
  415: {
    title: 'The content type is not JSON',
    status: 415,
    code: 'unsupported',
    detail: 'Send JSON with content-type: application/json, not text/xml.',
  },
  422: {
    title: 'Refused before anything was bought',
    status: 422,
    code: 'refused',
    detail:
      '10 × g6-nanode-1 in us-east cost $0.075 a started hour. The smallest budget that would ' +
      'do is $0.075; you gave $0.07.',
    smallestBudgetUsd: 0.075,
  },
  429: {
    title: 'Too many requests',
    status: 429,
    code: 'tooMany',
    detail: 'The node calls too often. Call again in half a minute.',
  },
  500: {
    title: 'Internal error',
    status: 500,
    code: 'internal',
    detail: 'Onebuck failed to answer. Its log has the error under the id 0fab8565.',
    id: '0fab8565',
  },
  502: {
    title: 'Linode refused the token',
    status: 502,
    code: 'linodeDenied',
    detail: 'GET /linode/types: 401: Invalid Token',
  },
  503: {
    title: 'Linode does not answer as it should',
    status: 503,
    code: 'linodeUnavailable',
    detail: 'GET /linode/types: 503',
  },
};
