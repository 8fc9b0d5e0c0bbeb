import { epochMs } from '../lib/core/base/units.ts';
import { startLinodeSimulator } from '../simulators/linode/simulator.ts';
import { LINODE_TOKEN } from './deploy/deployment.ts';
import { startEmulator } from './deploy/emulator.ts';
import { expectAnswerInTime, expectAnswers, expectErrors } from './lambda/events.ts';
import { becomeReady, beginLife, destroy, endLife } from './lambda/life.ts';
import { expectLogs, ownLines } from './lambda/logs.ts';
import { lambdaRuntime } from './lambda/runtime.ts';
import { startFunctions } from './lambda/world.ts';
import { pythonPrograms } from './python.ts';
import { startReport } from './report.ts';

/**
 * `npm run test:lambda`, after `npm run package`, runs each function's zip in what Lambda itself runs
 * it in: Node 24, Amazon's runtime client, and Amazon's emulator of the interface between client and
 * Lambda. Table, secret and Linode are emulated.
 *
 * 1. The API launches a cluster, and a tick of the reaper has `reconcile` bring it up.
 * 2. The API answers in time while Linode does not. Each function answers its event in events/, and
 *    an event that is none of its own by an error. The API takes a body in base64.
 * 3. Meanwhile `reconcile` waits for the teardown, and tears the cluster down.
 * 4. What the functions have logged must be JSON without secrets.
 *
 * Linode's clock is 56 minutes behind: to the functions, a Linode created now is 56 minutes old, so
 * the teardown time of `maxHours: 1` is a minute away.
 */
const LINODE_IS_BEHIND_MS = 56 * 60_000;

const programs = pythonPrograms();
const runtime = lambdaRuntime();
const missing = [
  ...(programs === null ? ['python3 with venv'] : []),
  ...('missing' in runtime ? runtime.missing : []),
];
if (programs === null || 'missing' in runtime) {
  console.log(`SKIPPED: Lambda's runtime needs ${missing.join(', ')}, which this machine lacks.`);
  process.exit(0);
}

const report = startReport();
const linode = await startLinodeSimulator({
  now: () => epochMs(Date.now() - LINODE_IS_BEHIND_MS),
  tokens: { [LINODE_TOKEN]: '*' },
  settings: { imageSeconds: 1, bootSeconds: 1, shutdownSeconds: 1 },
});
const emulator = await startEmulator(programs);
const functions = await startFunctions(runtime, emulator, linode);
try {
  report(`${functions.logs.size} functions are in Lambda's runtime`);
  const id = await beginLife(functions);
  report(`launched ${id} by the API; a tick of the reaper has had it brought up`);
  await becomeReady(functions, linode, id);
  report('the agents on its nodes have said that they are ready');
  const seconds = await expectAnswerInTime(functions, linode);
  report(`with 8 s of time, the API answers after ${seconds} s though Linode hangs`);
  const nightly = await expectAnswers(functions);
  report('each function answers its event, and the API a body in base64');
  const failed = await expectErrors(functions);
  report(`the runtime reports the errors of ${failed.join(', ')}`);
  const billed = await endLife(functions, linode, id);
  report(`passes have torn ${id} down at the end of its hour: Linode bills $${billed}`);
  await destroy(functions, nightly);
  report(`destroyed ${nightly}, which nightly had launched`);
  await functions.settled();
  report(expectLogs(functions, failed));
  report('passed');
} catch (error) {
  report(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
  for (const [name, lines] of functions.logs) {
    for (const line of ownLines(lines).slice(-20)) console.log(`      ${name}: ${line}`);
  }
  process.exitCode = 1;
} finally {
  await functions.close();
  await emulator.close();
  await linode.close();
}
