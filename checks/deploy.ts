import { epochMs } from '../lib/core/base/units.ts';
import { startLinodeSimulator } from '../simulators/linode/simulator.ts';
import {
  type Api,
  type Cluster,
  createDeployment,
  LINODE_TOKEN,
  type Schedule,
} from './deploy/deployment.ts';
import { beginDrill } from './deploy/drill.ts';
import { startEmulator } from './deploy/emulator.ts';
import { expect, until } from './deploy/expect.ts';
import { pythonPrograms } from './python.ts';

/**
 * `npm run test:deploy`: `serverless deploy` of the whole stack, as users do it, to an AWS emulator
 * (MiniStack, from PyPI); then a cluster through the deployed API, a schedule that only the deployed
 * reaper can run, a second deploy in their midst, and the cluster's end. Then a drill in which the
 * sweeper is all that works (checks/deploy/drill.ts), while `npm run drain` empties the stage, which
 * `serverless remove` refuses to remove before, and removes after.
 *
 * The functions run in real time. Linode's clock is 55 minutes behind, so that what is created now
 * has begun its hour then, and the teardown time of `maxHours: 1` is 2 minutes away.
 */
const LINODE_IS_BEHIND_MS = 55 * 60_000;
const SPEC = {
  nodes: 3,
  type: 'g6-nanode-1',
  region: 'us-east',
  image: 'linode/debian12',
  budgetUsd: 0.05,
  maxHours: 1,
};

const bin = pythonPrograms();
if (bin === null) {
  console.log('SKIPPED: the AWS emulator needs python3 with venv, which is not here.');
  process.exit(0);
}
const began = Date.now();
const say = (text: string) =>
  console.log(`${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s  ${text}`);

const simulator = await startLinodeSimulator({
  now: () => epochMs(Date.now() - LINODE_IS_BEHIND_MS),
  tokens: { [LINODE_TOKEN]: '*' },
});
const emulator = await startEmulator(bin);
const deployment = createDeployment(emulator, simulator.url);
try {
  await run();
  say('passed');
  process.exitCode = 0;
} catch (error) {
  say(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  emulator.close();
  await simulator.close();
}

async function run(): Promise<void> {
  await deployment.createSecret();
  say('the secret is there');
  const api = await deployment.deploy();
  say(`deployed: ${api.url}`);
  await expectAuthorizer(api.url);
  const cluster = await api.call<Cluster>('POST', '/clusters', SPEC, 202);
  const body = { cron: '* * * * *', spec: { ...SPEC, nodes: 1 } };
  const schedule = await api.call<Schedule>('POST', '/schedules', body, 201);
  say(`launched ${cluster.id}, and ${schedule.id} to launch another each minute`);
  await until('its nodes run', 120, async () => (await statusOf(api, cluster.id)) === 'running');
  say(`${cluster.id} runs: ${living(`onebuck=${cluster.id}`)} Linodes`);

  await deployment.deploy('--force');
  expect((await statusOf(api, cluster.id)) === 'running', 'it lives through a second deploy');
  say('deployed again, in place');

  const scheduled = await firstRunOf(api, schedule.id);
  say(`the reaper, by its EventBridge rule, had the schedule launch ${scheduled}`);
  await expectNoRemoval(scheduled);
  await expectTeardown(api, cluster.id);

  const world = { emulator, simulator, linodeIsBehindMs: LINODE_IS_BEHIND_MS, say };
  const drill = await beginDrill(world, api);
  expect(living(`onebuck=${scheduled}`) > 0, `${scheduled} lives when the drain begins`);
  const drained = deployment.drain((line) => say(`  drain: ${line}`));
  await drill.end();
  const { code } = await drained;
  expect(code === 0, `the drain ended with ${code}`);
  await expectDrained(api, scheduled, schedule.id);

  await deployment.serverless('remove');
  say('removed');
}

async function firstRunOf(api: Api, id: string): Promise<string> {
  let launched: string | undefined;
  await until('the reaper has run the schedule', 150, async () => {
    const { runs } = await api.call<Schedule>('GET', `/schedules/${id}`);
    launched = runs.find(({ result }) => result === 'launched')?.clusterId;
    return launched !== undefined;
  });
  return launched ?? '';
}

async function expectNoRemoval(id: string): Promise<void> {
  const { code, printed } = await deployment.tryServerless('remove');
  expect(code !== 0, 'a stage with a live cluster was removed');
  expect(printed.includes(id), `the refusal does not name ${id}:\n${printed}`);
  expect(printed.includes('npm run drain -- --stage'), `nor what to do:\n${printed}`);
  say(`serverless remove is refused, as ${id} lives`);
}

async function expectTeardown(api: Api, id: string): Promise<void> {
  await until(`${id} has ended`, 240, async () => (await statusOf(api, id)) === 'deleted');
  const { endReason, spentUsd } = await api.cluster(id);
  expect(endReason === 'maxHours', `${id} was ended by ${endReason}`);
  const billed = simulator.bill(`onebuck=${id}`).totalMicroUsd;
  expect(billed <= SPEC.budgetUsd * 1e6, `Linode bills ${billed} micro-dollars for ${id}`);
  say(`${id} was torn down by its maxHours: $${spentUsd}, Linode bills $${billed / 1e6}`);
}

async function expectDrained(api: Api, id: string, scheduleId: string): Promise<void> {
  const { status, endReason } = await api.cluster(id);
  expect(status === 'deleted' && endReason === 'requested', `${id}: ${endReason}`);
  const { enabled } = await api.call<Schedule>('GET', `/schedules/${scheduleId}`);
  expect(!enabled, `${scheduleId} was not paused`);
  const left = living();
  expect(left === 0, `${left} Linodes are left`);
  say(`the drain has ended ${id} and paused ${scheduleId}: no Linode is left`);
}

function living(tag?: string): number {
  return simulator.instances(tag).filter(({ deleted }) => deleted === null).length;
}

async function statusOf(api: Api, id: string): Promise<string> {
  return (await api.cluster(id)).status;
}

async function expectAuthorizer(url: string): Promise<void> {
  expect((await fetch(`${url}/health`)).status === 200, 'anybody may ask for /health');
  expect((await fetch(`${url}/clusters`)).status === 401, 'nobody without a token for /clusters');
  const wrong = { headers: { authorization: 'Bearer wrong' } };
  expect((await fetch(`${url}/clusters`, wrong)).status === 403, 'nor with a wrong one');
  say('the authorizer lets in whom it should');
}
