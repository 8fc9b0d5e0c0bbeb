import { inflateRawSync } from 'node:zlib';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { type ClusterId, isClusterId } from '../../core/base/names.ts';
import { type EpochMs, epochMs } from '../../core/base/units.ts';
import { FAR_FUTURE, MONTH_NAME } from '../../core/billing/bill.ts';
import type { ClusterRecord, NodeRecord, Phase } from '../../core/cluster/record.ts';
import { isSubnet } from '../../core/room/network.ts';
import type { Unreadable } from '../../ports.ts';
import { DEFLATED_VERSION, upgraded } from './upgrade.ts';

export type Item = Record<string, AttributeValue>;

/**
 * The record of a cluster's item, or why it can't be read: a later version wrote it, or a field is
 * damaged that a pass, the sweeper, a list or a report needs. Never throws.
 */
export function clusterIn(item: Item): ClusterRecord | Unreadable {
  const unreadable = (why: string): Unreadable => ({
    id: item.id?.S as ClusterId,
    owner: item.owner?.S ?? null,
    unreadable: why,
  });
  const { version, record, deflated, revision } = fieldsOf(item);
  const current = upgraded(version, version === DEFLATED_VERSION ? inflated(deflated) : record);
  if (current === 'unknownVersion') return unreadable(`its version ${version} is not known`);
  const parsed = recordSchema.safeParse(current);
  // The reason names only the path of the field, since its content may be secret.
  if (!parsed.success) return unreadable(`its field ${pathOf(parsed.error)} is damaged`);
  return { ...(current as ClusterRecord), revision: revision as number };
}

/** undefined: the bytes are damaged. */
function inflated(bytes: unknown): unknown {
  try {
    return JSON.parse(inflateRawSync(bytes as Uint8Array).toString());
  } catch {
    return undefined;
  }
}

/** Never throws: a number that is too large to be exact is rounded, and the schemas refuse it. */
export const fieldsOf = (item: Item): Readonly<Record<string, unknown>> =>
  unmarshall(item, { wrapNumbers: Number });

/** The path of the first field at fault. */
export const pathOf = ({ issues: [issue] }: { issues: readonly { path: PropertyKey[] }[] }) =>
  issue === undefined || issue.path.length === 0 ? 'record' : `record.${issue.path.join('.')}`;

/*
 * The form of a record, as far as the code that reads records would throw on another form. All
 * objects may have further fields, which later code adds. Numbers have bounds within which sums and
 * dates stay exact.
 */

const instant = z.int().check(z.gte(0), z.lte(FAR_FUTURE));
/** The same, as an `EpochMs`. */
export const epoch = z.pipe(
  instant,
  z.transform((at): EpochMs => epochMs(at)),
);
const money = z.int().check(z.gte(0), z.lte(1e15));
/** $1,000 an hour; Linode's dearest type costs a hundredth of it. */
const price = z.looseObject({
  hourly: z.int().check(z.gte(0), z.lte(1e9)),
  monthly: z.nullable(money),
  monthEndHour: z.optional(z.literal('startMonth')),
});
const count = z.int().check(z.gte(0), z.lte(1e9));
const bytes = z.int().check(z.gte(0));
const span = z.int().check(z.gte(0), z.lte(1e12));
const text = z.string();
const texts = z.array(text);
const hours = z.nullable(z.int().check(z.gte(1), z.lte(1e6)));

const node = { index: count, label: text };
const reason = { since: instant, reason: text };
const trouble = z.looseObject(reason);
const tries = { tries: count, triedAt: instant };
const change = z.looseObject({ type: text, region: text, from: instant, to: instant });
const machine = {
  linodeId: z.int(),
  billedFrom: instant,
  status: text,
  ipv4: texts,
  ipv6: z.nullable(text),
  backups: z.boolean(),
  knownAs: z.optional(text),
  changes: z.optional(z.array(change)),
};
/** What a list, a look by id and the last deletion have shown of a machine. */
const seen = {
  checkedAt: z.optional(instant),
  untaggedAt: z.optional(instant),
  tagLostAt: z.optional(instant),
  trouble: z.optional(z.looseObject({ ...reason, ...tries, seenAt: z.optional(instant) })),
};
const createTrouble = { createTrouble: z.optional(trouble) };

const nodes = {
  planned: z.looseObject({ ...node, state: z.literal('planned'), ...createTrouble }),
  creating: z.looseObject({
    ...node,
    state: z.literal('creating'),
    sentAt: instant,
    triedAt: instant,
    refused: z.optional(text),
    ...createTrouble,
  }),
  created: z.looseObject({
    ...node,
    ...machine,
    state: z.literal('created'),
    ...seen,
  }),
  deleting: z.looseObject({
    ...node,
    ...machine,
    state: z.literal('deleting'),
    billedUntil: instant,
    accepted: z.optional(count),
    ...seen,
  }),
  gone: z.looseObject({ ...node, ...machine, state: z.literal('gone'), billedUntil: instant }),
  neverCreated: z.looseObject({ ...node, state: z.literal('neverCreated'), reason: text }),
  // The compiler names a state that this table lacks.
} as const satisfies Record<NodeRecord['state'], z.ZodMiniType>;

const spec = z.looseObject({
  name: z.nullable(text),
  nodes: count,
  machine: z.union([
    z.looseObject({ kind: z.literal('type'), type: text }),
    z.looseObject({ kind: z.literal('size'), vcpus: count, memoryMb: count }),
  ]),
  region: text,
  image: text,
  budget: money,
  maxHours: hours,
  transferGb: z.nullable(count),
  authorizedKeys: texts,
  authorizedUsers: texts,
  userData: z.nullable(text),
  userDataBase64: z.nullable(text),
  onPartial: text,
  tags: texts,
  network: z.nullable(text),
  setup: texts,
  openPorts: texts,
  job: z.nullable(
    z.looseObject({
      command: text,
      on: text,
      env: z.record(text, text),
      inputs: texts,
      results: texts,
      onDone: text,
      onFailure: text,
      gracePeriodSeconds: count,
      tasks: z.nullable(text),
    }),
  ),
});

const bought = z.looseObject({
  type: text,
  typeLabel: text,
  vcpus: count,
  memoryMb: count,
  diskMb: count,
  imageMb: z.optional(count),
  region: text,
  image: text,
  interfaces: z.optional(z.literal('linode')),
  price,
  backupsPrice: z.nullable(price),
  backupsAssumed: z.boolean(),
  transfer: z.optional(z.looseObject({ gb: count, gbPrice: money })),
});

const sent = z.looseObject({
  at: instant,
  month: text.check(z.regex(MONTH_NAME)),
  bytes: z.array(bytes),
  measuredAt: z.array(z.nullable(instant)),
  expected: z.array(bytes),
  before: z.record(text.check(z.regex(MONTH_NAME)), bytes),
  rate: bytes,
  granted: z.optional(bytes),
  grantedBefore: z.optional(z.record(text.check(z.regex(MONTH_NAME)), bytes)),
  inDoubt: z.optional(z.array(count)),
  unlimited: z.optional(z.literal(true)),
});

const alternative = z.looseObject({
  kind: text,
  change: z.record(text, z.union([text, count])),
  hourly: money,
  affordableHours: count,
  spentAtTeardown: money,
  sentence: text,
});

const kind = { type: text, region: text };
const kindPrice = z.looseObject({
  ...kind,
  price: z.nullable(price),
  backupsPrice: z.nullable(price),
});
const priceRise = z.looseObject({
  ...kind,
  price,
  backupsPrice: z.nullable(price),
  from: instant,
  to: instant,
});

const network = z.looseObject({
  kind: text,
  vlan: text,
  subnet: z.looseObject({ block: count, bits: count }).check(z.refine(isSubnet)),
});

const jobEnd = z.looseObject({
  at: instant,
  state: text,
  node: z.nullable(count),
  exitCode: z.nullable(count),
  reason: z.nullable(text),
  teardownAt: instant,
  billThen: money,
});

const common = {
  id: text.check(z.refine(isClusterId)),
  owner: text,
  createdAt: instant,
  reservedAt: instant,
  stage: text,
  scheduleId: z.nullable(text),
  spec,
  requestHash: text,
  bought,
  advice: z.looseObject({ warnings: texts, alternatives: z.array(alternative) }),
  forecast: z.optional(z.record(text, money)),
  budget: money,
  maxHours: hours,
  endBy: z.optional(instant),
  jobStopAt: z.optional(instant),
  jobEnd: z.optional(jobEnd),
  network: z.optional(network),
  marginMs: span,
  agent: z.optional(z.literal(true)),
  limited: z.optional(z.literal(true)),
  provisionBy: instant,
  nodes: z.array(
    z.discriminatedUnion('state', [
      nodes.planned,
      nodes.creating,
      nodes.created,
      nodes.deleting,
      nodes.gone,
      nodes.neverCreated,
    ]),
  ),
  reapTags: texts,
  retagAfter: z.optional(instant),
  createFrom: z.optional(instant),
  strays: z.optional(z.array(z.looseObject({ linodeId: z.int(), ...tries }))),
  lookedAt: z.optional(instant),
  retaggedAt: z.optional(instant),
  kindPrices: z.optional(z.array(kindPrice)),
  pricesReadAt: z.optional(instant),
  priceRises: z.optional(z.array(priceRise)),
  transferGb: z.optional(count),
  transferReserved: z.optional(money),
  sent: z.optional(sent),
  gbPrice: z.optional(money),
  managedAt: z.optional(instant),
  tagLosses: z.optional(count),
  overBudgetAt: z.optional(instant),
  trouble: z.optional(trouble),
  warnedOf: z.optional(z.record(text, instant)),
  notified: z.optional(texts),
  history: z.array(z.looseObject({ at: instant, event: text })),
};

const ended = {
  startedAt: z.nullable(instant),
  endedAt: instant,
  endReason: text,
  failure: z.nullable(text),
  spent: money,
  overspent: money,
};

const phases = {
  provisioning: z.looseObject({ ...common, phase: z.literal('provisioning'), dueAt: instant }),
  running: z.looseObject({
    ...common,
    phase: z.literal('running'),
    dueAt: instant,
    startedAt: instant,
  }),
  deleting: z.looseObject({
    ...common,
    phase: z.literal('deleting'),
    dueAt: instant,
    startedAt: z.nullable(instant),
    deletingSince: instant,
    endReason: text,
    failure: z.nullable(text),
    tagsRemoved: z.boolean(),
  }),
  deleted: z.looseObject({ ...common, ...ended, phase: z.literal('deleted') }),
  failed: z.looseObject({ ...common, ...ended, phase: z.literal('failed') }),
} as const satisfies Record<Phase, z.ZodMiniType>;

const recordSchema = z.discriminatedUnion('phase', [
  phases.provisioning,
  phases.running,
  phases.deleting,
  phases.deleted,
  phases.failed,
]);
