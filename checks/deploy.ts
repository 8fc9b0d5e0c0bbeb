import { epochMs } from '../lib/core/base/units.ts';
import { startLinodeSimulator } from '../simulators/linode/simulator.ts';
import { expectAgents } from './deploy/agents.ts';
import {
  type Api,
  type Cluster,
  createDeployment,
  LINODE_TOKEN,
  type Schedule,
  SPEC,
  STAGE,
} from './deploy/deployment.ts';
import { sendDigest } from './deploy/digest.ts';
import { beginDrill } from './deploy/drill.ts';
import { expectEnforcedIam, startEmulator } from './deploy/emulator.ts';
import { expect, until } from './deploy/expect.ts';
import { createSwitch, loseRun } from './deploy/functions.ts';
import { compareInvoices } from './deploy/invoices.ts';
import { expectJob, expectKeptInput, upload } from './deploy/job.ts';
import { expectNothingKept, leaveFile } from './deploy/kept.ts';
import { launchNightly } from './deploy/nightly.ts';
import { subscribe } from './deploy/notices.ts';
import { expectOnlyStage, expectPolicies } from './deploy/policies.ts';
import { expectRoles } from './deploy/roles.ts';
import { expectRuntime } from './deploy/runtime.ts';
import { expectNoBudgetLeft, leaveBudget } from './deploy/table.ts';
import { boundRoles, createUsers } from './deploy/users.ts';
import { pythonProgramsFor } from './python.ts';
import { startReport } from './report.ts';

/**
 * `npm run test:deploy` deploys the whole stack, as users do, from a copy of the project to an AWS
 * emulator (MiniStack, from PyPI):
 *
 * 1. It runs a job by the deployed API, as its node's agent. It launches a cluster, whose nodes' agents
 *    it plays, too, and creates a schedule, which only the deployed reaper can run. EventBridge Scheduler launches the nightly cluster. Runs of the scheduled
 *    functions fail, and must be among the lost runs.
 * 2. It deploys again while the cluster runs, and waits for the cluster's teardown and its notice.
 *    A deploy and a rollback by which the stage would lose an address or a cap must be refused.
 * 3. It tries `serverless remove`, which must refuse to remove a stage with a live cluster.
 * 4. It empties the stage by `npm run drain`, while in a drill (checks/deploy/drill.ts) the sweeper
 *    is the only killer that works.
 * 5. Every call of the functions must have come from the Node of their runtime
 *    (checks/deploy/runtime.ts), and be allowed by their roles (checks/deploy/roles.ts). Then
 *    `serverless remove` must succeed.
 *
 * Two users do this, who have one policy of ops/policies each: the deployer runs `serverless`, and
 * the operator `npm run doctor`, `setup`, `tokens` and `drain`. The emulator enforces IAM: it refuses
 * what the role of a function, or the policy of a user, does not allow, and the first refusal ends the
 * test. What CloudFormation does with the rights of the deployer, the emulator does not judge: at the
 * end the check itself judges it (checks/deploy/policies.ts).
 *
 * The functions run in real time, and Linode's clock is 55 minutes behind: to the functions, a
 * Linode created now is 55 minutes old, so the teardown time of `maxHours: 1` is 2 minutes away.
 */
const LINODE_IS_BEHIND_MS = 55 * 60_000;

const bin = pythonProgramsFor('the AWS emulator');
const report = startReport();

const simulator = await startLinodeSimulator({
  now: () => epochMs(Date.now() - LINODE_IS_BEHIND_MS),
  tokens: { [LINODE_TOKEN]: '*' },
});
const emulator = await startEmulator(bin);
const users = await createUsers(emulator, STAGE);
const deployment = createDeployment(emulator, users, simulator.url);
let failures = 0;
try {
  const { deployer, operator } = users;
  const refusals = [deployer.recorder.refusal, operator.recorder.refusal];
  await Promise.race([run(), emulator.recorder.refusal, ...refusals]);
  const template = deployment.template();
  // A tick meanwhile may find its role gone, so that a function's refusal counts no more.
  await Promise.race([deployment.serverless('remove'), ...refusals]);
  await expectNothingKept(emulator);
  report('removed, with the table and the files of jobs, as KEEP_TABLE is false');
  expectPolicies(users, template, { programs: bin, report });
  report('passed');
} catch (error) {
  report(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
  failures = 1;
} finally {
  await users.close();
  await emulator.close();
  await simulator.close();
  deployment.remove();
}
// After a refusal, the run may still be waiting for what can't happen any more.
process.exit(failures);

async function run(): Promise<void> {
  await expectEnforcedIam(emulator);
  await expectSetUp();
  await deployment.buildConsole();
  const api = await deployment.deploy();
  report(`deployed: ${api.url}`);
  report(`bounded ${await boundRoles(emulator, STAGE)} roles`);
  await expectOnlyStage(emulator, users.deployer, report);
  await deployment.npmRun('doctor');
  report('the doctor finds nothing wrong');
  await expectFrontDoor(api.url);
  await expectNoLostAddress();
  await expectLostRuns();
  await expectJob(simulator, api, report);
  const cluster = await api.call<Cluster>('POST', '/clusters', SPEC, 202);
  const job = { command: 'true', inputs: [await upload(api)] };
  const body = { cron: '* * * * *', spec: { ...SPEC, nodes: 1, job }, monthlyCapUsd: 1_000 };
  const schedule = await api.call<Schedule>('POST', '/schedules', body, 201);
  report(`launched ${cluster.id}, and ${schedule.id} to launch another each minute`);
  const capped = { ...body, monthlyCapUsd: 0.01 };
  const refused = await api.call<Schedule>('POST', '/schedules', capped, 201);
  const notices = await subscribe(emulator);
  report(`subscribed to notices; the cap of ${refused.id} will refuse its runs`);
  await sendDigest(emulator);
  await notices.expect('digest', 'admin');
  report('the digest of the last week is sent, and the webhook’s failure told of');
  await compareInvoices(emulator, simulator);
  await notices.expect('invoiceDiffers', 'admin');
  report('an invoice at double prices is compared with the records, and told of');
  const nightly = await launchNightly(emulator, api);
  report(`EventBridge Scheduler has launched the nightly cluster ${nightly}`);
  await expectLists(api, [cluster.id, nightly]);
  await until(
    `${cluster.id} runs`,
    120,
    async () => (await statusOf(api, cluster.id)) === 'running',
  );
  report(`${cluster.id} runs: ${living(`onebuck=${cluster.id}`)} Linodes`);
  await expectAgents(simulator, api, cluster.id, report);

  // This cluster lives for an hour more, so that it still runs however long the deploy takes.
  await until(`${nightly} runs`, 120, async () => (await statusOf(api, nightly)) === 'running');
  deployment.writeSettings({ MAX_NODES: 50, KEEP_TABLE: false });
  await deployment.deploy('--force', '--param=loosen=KEEP_TABLE');
  const statusThen = await statusOf(api, nightly);
  expect(statusThen === 'running', `after the second deploy ${nightly} is ${statusThen}`);
  report('deployed again, in place');

  const scheduled = await lastingRunOf(api, schedule.id);
  report(`the reaper, by its EventBridge rule, had the schedule launch ${scheduled}`);
  await expectKeptInput(simulator, api, scheduled);
  report(`the node of ${scheduled} got the input that the schedule keeps`);
  await notices.expect('runRefused', refused.id);
  await api.call('DELETE', `/schedules/${refused.id}`, undefined, 204);
  report(`a notice said that the cap refused ${refused.id} a run; deleted the schedule`);
  await expectNoRemoval(scheduled);
  await expectTeardown(api, cluster.id);
  await notices.expect('gone', cluster.id);
  report(`a notice said that ${cluster.id} is gone`);

  const world = { emulator, simulator, linodeIsBehindMs: LINODE_IS_BEHIND_MS, report };
  const drill = await beginDrill(world, api);
  const drained = deployment.drain((line) => report(`  drain: ${line}`));
  await drill.end();
  const { code } = await drained;
  expect(code === 0, `the drain exited with ${code}`);
  await expectDrained(api, scheduled, schedule.id);

  const template = deployment.template();
  expectRuntime(emulator, template, report);
  await expectRoles(emulator, template, report);
  await expectNoRollback();
  await leaveFile(emulator);
}

/** Makes the secret, and a further API token, which is revoked. */
async function expectSetUp(): Promise<void> {
  await deployment.npmRun('doctor');
  await deployment.setUp();
  await deployment.npmRun('tokens', ['add', 'bob']);
  expect((await deployment.npmRun('tokens', ['list'])).includes('bob '), 'bob has no token');
  await deployment.npmRun('tokens', ['revoke', 'bob']);
  report('the operator has made the secret, and added and revoked a token');
}

/**
 * Has Lambda lose a run of `nightly` and a run of the sweeper, and the sweeper make up for it. A run
 * of the reaper is lost in the drill, since the reaper must run until then. Must be called before a
 * launch: with Linodes there, the sweeper would wait for minutes until they are due.
 */
async function expectLostRuns(): Promise<void> {
  const loseSweep = async () => {
    const sweeper = createSwitch(emulator, 'sweep');
    await sweeper.stop();
    await loseRun(emulator, 'sweep');
    await leaveBudget(emulator);
    await sweeper.start();
    await expectNoBudgetLeft(emulator);
  };
  // A nightly event without its scheduled time fails; no event makes the sweeper fail.
  await Promise.all([loseRun(emulator, 'nightly'), loseSweep()]);
  report('failed runs of nightly and of the sweeper are in the queue of lost runs');
  report('the next run of the sweeper took the budget of a crashed launch out of the ledger');
}

/** A redeploy whose file lacks a line must not take the reader of notices from the stage. */
async function expectNoLostAddress(): Promise<void> {
  deployment.writeSettings({ NOTICE_EMAIL: undefined });
  const { code, printed } = await deployment.tryServerless('deploy');
  deployment.writeSettings();
  expect(code !== 0, 'a deploy that lost the address of notices was not refused');
  for (const text of ['notices@example.com → (none)', '--param="loosen=NOTICE_EMAIL"']) {
    expect(printed.includes(text), `the refusal does not say ${text}:\n${printed}`);
  }
  report('a deploy that lacks the address of notices is refused');
}

/** The first deployment let a cluster have more nodes than the second. */
async function expectNoRollback(): Promise<void> {
  const list = await deployment.serverless('deploy', 'list');
  const [first = ''] = (list.match(/\b\d{13}\b/g) ?? []).toSorted();
  const { code, printed } = await deployment.tryServerless('rollback', '--timestamp', first);
  expect(code !== 0, `the rollback to ${first} was not refused:\n${printed}`);
  for (const text of ['MAX_NODES  50 → 100', '--param="loosen=MAX_NODES"']) {
    expect(printed.includes(text), `the refusal does not say ${text}:\n${printed}`);
  }
  report('a rollback to looser settings is refused');
}

async function expectLists(api: Api, ids: readonly string[]): Promise<void> {
  for (const path of ['/clusters', '/clusters?status=live']) {
    const { clusters } = await api.call<{ readonly clusters: readonly Cluster[] }>('GET', path);
    const listed = clusters.map(({ id }) => id);
    expect(
      ids.every((id) => listed.includes(id)),
      `GET ${path} lists ${listed.join(', ')}`,
    );
  }
  report('the API lists the clusters');
}

/** A run whose cluster lives, and lives an hour longer from now on, so that the drain meets it. */
async function lastingRunOf(api: Api, id: string): Promise<string> {
  let lasting = '';
  await until('a cluster of the schedule lives', 150, async () => {
    const { runs } = await api.call<Schedule>('GET', `/schedules/${id}`);
    const newest = runs.find(({ result }) => result === 'launched')?.clusterId;
    if (newest === undefined) return false;
    // The newest may have come to its end already.
    const longer = api.call('PATCH', `/clusters/${newest}`, { maxHours: 2 });
    lasting = await longer.then(
      () => newest,
      () => '',
    );
    return lasting !== '';
  });
  return lasting;
}

async function expectNoRemoval(id: string): Promise<void> {
  const { code, printed } = await deployment.tryServerless('remove');
  expect(code !== 0, 'a stage with a live cluster was removed');
  expect(printed.includes(id), `the refusal does not name ${id}:\n${printed}`);
  const advice = 'npm run drain -- --stage';
  expect(printed.includes(advice), `the refusal does not say ${advice}:\n${printed}`);
  report(`serverless remove is refused, as ${id} lives`);
}

async function expectTeardown(api: Api, id: string): Promise<void> {
  await until(`${id} has ended`, 240, async () => (await statusOf(api, id)) === 'deleted');
  const { endReason, spentUsd } = await api.cluster(id);
  expect(endReason === 'maxHours', `${id} ended by ${endReason}`);
  const billed = simulator.bill(`onebuck=${id}`).totalMicroUsd;
  expect(billed <= SPEC.budgetUsd * 1e6, `Linode bills ${billed} micro-dollars for ${id}`);
  report(`${id} was torn down by its maxHours: $${spentUsd}, Linode bills $${billed / 1e6}`);
}

async function expectDrained(api: Api, id: string, scheduleId: string): Promise<void> {
  const { status, endReason } = await api.cluster(id);
  expect(status === 'deleted' && endReason === 'requested', `${id}: ${endReason}`);
  const { enabled } = await api.call<Schedule>('GET', `/schedules/${scheduleId}`);
  expect(!enabled, `${scheduleId} was not paused`);
  await api.call('POST', '/clusters', SPEC, 422);
  await api.call('POST', '/schedules', { cron: '* * * * *', spec: SPEC }, 422);
  const left = living();
  expect(left === 0, `${left} Linodes are left`);
  report(`the drain has ended ${id} and paused ${scheduleId}: no Linode is left, and none comes`);
}

function living(tag?: string): number {
  return simulator.instances(tag).filter(({ deleted }) => deleted === null).length;
}

async function statusOf(api: Api, id: string): Promise<string> {
  return (await api.cluster(id)).status;
}

async function expectFrontDoor(url: string): Promise<void> {
  const expectAnswer = async (
    path: string,
    expected: { readonly status: number; readonly type?: string; readonly location?: string },
    init: RequestInit = {},
  ) => {
    const { status, headers } = await fetch(`${url}${path}`, { ...init, redirect: 'manual' });
    const [type] = (headers.get('content-type') ?? '').split(';');
    const answer = { status, type, location: headers.get('location') };
    for (const [part, value] of Object.entries(expected)) {
      const is = answer[part as keyof typeof answer];
      expect(is === value, `GET ${path} is answered with the ${part} ${is}, not with ${value}`);
    }
  };
  const problem = { type: 'application/problem+json' };
  await expectAnswer('/', { status: 200, type: 'text/html' });
  await expectAnswer('/health', { status: 200, type: 'application/json' });
  await expectAnswer('/clusters', { status: 401, ...problem });
  const wrong = { headers: { authorization: 'Bearer wrong' } };
  await expectAnswer('/clusters', { status: 403, ...problem }, wrong);
  await expectAnswer('/nowhere/at/all', { status: 404, ...problem });
  await expectAnswer('/clusters', { status: 404, ...problem }, { method: 'PUT' });
  await expectAnswer('/assets/none.js', { status: 404, ...problem });
  const browser = { headers: { accept: 'text/html,application/xhtml+xml' } };
  await expectAnswer('/clusters', { status: 303, location: '/#/clusters' }, browser);
  report(
    'anybody may load the console; the API refuses requests without a token, with a wrong one, ' +
      'and to unknown routes, each with a problem, and shows a browser the console',
  );
}
