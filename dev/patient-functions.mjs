// The process of the functions loads this module first to run in patient time; patient-time.ts is
// the other end, in the parent process. Here Date.now and the setTimeout of timers/promises go by
// the time that the parent sends. The functions see these two, since they are bundled as CommonJS.
// serverless-offline consists of ES modules, so its time-outs of functions go by the real time.
import { subscribe } from 'node:diagnostics_channel';
import timers from 'node:timers/promises';
import { noOpenCalls } from './open-calls.mjs';

let now = Number(process.env.PATIENT_TIME_START);
let sleepers = [];

Date.now = () => now;
timers.setTimeout = (ms) =>
  new Promise((wake) => {
    sleepers.push({ until: now + ms, wake });
  });

/** How many requests this process has received and not yet answered in full. */
let served = 0;
subscribe('http.server.request.start', ({ response }) => {
  served += 1;
  response.once('close', () => {
    served -= 1;
  });
});

process.on('message', async ({ patientTime }) => {
  if (patientTime === undefined) return;
  now = patientTime;
  const due = sleepers.filter(({ until }) => until <= now);
  sleepers = sleepers.filter(({ until }) => until > now);
  for (const { wake } of due) wake();
  await noOpenCalls();
  const next = Math.min(Number.MAX_SAFE_INTEGER, ...sleepers.map(({ until }) => until));
  process.send({ served, next });
});
