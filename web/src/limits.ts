import type { Cluster } from '../../client/answers.ts';
import type { Change } from '../../client/clusters.ts';
import { extensionOf, type Limits, outlookOf } from '../../client/extension.ts';
import { dollars, micro } from '../../client/money.ts';
import { amountIn } from '../../client/spec.ts';
import { nearTime } from '../../client/times.ts';
import { amountFault, countFault, type Faults, gbFault, givenFaults, HOURS_MAX } from './spec.ts';

/** The limits of a cluster, as typed. */
export interface LimitsForm {
  readonly budget: string;
  /** Blank: no limit. */
  readonly maxHours: string;
  /** In GB; blank: what the nodes bring; null: nothing is typed, and it stays as it is. */
  readonly transfer: string | null;
}

export const limitsOf = ({ budgetUsd, maxHours }: Limits): LimitsForm => ({
  budget: String(budgetUsd),
  maxHours: maxHours === null ? '' : String(maxHours),
  transfer: null,
});

/** The form with a change of budget and hours taken into it. */
export const withChange = (form: LimitsForm, { budgetUsd, maxHours }: Change): LimitsForm => ({
  ...form,
  budget: budgetUsd === undefined ? form.budget : String(budgetUsd),
  maxHours: maxHours === undefined ? form.maxHours : `${maxHours ?? ''}`,
});

/** The limits for so many hours more, as typed; null: there is no such extension. */
export function moreHours(cluster: Cluster, typed: string, now: number): LimitsForm | null {
  if (countFault(typed, HOURS_MAX) !== null) return null;
  const extension = extensionOf(cluster, amountIn(typed), now);
  return extension === null ? null : withChange(limitsOf(cluster), extension.change);
}

export function limitsFaults({ budget, maxHours, transfer }: LimitsForm): Faults {
  const found = {
    budgetUsd: amountFault(budget),
    maxHours: maxHours.trim() === '' ? null : countFault(maxHours, HOURS_MAX),
    transferGb: (transfer ?? '').trim() === '' ? null : gbFault(transfer ?? ''),
  };
  return givenFaults(found);
}

/** The limits that a form without faults says. */
const typedLimits = ({ budget, maxHours }: LimitsForm): Limits => ({
  budgetUsd: amountIn(budget),
  maxHours: maxHours.trim() === '' ? null : amountIn(maxHours),
});

/** The fields that differ from the cluster's. */
export function changeFrom(cluster: Limits, form: LimitsForm): Change {
  const { budgetUsd, maxHours } = typedLimits(form);
  const transfer = form.transfer?.trim();
  return {
    ...(budgetUsd === cluster.budgetUsd ? {} : { budgetUsd }),
    ...(maxHours === cluster.maxHours ? {} : { maxHours }),
    ...(transfer === undefined ? {} : { transferGb: transfer === '' ? null : amountIn(transfer) }),
  };
}

/** What the limits of a form without faults come to, against those that the cluster has. */
export function outlookSentence(cluster: Cluster, form: LimitsForm, now: number): string | null {
  if (form.transfer !== null) return TRANSFER_OUTLOOK;
  const outlook = outlookOf(cluster, typedLimits(form), now);
  const { teardownAt, spentAtTeardownUsd } = cluster;
  if (outlook === null || teardownAt === null || spentAtTeardownUsd === null) return null;
  if (outlook.teardownAt <= now) return 'That is spent already: to end it now, destroy it.';
  const before = nearTime(teardownAt, now);
  const until = nearTime(outlook.teardownAt, now);
  const teardown =
    until === before ? `Teardown ${until} as before` : `Teardown ${until} instead of ${before}`;
  const more = micro(outlook.spentUsd) - micro(spentAtTeardownUsd);
  if (more === 0) return `${teardown}, for the same bill.`;
  return `${teardown}, for ${dollars(Math.abs(more) / 1e6)} ${more > 0 ? 'more' : 'less'}.`;
}

/** What a GB costs, and what a node brings, are not among what a page knows of a cluster. */
const TRANSFER_OUTLOOK =
  'The budget holds back what the transfer costs beyond what the nodes bring: the teardown may move.';

/** What the button does: `Raise to $2.00`, `Lower to $0.50`. */
export function limitsVerb({ budgetUsd }: Limits, form: LimitsForm): string {
  const typed = amountIn(form.budget);
  if (!(typed > 0) || typed === budgetUsd) return 'Set limits';
  return `${typed > budgetUsd ? 'Raise' : 'Lower'} to ${dollars(typed)}`;
}
