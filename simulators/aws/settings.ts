import { microUsd } from '../../lib/core/base/money.ts';
import { minutes } from '../../lib/core/base/units.ts';
import type { Settings } from '../../lib/settings.ts';

/** The settings that lib/wire.ts reads from an environment that sets only the stage. */
export const defaultSettings = (stage: string): Settings => ({
  stage,
  marginMs: minutes(3),
  provisionMs: minutes(20),
  nodesMax: 100,
  budgetMax: microUsd(100_000_000),
  openBudgetMax: microUsd(1_000_000_000),
  openBudgetPerOwnerMax: null,
  dailySpendPerOwnerMax: null,
  weeklySpendPerOwnerMax: null,
  monthlySpendPerOwnerMax: null,
  hourlyMax: null,
  monthEndHour: 'bothMonths',
  publicUrl: null,
});
