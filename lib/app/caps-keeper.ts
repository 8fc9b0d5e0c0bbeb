import { formatUsd, type MicroUsd, toUsd } from '../core/base/money.ts';
import type { ClusterId } from '../core/base/names.ts';
import {
  between,
  type DurationMs,
  durationMs,
  type EpochMs,
  earliest,
  hours,
  latest,
  minus,
  minutes,
  plus,
  seconds,
  toIso,
} from '../core/base/units.ts';
import type { Span } from '../core/billing/periods.ts';
import {
  type Audited,
  adjust,
  audit,
  type Cap,
  type Caps,
  type Claim,
  CREATE_TIME,
  type Decision,
  type Drift,
  drained,
  type Ledger,
  nextTurn,
  openedSince,
  type Refusal,
  raise,
  release,
  reserve,
  type Standing,
  soonestEnds,
  standingsOf,
  type Throttled,
  underWay,
  undrained,
} from '../core/caps/ledger.ts';
import {
  capsHolding,
  NO_OWN_CAPS,
  type OwnerRecord,
  type PeriodCaps,
} from '../core/caps/owners.ts';
import { lifeOf } from '../core/cluster/life.ts';
import { type EndedRecord, isLive, type LiveRecord } from '../core/cluster/record.ts';
import { BLOCKS, type Subnet } from '../core/room/network.ts';
import { AppError } from '../errors.ts';
import type { Clock, ClusterStore, LedgerStore, OwnerStore } from '../ports.ts';
import type { Settings } from '../settings.ts';
import { keyUsedOtherwise } from './ids.ts';

export interface CapsDeps {
  readonly clock: Clock;
  readonly ledger: LedgerStore;
  /** Read for each launch and each raise, so that what the admin decides holds at once. */
  readonly owners: Pick<OwnerStore, 'get'>;
  /** Read only to say when the next cluster ends. */
  readonly store: Pick<ClusterStore, 'get'>;
  /**
   * Called only if a cap is needed: a bad setting must not keep a cluster's budget from being
   * released.
   */
  readonly settings: () => Pick<
    Settings,
    | 'stage'
    | 'openBudgetMax'
    | 'openBudgetPerOwnerMax'
    | 'dailySpendPerOwnerMax'
    | 'weeklySpendPerOwnerMax'
    | 'monthlySpendPerOwnerMax'
    | 'hourlyMax'
  >;
  /** A random number from 0 to below 1, so that functions that conflicted do not conflict again. */
  readonly random: () => number;
}

/**
 * Keeps the ledger of the caps, which any number of functions write at once. A call tries at least
 * once. While other functions write the ledger at the same time, it tries again until `by`, and
 * then throws AppError `conflict`. Every method may be called twice.
 */
export interface CapsKeeper {
  /**
   * Enters the budget of a cluster whose record is about to be written, and hands out its subnet.
   * AppError `refused`, with the cap, if the budget would exceed it, if no subnet is free, or if the
   * owner was revoked.
   */
  reserve(
    claim: Claim & {
      readonly scheduleCaps: PeriodCaps | null;
      readonly tokenCap?: MicroUsd | null;
    },
    by: EpochMs,
  ): Promise<Reservation>;
  /**
   * Raises the entry of a live cluster to at least `budget`, before its record is changed; refuses
   * as `reserve` does. `missing`: there is no entry, since the cluster has ended or awaits the
   * sweeper's audit. The cap of a schedule applies to its launches only, not here.
   */
  raise(
    change: {
      readonly id: ClusterId;
      /** The owner of the cluster. */
      readonly owner: string;
      readonly budget: MicroUsd;
      readonly tokenCap?: MicroUsd | null;
    },
    by: EpochMs,
  ): Promise<'raised' | 'missing'>;
  /**
   * Has `reserve`, `raise` and `refuseWhileDrained` refuse all claims, until `endDrain`. Returns the
   * clusters that were let in before: every other launch is refused.
   */
  beginDrain(by: EpochMs): Promise<LetIn>;
  /** AppError `refused` between `beginDrain` and `endDrain`: for a schedule that would launch later. */
  refuseWhileDrained(): Promise<void>;
  /** Since when launches were kept out; null: they were not. */
  endDrain(by: EpochMs): Promise<EpochMs | null>;
  /** When a cluster that is launched now has its turn to create its nodes. */
  nextTurn(): Promise<EpochMs>;
  /** Sets the entry of a live cluster to the budget in its record, after the record was changed. */
  adjust(record: Pick<LiveRecord, 'id' | 'budget'>, by: EpochMs): Promise<void>;
  /** Releases the budget of a cluster whose record has ended, and adds its bill to the spend. */
  release(record: EndedRecord, by: EpochMs): Promise<void>;
  /**
   * How far the day, week and month of each owner are used, by one read of the ledger, and by the
   * caps that `record` has; null: by the deployment's.
   */
  standings(owners: readonly Subject[]): Promise<readonly (readonly Standing[])[]>;
  /** The clusters whose budgets are open: every live cluster is among them. */
  openClusters(): Promise<readonly ClusterId[]>;
  /**
   * Corrects the ledger by the records of its clusters and of those that Linode's list has just
   * shown. Returns the corrections: none if another function wrote the ledger meanwhile, so that the
   * next run must make them.
   */
  audit(
    readRecords: (ids: readonly ClusterId[]) => Promise<Omit<Audited, 'listed'>>,
    listed: readonly ClusterId[],
  ): Promise<readonly Drift[]>;
}

export interface Subject {
  readonly owner: string;
  readonly record: OwnerRecord | null;
}

export interface LetIn {
  /** Every cluster that lives, or may still be launched. */
  readonly open: readonly ClusterId[];
  /** Those of `open` whose launch, or change of the budget, may be on its way to the record. */
  readonly underWay: readonly ClusterId[];
}

export interface Reservation {
  /** When the budget was first entered, for the record. */
  readonly openedAt: EpochMs;
  /** When the cluster has its turn to create its nodes. */
  readonly createFrom: EpochMs;
  /** null: the claim needs none. */
  readonly subnet: Subnet | null;
  /**
   * How many other live clusters were entered in the 20 seconds before. As the ledger is written
   * one launch after the other, at most n clusters of any 20 seconds get a number below n.
   */
  readonly recent: number;
}

const RECENT = seconds(20);
/** How many records a refusal reads, to say when the next cluster ends. */
const SOONEST_READ = 20;

export function createCaps(deps: CapsDeps): CapsKeeper {
  const { clock, ledger: store, owners, store: clusters, settings, random } = deps;
  /** Runs the calls of one process one after the other, since at once they would only conflict. */
  let last: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  }

  type Decide = (ledger: Ledger) => Ledger | Promise<Ledger>;

  async function updateNow(decide: Decide, by: EpochMs): Promise<Ledger> {
    for (let tries = 1; ; tries += 1) {
      const ledger = await store.read();
      const next = await decide(ledger);
      if (next === ledger || (await store.save(next)) === 'saved') return next;
      if (clock.now() >= by) {
        throw new AppError('conflict', 'Too many launches and changes at once. Try again.');
      }
      await clock.sleep(plus(clock.now(), pauseAfter(tries, random())));
    }
  }

  /** Returns the changed ledger, once it is saved; it is not saved if nothing changed. */
  const update = (decide: Decide, by: EpochMs): Promise<Ledger> =>
    inTurn(() => updateNow(decide, by));

  const toRelease = new Set<EndedRecord>();
  async function releaseAll(by: EpochMs): Promise<void> {
    const records = [...toRelease];
    await updateNow((ledger) => records.reduce(release, ledger), by);
    for (const record of records) toRelease.delete(record);
  }

  async function granted(decision: Decision, ledger: Ledger): Promise<Ledger> {
    if (decision.ok) return decision.next;
    if ('refusal' in decision) throw refused(decision.refusal);
    if ('throttled' in decision) throw tooDearNow(decision.throttled, await nextEndOf(ledger));
    if ('subnet' in decision) throw withoutSubnet(decision.subnet);
    throw keptOut(settings().stage, decision.drainedSince);
  }

  /** The next teardown of the clusters that end soonest; null: none of their records can be read. */
  async function nextEndOf(ledger: Ledger): Promise<EpochMs | null> {
    const records = await Promise.all(
      soonestEnds(ledger, SOONEST_READ).map((id) => clusters.get(id).catch(() => 'unreadable')),
    );
    const ends = records.flatMap((record) =>
      typeof record === 'object' && isLive(record) ? lifeOf(record, clock.now()).teardownAt : [],
    );
    const [first, ...rest] = ends;
    return first === undefined ? null : latest(earliest(first, ...rest), clock.now());
  }

  /** AppError `refused` if the owner was revoked. */
  async function capsOfOwner(owner: string): Promise<PeriodCaps> {
    const record = await owners.get(owner);
    if (record !== null && record.revokedAt !== null) throw revoked(owner, record.revokedAt);
    return capsHolding(record?.caps ?? NO_OWN_CAPS, defaultCaps(settings()));
  }

  return {
    async reserve({ scheduleCaps, tokenCap = null, ...claim }, by) {
      const ownerCaps = await capsOfOwner(claim.owner);
      const after = await update((ledger) => {
        const caps = capsOf(settings(), { ownerCaps, scheduleCaps, tokenCap });
        if (!ledger.open.has(claim.id)) refuseLongWait(ledger, clock.now());
        return granted(reserve(ledger, claim, caps, clock.now()), ledger);
      }, by);
      const entry = after.open.get(claim.id);
      if (entry === undefined) throw new Error(`${claim.id} was reserved and is not counted`);
      const recent = openedSince(after, minus(clock.now(), RECENT), claim);
      const { openedAt, createFrom, subnet = null } = entry;
      return { openedAt, createFrom, subnet: claim.subnetBits === null ? null : subnet, recent };
    },
    async raise({ owner, tokenCap = null, ...change }, by) {
      const ownerCaps = await capsOfOwner(owner);
      const after = await update((ledger) => {
        const caps = capsOf(settings(), { ownerCaps, scheduleCaps: null, tokenCap });
        const decision = raise(ledger, change, caps, clock.now());
        return decision === 'missing' ? ledger : granted(decision, ledger);
      }, by);
      return after.open.has(change.id) ? 'raised' : 'missing';
    },
    async beginDrain(by) {
      const after = await update((ledger) => drained(ledger, clock.now()), by);
      return { open: [...after.open.keys()], underWay: underWay(after, clock.now()) };
    },
    async refuseWhileDrained() {
      const { drainedSince } = await store.read();
      if (drainedSince !== null) throw keptOut(settings().stage, drainedSince);
    },
    async endDrain(by) {
      let since: EpochMs | null = null;
      await update((ledger) => {
        since = ledger.drainedSince;
        return undrained(ledger);
      }, by);
      return since;
    },
    async nextTurn() {
      return nextTurn(await store.read(), clock.now());
    },
    async adjust({ id, budget }, by) {
      await update((ledger) => adjust(ledger, id, budget, clock.now()), by);
    },
    async release(record, by) {
      toRelease.add(record);
      // One write releases all clusters that wait: the clusters of a function may end at once.
      await inTurn(() => (toRelease.has(record) ? releaseAll(by) : Promise.resolve()));
    },
    async standings(subjects) {
      const ledger = await store.read();
      return subjects.map(({ owner, record }) => {
        const caps = capsHolding(record?.caps ?? NO_OWN_CAPS, defaultCaps(settings()));
        return standingsOf(ledger, owner, caps, clock.now());
      });
    },
    async openClusters() {
      return [...(await store.read()).open.keys()];
    },
    audit: (readRecords, listed) =>
      inTurn(async () => {
        const now = clock.now();
        // Read the ledger first: a change after that makes the save a conflict, and is no drift.
        const ledger = await store.read();
        const ids = new Set([...ledger.open.keys(), ...listed]);
        const read = { ...(await readRecords([...ids])), listed: new Set(listed) };
        const { next, drift } = audit(ledger, read, now);
        return drift.length === 0 || (await store.save(next)) === 'conflict' ? [] : drift;
      }),
  };
}

/**
 * At most a second. Each function that conflicted waits for a different time, so that few meet
 * again.
 */
function pauseAfter(tries: number, chance: number): DurationMs {
  return durationMs(Math.floor(chance * Math.min(1_000, 10 * 2 ** tries)));
}

const capsOf = (
  settings: ReturnType<CapsDeps['settings']>,
  given: {
    readonly ownerCaps: PeriodCaps;
    readonly scheduleCaps: PeriodCaps | null;
    readonly tokenCap: MicroUsd | null;
  },
): Caps => ({
  openBudget: settings.openBudgetMax,
  ownerOpenBudget: settings.openBudgetPerOwnerMax,
  ownerDailySpend: given.ownerCaps.day,
  ownerWeeklySpend: given.ownerCaps.week,
  ownerMonthlySpend: given.ownerCaps.month,
  scheduleDailySpend: given.scheduleCaps?.day ?? null,
  scheduleWeeklySpend: given.scheduleCaps?.week ?? null,
  scheduleMonthlySpend: given.scheduleCaps?.month ?? null,
  tokenMonthlySpend: given.tokenCap,
  hourlyPrice: settings.hourlyMax,
});

/** The caps of owners for whom the admin has decided nothing else. */
const defaultCaps = (settings: DefaultCaps): PeriodCaps => ({
  day: settings.dailySpendPerOwnerMax,
  week: settings.weeklySpendPerOwnerMax,
  month: settings.monthlySpendPerOwnerMax,
});

type DefaultCaps = Pick<
  Settings,
  'dailySpendPerOwnerMax' | 'weeklySpendPerOwnerMax' | 'monthlySpendPerOwnerMax'
>;

/** How long a cluster may have to wait for its turn: about 4,500 nodes come before it. */
const TURN_MAX = hours(1);

function refuseLongWait(ledger: Ledger, now: EpochMs): void {
  const wait = between(now, nextTurn(ledger, now));
  if (wait <= TURN_MAX) return;
  const minutesOver = Math.ceil((wait - TURN_MAX) / minutes(1));
  throw new AppError(
    'refused',
    `Linode takes 80 new Linodes a minute, and ${Math.ceil(wait / CREATE_TIME)} that were launched ` +
      `before are still to be created. Try again in ${minutesOver} minutes.`,
  );
}

const withoutSubnet = (reason: 'noneFree' | 'tooSmall'): AppError =>
  reason === 'tooSmall'
    ? keyUsedOtherwise('cluster')
    : new AppError(
        'refused',
        `All ${BLOCKS} subnets of the deployment are in use. Wait for a cluster to end, or ask for ` +
          'network none.',
      );

/** `nextEnd`: when the next live cluster ends; null: not known. */
function tooDearNow({ limit, taken, wanted }: Throttled, nextEnd: EpochMs | null): AppError {
  const wait =
    nextEnd === null
      ? 'Wait for a cluster to end'
      : `The next cluster ends at ${toIso(nextEnd)}, or before: wait until then`;
  return new AppError(
    'refused',
    `All live clusters together may cost ${formatUsd(limit)} an hour, of which ${formatUsd(taken)} ` +
      `is taken; this one would cost ${formatUsd(wanted)} more. ${wait}, ask for ` +
      'fewer or smaller nodes, or ask the operator to raise MAX_HOURLY_USD.',
    {
      members: {
        ...{ cap: 'hourlyPrice', capUsd: toUsd(limit) },
        ...{ openHourlyUsd: toUsd(taken), hourlyUsd: toUsd(wanted) },
        ...(nextEnd !== null && { nextEndAt: toIso(nextEnd) }),
      },
    },
  );
}

const revoked = (owner: string, since: EpochMs): AppError =>
  new AppError(
    'refused',
    `The owner ${owner} was revoked at ${toIso(since)}: nothing is launched for ${owner}, and no ` +
      'budget raised. The admin can add the owner again.',
  );

const keptOut = (stage: string, since: EpochMs): AppError =>
  new AppError(
    'refused',
    `The operator has drained ${stage} since ${toIso(since)}: nothing can be launched, no budget ` +
      'raised, and no schedule created or resumed. Only the operator can lift that, by npm run ' +
      `drain -- --stage ${stage} --undo.`,
  );

function refused({ cap, claim, limit, taken, largest, span }: Refusal): AppError {
  const { rule, remedy } = wordsOf(cap, claim, span);
  const hint =
    largest > 0
      ? `A budget of at most ${formatUsd(largest)} would fit`
      : 'No further budget would fit';
  const end =
    span === null
      ? 'Wait for a cluster to end'
      : `The cap resets at ${toIso(span.end)}: wait until then or for a cluster to end`;
  const takenUsd = toUsd(taken);
  return new AppError(
    'refused',
    `${rule} ${formatUsd(limit)}, of which ${formatUsd(taken)} is taken by ` +
      `${span === null ? '' : 'what was spent and '}the budgets of live clusters. ${hint}; you gave ` +
      `${formatUsd(claim.budget)}. ${end}, lower the budget, or ${remedy}.`,
    {
      members: {
        cap,
        capUsd: toUsd(limit),
        ...(span === null
          ? { openUsd: takenUsd }
          : { committedUsd: takenUsd, resetsAt: toIso(span.end) }),
        largestBudgetUsd: toUsd(largest),
      },
    },
  );
}

function wordsOf(cap: Cap, { owner, scheduleId }: Claim, span: Span | null) {
  const operator = (setting: string) => `ask the operator to raise ${setting}`;
  const ofOwner = `The clusters of ${owner} may cost, ${whenOf(span)},`;
  const ofSchedule = `The clusters of schedule ${scheduleId} may cost, ${whenOf(span)},`;
  switch (cap) {
    case 'openBudget':
      return {
        rule: 'All live clusters together may have budgets of',
        remedy: operator('MAX_OPEN_BUDGET_USD'),
      };
    case 'ownerOpenBudget':
      return {
        rule: `The live clusters of ${owner} together may have budgets of`,
        remedy: operator('MAX_OPEN_BUDGET_PER_OWNER_USD'),
      };
    case 'ownerDailySpend':
      return { rule: ofOwner, remedy: `ask the admin to raise the daily cap of ${owner}` };
    case 'ownerWeeklySpend':
      return { rule: ofOwner, remedy: `ask the admin to raise the weekly cap of ${owner}` };
    case 'ownerMonthlySpend':
      return { rule: ofOwner, remedy: `ask the admin to raise the monthly cap of ${owner}` };
    case 'scheduleDailySpend':
      return { rule: ofSchedule, remedy: 'raise the daily cap of the schedule' };
    case 'scheduleWeeklySpend':
      return { rule: ofSchedule, remedy: 'raise the weekly cap of the schedule' };
    case 'scheduleMonthlySpend':
      return { rule: ofSchedule, remedy: 'raise the monthly cap of the schedule' };
    case 'tokenMonthlySpend':
      return {
        rule: `With this token the clusters of ${owner} may cost, ${whenOf(span)},`,
        remedy: 'use a token with another limit',
      };
  }
}

/** `in 2026-11 (UTC)`, `on 2026-11-26 (UTC)`, `in the week from 2026-11-23 on (UTC)`. */
function whenOf(span: Span | null): string {
  const name = span?.name ?? '';
  const inWords = name.startsWith('w')
    ? `in the week from ${name.slice(1)} on`
    : `${name.length > 7 ? 'on' : 'in'} ${name}`;
  return `${inWords} (UTC)`;
}
