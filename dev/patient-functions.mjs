// Preloaded into the functions' process, when it is to live in patient time (patient-time.ts, which
// is the other end). The functions then take the time that the parent process sends for the
// machine's: they are bundled as CommonJS, and read Date.now and the setTimeout of timers/promises.
// serverless-offline, which times functions out, consists of ES modules and keeps its own timers.
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

/** Requests that this process has taken and not answered to the end. */
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
