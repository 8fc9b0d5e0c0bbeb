import type { Alternative, Quote } from './answers.ts';
import { hoursWords, isLong } from './durations.ts';
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
  const isByHours = maxHours !== null && affordableHours >= maxHours;
  const until = `until ${when(teardownAt)}, and will cost ${dollars(quote.spentAtTeardownUsd)}.`;
  if (isLong(affordableHours)) return `${price} ${isByHours ? 'It' : budget} lasts ${until}`;
  const lasts = isByHours ? 'It ends after' : `${budget} lasts`;
  return `${price} ${lasts} ${hoursWords(affordableHours)}, ${until}`;
}

/** The quote for each run of a schedule, in a sentence. */
export function runSentence(quote: Quote): string {
  if (quote.affordableHours === 0) return quoteSentence(quote, (at) => at);
  const hours = hoursWords(quote.affordableHours);
  const [cost, budget] = [dollars(quote.spentAtTeardownUsd), dollars(quote.budgetUsd)];
  return `Each run has ${machinesOf(quote)} for ${hours}, and costs ${cost} of its ${budget}.`;
}

/** The changes that an alternative makes to a spec: `20 nodes in de-fra-2`. */
export function alternativeWords({ change: { region, type, nodes } }: Alternative): string {
  const what = [type, nodes === undefined ? null : plural(nodes, 'node'), region && `in ${region}`];
  return what.filter(Boolean).join(' ');
}
