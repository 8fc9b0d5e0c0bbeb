import type { MicroUsd } from '../core/base/money.ts';
import { ADMIN } from '../core/base/names.ts';
import {
  type DurationMs,
  type EpochMs,
  earliest,
  hours,
  minus,
  minutes,
  plus,
  seconds,
} from '../core/base/units.ts';
import { monthNamed } from '../core/billing/bill.ts';
import { capsHolding, NO_OWN_CAPS } from '../core/caps/owners.ts';
import { type Digest, digestsOf } from '../core/notices/digest/digest.ts';
import { keyOfDigest } from '../core/notices/digest/message.ts';
import { capMonthOf, type Every, lastEnded, type Period } from '../core/notices/digest/period.ts';
import { EMPTY_TALLY, withRecords } from '../core/notices/digest/tally.ts';
import { reasonOf } from '../errors.ts';
import type {
  Channel,
  Clock,
  ClusterStore,
  DigestProgress,
  DigestStore,
  Log,
  OwnerStore,
  ScheduleStore,
} from '../ports.ts';
import { forEachAtMost } from './at-most.ts';
import { CLOCKS_APART_MAX } from './report.ts';

export interface DigestDeps {
  readonly clock: Clock;
  readonly store: Pick<ClusterStore, 'livedIn'>;
  readonly schedules: Pick<ScheduleStore, 'list'>;
  readonly digests: DigestStore;
  readonly channels: readonly Channel[];
  readonly log: Log;
  readonly stage: string;
  /** null: no digests are sent. */
  readonly every: Every | null;
  readonly owners: Pick<OwnerStore, 'list'>;
  /** The monthly cap of owners for whom the admin has decided nothing else; null: none. */
  readonly monthlyCap: MicroUsd | null;
}

export interface DigestLimits {
  /** No call continues after this instant. */
  readonly by: EpochMs;
  /** How long before `by` nothing new is begun. */
  readonly reserveMs: DurationMs;
}

/**
 * How long after its end a period is told of: by then passes know what became of creates that were
 * under way, and the indexes show all that was written.
 */
const SETTLE = hours(1);
/** The most pages of the store that one function reads, of a megabyte each. */
const PAGES_MAX = 200;
const SENDS_AT_ONCE = 5;
const SEND_TIME_MAX = seconds(10);
/** Longer than a function lives: whoever has claimed a message and not sent it by then is dead. */
const CLAIM = minutes(15);
/** How long after the end of its period a message is tried again. */
const TRIED_FOR = hours(72);
/** Until the next period has ended, with much to spare. */
const KEPT = hours(70 * 24);

/**
 * Sends the digests of the period that has just ended, unless they were sent. It may be called at
 * any time, may run twice at once, and may die anywhere: the next call goes on. Each message is sent
 * once by each channel; again, with the same id, only where a function died, or a channel failed,
 * between sending and noting it. Throws if a message could not be sent, so that alarms see it.
 */
export async function sendDigests(deps: DigestDeps, limits: DigestLimits): Promise<void> {
  const { clock, digests, every } = deps;
  if (every === null) return;
  const period = lastEnded(every, minus(clock.now(), SETTLE));
  const begun = (await digests.read(period.name)) ?? NOT_BEGUN;
  const read = begun.stage === 'reading' ? await readOn(deps, period, begun, limits) : begun;
  if (read?.stage !== 'sending') return;
  const { open, reason } = await sendAll(deps, period, read, limits);
  const isGivenUp = clock.now() >= plus(period.end, TRIED_FOR);
  if (open === 0 || isGivenUp) {
    const done = { ...read, stage: 'done', tally: EMPTY_TALLY } as const;
    await digests.save(period.name, done, plus(period.end, KEPT));
  }
  if (reason === null) return;
  const state = isGivenUp ? 'given up' : 'to be tried again';
  throw new Error(`${open} messages of the digest of ${period.name} are ${state}: ${reason}`);
}

const NOT_BEGUN: DigestProgress = {
  revision: 0,
  stage: 'reading',
  cursor: null,
  tally: EMPTY_TALLY,
};

/** Reads on in the clusters of the period. null: another function reads them, too. */
async function readOn(
  { clock, store, digests }: DigestDeps,
  period: Period,
  begun: DigestProgress,
  limits: DigestLimits,
): Promise<DigestProgress | null> {
  // The month's cap counts the clusters that ended in its month before the week.
  const from = earliest(period.start, monthNamed(capMonthOf(period)).start);
  const query = { owner: null, from, to: plus(period.end, CLOCKS_APART_MAX), cursor: begun.cursor };
  let { cursor, tally } = begun;
  let pages = 0;
  for await (const page of store.livedIn(query)) {
    tally = withRecords(tally, page, period, clock.now());
    cursor = page.nextCursor;
    pages += 1;
    if (pages === PAGES_MAX || isLate(clock, limits)) break;
  }
  const stage = cursor === null ? 'sending' : 'reading';
  const progress = { ...begun, stage, cursor, tally } as const;
  const saved = await digests.save(period.name, progress, plus(period.end, KEPT));
  return saved === 'conflict' ? null : saved;
}

interface Sent {
  /** How many messages are not sent. */
  readonly open: number;
  /** Why a channel has not taken one of them; null: every channel that was tried took them. */
  readonly reason: string | null;
}

async function sendAll(
  deps: DigestDeps,
  period: Period,
  { tally }: DigestProgress,
  limits: DigestLimits,
): Promise<Sent> {
  const { clock, channels, stage } = deps;
  const [schedules, capOf] = await Promise.all([deps.schedules.list(null), capsOf(deps)]);
  const digests = digestsOf(tally, { stage, period, schedules, capOf, admin: ADMIN });
  const messages = digests.flatMap((digest) => channels.map((channel) => ({ digest, channel })));
  let open = messages.length;
  let reason: string | null = null;
  await forEachAtMost(SENDS_AT_ONCE, messages, async ({ digest, channel }) => {
    if (isLate(clock, limits)) return;
    try {
      if (await isSent(deps, digest, channel)) open -= 1;
    } catch (error) {
      reason = reasonOf(error);
      const about = { owner: digest.owner, period: period.name, channel: channel.name };
      deps.log.warn('digest not sent', { ...about, reason });
    }
  });
  return { open, reason };
}

/** The monthly cap of each owner. */
async function capsOf({ owners, monthlyCap }: DigestDeps) {
  const own = new Map((await owners.list()).map(({ owner, caps }) => [owner, caps]));
  const byDefault = { day: null, week: null, month: monthlyCap };
  return (owner: string) => capsHolding(own.get(owner) ?? NO_OWN_CAPS, byDefault).month;
}

/** Sends the message, unless it was sent; false: another function is about to. */
async function isSent(
  { clock, digests }: DigestDeps,
  digest: Digest,
  { name, open }: Channel,
): Promise<boolean> {
  const key = `${keyOfDigest(digest)}/${name}`;
  const now = clock.now();
  const times = { now, until: plus(now, CLAIM), keptUntil: plus(digest.period.end, KEPT) };
  const claim = await digests.claim(key, times);
  if (claim !== 'claimed') return claim === 'sent';
  try {
    await Promise.race([open().send(digest), tooLong(clock)]);
  } catch (error) {
    await digests.release(key);
    throw error;
  }
  await digests.sent(key, clock.now());
  return true;
}

async function tooLong(clock: Clock): Promise<never> {
  await clock.sleep(plus(clock.now(), SEND_TIME_MAX));
  throw new Error('no answer in time');
}

const isLate = (clock: Clock, { by, reserveMs }: DigestLimits): boolean =>
  clock.now() >= minus(by, reserveMs);
