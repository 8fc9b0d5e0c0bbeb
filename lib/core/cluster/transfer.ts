import { type MicroUsd, microUsd } from '../base/money.ts';
import {
  between,
  type DurationMs,
  durationMs,
  type EpochMs,
  earliest,
  latest,
  minus,
  minutes,
  plus,
} from '../base/units.ts';
import {
  type BilledNode,
  lastAffordable,
  type MonthName,
  monthName,
  monthNamed,
  spend,
} from '../billing/bill.ts';
import {
  type Bringer,
  BYTES_PER_GB,
  backgroundOf,
  beyondByMonth,
  broughtByMonth,
  freeGb,
  rateOf,
  type SendingLimit,
  type Transfer,
  type TransferTerms,
  transferCost,
} from '../billing/transfer.ts';
import {
  type Granted,
  keepsToLimit,
  possibleBefore,
  possibleBytes,
  slicesOf,
  slowRate,
} from './limited.ts';
import { type Common, isSender, type NodeRecord, type Sent } from './record.ts';

/** What a cluster's nodes have sent to the internet, as of an instant. */
export interface TransferTotals {
  /**
   * As measured last, in GB with one decimal, rounded up. Nodes that could not be measured then count
   * as expected.
   */
  readonly sentGb: number;
  /** What the nodes have added to the account's pool, in whole GB. */
  readonly broughtGb: number;
  /** The started GB beyond that, with what may have been sent since the last measure. */
  readonly beyondGb: number;
  /** What `beyondGb` costs, which the spend of the cluster includes. */
  readonly cost: MicroUsd;
  /** null: nothing has been measured, or nothing yet of the month in which nodes were granted more. */
  readonly measuredAt: EpochMs | null;
}

/** null: the transfer of the cluster does not count, as its server or its Onebuck knew none. */
export function transferOf(record: Common, at: EpochMs): TransferTotals | null {
  const transfer = transferIn(record, at);
  if (transfer === null) return null;
  const { sent } = record;
  const { byMonth = {} } = transfer.sending ?? {};
  return {
    sentGb: Math.ceil(total(Object.values(byMonth)) / (BYTES_PER_GB / 10)) / 10,
    broughtGb: total(Object.values(broughtByMonth(transfer.bringers, transfer.terms, at))),
    beyondGb: total(Object.values(beyondByMonth(transfer, at))),
    cost: transferCost(transfer, at),
    measuredAt: sent !== undefined && isMeasured(sent) ? sent.at : null,
  };
}

/**
 * What the cluster is planned to send, in GB: by default, what costs nothing until the teardown that
 * the hours of its nodes alone set. `nodes`: those of its life.
 */
export function limitOf(
  record: Common,
  { nodes }: { readonly nodes: readonly BilledNode[] },
): number {
  const terms = termsOf(record);
  if (record.transferGb !== undefined || terms === null) return record.transferGb ?? 0;
  return freeGb({ terms, bringers: nodes }, minus(hoursEnd(record, nodes), record.marginMs));
}

/**
 * The transfer of a cluster as it counts at `now`: up to the next measure, its nodes may go on to
 * send at the highest rate seen lately; after that, they are expected to send as in the mean; always
 * within their own limit, if they keep to one. `granted`: by default, as the last measure found it.
 * null: its transfer does not count.
 */
export function transferIn(
  record: Common,
  now: EpochMs,
  granted?: Granted | null,
): Transfer | null {
  const terms = termsOf(record);
  if (terms === null) return null;
  const { transferReserved = microUsd(0) } = record;
  const bringers = record.nodes.flatMap(bringerOf);
  const plain = { terms, bringers, sending: null, reserved: transferReserved };
  const sent = record.sent ?? (granted ? unmeasured(record, granted, now) : undefined);
  if (sent === undefined) return plain;
  const limit = keepsToLimit(record) ? limitOfNodes(record, sent, granted) : null;
  const known = bytesByMonth(sent);
  // Nodes that could not be measured are not expected to have sent more than they let themselves.
  const bytes = Math.min(known[sent.month] ?? 0, limit?.allowed ?? Number.POSITIVE_INFINITY);
  const sending = {
    byMonth: { ...known, [sent.month]: bytes },
    at: sent.at,
    peak: sent.rate,
    peakUntil: plus(plus(latest(now, sent.at), measureEvery(record, now)), LATE_MAX),
    mean: meanRate(sent, bringers),
    until: endOf(record),
    limit,
  };
  return { ...plain, sending };
}

/**
 * What is known of nodes with grants that were never measured. In months that are over they count as
 * having sent all that they were allowed, as nobody will measure that any more.
 */
export function unmeasured(record: Common, granted: Granted | null, now: EpochMs): Sent {
  const month = monthName(now);
  return {
    ...{ at: latest(monthNamed(month).start, firstBegin(record, now)), month, rate: 0 },
    bytes: record.nodes.map(() => 0),
    measuredAt: record.nodes.map(() => null),
    expected: record.nodes.map(() => 0),
    before: possibleBefore(record, granted, month),
  };
}

/** When the first node was created; `now` if none was before. */
export const firstBegin = ({ nodes }: Common, now: EpochMs): EpochMs =>
  earliest(now, ...nodes.flatMap((node) => ('billedFrom' in node ? node.billedFrom : [])));

/** Whether any node was measured in the month; otherwise `sent` is there for what was granted. */
export const isMeasured = (sent: Sent | undefined): boolean =>
  sent?.measuredAt.some((at) => at !== null) === true;

function limitOfNodes(
  record: Common,
  { at, month, granted: known, grantedBefore = {} }: Sent,
  granted: Granted | null | undefined,
): SendingLimit {
  const allowed =
    granted === undefined && known !== undefined
      ? known
      : possibleBytes(record, granted ?? null, at);
  const others = granted === undefined ? {} : possibleBefore(record, granted, month);
  return {
    allowed,
    earlier: most(grantedBefore, others),
    slices: slicesOf(record),
    slow: slowRate(record),
  };
}

/** The more of both in each month. */
export const most = (
  a: Readonly<Record<MonthName, number>>,
  b: Readonly<Record<MonthName, number>>,
): Readonly<Record<MonthName, number>> =>
  Object.fromEntries(
    Object.keys({ ...a, ...b }).map((month) => [month, Math.max(a[month] ?? 0, b[month] ?? 0)]),
  );

export const total = (numbers: readonly number[]): number =>
  numbers.reduce((sum, each) => sum + each, 0);

/** What a node adds, and what a GB beyond costs as last read; `gbPrice` is never a lower price. */
function termsOf({ bought, gbPrice }: Common): TransferTerms | null {
  const { transfer } = bought;
  if (transfer === undefined) return null;
  return { ...transfer, gbPrice: gbPrice ?? transfer.gbPrice };
}

/**
 * A node adds to the pool for as long as it is of the type and in the region bought. What it adds
 * once somebody has resized or migrated it does not count.
 */
function bringerOf(node: NodeRecord): Bringer[] {
  if (!('linodeId' in node)) return [];
  const { billedFrom, changes = [] } = node;
  const end = isSender(node) ? [] : [node.billedUntil];
  const [first, ...rest] = [...end, ...changes.map(({ from }) => from)];
  return [{ billedFrom, billedUntil: first === undefined ? null : earliest(first, ...rest) }];
}

/** When the last node stopped to send; null: some send on. */
function endOf({ nodes }: Common): EpochMs | null {
  if (nodes.some(isSender)) return null;
  const [first, ...rest] = nodes.flatMap((node) => ('billedUntil' in node ? node.billedUntil : []));
  return first === undefined ? null : latest(first, ...rest);
}

const bytesByMonth = (sent: Sent): Record<string, number> => ({
  ...sent.before,
  [sent.month]: bytesIn(sent),
});

/** What all nodes have sent in the month by `at`, as far as is known and expected. */
const bytesIn = ({ bytes, expected }: Sent): number => total(bytes) + total(expected);

/** Bytes an hour, from the beginning of the month or of the first node to the last measure. */
function meanRate(sent: Sent, bringers: readonly Bringer[]): number {
  const { month, at } = sent;
  const { start } = monthNamed(month);
  const begins = bringers.map(({ billedFrom }) => billedFrom);
  const from = latest(start, earliest(at, ...begins));
  return rateOf(bytesIn(sent), between(from, at));
}

/** How often passes measure nodes that slow themselves down in time: with their looks. */
const MEASURE_LIMITED = minutes(30);
/** How often they measure others, which may send as fast as they can. */
const MEASURE_EVERY = minutes(5);
/** How long after the nodes are up passes measure first, and try again if that fails. */
const MEASURE_FIRST = minutes(5);
/** How often as the budget runs out: the reaper starts passes each minute. */
const MEASURE_SOON = minutes(2);
/** How much later than due a pass may measure. */
const LATE_MAX = minutes(1);

/**
 * How long after `now` the next measure is due: in half the time in which the nodes could send what
 * they still bring and what is left of the budget, as they may have sent since the last measure, too.
 * Otherwise the teardown would come nearer with each look that measures nothing. Nodes that keep to
 * their limit could send slowly what they are not allowed; others, all of it at the highest rate seen
 * lately.
 */
export function measureEvery(record: Common, now: EpochMs): DurationMs {
  const terms = termsOf(record);
  const { sent } = record;
  if (terms === null) return MEASURE_LIMITED;
  if (sent === undefined || !isMeasured(sent)) return MEASURE_FIRST;
  const isKept = keepsToLimit(record);
  const longest = isKept ? MEASURE_LIMITED : MEASURE_EVERY;
  const rate = isKept ? slowRate(record) : sent.rate;
  if (rate === 0) return longest;
  const bringers = record.nodes.flatMap(bringerOf);
  const billed = bringers.map(({ billedFrom, billedUntil }): BilledNode => {
    return { billedFrom, billedUntil, price: record.bought.price };
  });
  const background = backgroundOf({ terms, bringers });
  const known = Math.max(
    total(Object.values(bytesByMonth(sent))),
    isKept ? (sent.granted ?? 0) : 0,
  );
  const used = known + (rate * Math.max(0, between(sent.at, now))) / 3_600_000;
  const freeAt = (at: EpochMs): number => {
    const brought = broughtByMonth(bringers, terms, at)[sent.month] ?? 0;
    const left = Math.max(0, record.budget - spend(billed, at)) / Math.max(1, terms.gbPrice);
    // Beyond the background, the whole month counts, by started GB.
    return Math.max(background, (brought + Math.floor(left)) * BYTES_PER_GB) - used;
  };
  const end = isKept ? latest(now, hoursEnd(record, billed)) : now;
  const free = Math.max(0, Math.min(freeAt(now), freeAt(end)));
  const half = Math.floor(((free / rate) * 3_600_000) / 2);
  return durationMs(Math.min(longest, Math.max(MEASURE_SOON, half)));
}

/** When the hours of the nodes end that the budget pays besides what it holds back. */
export function hoursEnd(record: Common, nodes: readonly BilledNode[]): EpochMs {
  const { budget, maxHours, transferReserved = 0, endBy, marginMs } = record;
  const left = microUsd(Math.max(0, budget - transferReserved));
  const last = lastAffordable(nodes, { budget: left, maxHours });
  return endBy === undefined ? last : earliest(last, plus(endBy, marginMs));
}

/** Of a cluster that does not come up, nodes are measured so long after the first was created. */
export const MEASURE_FIRST_MAX = minutes(10);

/** How long nodes may send slowly before a pass has measured it, where little is left. */
export const slowUnseenMax = ({ sent }: Common): DurationMs =>
  durationMs((isMeasured(sent) ? MEASURE_SOON : MEASURE_FIRST_MAX) + LATE_MAX);
