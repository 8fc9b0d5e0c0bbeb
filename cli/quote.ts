import type { Quote } from '../client/answers.ts';
import { getQuote } from '../client/catalogue.ts';
import { memory } from '../client/memory.ts';
import { dollars } from '../client/money.ts';
import { plural } from '../client/plural.ts';
import { quoteSentence } from '../client/quote.ts';
import { fullTime } from '../client/times.ts';
import { type Context, serverNow, show } from './context.ts';
import { CliError } from './errors.ts';
import { type Block, facts } from './format.ts';
import { type SpecOptions, specOf } from './spec.ts';

export async function quote(context: Context, options: SpecOptions): Promise<void> {
  const api = context.api();
  const body = specOf(context, options);
  const [answer, now] = await Promise.all([getQuote(api, body), serverNow(api)]);
  show(context, answer, () => quoteBlocks(answer, now));
  if (answer.affordableHours === 0) throw tooLittle(answer, now);
}

function quoteBlocks(answer: Quote, nowMs: number): Block[] {
  const size = `${plural(answer.vcpus, 'vCPU')}, ${memory(answer.memoryMb)}`;
  const ends = answer.teardownAt === null ? 'never' : fullTime(answer.teardownAt, nowMs);
  return [
    facts([
      ['nodes', `${answer.nodes} in ${answer.region}, ${answer.image}`],
      ...(answer.nodes > 1 ? [['network', answer.network] as const] : []),
      ['type', `${answer.type} (${size}), ${answer.why}`],
      ['an hour', dollars(answer.hourlyUsd)],
      ['lasts', `${plural(answer.affordableHours, 'hour')}, until ${ends}`],
      ['costs', `${dollars(answer.spentAtTeardownUsd)} of ${dollars(answer.budgetUsd)}`],
    ]),
    ...answer.warnings.map((warning) => `Note: ${warning}`),
    ...answer.alternatives.map(({ sentence }) => `Or: ${sentence}`),
  ];
}

/** What is asked before money is spent. */
export const quoteQuestion = (answer: Quote, nowMs: number): string =>
  quoteSentence(answer, (at) => fullTime(at, nowMs));

export function tooLittle(answer: Quote, nowMs: number): CliError {
  const advice = `Give --budget ${answer.smallestBudgetUsd} or more.`;
  const others = answer.alternatives.map(({ sentence }) => `  ${sentence}`);
  const message = [`${quoteQuestion(answer, nowMs)} ${advice}`, ...others].join('\n');
  return new CliError('refused', message, answer);
}
