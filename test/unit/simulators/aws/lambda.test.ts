import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createNudge } from '../../../../lib/adapters/aws/lambda.ts';
import { startLambda } from '../../../../simulators/aws/lambda.ts';
import { listen } from '../../../../simulators/listen.ts';
import { localAws } from '../../../support/aws.ts';
import { aClock } from '../../../support/doubles.ts';

interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

const WELL: Answer = { body: '{}' };
const THROWN: Answer = {
  headers: { 'x-amz-function-error': 'Unhandled' },
  body: '{"errorType": "Error", "errorMessage": "no luck"}',
};
const MINUTE_MS = 60_000;

/** The queue of Lambda in front of functions that give the answers in turn, and then `WELL`. */
async function aQueue(answers: Answer[], retries: Record<string, number> = {}) {
  const invoked: { path: string; payload: string }[] = [];
  const reported: string[] = [];
  const functions = createServer(async (request, response) => {
    invoked.push({ path: request.url ?? '', payload: await text(request) });
    const { status = 200, headers = {}, body } = answers.shift() ?? WELL;
    response.writeHead(status, headers).end(body);
  });
  const functionsUrl = await listen(functions, 0);
  const clock = aClock();
  const onError = (name: string, reason: string) => reported.push(`${name}: ${reason}`);
  const lambda = await startLambda({ functionsUrl, clock, retries, onError });
  const closeFunctions = () => {
    functions.close();
    functions.closeAllConnections();
  };
  onTestFinished(() => {
    lambda.close();
    closeFunctions();
  });
  return { lambda, invoked, reported, clock, closeFunctions };
}

const path = (name: string) => `/2015-03-31/functions/${name}/invocations`;

describe('an asynchronous invocation', () => {
  it('passes its payload to the function once, where the function succeeds', async () => {
    const { lambda, invoked, reported } = await aQueue([WELL]);
    await lambda.invokeAsync('reap', '{"a": 1}');
    expect(invoked).toEqual([{ path: path('reap'), payload: '{"a": 1}' }]);
    expect(reported).toEqual([]);
  });

  it('that throws is tried again after one minute, and after two more', async () => {
    const { lambda, invoked, reported, clock } = await aQueue([THROWN, THROWN, THROWN]);
    await lambda.invokeAsync('reap', '{}');
    expect(invoked).toHaveLength(3);
    expect(clock.sleptMs).toEqual([MINUTE_MS, 2 * MINUTE_MS]);
    expect(reported).toEqual(['reap: no luck', 'reap: no luck', 'reap: no luck']);
  });

  it('is not tried again after a success', async () => {
    const { lambda, invoked, clock } = await aQueue([THROWN, WELL]);
    await lambda.invokeAsync('reap', '{}');
    expect(invoked).toHaveLength(2);
    expect(clock.sleptMs).toEqual([MINUTE_MS]);
  });

  it('is not tried again where the function has 0 retries', async () => {
    const { lambda, invoked, reported, clock } = await aQueue([THROWN], { reconcile: 0 });
    await lambda.invokeAsync('reconcile', '{}');
    expect(invoked).toHaveLength(1);
    expect(clock.sleptMs).toEqual([]);
    expect(reported).toEqual(['reconcile: no luck']);
  });

  it('reports the answer of a server that is no function', async () => {
    const { lambda, reported } = await aQueue([{ status: 502, body: '<html>' }], { reap: 0 });
    await lambda.invokeAsync('reap', '{}');
    expect(reported).toEqual(['reap: <html>']);
  });

  it('reports functions that are down, and does not throw', async () => {
    const { lambda, reported, closeFunctions } = await aQueue([], { reap: 0 });
    closeFunctions();
    await lambda.invokeAsync('reap', '{}');
    expect(reported).toEqual([expect.stringContaining('reap: ')]);
  });
});

describe("Lambda's endpoint", () => {
  it('answers 202 to a nudge, and invokes the function', async () => {
    const { lambda, invoked } = await aQueue([]);
    const client = new LambdaClient(localAws(lambda.url));
    onTestFinished(() => client.destroy());
    const names = { reconcile: 'onebuck-local-reconcile', schedule: 'onebuck-local-schedule' };
    await createNudge(client, names).reconcile([{ clusterId: 'caaaaaaaaaa' }]);
    while (invoked.length === 0) await turn();
    expect(invoked).toEqual([
      {
        path: path('onebuck-local-reconcile'),
        payload: '{"passes":[{"clusterId":"caaaaaaaaaa"}]}',
      },
    ]);
  });

  it('answers 202 though the function never answers', async () => {
    const functions = createServer(() => {});
    const functionsUrl = await listen(functions, 0);
    const options = { functionsUrl, clock: aClock(), retries: {}, onError: () => {} };
    const lambda = await startLambda(options);
    onTestFinished(() => {
      lambda.close();
      functions.close();
      functions.closeAllConnections();
    });
    const headers = { 'x-amz-invocation-type': 'Event' };
    const response = await fetch(lambda.url + path('reap'), { method: 'POST', headers });
    expect(response.status).toBe(202);
  });

  it.each([
    ['a call that waits for its answer', path('reap'), 'RequestResponse'],
    ['a call of another kind', '/2015-03-31/functions/reap', 'Event'],
  ])('answers 501 to %s, and invokes nothing', async (_, requestPath, type) => {
    const { lambda, invoked } = await aQueue([]);
    const headers = { 'x-amz-invocation-type': type };
    const response = await fetch(lambda.url + requestPath, { method: 'POST', headers });
    expect(response.status).toBe(501);
    expect(invoked).toEqual([]);
  });
});
