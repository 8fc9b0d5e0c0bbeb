import { EventEmitter } from 'node:events';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { createFailures } from '../../../checks/console/failures.ts';

const URL = 'http://127.0.0.1:3000/clusters/caaaaaaaaaa';

/** A page whose requests the test begins and ends. */
function aPage() {
  const problems: string[] = [];
  const { watch, failing } = createFailures(problems);
  const page = new EventEmitter() as unknown as Page & EventEmitter;
  watch(page);
  /** Begins a request; returns how it ends. */
  const begin = () => {
    let errorText = '';
    const request = { method: () => 'GET', url: () => URL, failure: () => ({ errorText }) };
    page.emit('request', request);
    return {
      answer: (status: number) =>
        page.emit('response', { status: () => status, request: () => request }),
      fail(text: string) {
        errorText = text;
        page.emit('requestfailed', request);
      },
    };
  };
  return { problems, begin, failing: (work: () => Promise<void>) => failing(page, work) };
}

it('a request that is refused, or fails, is a problem that names the request', () => {
  const { problems, begin } = aPage();
  begin().answer(200);
  begin().answer(404);
  begin().fail('net::ERR_CONNECTION_RESET');
  expect(problems).toEqual([
    `GET ${URL} was answered with 404`,
    `GET ${URL} failed: net::ERR_CONNECTION_RESET`,
  ]);
});

it('a request that the browser gave up, as when its page is left, is no problem', () => {
  const { problems, begin } = aPage();
  begin().fail('net::ERR_ABORTED');
  expect(problems).toEqual([]);
});

it('a request that began while a step made requests fail may be refused after the step', async () => {
  const { problems, begin, failing } = aPage();
  const before = begin();
  let late = before;
  await failing(async () => {
    before.fail('net::ERR_INTERNET_DISCONNECTED');
    begin().answer(404);
    late = begin();
  });
  late.answer(404);
  expect(problems).toEqual([]);
});

it('a request that begins after that step may not fail, also if the step has failed', async () => {
  const { problems, begin, failing } = aPage();
  await failing(async () => {});
  begin().answer(404);
  await failing(() => Promise.reject(new Error('broken'))).catch(() => {});
  begin().answer(500);
  expect(problems).toHaveLength(2);
});
