import type { Cluster, Quote } from '../../client/answers.ts';
import { mayPass, Refusal } from '../../client/api.ts';
import { getQuote } from '../../client/catalogue.ts';
import {
  type Change,
  changeCluster,
  destroyCluster,
  isLive,
  launchCluster,
} from '../../client/clusters.ts';
import { destroySentence } from '../../client/end.ts';
import { extensionOf } from '../../client/extension.ts';
import { createIdempotencyKey } from '../../client/idempotency-key.ts';
import { dollars } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { quoteSentence } from '../../client/quote.ts';
import { serverNow } from '../context.ts';
import { CliError, withAdvice } from '../errors.ts';
import { findCluster } from '../find.ts';
import { endSentence, titleOf } from '../fuse.ts';
import { type Answer, type Asking, utc } from './answers.ts';
import { clusterAnswer } from './looking.ts';
import { limitSentence, type Session, settleIfEnded, stake } from './session.ts';

/* The tools that spend money or destroy. */

const WITHOUT_ASKING =
  'Start it as "onebuck mcp --most 5" to let the agent spend so many dollars by itself.';

interface Launched {
  readonly budgetUsd: number;
  readonly idempotencyKey?: string | undefined;
}

export const launch = (session: Session, asked: Launched, asking: Asking): Promise<Answer> =>
  inTurn(session, () => launchNow(session, asked, asking));

async function launchNow(
  session: Session,
  { idempotencyKey, ...spec }: Launched,
  asking: Asking,
): Promise<Answer> {
  const { api, allowance, launched } = session;
  const key = idempotencyKey ?? createIdempotencyKey();
  if (allowance === null) {
    const quote = await getQuote(api, spec);
    const question = [quoteSentence(quote, utc), ...quote.warnings, 'Launch it?'].join(' ');
    asking.confirm(question, termsOf(spec, quote), WITHOUT_ASKING);
  }
  const undo = await stake(session, key, spec.budgetUsd);
  const cluster = await launchCluster(api, spec, key).catch((error) => {
    if (mayPass(error)) {
      const again = `It may have been launched. Call launch again with idempotencyKey ${key}.`;
      throw withAdvice(error, again);
    }
    // Puts back what an earlier launch with the key has at stake, or nothing.
    if (error instanceof Refusal) undo();
    throw error;
  });
  launched.set(cluster.id, key);
  settleIfEnded(session, cluster, key);
  return clusterAnswer(cluster, [limitSentence(session)]);
}

/** What a person who agrees to a launch agrees to: all that is asked for, and what it costs. */
const termsOf = (spec: object, { hourlyUsd, affordableHours, spentAtTeardownUsd }: Quote): string =>
  JSON.stringify({ spec, hourlyUsd, affordableHours, spentAtTeardownUsd });

interface Extended {
  readonly cluster: string;
  readonly hours?: number | undefined;
  readonly budgetUsd?: number | undefined;
}

/** In turn, since the last of two budgets holds, whatever the order of the answers. */
export const extend = (session: Session, asked: Extended, asking: Asking): Promise<Answer> =>
  inTurn(session, () => extendNow(session, asked, asking));

/** Spends one after the other, so that no two requests with one key are under way. */
function inTurn(session: Session, spend: () => Promise<Answer>): Promise<Answer> {
  const turn = session.spending.then(spend);
  session.spending = turn.catch(() => {});
  return turn;
}

async function extendNow(session: Session, asked: Extended, asking: Asking): Promise<Answer> {
  const { api, allowance, launched, unclear } = session;
  if ((asked.hours === undefined) === (asked.budgetUsd === undefined)) {
    throw new CliError('usage', 'Give either hours or budgetUsd.');
  }
  const before = await findCluster(api, asked.cluster);
  const change = changeOf(before, asked, await serverNow(api));
  const budget = Number(change.budgetUsd ?? before.budgetUsd);
  const key = launched.get(before.id);
  if (allowance === null || key === undefined) {
    const to = `a budget of ${dollars(budget)} instead of ${dollars(before.budgetUsd)}`;
    const foreign = key === undefined ? ', which this agent has not launched,' : '';
    const question = `Give ${titleOf(before)}${foreign} ${to}?`;
    const otherwise = key === undefined ? byHand('extend', before) : WITHOUT_ASKING;
    asking.confirm(question, question, otherwise);
  }
  // While an answer is open, the dearer of both budgets is at stake.
  const dearer = Math.max(budget, before.budgetUsd);
  const undo = key === undefined ? () => {} : await stake(session, key, dearer);
  const after = await changeCluster(api, before.id, change).catch((error) => {
    if (mayPass(error) && key !== undefined) unclear.add(key);
    if (error instanceof Refusal && !mayPass(error)) undo();
    throw error;
  });
  if (key !== undefined && !unclear.has(key)) allowance?.settle(key, after.budgetUsd);
  return clusterAnswer(after, [limitSentence(session)]);
}

function changeOf(
  before: Cluster,
  { hours, budgetUsd }: Pick<Extended, 'hours' | 'budgetUsd'>,
  nowMs: number,
): Change {
  if (budgetUsd !== undefined) return { budgetUsd };
  const extension = extensionOf(before, hours ?? 0, nowMs);
  if (extension !== null) return extension.change;
  const why = `${titleOf(before)} is being destroyed, or gone: launch another one.`;
  throw new CliError('failed', why);
}

export async function destroy(
  session: Session,
  { cluster: named }: { readonly cluster: string },
  asking: Asking,
): Promise<Answer> {
  const { api, launched } = session;
  const found = await findCluster(api, named, { exact: true });
  if (!isLive(found)) return { sentences: [endSentence(found)] };
  const cost = destroySentence(found, await serverNow(api), utc);
  if (!launched.has(found.id)) {
    const what = `${titleOf(found)} with ${plural(found.nodes.length, 'node')}`;
    const question = `Destroy ${what}, which this agent has not launched? ${cost}`;
    asking.confirm(question, `destroy ${found.id}`, byHand('rm', found));
  }
  const cluster = await destroyCluster(api, found.id);
  return { sentences: [`${titleOf(cluster)} is being destroyed. ${cost}`] };
}

const byHand = (command: string, { id }: Cluster): string =>
  `A person can do it: onebuck ${command} ${id}.`;
