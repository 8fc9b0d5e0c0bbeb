import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectDir } from '../../../../build/project.ts';
import type { Cluster, Clusters, Schedule } from '../../../../client/answers.ts';
import { hasTerminals } from '../../../support/children.ts';
import {
  buildBinary,
  envIn,
  onebuck,
  onebuckInTerminal,
  type Service,
  startOnebuck,
  startService,
  TOKEN,
} from '../binary.ts';

/* Jobs by the built program against `npm start`, whose nodes play their jobs. */

const SPEC = ['--type', 'g6-nanode-1', '--region', 'us-east', '--image', 'Debian 13'];

let home: string;
let service: Service;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'onebuck-jobs-'));
  buildBinary();
  service = await startService();
  env = envIn(home, { ONEBUCK_URL: service.url, ONEBUCK_TOKEN: TOKEN });
});
afterAll(async () => {
  await service?.stop();
  rmSync(home, { recursive: true, force: true });
});

const folder = (name: string): string => mkdtempSync(join(home, `${name}-`));

function project(): string {
  const path = folder('project');
  mkdirSync(join(path, 'src'));
  writeFileSync(join(path, 'src/pi.c'), 'int main;\n');
  return path;
}

const runOf = (name: string, nodes: number, ...more: string[]) => [
  ...['run', '--nodes', `${nodes}`, ...SPEC, '--budget', '1', '--name', name],
  ...more,
];

const json = async <Answer>(...args: string[]): Promise<Answer> => {
  const { code, stdout, stderr } = await onebuck([...args, '--json'], env);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout) as Answer;
};

it('a run goes as in docs/jobs.md, from the upload to the closing line', async () => {
  const page = readFileSync(join(projectDir, 'docs/jobs.md'), 'utf8');
  const [, recorded = ''] =
    /<!-- npm run record -->\n\n```text\n\$ ([\s\S]*?)\n\$ cat /.exec(page) ?? [];
  const [line = '', ...printed] = recorded.replace(/\\\n\s*/g, '').split('\n');
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, word]) => quoted ?? word ?? '',
  );
  const from = words.indexOf('--upload');
  const into = folder('into');
  const upload = [...words.slice(1, from + 1), project(), ...words.slice(from + 2)];
  const args = [
    ...upload.slice(0, upload.indexOf('--')),
    '--into',
    into,
    '--',
    ...words.slice(words.indexOf('--') + 1),
  ];
  const { code, stdout, stderr } = await onebuck(args, env);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^This is rank 0 of 4\..*\n\$ bash run\.sh\n/);
  const shape = (text: string) =>
    text
      .replaceAll(/\bc[a-z2-7]{10}\b/g, 'ID')
      .replaceAll(/\d+ of 4 nodes up.*/g, 'N of 4 nodes up')
      .replaceAll(/(?<=\n)(ID: N of 4 nodes up\n)+/g, 'ID: N of 4 nodes up\n')
      .replaceAll(/[\d.]+ (s|min|kB|bytes)\b/g, 'SO MANY')
      .replaceAll(/\$[\d.]+/g, '$')
      // The clock of the service runs fast, so that a look may find the command over.
      .replaceAll(/^The command .*\n/gm, '')
      .replace(/results in \S*?out\/?$/, 'results in out');
  const log = printed.findIndex((one) => one.startsWith('The command runs'));
  const notes = printed.filter((_, index) => index !== log + 1);
  // As the nodes run nothing, their log is another.
  expect(shape(stderr.trimEnd())).toBe(shape(notes.join('\n')));
  expect(readFileSync(join(into, 'out'), 'utf8')).toBe('Rank 0 of 4: bash run.sh\n');
});

it('a run on all nodes deals the tasks, marks lines, and fails with the first exit code', async () => {
  const into = folder('into');
  const more = [
    '--array',
    '1-5',
    '--results',
    'out/',
    '--results',
    '*.csv',
    '--into',
    into,
    '--yes',
  ];
  const { code, stdout, stderr } = await onebuck(
    [...runOf('tasks', 2, ...more, '--on-failure', 'keep'), '--', 'sleep 5; exit 3'],
    env,
  );
  expect(code, stderr).toBe(3);
  expect(stdout).toContain('[0] ONEBUCK_TASK_IDS=1 3 5\n');
  expect(stdout).toContain('[1] ONEBUCK_TASK_IDS=2 4\n');
  expect(stderr).toMatch(/"tasks": failed after .*, exit 3 on node 0, /);
  expect(stderr).toMatch(/\nIts nodes live on: teardown in .* "onebuck rm c\w+" ends it\.\n$/);
  expect(readFileSync(join(into, 'n1/out/result.txt'), 'utf8')).toContain('Rank 1 of 2');
  expect(readdirSync(join(into, 'n0')).toSorted()).toEqual(['out', 'result.csv']);
});

describe('a job that runs', () => {
  const start = async (name: string) => {
    const args = [...runOf(name, 1, '--results', 'out/', '--detach', '--yes'), '--', 'sleep 600m'];
    const { code, stdout, stderr } = await onebuck(args, env);
    expect(code, stderr).toBe(0);
    const [id = ''] = /\bc[a-z2-7]{10}\b/.exec(stdout) ?? [];
    expect(stderr).toContain(`"onebuck attach ${id}" follows it`);
    return id;
  };

  it('is listed, followed, left by Ctrl-C, stopped, and its results are fetched', async () => {
    const id = await start('long');
    const attached = startOnebuck(['attach', 'long', '--into', folder('into')], env);
    await attached.says('$ sleep 600m');
    attached.child.kill('SIGINT');
    const left = await attached.ended;
    expect(left.code).toBe(130);
    expect(left.stderr).toContain(`Detached: ${id} goes on.`);
    const { clusters } = await json<Clusters>('ps');
    expect(clusters.find((one) => one.id === id)?.job).toMatchObject({ state: 'running' });

    const into = folder('into');
    const following = startOnebuck(['attach', id, '--into', into], env);
    expect(await onebuck(['stop', 'long'], env)).toMatchObject({ code: 0 });
    const { code, stdout, stderr } = await following.ended;
    expect(code, stderr).toBe(143);
    expect(stdout).toContain('rank 0: SIGTERM\n');
    expect(stderr).toMatch(/"long": stopped after .*, exit 143, .* not spent, results in /);
    expect(readdirSync(join(into, 'out'))).toEqual(['result.txt']);

    // All of it is there when the cluster is gone, also by its name.
    const logs = await onebuck(['logs', 'long'], env);
    expect(logs).toMatchObject({ code: 0, stdout: expect.stringContaining('rank 0: SIGTERM\n') });
    const again = folder('into');
    expect(await onebuck(['results', 'long', '--into', again], env)).toMatchObject({ code: 0 });
    expect(readdirSync(join(again, 'out'))).toEqual(['result.txt']);
    expect((await onebuck(['stop', id], env)).stdout).toContain('is over: stopped.');
  });

  it.skipIf(!hasTerminals)(
    'asks in a terminal, draws, and is left by Ctrl-C (needs python3)',
    async () => {
      const args = [...runOf('drawn', 1, '--upload', project()), '--', 'sleep 600m'];
      const running = onebuckInTerminal(args, env);
      await running.says('Launch it? [y/N]');
      expect(running.said.stdout).toMatch(/Uploads 1 file of 10 bytes, before they are packed\./);
      running.child.stdin?.write('y\r');
      await running.says('$ sleep 600m');
      running.child.stdin?.write('\x03');
      const { code, stdout } = await running.ended;
      expect(code, stdout).toBe(130);
      expect(stdout).toMatch(/Uploading {2}[|│][#█]+[|│] {2}\d+ bytes of \d+ bytes, /);
      expect(stdout).toContain('Detached: ');
      expect((await json<Cluster>('rm', 'drawn', '--yes')).status).toBe('deleting');
    },
  );
});

it('a failure of Onebuck ends a run with 125, and --json says which', async () => {
  const spec = runOf('poor', 10, '--yes', '--json').map((word) => (word === '1' ? '0.01' : word));
  const { code, stdout, stderr } = await onebuck([...spec, '--', 'true'], env);
  expect({ code, stdout }).toEqual({ code: 125, stdout: '' });
  expect(JSON.parse(stderr)).toMatchObject({ failure: 'refused', exitCode: 125 });
  expect(await onebuck(['run', '--nodes', '1', '--bad', '--', 'x'], env)).toMatchObject({
    code: 125,
  });
  const faults = await onebuck(
    [...runOf('bad', 1, '--yes', '--grace', '1s', '--results', '../x'), '--', 'x'],
    env,
  );
  expect(faults.code).toBe(125);
  expect(faults.stderr).toContain('--grace');
  expect(faults.stderr).toContain(
    '--results[0] must be a path or a glob below the folder of the job',
  );
});

it('a schedule keeps the command and the upload', async () => {
  const args = ['schedule', 'add', '--cron', '0 2 1 1 *', '--nodes', '2', ...SPEC, '--budget', '1'];
  const more = ['--upload', project(), '--results', 'out', '--yes', '--json', '--', 'make', 'a b'];
  const { code, stdout, stderr } = await onebuck([...args, ...more], env);
  expect(code, stderr).toBe(0);
  const { id, spec } = JSON.parse(stdout) as Schedule;
  const job = { command: "make 'a b'", results: ['out'], inputs: [expect.stringMatching(/^u/)] };
  expect(spec.job).toMatchObject(job);
  expect(await onebuck(['schedule', 'rm', id, '--yes'], env)).toMatchObject({ code: 0 });
});
