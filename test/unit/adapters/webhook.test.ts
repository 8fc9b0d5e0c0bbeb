import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createWebhook } from '../../../lib/adapters/webhook.ts';
import { freePort, listen } from '../../../simulators/listen.ts';
import { aNotice } from '../../support/builders.ts';
import { aClock } from '../../support/doubles.ts';

const KEY = 'sixteen-or-more-characters';

interface Received {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const open: (() => void)[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const close of open.splice(0)) close();
});

/** A receiver that gives the answers in turn, then 204; and the webhook that posts to it. */
async function aReceiver(...answers: ((response: ServerResponse) => void)[]) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const { url: path, headers } = request;
    received.push({ path, headers, body: await text(request) });
    const answer = answers.shift() ?? status(204);
    answer(response);
  });
  const url = await listen(server, 0);
  open.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const clock = aClock();
  const key = async () => KEY;
  return { received, clock, webhook: createWebhook({ url: `${url}/hook?a=1`, key, clock }) };
}

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void => {
    response.writeHead(code, headers).end();
  };

/** Checks the signature as docs/operate.md tells receivers to check it. */
function isGenuine({ headers, body }: Received): boolean {
  const timestamp = `${headers['x-onebuck-timestamp']}`;
  const hex = createHmac('sha256', KEY).update(`${timestamp}.${body}`).digest('hex');
  const [wanted, given] = [`sha256=${hex}`, `${headers['x-onebuck-signature']}`];
  return given.length === wanted.length && timingSafeEqual(Buffer.from(given), Buffer.from(wanted));
}

describe('a notice to a webhook', () => {
  it('is JSON, with a signature of its body and time', async () => {
    const { received, clock, webhook } = await aReceiver();
    await webhook.send(aNotice());
    expect(received).toHaveLength(1);
    const [request] = received as [Received];
    expect(request.path).toBe('/hook?a=1');
    expect(request.headers).toMatchObject({
      'content-type': 'application/json',
      'x-onebuck-timestamp': `${Math.floor(clock.now() / 1_000)}`,
      'x-onebuck-signature': expect.stringMatching(/^sha256=[0-9a-f]{64}$/),
    });
    expect(isGenuine(request)).toBe(true);
    expect(isGenuine({ ...request, body: request.body.replace('0.015', '0.016') })).toBe(false);
    expect(JSON.parse(request.body)).toMatchObject({
      id: 'cabcdefg234/gone',
      clusterId: 'cabcdefg234',
      text: expect.stringContaining('is gone'),
      spentUsd: 0.015,
    });
  });

  it.each([429, 500, 503])('is sent a second time, unchanged, after a %i', async (code) => {
    const { received, webhook } = await aReceiver(status(code));
    await webhook.send(aNotice());
    expect(received).toHaveLength(2);
    expect(received[1]?.body).toBe(received[0]?.body);
  });

  it('throws after the second failure', async () => {
    const { received, webhook } = await aReceiver(status(503), status(503));
    await expect(webhook.send(aNotice())).rejects.toThrow('did not take the notice, twice');
    expect(received).toHaveLength(2);
  });

  it.each([400, 401, 404])('throws after a %i without a second try', async (code) => {
    const { received, webhook } = await aReceiver(status(code));
    await expect(webhook.send(aNotice())).rejects.toThrow(`answered ${code}`);
    expect(received).toHaveLength(1);
  });

  it('follows no redirect', async () => {
    const other = await aReceiver();
    const { received, webhook } = await aReceiver(status(307, { location: '/elsewhere' }));
    await expect(webhook.send(aNotice())).rejects.toThrow('answered 307');
    expect([received.length, other.received.length]).toEqual([1, 0]);
  });

  it('is not repeated after a broken connection: the receiver may have it', async () => {
    const { received, webhook } = await aReceiver((response) => response.destroy());
    await expect(webhook.send(aNotice())).rejects.toThrow('the webhook:');
    expect(received).toHaveLength(1);
  });

  it('throws after three seconds without an answer, and is not repeated', async () => {
    const timeout = new AbortController();
    const timeouts = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(timeout.signal);
    const { received, webhook } = await aReceiver(() => timeout.abort());
    await expect(webhook.send(aNotice())).rejects.toThrow('no answer within 3000 ms');
    expect(timeouts).toHaveBeenCalledWith(3_000);
    expect(received).toHaveLength(1);
  });

  it('throws an error without the key where nobody listens', async () => {
    const url = `http://127.0.0.1:${await freePort()}/`;
    const webhook = createWebhook({ url, key: async () => KEY, clock: aClock() });
    const error = await webhook.send(aNotice()).catch((thrown: unknown) => thrown);
    expect(`${error}`).toContain('did not take the notice, twice');
    expect(JSON.stringify(error)).not.toContain(KEY);
  });

  it('is not sent without a key to sign it with', async () => {
    const { received, clock } = await aReceiver();
    const webhook = createWebhook({ url: 'http://127.0.0.1:9', key: async () => null, clock });
    await expect(webhook.send(aNotice())).rejects.toThrow('webhookKey');
    expect(received).toEqual([]);
  });
});
