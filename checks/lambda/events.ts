import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { projectDir } from '../../build/project.ts';
import type { LinodeSimulator } from '../../simulators/linode/simulator.ts';
import { expect } from '../deploy/expect.ts';
import type { Functions } from './world.ts';

/** An answer of a function to API Gateway. */
export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** The event of the function in events/. */
export const eventOf = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(projectDir, 'events', `${name}.json`), 'utf8'));

/** Gives each function its event in events/. Returns the id of the cluster that `nightly` launches. */
export async function expectAnswers({ invoke }: Functions): Promise<string> {
  const event = eventOf('api');
  const body = Buffer.from(`${event.body}`).toString('base64');
  // API Gateway encodes bodies of types that it does not take for text.
  for (const request of [event, { ...event, body, isBase64Encoded: true }]) {
    const quote = (await invoke('api', request)) as HttpAnswer;
    const isRight = quote.statusCode === 200 && JSON.parse(quote.body).type === 'g6-nanode-1';
    expect(isRight, `api answers ${request.body} with ${quote.statusCode} ${quote.body}`);
  }

  const wrong = { ...event, headers: { authorization: 'Bearer wrong' } };
  const denied = (await invoke('api', wrong)) as HttpAnswer;
  expect(denied.statusCode === 403, `api answers a wrong token with ${denied.statusCode}`);

  const page = (await invoke('console', eventOf('console'))) as HttpAnswer;
  expect(page.statusCode === 200 && page.isBase64Encoded, `console answers ${page.statusCode}`);
  const text = brotliDecompressSync(Buffer.from(page.body, 'base64')).toString();
  expect(text.startsWith('<!doctype html>'), `console answers ${text.slice(0, 80)}`);

  // A launch that is hours late is dropped.
  const tonight = { ...eventOf('nightly'), scheduledTime: new Date().toISOString() };
  const launched = (await invoke('nightly', tonight)) as { clusterId: string; isNew: boolean };
  expect(launched.isNew, `nightly answers ${JSON.stringify(launched)}`);

  const others = ['reap', 'reconcile', 'schedule', 'sweep', 'invoices', 'digest'];
  for (const name of others) await invoke(name, eventOf(name));
  return launched.clusterId;
}

/** What a function says of an event that is none of its own. */
const ERRORS: Readonly<Record<string, string>> = {
  nightly: 'scheduledTime',
  reconcile: 'the event must be {"passes"',
  schedule: 'the event must be {"scheduleId"',
};

/** The runtime must report the function's own error. Returns the functions that have failed. */
export async function expectErrors({ fail }: Functions): Promise<string[]> {
  for (const [name, says] of Object.entries(ERRORS)) {
    const { errorType, errorMessage } = await fail(name, {});
    const told = `${errorType}: ${errorMessage}`;
    expect(told.includes(says), `${name} fails with ${told}`);
  }
  return Object.keys(ERRORS);
}

/**
 * While Linode answers nothing, the API must answer before Lambda ends it: so the runtime has told
 * the function how much time it has.
 */
export async function expectAnswerInTime(
  { startWithin }: Functions,
  linode: LinodeSimulator,
): Promise<number> {
  const api = await startWithin('api', 8);
  linode.setFaults([{ kind: 'hang', path: '^/linode/types' }]);
  const began = Date.now();
  const answer = (await api.invoke(eventOf('api'))) as HttpAnswer;
  linode.setFaults([]);
  expect(answer.statusCode >= 500, `api answers ${answer.statusCode} though Linode hangs`);
  return (Date.now() - began) / 1000;
}
