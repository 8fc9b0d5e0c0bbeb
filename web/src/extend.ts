import type { Cluster } from '../../client/answers.ts';
import type { Change } from '../../client/clusters.ts';
import { micro, plusUsd } from '../../client/money.ts';

type Extended = Pick<Cluster, 'budgetUsd' | 'hourlyUsd' | 'affordableHours' | 'maxHours'>;

/** What has it live an hour longer: more budget, and more hours where those end it first. */
export function anotherHour({ budgetUsd, hourlyUsd, affordableHours, maxHours }: Extended): Change {
  const hours = (affordableHours ?? 0) + 1;
  const needed = micro(hourlyUsd) * hours;
  const isEndedByHours = maxHours !== null && hours > maxHours;
  const isPaid = isEndedByHours && needed <= micro(budgetUsd);
  return {
    ...(isPaid ? {} : { budgetUsd: plusUsd(budgetUsd, hourlyUsd) }),
    ...(isEndedByHours ? { maxHours: hours } : {}),
  };
}

export const anotherDollar = ({ budgetUsd }: Extended): Change => ({
  budgetUsd: plusUsd(budgetUsd, 1),
});
