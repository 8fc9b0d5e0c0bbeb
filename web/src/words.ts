import type { Alternative, Cluster, Quote } from '../../client/answers.ts';
import { dollars } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { nearTime } from '../../client/times.ts';

/** What a quote comes to, in a sentence or two. */
export function quoteSentence(quote: Quote, now: number, timeZone?: string): string {
  const machines = `${quote.nodes} × ${quote.typeLabel}: ${dollars(quote.hourlyUsd)} a started hour.`;
  if (quote.affordableHours === 0 || quote.teardownAt === null) {
    const smallest = dollars(quote.smallestBudgetUsd);
    return `${machines} ${dollars(quote.budgetUsd)} does not pay the first; ${smallest} would.`;
  }
  const until = nearTime(quote.teardownAt, now, timeZone);
  const isByHours = quote.maxHours !== null && quote.affordableHours >= quote.maxHours;
  const lasts = isByHours
    ? `It ends after ${plural(quote.affordableHours, 'hour')}`
    : `${dollars(quote.budgetUsd)} lasts ${plural(quote.affordableHours, 'hour')}`;
  const cost = dollars(quote.spentAtTeardownUsd);
  return `${machines} ${lasts}, until ${until} your time, and will cost ${cost}.`;
}

/** The same of each run of a schedule. */
export function runSentence(quote: Quote): string {
  if (quote.affordableHours === 0) return quoteSentence(quote, 0);
  const { nodes, typeLabel, budgetUsd, affordableHours, spentAtTeardownUsd } = quote;
  return (
    `Each run has ${nodes} × ${typeLabel} for ${plural(affordableHours, 'hour')}, and costs ` +
    `${dollars(spentAtTeardownUsd)} of its ${dollars(budgetUsd)}.`
  );
}

/** What destroying it now comes to. Every started hour is billed in full, so waiting is free. */
export function destroySentence(
  cluster: Pick<Cluster, 'spentUsd' | 'leftUsd'>,
  nextMark: number | null,
  now: number,
  timeZone?: string,
): string {
  if (cluster.spentUsd === 0) return 'Nothing has been billed for it yet.';
  const billed = `Linode will bill ${dollars(cluster.spentUsd)} for it; ${dollars(cluster.leftUsd)} of its budget stays unspent.`;
  if (nextMark === null || nextMark <= now) return billed;
  const until = nearTime(nextMark, now, timeZone);
  return `${billed} The started hour is paid anyway: until ${until} it would cost no more.`;
}

const ENDS: Readonly<Record<NonNullable<Cluster['endReason']>, string>> = {
  budget: 'budget used up',
  maxHours: 'most hours reached',
  requested: 'on request',
  failed: 'launch failed',
  lost: 'nodes were lost',
};

export const endWords = (reason: Cluster['endReason']): string =>
  reason === null ? '' : ENDS[reason];

export const alternativeWords = (alternative: Alternative): string => {
  const { region, type, nodes } = alternative.change;
  const what = [type, nodes === undefined ? null : plural(nodes, 'node'), region && `in ${region}`];
  return what.filter(Boolean).join(' ');
};
