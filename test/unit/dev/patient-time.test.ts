import { createServer, get } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as realDelay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createPatientTime, type PatientTime } from '../../../dev/patient-time.ts';
import { hours, minutes, plus } from '../../../lib/core/base/units.ts';
import { freePort, listen } from '../../../simulators/listen.ts';
import { at } from '../../support/builders.ts';
import { startNode } from '../../support/children.ts';

const START = at('2026-11-22T12:00:00Z');

/**
 * A server that on a request calls HELPER, sleeps for an hour, calls HELPER again, and answers the
 * four times between these steps.
 */
const FUNCTION = `
  const http = require('node:http');
  const { setTimeout: delay } = require('node:timers/promises');
  const call = (url) => new Promise((done) => http.get(url, (answer) => answer.resume().on('end', done)));
  http.createServer(async (request, response) => {
    const times = [Date.now()];
    await call(process.env.HELPER);
    times.push(Date.now());
    await delay(3_600_000);
    times.push(Date.now());
    await call(process.env.HELPER);
    response.end(JSON.stringify([...times, Date.now()]));
  }).listen(process.env.PORT, '127.0.0.1', () => console.log('ready'));
`;

async function startFunction(time: PatientTime, helper: string): Promise<string> {
  const port = await freePort();
  const env = { ...time.env, HELPER: helper, PORT: `${port}` };
  const { child, says } = startNode(['--import', time.preload, '--eval', FUNCTION], env);
  onTestFinished(() => time.close());
  await says('ready');
  time.start(child);
  return `http://127.0.0.1:${port}`;
}

/** A server that answers after 100 real milliseconds; `seen` has the patient time of each call. */
async function startSlowHelper(time: PatientTime): Promise<{ url: string; seen: number[][] }> {
  const seen: number[][] = [];
  const server = createServer(async (_, response) => {
    const from = time.now();
    await realDelay(100);
    seen.push([from, time.now()]);
    response.end();
  });
  onTestFinished(() => void server.close());
  return { url: await listen(server, 0), seen };
}

const ask = (url: string): Promise<number[]> =>
  new Promise((resolve, reject) => {
    get(url, async (response) => resolve(JSON.parse(await text(response)))).on('error', reject);
  });

describe('patient time', () => {
  it('stands still while a function waits for an answer, and jumps while it sleeps', async () => {
    const time = createPatientTime({ startMs: START, rate: 1e9 });
    const helper = await startSlowHelper(time);
    const url = await startFunction(time, helper.url);
    const [begun = 0, called, slept, ended] = await ask(url);
    expect(called).toBe(begun);
    expect(slept).toBe(begun + hours(1));
    expect(ended).toBe(slept);
    expect(helper.seen).toEqual([
      [begun, begun],
      [slept, slept],
    ]);
  });

  it('wakes the sleepers of this process at their instants, in order', async () => {
    const time = createPatientTime({ startMs: START, rate: 1e9 });
    await startFunction(time, '');
    const woken: number[] = [];
    const sleep = async (length: ReturnType<typeof minutes>) => {
      await time.sleep(plus(START, length));
      woken.push(time.now() - START);
    };
    await Promise.all([sleep(minutes(90)), sleep(minutes(1)), sleep(minutes(1))]);
    expect(woken).toEqual([minutes(1), minutes(1), minutes(90)]);
  });

  it('is no faster than its rate', async () => {
    const time = createPatientTime({ startMs: START, rate: 600 });
    await startFunction(time, '');
    const from = performance.now();
    await time.sleep(plus(START, minutes(2)));
    expect(performance.now() - from).toBeGreaterThan(195);
  });

  it('does not pass before it is started', async () => {
    const time = createPatientTime({ startMs: START, rate: 1e9 });
    expect(time.now()).toBe(START);
    await time.sleep(START);
    await realDelay(5);
    expect(time.now()).toBe(START);
  });
});
