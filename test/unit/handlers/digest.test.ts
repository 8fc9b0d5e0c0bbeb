import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import event from '../../../events/digest.json' with { type: 'json' };
import { hours, minus } from '../../../lib/core/base/units.ts';
import { listen } from '../../../simulators/listen.ts';
import { anEnded, gone } from '../../support/builders.ts';
import { aContext, startWorld } from '../../support/handler-world.ts';

/** Receives the notices, with a simulated AWS around the function at noon on a Monday. */
async function startDigest(env: Readonly<Record<string, string>>) {
  const received: Record<string, unknown>[] = [];
  const server = createServer(async (request, response) => {
    received.push(JSON.parse(await text(request)));
    response.writeHead(204).end();
  });
  const url = await listen(server, 0);
  onTestFinished(() => void server.close());
  const world = await startWorld({
    now: '2026-11-23T12:00:00Z',
    // The time-out of a message never comes: the webhook answers.
    whileAsleep: () => new Promise(() => {}),
    secret: { webhookKey: 'a key to sign notices with' },
    env: { NOTICE_WEBHOOK_URL: url, ...env },
  });
  const { handler } = await import('../../../handlers/digest.ts');
  return { ...world, received, digest: () => handler(event, aContext(300_000)) };
}

it('the function sends the digests of the last week to the webhook, once, and notes it', async () => {
  const { store, clock, received, digest } = await startDigest({
    DIGEST: 'weekly',
    MAX_MONTHLY_SPEND_PER_OWNER_USD: '10',
  });
  const [createdAt, endedAt] = [minus(clock.now(), hours(50)), minus(clock.now(), hours(48))];
  const nodes = [gone(0, { billedFrom: createdAt, billedUntil: endedAt })];
  await store.insert(anEnded({ createdAt, endedAt, nodes }));
  await digest();
  await digest();
  const cap = { month: '2026-11', usedUsd: 0.015, limitUsd: 10 };
  expect(received.toSorted((a, b) => `${a.id}`.localeCompare(`${b.id}`))).toMatchObject([
    { id: 'digest/2026-W47/all', kind: 'digest', owners: [{ owner: 'ann', cap }], cap: null },
    { id: 'digest/2026-W47/owner/ann', owner: 'ann', billedUsd: 0.015, nodeHours: 2, cap },
  ]);
});

it('the function sends nothing by default', async () => {
  const { received, digest } = await startDigest({});
  await digest();
  expect(received).toEqual([]);
});

it('the function refuses a setting that it does not know', async () => {
  const { digest } = await startDigest({ DIGEST: 'daily' });
  await expect(async () => digest()).rejects.toThrow('DIGEST must be weekly, monthly or none.');
});
