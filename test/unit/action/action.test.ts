import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { projectDir } from '../../../build/project.ts';
import { createApi } from '../../../client/api.ts';
import { getCluster, isLive, listClusters, listLive } from '../../../client/clusters.ts';
import { type Ended, type Running, startNode, startScript } from '../../support/children.ts';
import { type Service, startService, TOKEN } from '../cli/binary.ts';
import { setGone, setState, startFakeOnebuck } from '../cli/jobs/fake-onebuck.ts';

/*
 * Tests of the GitHub action against `npm start`. The action is run as the runner runs it: with its
 * environment and its files, main.ts first, and post.ts whatever became of main.ts.
 */

/** The runner's Node 24 runs TypeScript as it is; before that, Node needs tsx. */
const start = Number(process.versions.node.split('.')[0]) < 24 ? startScript : startNode;

const action = parse(readFileSync(join(projectDir, 'action/action.yml'), 'utf8'));

let folder: string;
let service: Service;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onebuck-action-'));
  service = await startService();
});
afterAll(async () => {
  await service?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const api = () => createApi({ url: service.url, token: TOKEN });

/** One job that uses the action. */
interface Job {
  /** Starts main.ts. */
  main(): Running;
  /** Runs post.ts, with what main.ts has saved, or with a part of it. */
  post(saved?: Readonly<Record<string, string>>): Promise<Ended>;
  outputs(): Readonly<Record<string, string>>;
  state(): Readonly<Record<string, string>>;
  summary(): string;
}

function startJob(inputs: Readonly<Record<string, string>>): Job {
  const dir = mkdtempSync(join(folder, 'job-'));
  const file = (name: string) => join(dir, name);
  for (const name of ['output', 'state', 'summary']) writeFileSync(file(name), '');
  const bin = file('bin');
  mkdirSync(bin);
  // In place of ssh: runs the command, which is the last argument, on this machine.
  writeFileSync(join(bin, 'ssh'), '#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n');
  chmodSync(join(bin, 'ssh'), 0o755);
  const given = {
    url: service.url,
    token: TOKEN,
    budget: '0.5',
    nodes: '2',
    region: 'us-east',
    type: 'g6-nanode-1',
    ...inputs,
  };
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: dir,
    RUNNER_TEMP: dir,
    GITHUB_OUTPUT: file('output'),
    GITHUB_STATE: file('state'),
    GITHUB_STEP_SUMMARY: file('summary'),
    GITHUB_RUN_ID: '1234567890',
    GITHUB_WORKFLOW: 'Nightly benchmark',
    GITHUB_RUN_NUMBER: '7',
    ...withDefaults(given),
  };
  const state = () => valuesIn(file('state'));
  const stateEnv = (saved: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(saved).map(([name, value]) => [`STATE_${name}`, value]));
  const run = (program: string, more: Readonly<Record<string, string>>) =>
    start([join('action', program)], { ...env, ...more });
  return {
    main: () => run(action.runs.main, {}),
    post: (saved = state()) => run(action.runs.post, stateEnv(saved)).ended,
    outputs: () => valuesIn(file('output')),
    state,
    summary: () => readFileSync(file('summary'), 'utf8'),
  };
}

/** The inputs as the runner hands them over, with the defaults of action.yml. */
function withDefaults(given: Readonly<Record<string, string>>): Record<string, string> {
  const declared = Object.entries(action.inputs as Record<string, { default?: string }>);
  return Object.fromEntries(
    declared.map(([name, { default: preset = '' }]) => [
      `INPUT_${name.toUpperCase()}`,
      given[name] ?? preset,
    ]),
  );
}

/** The values of a file that the runner reads: `name<<end`, the value, `end`. */
function valuesIn(path: string): Record<string, string> {
  const values = readFileSync(path, 'utf8').matchAll(/^([\w-]+)<<(.+)\n([\s\S]*?)\n\2$/gm);
  return Object.fromEntries([...values].map(([, name, , value]) => [name, value]));
}

it('launches, has the nodes in its outputs, runs the command, and destroys at the end', async () => {
  const job = startJob({ exec: 'echo "part of the benchmark"', 'max-hours': '5' });
  const main = await job.main().ended;
  expect(main).toMatchObject({ code: 0, stderr: '' });
  expect(main.stdout).toContain('[1] part of the benchmark\n');
  expect(main.stdout).toContain('Exit codes: 0 on 2 nodes.');
  const outputs = job.outputs();
  const ofNodes = ['cluster-id', 'hosts', 'inventory', 'ssh-config'];
  expect(Object.keys(outputs).sort()).toEqual(ofNodes);
  expect([...ofNodes, ...OF_JOB].sort()).toEqual(Object.keys(action.outputs).sort());
  const cluster = await getCluster(api(), outputs['cluster-id'] ?? '');
  expect(cluster).toMatchObject({ name: 'Nightly benchmark 7', maxHours: 5, budgetUsd: 0.5 });
  const addresses = cluster.nodes.map(({ ipv4 }) => ipv4);
  expect(outputs.hosts).toBe(addresses.join(','));
  expect(JSON.parse(outputs.inventory ?? '').nodes).toHaveLength(2);
  const config = readFileSync(outputs['ssh-config'] ?? '', 'utf8');
  expect(config).toContain(`HostName ${addresses[0]}`);
  const [, identity = ''] = /IdentityFile (.+)/.exec(config) ?? [];
  expect(existsSync(identity)).toBe(true);
  expect(cluster.spec.authorizedKeys[0]).toBe(readFileSync(`${identity}.pub`, 'utf8').trim());

  const post = await job.post();
  expect(post).toMatchObject({ code: 0 });
  expect(job.summary()).toMatch(
    /^Cluster c\w+ is gone\. It cost \$0\.\d+ of its budget of \$0\.50/,
  );
  expect(isLive(await getCluster(api(), cluster.id))).toBe(false);
});

it('fails the job if the command fails on a node, and then destroys', async () => {
  const job = startJob({ exec: 'exit 3' });
  const main = await job.main().ended;
  expect(main.code).toBe(1);
  expect(main.stdout).toContain('::error title=Onebuck::Exit codes: 3 on node 0, 1.');
  expect(await job.post()).toMatchObject({ code: 0 });
  expect(isLive(await getCluster(api(), job.outputs()['cluster-id'] ?? ''))).toBe(false);
});

it('a job that is cancelled while the nodes come up leaves nothing', async () => {
  await service.setNeverUp(true);
  const job = startJob({});
  const main = job.main();
  await main.says('provisioning');
  main.child.kill('SIGKILL');
  await main.ended;
  await service.setNeverUp(false);
  expect(await job.post()).toMatchObject({ code: 0 });
  expect(isLive(await getCluster(api(), job.state().cluster ?? ''))).toBe(false);
});

it('a job that is cancelled before it learns the id finds the cluster by its tag', async () => {
  const job = startJob({});
  expect(await job.main().ended).toMatchObject({ code: 0 });
  const { mark = '', cluster = '' } = job.state();
  expect(mark).toMatch(/^run-1234567890-[0-9a-f]{12}$/);
  expect(await job.post({ mark })).toMatchObject({ code: 0 });
  expect(isLive(await getCluster(api(), cluster))).toBe(false);
});

it('says in one line why a launch is refused, and post has nothing to destroy', async () => {
  const job = startJob({ budget: '0.001' });
  const main = await job.main().ended;
  expect(main).toMatchObject({ code: 1 });
  expect(main.stdout).toMatch(/^::error title=Onebuck::.*\$0\.015/);
  expect(await job.post()).toEqual({ code: 0, stdout: 'Nothing was launched.\n', stderr: '' });
});

it('names the input that is missing or refused', async () => {
  const denied = await startJob({ token: 'wrong' }).main().ended;
  expect(denied.stdout).toContain(`::error title=Onebuck::${service.url} refuses the input token.`);
  const missing = await startJob({ token: '' }).main().ended;
  expect(missing.stdout).toContain('The input token is empty: is the secret known');
  const nowhere = await startJob({ url: 'onebuck' }).main().ended;
  expect(nowhere.stdout).toContain('The input url must be the address of Onebuck');
});

it('leaves no cluster behind after all these jobs', async () => {
  expect((await listLive(api())).clusters).toEqual([]);
  expect((await listClusters(api(), {})).clusters.length).toBeGreaterThan(3);
});

const OF_JOB = ['exit-code', 'results'];

describe('with a command (against a stand-in for Onebuck)', () => {
  const COMMAND = {
    ...{ command: 'make run', upload: 'events\nLICENSE\n', results: 'out/\n*.csv', array: '1-9' },
    nodes: '3',
  };

  /** A job that has printed `log`, and has ended. */
  async function startFake(log: string, exitCode: number) {
    const fake = await startFakeOnebuck({ on: 'all' });
    fake.looks.push(
      () => setState(fake, 'running'),
      () => {
        for (const { index } of fake.job.nodes) {
          fake.logs.set(index, log);
          fake.archives.set(index, Buffer.from(`archive ${index}`));
        }
        setState(fake, exitCode === 0 ? 'done' : 'failed', exitCode);
        setGone(fake);
      },
    );
    return fake;
  }

  it('runs a job, shows its log, and has the archives of its results', async () => {
    const fake = await startFake('::error::no command of mine\n', 0);
    const job = startJob({ ...COMMAND, url: fake.url });
    const { code, stdout } = await job.main().ended;
    expect(code, stdout).toBe(0);
    const { inputs, ...sent } =
      ([...fake.launches.values()] as { job: { inputs: string[] } }[])[0]?.job ?? {};
    expect(sent).toEqual({
      command: 'make run',
      on: 'all',
      tasks: '1-9',
      results: ['out/', '*.csv'],
    });
    const archive = fake.uploads.get(inputs?.[0] ?? '') ?? Buffer.alloc(0);
    const listed = execFileSync('tar', ['-tz'], { input: archive, encoding: 'utf8' });
    expect(listed.split('\n')).toEqual(expect.arrayContaining(['events/', 'LICENSE']));
    const { results = '', ...outputs } = job.outputs();
    expect(outputs).toEqual({ 'cluster-id': fake.cluster.id, 'exit-code': '0' });
    expect(readFileSync(join(results, 'n2.tar.gz'), 'utf8')).toBe('archive 2');
    // What a node prints is no command for the runner.
    const [, token = ''] = /::stop-commands::(.+)\n/.exec(stdout) ?? [];
    expect(token).not.toBe('');
    expect(stdout.indexOf('[1] ::error::')).toBeGreaterThan(stdout.indexOf(token));
    expect(stdout.lastIndexOf('::error::')).toBeLessThan(stdout.indexOf(`\n::${token}::\n`));
    expect(stdout).toContain(
      'done in 41 min, exit 0, $0.045 of $0.10, $0.045 not spent, results in ',
    );
  });

  it('fails with the command', async () => {
    const fake = await startFake('oops\n', 3);
    const job = startJob({ ...COMMAND, url: fake.url, upload: '' });
    const { code, stdout } = await job.main().ended;
    expect(code).toBe(1);
    expect(stdout).toContain('::error title=Onebuck::failed after 41 min, exit 3, ');
    expect(job.outputs()['exit-code']).toBe('3');
  });

  it('takes none for nodes that live, too', async () => {
    const fake = await startFakeOnebuck();
    const job = startJob({ ...COMMAND, url: fake.url, exec: 'uptime' });
    const { code, stdout } = await job.main().ended;
    expect({ code, launches: fake.launches.size }).toEqual({ code: 1, launches: 0 });
    expect(stdout).toContain('Give either the input command or exec.');
  });
});
