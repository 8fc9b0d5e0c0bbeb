import { formatUsd, type MicroUsd, toUsd } from '../core/base/money.ts';
import type { ClusterId } from '../core/base/names.ts';
import { type DurationMs, durationMs, type EpochMs, plus } from '../core/base/units.ts';
import { monthName } from '../core/billing/bill.ts';
import {
  adjust,
  audit,
  type Cap,
  type Caps,
  type Claim,
  type Decision,
  type Drift,
  type Ledger,
  type Refusal,
  raise,
  release,
  reserve,
} from '../core/caps/ledger.ts';
import type { ClusterRecord, EndedRecord, LiveRecord } from '../core/cluster/record.ts';
import { AppError } from '../errors.ts';
import type { Clock, LedgerStore } from '../ports.ts';
import type { Settings } from '../settings.ts';

export interface CapsDeps {
  readonly clock: Clock;
  readonly ledger: LedgerStore;
  /** Asked for only where a cap is: a bad setting must keep nobody from releasing. */
  readonly settings: () => Pick<
    Settings,
    'openBudgetMax' | 'openBudgetPerOwnerMax' | 'monthlySpendPerOwnerMax'
  >;
  /** From 0 to below 1: so that writers who met do not meet again. */
  readonly random: () => number;
}

/**
 * Keeps the ledger, over any number of functions at once. A call tries at least once, and goes on
 * while others write the ledger at the same time, until `by`: then it throws AppError `conflict`.
 * All may be called twice.
 */
export interface CapsKeeper {
  /**
   * Counts the budget of a cluster whose record is about to be written. AppError `refused`, which
   * names the cap, where that would pass one. Returns when it was first counted, for the record.
   */
  reserve(claim: Claim & { readonly scheduleCap: MicroUsd | null }, by: EpochMs): Promise<EpochMs>;
  /**
   * Counts a live cluster's budget as at least `budget`, before its record is changed; refuses as
   * `reserve` does. `missing`: it is not counted, since it has ended or awaits the sweeper's audit.
   * A schedule's own cap is for its launches alone, and not asked here.
   */
  raise(
    change: { readonly id: ClusterId; readonly budget: MicroUsd },
    by: EpochMs,
  ): Promise<'raised' | 'missing'>;
  /** Counts the budget that a live cluster's record has, after that was changed or left alone. */
  adjust(record: Pick<LiveRecord, 'id' | 'budget'>, by: EpochMs): Promise<void>;
  /** Frees the budget of a cluster whose record has ended, and counts what it cost. */
  release(record: EndedRecord, by: EpochMs): Promise<void>;
  /**
   * Puts the ledger right by the records: those of its clusters, and of `others`. Returns what was
   * put right; nothing where somebody else wrote the ledger meanwhile, so that the next run must.
   */
  audit(
    readRecords: (ids: readonly ClusterId[]) => Promise<readonly ClusterRecord[]>,
    others: readonly ClusterId[],
  ): Promise<readonly Drift[]>;
}

export function createCaps({ clock, ledger: store, settings, random }: CapsDeps): CapsKeeper {
  /** Calls of one process are made one after the other: at once, they would only conflict. */
  let last: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  }

  /** Returns the ledger as the change leaves it, once that is saved, if it needed saving. */
  const update = (decide: (ledger: Ledger) => Ledger, by: EpochMs): Promise<Ledger> =>
    inTurn(async () => {
      for (let tries = 1; ; tries += 1) {
        const ledger = await store.read();
        const next = decide(ledger);
        if (next === ledger || (await store.save(next)) === 'saved') return next;
        if (clock.now() >= by) {
          throw new AppError('conflict', 'Too many launches and changes at once. Try again.');
        }
        await clock.sleep(plus(clock.now(), pauseAfter(tries, random())));
      }
    });

  return {
    async reserve({ scheduleCap, ...claim }, by) {
      const after = await update((ledger) => {
        const caps = { ...capsOf(settings()), scheduleMonthlySpend: scheduleCap };
        return granted(reserve(ledger, claim, caps, clock.now()), clock.now());
      }, by);
      const entry = after.open.get(claim.id);
      if (entry === undefined) throw new Error(`${claim.id} was reserved and is not counted`);
      return entry.openedAt;
    },
    async raise(change, by) {
      const after = await update((ledger) => {
        const now = clock.now();
        const decision = raise(ledger, change, capsOf(settings()), now);
        return decision === 'missing' ? ledger : granted(decision, now);
      }, by);
      return after.open.has(change.id) ? 'raised' : 'missing';
    },
    async adjust({ id, budget }, by) {
      await update((ledger) => adjust(ledger, id, budget, clock.now()), by);
    },
    async release(record, by) {
      await update((ledger) => release(ledger, record), by);
    },
    audit: (readRecords, others) =>
      inTurn(async () => {
        const now = clock.now();
        // The ledger first: what changes after that is a conflict, and no drift.
        const ledger = await store.read();
        const ids = new Set([...ledger.open.keys(), ...others]);
        const { next, drift } = audit(ledger, await readRecords([...ids]), now);
        return drift.length === 0 || (await store.save(next)) === 'conflict' ? [] : drift;
      }),
  };
}

/** At most a second. Those who conflicted each wait for another time, so that few meet again. */
function pauseAfter(tries: number, chance: number): DurationMs {
  return durationMs(Math.floor(chance * Math.min(1_000, 10 * 2 ** tries)));
}

const capsOf = (settings: ReturnType<CapsDeps['settings']>): Caps => ({
  openBudget: settings.openBudgetMax,
  ownerOpenBudget: settings.openBudgetPerOwnerMax,
  ownerMonthlySpend: settings.monthlySpendPerOwnerMax,
  scheduleMonthlySpend: null,
});

function granted(decision: Decision, now: EpochMs): Ledger {
  if (decision.ok) return decision.next;
  throw refused(decision.refusal, now);
}

function refused({ cap, claim, limit, taken, largest }: Refusal, now: EpochMs): AppError {
  const { rule, isMonthly, remedy } = wordsOf(cap, claim, now);
  const rest = largest > 0 ? `A budget of at most ${formatUsd(largest)} would fit` : 'No more fits';
  const end = isMonthly
    ? 'Wait for the next month or for a cluster to end'
    : 'Wait for a cluster to end';
  const takenUsd = toUsd(taken);
  return new AppError(
    'refused',
    `${rule} ${formatUsd(limit)}, of which ${formatUsd(taken)} is taken by ` +
      `${isMonthly ? 'what was spent and ' : ''}the budgets of live clusters. ${rest}; you gave ` +
      `${formatUsd(claim.budget)}. ${end}, lower the budget, or ${remedy}.`,
    {
      members: {
        cap,
        capUsd: toUsd(limit),
        ...(isMonthly ? { committedUsd: takenUsd } : { openUsd: takenUsd }),
        largestBudgetUsd: toUsd(largest),
      },
    },
  );
}

function wordsOf(cap: Cap, { owner, scheduleId }: Claim, now: EpochMs) {
  const operator = (setting: string) => `ask the operator to raise ${setting}`;
  const month = `in ${monthName(now)} (UTC)`;
  switch (cap) {
    case 'openBudget':
      return {
        rule: 'All live clusters together may have budgets of',
        isMonthly: false,
        remedy: operator('MAX_OPEN_BUDGET_USD'),
      };
    case 'ownerOpenBudget':
      return {
        rule: `The live clusters of ${owner} together may have budgets of`,
        isMonthly: false,
        remedy: operator('MAX_OPEN_BUDGET_PER_OWNER_USD'),
      };
    case 'ownerMonthlySpend':
      return {
        rule: `The clusters of ${owner} may cost, ${month},`,
        isMonthly: true,
        remedy: operator('MAX_MONTHLY_SPEND_PER_OWNER_USD'),
      };
    case 'scheduleMonthlySpend':
      return {
        rule: `The clusters of schedule ${scheduleId} may cost, ${month},`,
        isMonthly: true,
        remedy: 'raise the monthly cap of the schedule',
      };
  }
}
