import type { MicroUsd } from './core/base/money.ts';
import type { DurationMs } from './core/base/units.ts';

/** What the operator of a deployment decides. lib/wire.ts reads them from the environment. */
export interface Settings {
  /** Part of every tag; two deployments on one account must differ in it. */
  readonly stage: string;
  /** How long before the last affordable hour mark a teardown begins. */
  readonly marginMs: DurationMs;
  /** How long a cluster may take to come up. */
  readonly provisionMs: DurationMs;
  /** The most nodes of a cluster. */
  readonly nodesMax: number;
  /** The most budget of a cluster. */
  readonly budgetMax: MicroUsd;
  /** The most that all live clusters' budgets may come to; null, here and below: no such cap. */
  readonly openBudgetMax: MicroUsd | null;
  /** The same of one owner's. */
  readonly openBudgetPerOwnerMax: MicroUsd | null;
  /** The most that one owner's clusters may cost in a calendar month, UTC. */
  readonly monthlySpendPerOwnerMax: MicroUsd | null;
}
