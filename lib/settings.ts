import type { MicroUsd } from './core/base/money.ts';
import type { DurationMs } from './core/base/units.ts';
import type { MonthEndHour } from './core/billing/price.ts';

/**
 * The settings of a deployment, which its operator decides. lib/wire.ts reads them from the
 * environment.
 */
export interface Settings {
  /**
   * The name of the deployment, part of its ownership tag. Two deployments on one Linode account
   * must have different stages.
   */
  readonly stage: string;
  /** The safety margin: how long before the last affordable hour mark a teardown starts. */
  readonly marginMs: DurationMs;
  /** The time to come up. */
  readonly provisionMs: DurationMs;
  /** The most nodes that a cluster may have. */
  readonly nodesMax: number;
  /** The largest budget that a cluster may have. */
  readonly budgetMax: MicroUsd;
  /** The most that the budgets of all live clusters may add up to; null: no cap. */
  readonly openBudgetMax: MicroUsd | null;
  /** The same for the live clusters of one owner; null: no cap. */
  readonly openBudgetPerOwnerMax: MicroUsd | null;
  /**
   * The most that one owner's clusters may cost in a day, in a week from Monday on, and in a calendar
   * month, UTC; null: no cap.
   */
  readonly dailySpendPerOwnerMax: MicroUsd | null;
  readonly weeklySpendPerOwnerMax: MicroUsd | null;
  readonly monthlySpendPerOwnerMax: MicroUsd | null;
  /** The most that a started hour of all live clusters together may cost; null: no cap. */
  readonly hourlyMax: MicroUsd | null;
  /** How Linode bills an hour across a month's end, by which new clusters are reckoned. */
  readonly monthEndHour: MonthEndHour;
  /**
   * The URL by which nodes reach the API, without a slash at its end; null: they can't reach it, and
   * have no agent.
   */
  readonly publicUrl: string | null;
}
