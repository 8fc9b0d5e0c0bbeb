import type { Alternative, Quote } from './answers.ts';
import { dollars } from './money.ts';
import { plural } from './plural.ts';

const machinesOf = ({ nodes, typeLabel, type, region }: Quote): string =>
  `${nodes} × ${typeLabel} (${type}) in ${region}`;

/** A quote in two sentences. `when` writes an instant, given in ISO 8601. */
export function quoteSentence(quote: Quote, when: (at: string) => string): string {
  const { affordableHours, teardownAt, maxHours } = quote;
  const price = `${machinesOf(quote)}: ${dollars(quote.hourlyUsd)} a started hour.`;
  const budget = dollars(quote.budgetUsd);
  if (affordableHours === 0 || teardownAt === null) {
    return `${price} ${budget} does not pay the first; ${dollars(quote.smallestBudgetUsd)} would.`;
  }
  const hours = plural(affordableHours, 'hour');
  const isByHours = maxHours !== null && affordableHours >= maxHours;
  const lasts = isByHours ? `It ends after ${hours}` : `${budget} lasts ${hours}`;
  const cost = dollars(quote.spentAtTeardownUsd);
  return `${price} ${lasts}, until ${when(teardownAt)}, and will cost ${cost}.`;
}

/** The quote for each run of a schedule, in a sentence. */
export function runSentence(quote: Quote): string {
  if (quote.affordableHours === 0) return quoteSentence(quote, (at) => at);
  const hours = plural(quote.affordableHours, 'hour');
  const [cost, budget] = [dollars(quote.spentAtTeardownUsd), dollars(quote.budgetUsd)];
  return `Each run has ${machinesOf(quote)} for ${hours}, and costs ${cost} of its ${budget}.`;
}

/** The changes that an alternative makes to a spec: `20 nodes in de-fra-2`. */
export function alternativeWords({ change: { region, type, nodes } }: Alternative): string {
  const what = [type, nodes === undefined ? null : plural(nodes, 'node'), region && `in ${region}`];
  return what.filter(Boolean).join(' ');
}
