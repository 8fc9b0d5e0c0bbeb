import { missingForNodes } from '../simulators/nodes/requirements.ts';
import { expectFailure } from './nodes/failure.ts';
import { expectJobs, expectMpiJob, reportFloor } from './nodes/job.ts';
import { expectRoom } from './nodes/room.ts';
import { expectSetups } from './nodes/setups.ts';
import { launchTimers } from './nodes/timer.ts';
import { startWorld } from './nodes/world.ts';
import { startReport } from './report.ts';

/**
 * `npm run test:nodes` launches clusters by the HTTP API of a local stack whose Linodes really boot
 * (simulators/nodes), and looks at the nodes by ssh:
 *
 * 1. Ten nodes, with a cloud-config of the user's. All get ready; they are a room; and from the
 *    internet only ssh and the open ports answer. One that sends more than its slice is slowed down,
 *    asks for more, is fast again, and knows after a reboot what it has sent.
 * 2. A job of MPI on four nodes, from uploaded source to results at home, with the times that Onebuck
 *    adds, beside those of the same steps by hand. Then six jobs at once: one that fails, one that
 *    the teardown stops, two whose node boots anew, one of a schedule, and one with tasks.
 * 3. Two clusters whose teardown is near: with no rule of EventBridge running, so neither reaper nor
 *    sweeper, the nodes' own timers must end them, also on a node that was rebooted.
 * 4. Meanwhile three nodes with every setup that this kernel can run, each of which must do a job.
 * 5. And a node whose user's script fails, which is shown with its reason.
 *
 * At the end nothing of it may be left. Clocks run in real time, and Linode's clock is 55 minutes
 * behind: to Onebuck, a Linode created now is 55 minutes old, so the teardown time of `maxHours: 1`
 * is 2 minutes away.
 */
const missing = await missingForNodes();
if (missing !== null) {
  console.log(`SKIPPED: ${missing}`);
  process.exit(0);
}

const report = startReport();
const world = await startWorld(report);
try {
  await expectRoom(world);
  await expectMpiJob(world);
  await reportFloor(world);
  await expectJobs(world);
  const timers = await launchTimers(world);
  const setups = expectSetups(world);
  const failure = expectFailure(world);
  // A check that fails while another one is awaited must not end the process by itself.
  for (const check of [setups, failure]) check.catch(() => {});
  await timers.expectEnd();
  await failure;
  await setups;
  await world.expectNothingLeft();
  report('passed');
} catch (error) {
  report(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await world.close();
}
process.exit();
