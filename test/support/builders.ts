import { type MicroUsd, microUsd } from '../../lib/core/base/money.ts';
import {
  type ClusterId,
  clusterTag,
  nodeLabel,
  ownershipTag,
  type ScheduleId,
} from '../../lib/core/base/names.ts';
import { type EpochMs, epochMs, minutes } from '../../lib/core/base/units.ts';
import type { Price } from '../../lib/core/billing/price.ts';
import { lifeOf } from '../../lib/core/cluster/life.ts';
import type { Linode } from '../../lib/core/cluster/linode.ts';
import type {
  Bought,
  Common,
  Deleting,
  Ended,
  EndedRecord,
  LiveRecord,
  NodeIn,
  NodeRecord,
  Provisioning,
  Running,
} from '../../lib/core/cluster/record.ts';
import type { Spec } from '../../lib/core/cluster/spec.ts';
import type { Job } from '../../lib/core/job/job.ts';
import { type Notice, withEndNotice } from '../../lib/core/notices/notices.ts';
import type { ScheduleRecord } from '../../lib/core/schedule/schedule.ts';
import type { Settings } from '../../lib/settings.ts';
import { defaultSettings } from '../../simulators/aws/settings.ts';

/** The instant that an ISO 8601 text names. */
export const at = (iso: string): EpochMs => epochMs(Date.parse(iso));
export const usd = (dollars: number): MicroUsd => microUsd(Math.round(dollars * 1e6));
export const price = (hourly: number, monthly: number | null = null): Price => ({
  hourly: usd(hourly),
  monthly: monthly === null ? null : usd(monthly),
});

export const ID: ClusterId = 'cabcdefg234';
export const OTHER_ID: ClusterId = 'cotherone22';
export const SCHEDULE_ID: ScheduleId = 'sabcdefg234';
export const STAGE = 'test';
/** When the builders' clusters are launched and their Linodes created, unless a test sets it. */
export const LAUNCH = at('2026-11-10T15:00:00Z');
export const OUR_TAG = ownershipTag(STAGE);
export const OUR_TAGS = [OUR_TAG, clusterTag(ID)];
/** The reap tag with the teardown time of two nanodes launched at LAUNCH with a budget of $1. */
export const REAP_TAG = 'reap=20261113T0857Z';

export const aSettings = (overrides: Partial<Settings> = {}): Settings => ({
  ...defaultSettings(STAGE),
  publicUrl: 'https://onebuck.example.com',
  ...overrides,
});

/** The body of a launch of two nanodes, which cost $0.015 a started hour. */
export const aBody = (overrides: Readonly<Record<string, unknown>> = {}) => ({
  nodes: 2,
  type: 'g6-nanode-1',
  region: 'us-east',
  image: 'linode/debian12',
  budgetUsd: 1,
  ...overrides,
});

/** What a store answers that has none of the records. */
export const NO_RECORDS = { records: [], unreadable: [] };

/** The query for the newest hundred clusters of all owners and statuses. */
export const ALL_CLUSTERS = { owner: null, status: null, month: null, limit: 100, cursor: null };

export const aSpec = (overrides: Partial<Spec> = {}): Spec => ({
  name: null,
  nodes: 2,
  machine: { kind: 'type', type: 'g6-nanode-1' },
  region: 'us-east',
  image: 'linode/ubuntu24.04',
  budget: usd(1),
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
  job: null,
  openPorts: [],
  ...overrides,
});

export const aJob = (overrides: Partial<Job> = {}): Job => ({
  command: './pi',
  on: 'head',
  env: {},
  inputs: [],
  results: [],
  onDone: 'destroy',
  onFailure: 'keepPaidHour',
  gracePeriodSeconds: 120,
  tasks: null,
  ...overrides,
});

export const aBought = (overrides: Partial<Bought> = {}): Bought => ({
  type: 'g6-nanode-1',
  typeLabel: 'Nanode 1GB',
  vcpus: 1,
  memoryMb: 1024,
  diskMb: 25_600,
  region: 'us-east',
  image: 'linode/ubuntu24.04',
  price: price(0.0075, 5),
  backupsPrice: price(0.003, 2),
  backupsAssumed: false,
  ...overrides,
});

/** The fields of every record: two planned nodes, and a budget of $1, which pays 66 hours. */
function common(overrides: Partial<Common>): Common {
  const nodes = overrides.nodes ?? [planned(0), planned(1)];
  const budget = overrides.budget ?? usd(1);
  const maxHours = overrides.maxHours ?? null;
  return {
    id: ID,
    owner: 'ann',
    revision: 1,
    createdAt: LAUNCH,
    reservedAt: LAUNCH,
    stage: STAGE,
    scheduleId: null,
    spec: aSpec({ nodes: nodes.length, budget, maxHours }),
    requestHash: 'hash',
    bought: aBought(),
    advice: { warnings: [], alternatives: [] },
    budget,
    maxHours,
    marginMs: minutes(3),
    provisionBy: epochMs(LAUNCH + minutes(20)),
    nodes,
    reapTags: [],
    history: [{ at: LAUNCH, event: 'launched by ann' }],
    ...overrides,
  };
}

export const aCluster = (overrides: Partial<Provisioning> = {}): Provisioning => ({
  ...common(overrides),
  phase: 'provisioning',
  dueAt: overrides.dueAt ?? LAUNCH,
});

/** A running cluster, with two created nodes unless `overrides` has others. */
export const aRunning = (overrides: Partial<Running> = {}): Running => ({
  ...common({ ...overrides, nodes: overrides.nodes ?? [created(0), created(1)] }),
  phase: 'running',
  dueAt: LAUNCH,
  startedAt: LAUNCH,
  ...pickPresent(overrides, ['dueAt', 'startedAt']),
});

/** A cluster in the phase `deleting` since its launch, because its owner asked for it. */
export const aDeleting = (overrides: Partial<Deleting> = {}): Deleting => ({
  ...common({ ...overrides, nodes: overrides.nodes ?? [created(0), created(1)] }),
  phase: 'deleting',
  dueAt: LAUNCH,
  startedAt: null,
  deletingSince: LAUNCH,
  endReason: 'requested',
  failure: null,
  tagsRemoved: false,
  ...pickPresent(overrides, [
    'dueAt',
    'startedAt',
    'deletingSince',
    'endReason',
    'failure',
    'tagsRemoved',
  ]),
});

export const anEnded = (overrides: Partial<Ended & { phase: EndedRecord['phase'] }> = {}) =>
  ({
    ...common({ ...overrides, nodes: overrides.nodes ?? [gone(0), gone(1)] }),
    phase: 'deleted',
    startedAt: LAUNCH,
    endedAt: LAUNCH,
    endReason: 'budget',
    failure: null,
    spent: usd(0.015),
    overspent: usd(0),
    ...overrides,
  }) satisfies EndedRecord as EndedRecord;

/** The teardown time of a live cluster, as known at `now`. */
export const teardownOf = (record: Common, now: EpochMs): EpochMs => lifeOf(record, now).teardownAt;

/** The notice of the kind `gone`. */
export const aNotice = () => withEndNotice(anEnded(), LAUNCH).notice as Notice;

/** A nightly schedule without a run; its next occurrence is in the night after LAUNCH. */
export const aSchedule = (overrides: Partial<ScheduleRecord> = {}): ScheduleRecord => {
  const nextAt = overrides.nextAt === undefined ? at('2026-11-11T02:30:00Z') : overrides.nextAt;
  return {
    id: SCHEDULE_ID,
    owner: 'ann',
    revision: 1,
    createdAt: LAUNCH,
    requestHash: 'hash',
    name: null,
    cron: '30 2 * * *',
    timezone: 'UTC',
    spec: aBody({ budgetUsd: 0.05 }),
    overlap: 'skip',
    dailyCap: null,
    weeklyCap: null,
    monthlyCap: null,
    retry: null,
    enabled: true,
    nextAt,
    dueAt: nextAt,
    pending: null,
    lastClusterId: null,
    runs: [],
    ...overrides,
  };
};

function pickPresent<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  const entries = keys.filter((key) => key in from).map((key) => [key, from[key]]);
  return Object.fromEntries(entries) as Pick<T, K>;
}

/** The id that the builders give the Linode of a node: 100 + index. */
export const linodeIdOf = (index: number): number => 100 + index;

/** The Linode of node `index`, with the ownership tag, the cluster's tag and the reap tag. */
export const aLinode = (overrides: Partial<Linode> & { index?: number } = {}): Linode => {
  const { index = 0, ...rest } = overrides;
  return {
    id: linodeIdOf(index),
    label: nodeLabel(ID, index),
    status: 'running',
    created: LAUNCH,
    type: 'g6-nanode-1',
    region: 'us-east',
    ipv4: [`192.0.2.${index}`],
    ipv6: null,
    tags: [...OUR_TAGS, REAP_TAG],
    backupsEnabled: false,
    ...rest,
  };
};

const indexAndLabel = (index: number) => ({ index, label: nodeLabel(ID, index) });
const machine = (index: number) => ({
  linodeId: linodeIdOf(index),
  billedFrom: LAUNCH,
  status: 'running' as const,
  ipv4: [`192.0.2.${index}`],
  ipv6: null,
  backups: false,
});

export const planned = (index: number): NodeIn<'planned'> => ({
  state: 'planned',
  ...indexAndLabel(index),
});

/** A node whose create was sent at LAUNCH, and not again, unless `overrides` says otherwise. */
export const creating = (
  index: number,
  overrides: Partial<Pick<NodeIn<'creating'>, 'sentAt' | 'triedAt'>> = {},
): NodeIn<'creating'> => {
  const sentAt = overrides.sentAt ?? LAUNCH;
  return {
    state: 'creating',
    ...indexAndLabel(index),
    sentAt,
    triedAt: overrides.triedAt ?? sentAt,
  };
};

/** A node whose Linode runs since LAUNCH. */
export const created = (
  index: number,
  overrides: Partial<NodeIn<'created'>> = {},
): NodeIn<'created'> => ({
  state: 'created',
  ...indexAndLabel(index),
  ...machine(index),
  ...overrides,
});

export const deleting = (
  index: number,
  overrides: Partial<NodeIn<'deleting'>> = {},
): NodeIn<'deleting'> => ({
  state: 'deleting',
  ...indexAndLabel(index),
  ...machine(index),
  billedUntil: LAUNCH,
  ...overrides,
});

export const gone = (index: number, overrides: Partial<NodeIn<'gone'>> = {}): NodeIn<'gone'> => ({
  ...deleting(index),
  state: 'gone',
  ...overrides,
});

export const neverCreated = (index: number, reason = 'no capacity'): NodeIn<'neverCreated'> => ({
  state: 'neverCreated',
  ...indexAndLabel(index),
  reason,
});

export const statesOf = (record: { nodes: readonly NodeRecord[] }): NodeRecord['state'][] =>
  record.nodes.map(({ state }) => state);

export const eventsOf = (record: Pick<LiveRecord, 'history'>): string[] =>
  record.history.map(({ event }) => event);
