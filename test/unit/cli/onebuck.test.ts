import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { projectDir } from '../../../build/project.ts';
import type { Cluster, Clusters, InventoryNode, Schedule } from '../../../client/answers.ts';
import { freePort, listen } from '../../../simulators/listen.ts';
import { type Env, hasTerminals, type Running } from '../../support/children.ts';
import {
  buildBinary,
  envIn,
  onebuck,
  onebuckInTerminal,
  type Service,
  startOnebuck,
  startService,
  TOKEN,
} from './binary.ts';
import { hasSshd, startSshd, userOption } from './sshd.ts';

/*
 * The built program against `npm start`. The machine's clock is not waited for: the service's own
 * goes fast, and what takes longest, a life watched to its end, goes on beside the other tests.
 */

const SPEC = ['--type', 'g6-nanode-1', '--region', 'us-east', '--image', 'Ubuntu 24.04 LTS'];
const ESCAPE = '\x1b';

let home: string;
let service: Service;
let env: Env;
let watched: { readonly piped: Running; readonly inTerminal: Running | null };

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'onebuck-cli-'));
  buildBinary();
  service = await startService();
  env = envIn(home, { ONEBUCK_URL: service.url, ONEBUCK_TOKEN: TOKEN });
  const brief = ['launch', '--nodes', '2', ...SPEC, '--budget', '0.02', '--name', 'brief', '--yes'];
  expect(await onebuck(brief, env)).toMatchObject({ code: 0 });
  watched = {
    piped: startOnebuck(['watch', 'brief'], env),
    inTerminal: hasTerminals ? onebuckInTerminal(['watch', 'brief'], env) : null,
  };
});

afterAll(async () => {
  await service?.stop();
  rmSync(home, { recursive: true, force: true });
});

const json = async <Answer>(args: readonly string[]): Promise<Answer> => {
  const { code, stdout, stderr } = await onebuck([...args, '--json'], env);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout) as Answer;
};

const launchJob = (name: string, ...more: string[]) => [
  ...['launch', '--nodes', '2', ...SPEC, '--budget', '1', '--name', name],
  ...more,
];

it('says its version', async () => {
  const { version } = JSON.parse(readFileSync(join(projectDir, 'package.json'), 'utf8'));
  expect(await onebuck(['--version'], env)).toMatchObject({ code: 0, stdout: `${version}\n` });
});

describe('login', () => {
  it('tries the token, and keeps it where its owner alone can read it', async () => {
    const alone = envIn(mkdtempSync(join(home, 'login-')));
    const refused = await onebuck(['login', '--url', service.url], alone, 'wrong\n');
    expect(refused).toMatchObject({ code: 3, stdout: '' });
    expect(readdirSync(alone.HOME ?? '')).toEqual([]);
    expect(await onebuck(['login', '--url', service.url], alone, `${TOKEN}\n`)).toMatchObject({
      code: 0,
    });
    const file = join(alone.HOME ?? '', '.config/onebuck/config.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await onebuck(['ls'], alone)).toMatchObject({ code: 0 });
    // A token is not shown to another server than its own.
    const elsewhere = await onebuck(['ls'], { ...alone, ONEBUCK_URL: 'http://127.0.0.1:9' });
    expect(elsewhere).toMatchObject({ code: 3 });
  });

  it.skipIf(!hasTerminals)('does not show the token that is typed (needs python3)', async () => {
    const alone = envIn(mkdtempSync(join(home, 'login-')));
    const { child, says, ended } = onebuckInTerminal(['login', '--url', service.url], alone);
    await says('Token (not shown): ');
    child.stdin?.write(`${TOKEN}\r`);
    const { code, stdout } = await ended;
    expect(code, stdout).toBe(0);
    expect(stdout).toContain('Logged in to');
    expect(stdout).not.toContain(TOKEN);
  });
});

describe('before a launch', () => {
  it('shows types and a quote', async () => {
    const types = await onebuck(['types', '--vcpus', '1', '--region', 'us-east'], env);
    expect(types.stdout).toMatch(/^TYPE .*\ng6-nanode-1 .* \$0\.0075/);
    const quote = await onebuck(['quote', '--nodes', '10', ...SPEC, '--budget', '1'], env);
    expect(quote).toMatchObject({ code: 0, stderr: '' });
    expect(quote.stdout).toContain('$0.975 of $1.00');
    expect(quote.stdout).not.toContain(ESCAPE);
  });

  it('asks nobody where nobody can answer, and says so', async () => {
    const { code, stdout, stderr } = await onebuck(launchJob('unasked'), env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('--yes');
  });

  it.skipIf(!hasTerminals)(
    'asks with the quote, and takes no for an answer (python3)',
    async () => {
      const { child, says, ended } = onebuckInTerminal(launchJob('unwanted'), env);
      await says('[y/N]');
      child.stdin?.write('n\r');
      const { code, stdout } = await ended;
      expect(code).toBe(1);
      expect(stdout).toMatch(
        /2 × Nanode 1GB \(g6-nanode-1\) in us-east: \$0\.015 a started hour\. .*66 hours/,
      );
      expect(stdout).toContain('Nothing was done.');
      const { clusters } = await json<Clusters>(['ls', '--all']);
      expect(clusters.map(({ name }) => name)).not.toContain('unwanted');
    },
  );
});

describe('a cluster', () => {
  let cluster: Cluster;

  it('is launched, and waited for until its inventory is known', async () => {
    const launched = await onebuck(launchJob('job', '--yes', '--wait'), env);
    expect(launched, launched.stderr).toMatchObject({ code: 0 });
    expect(launched.stderr).toContain('2 of 2 nodes up');
    expect(launched.stdout).toMatch(/NODE +LABEL +IPV4 +USER\n +0 +onebuck-c\w+-0 +\d+\./);
    cluster = await json<Cluster>(['show', 'job']);
  });

  it.skipIf(!hasTerminals)(
    'is drawn as a bar in a terminal while it comes up (python3)',
    async () => {
      const { said, ended } = onebuckInTerminal(launchJob('drawn', '--yes', '--wait'), env);
      const { code, stdout } = await ended;
      expect({ code, said: said.stderr }).toEqual({ code: 0, said: '' });
      const [first = '', ...later] = stdout.split(`${ESCAPE}[2A`); // drawn in place
      expect(first).toMatch(/[│|][░.]+[│|]\r\n.*0 of 2 nodes up/);
      expect(later.at(-1)).toMatch(/[│|][█#]+[│|]\r\n.*2 of 2 nodes up\r\n/);
      expect(stdout).toMatch(/NODE +LABEL +IPV4 +USER/);
      expect(await onebuck(['rm', 'drawn', '--yes'], env)).toMatchObject({ code: 0 });
    },
  );

  it('is shown by name, id and beginning of its id, with a countdown in the reader’s zone', async () => {
    for (const named of ['job', cluster.id, cluster.id.slice(0, 8)]) {
      const { stdout } = await onebuck(['show', named], env);
      expect(stdout).toContain(cluster.id);
      expect(stdout).toMatch(/teardown in (\d d )?\d\d:\d\d:\d\d, .* (CET|GMT\+1)/);
      expect(stdout).toMatch(
        /next +At .* (CET|GMT\+1) Onebuck destroys its nodes, when the budget is used up\./,
      );
    }
    const { stdout } = await onebuck(['ls'], env);
    expect(stdout).toMatch(new RegExp(`${cluster.id}  job +running +2 .* in 2 d \\d+ h`));
  });

  it('gives its inventory in every form', async () => {
    const hosts = await onebuck(['inventory', 'job', '--format', 'hosts'], env);
    expect(hosts.stdout).toContain(`${cluster.nodes[0]?.ipv4}\t${cluster.nodes[0]?.label}`);
    const { nodes } = await json<{ nodes: InventoryNode[] }>(['inventory', 'job']);
    expect(nodes.map(({ index }) => index)).toEqual([0, 1]);
    const credentials = await onebuck(['credentials', 'job'], env);
    expect(credentials.stdout).toMatch(/PASSWORD\n +0 +\S+ +root +\S{10}/);
  });

  it('lasts longer by hours, by more budget and to a budget', async () => {
    const hours = await json<Cluster>(['extend', 'job', '--hours', '2', '--yes']);
    expect(hours.affordableHours).toBe(68);
    // What is left over of the dollar depends on how many seconds apart the nodes were created.
    expect(hours.budgetUsd).toBeGreaterThanOrEqual(1.02);
    expect(hours.budgetUsd).toBeLessThanOrEqual(1.03);
    const more = await json<Cluster>(['extend', 'job', '--budget', '+1', '--yes']);
    expect(more.budgetUsd).toBeCloseTo(hours.budgetUsd + 1, 6);
    const { stdout } = await onebuck(['extend', 'job', '--budget', '$3', '--yes'], env);
    expect(stdout).toMatch(/lasts 200 hours instead of 13[45]/);
  });

  describe.skipIf(!hasSshd)('with servers in place of its nodes (needs /usr/sbin/sshd)', () => {
    let sshConfig: string;
    let way: string[];

    beforeAll(async () => {
      const dir = mkdtempSync(join(home, 'sshd-'));
      sshConfig = await startSshd(
        dir,
        cluster.nodes.map(({ ipv4 }) => ipv4 ?? ''),
      );
      way = ['-F', sshConfig, '--ssh-option', userOption];
    });

    it('runs a command on all nodes, and tells whose each line is', async () => {
      const { code, stdout, stderr } = await onebuck(
        ['run', 'job', ...way, '--', 'echo "node $NODE"; echo oops >&2'],
        env,
      );
      expect({ code, lines: stdout.split('\n').sort() }, stderr).toEqual({
        code: 0,
        lines: ['', '[0] node 0', '[1] node 1'],
      });
      expect(stderr).toContain('[1] oops');
      expect(stderr).toContain('Exit codes: 0 on 2 nodes.');
      const known = readFileSync(
        join(home, '.local/state/onebuck/known_hosts', cluster.id),
        'utf8',
      );
      expect(known).toContain(`onebuck-${cluster.id}-1 `);
    });

    it('fails where one of them does', async () => {
      const { code, stderr } = await onebuck(['run', 'job', ...way, '--', 'exit $NODE'], env);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: 'Exit codes: 0 on 1 node; 1 on node 1.\n',
      });
    });

    it('refuses a node that shows another key than before', async () => {
      const [first, second] = cluster.nodes.map(({ ipv4 }) => ipv4 ?? '');
      const config = readFileSync(sshConfig, 'utf8');
      const swapped = join(home, 'swapped.conf');
      writeFileSync(
        swapped,
        config.replace(`Host ${first}`, 'Host x').replace(`Host ${second}`, `Host ${first}`),
      );
      const options = ['-F', swapped, '--ssh-option', userOption];
      const { code, stderr } = await onebuck(['ssh', 'job', ...options, '--', 'true'], env);
      expect(code).toBe(255);
      expect(stderr).toContain('Host key verification failed');
      const ran = await onebuck(['run', 'job', ...options, '--', 'true'], env);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain('255 on node 0');
      expect(ran.stderr).toContain(`"onebuck credentials ${cluster.id}" has it`);
    });

    it('logs in to one, and ends with its exit code', async () => {
      const command = ['ssh', 'job', '1', ...way, '--', 'echo "on $NODE"; exit 7'];
      expect(await onebuck(command, env)).toMatchObject({ code: 7, stdout: 'on 1\n' });
      expect(await onebuck(['ssh', 'job', '9', ...way, '--', 'true'], env)).toMatchObject({
        code: 4,
      });
    });
  });

  it('is destroyed, and its end is told with its cost', async () => {
    expect(await onebuck(['rm', 'job'], env)).toMatchObject({ code: 2 });
    const { code, stdout } = await onebuck(['rm', 'job', '--yes', '--wait'], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /is gone: somebody asked for its end\. It cost \$[\d.]+ of its budget of \$3/,
    );
    const again = await onebuck(['rm', cluster.id, '--yes'], env);
    expect(again).toMatchObject({ code: 0, stdout });
    const late = await onebuck(['extend', cluster.id, '--hours', '1', '--yes'], env);
    expect(late).toMatchObject({ code: 1, stdout: '' });
  });
});

describe('a launch that is cut short', () => {
  it('says on Ctrl-C that the cluster lives on, and how to end it', async () => {
    // Or it might not be cut short, on a busy machine.
    await service.neverUp(true);
    onTestFinished(() => service.neverUp(false));
    const { child, says, ended } = startOnebuck(launchJob('left', '--yes', '--wait'), env);
    await says('nodes up');
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    const [, id = ''] = /Cluster (c\w{10}) lives on.*"onebuck rm \1"/.exec(stderr) ?? [];
    expect(await onebuck(['rm', id, '--yes'], env)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Linode will bill'),
    });
  });

  it.each([
    ['is lost', null],
    ["is the gateway's 503", 503],
    ["is the gateway's 504", 504],
  ])('launches nothing twice where the answer %s', async (_, status) => {
    const name = `once-${status}`;
    const proxy = spoiling(service.url, 1, (outgoing) => {
      if (status === null) outgoing.destroy();
      else outgoing.writeHead(status).end('{"message":"Service Unavailable"}');
    });
    const viaProxy = { ...env, ONEBUCK_URL: await listen(proxy, 0) };
    const launched = await onebuck(launchJob(name, '--yes', '--json'), viaProxy);
    proxy.close();
    expect(launched, launched.stderr).toMatchObject({ code: 0 });
    const { clusters } = await json<Clusters>(['ls', '--all']);
    const once = clusters.filter((cluster) => cluster.name === name);
    expect(once.map(({ id }) => id)).toEqual([(JSON.parse(launched.stdout) as Cluster).id]);
    await onebuck(['rm', name, '--yes'], env);
  });

  it('tells how to ask again where no answer comes at all', async () => {
    const proxy = spoiling(service.url, Number.POSITIVE_INFINITY, (outgoing) => {
      outgoing.writeHead(500).end('{"title":"Internal","status":500,"detail":"Sorry."}');
    });
    const viaProxy = { ...env, ONEBUCK_URL: await listen(proxy, 0) };
    const launched = await onebuck(launchJob('unsure', '--yes'), viaProxy);
    proxy.close();
    expect(launched.code).not.toBe(0);
    const [, key = ''] = /--idempotency-key (\S+) tells/.exec(launched.stderr) ?? [];
    const again = await onebuck(launchJob('unsure', '--yes', '--idempotency-key', key), env);
    expect(again).toMatchObject({ code: 0 });
    const { clusters } = await json<Clusters>(['ls', '--all']);
    expect(clusters.filter(({ name }) => name === 'unsure')).toHaveLength(1);
    await onebuck(['rm', 'unsure', '--yes'], env);
  });
});

/** Passes everything on, but answers the first `count` POSTs, once done, in its own way. */
function spoiling(target: string, count: number, answerTo: (outgoing: ServerResponse) => void) {
  let spoiled = 0;
  return createServer((incoming, outgoing) => {
    const { method, headers, url = '' } = incoming;
    const onwards = request(`${target}${url}`, { method, headers }, (answer) => {
      if (method === 'POST' && spoiled < count) {
        spoiled += 1;
        answer.resume().once('end', () => answerTo(outgoing));
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(onwards);
  });
}

describe('an error', () => {
  it.each([
    ['an option that there is not', ['ls', '--al'], 2, '--all'],
    ['a cluster that there is not', ['show', 'nobody'], 4, 'onebuck ls --all'],
    ['an id that there is not', ['show', 'caaaaaaaaaa'], 4, 'caaaaaaaaaa'],
    ['no command to run', ['run', 'brief'], 2, '-- <command>'],
    ['a blank option', ['launch', '--budget', '', '--yes'], 2, '--budget has a blank value'],
    ['a wrong month', ['report', '--month', 'May'], 2, '2026-11'],
  ])('is told of %s', async (_, args, code, said) => {
    const ended = await onebuck(args, env);
    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(said) });
    expect(ended.stderr).not.toContain('    at ');
  });

  it('lists every fault of a spec at once', async () => {
    const args = ['launch', '--nodes', 'ten', '--type', 'g6-nanode-1', '--yes', '--budget', '0'];
    const { code, stderr } = await onebuck(args, env);
    expect(code).toBe(2);
    for (const fault of ['nodes must', 'region is required', 'image is', 'budgetUsd must']) {
      expect(stderr).toContain(fault);
    }
  });

  it('tells the smallest budget that would do', async () => {
    const args = ['launch', '--nodes', '10', ...SPEC, '--budget', '0.07', '--yes'];
    const { code, stdout, stderr } = await onebuck(args, env);
    expect({ code, stdout }).toEqual({ code: 6, stdout: '' });
    expect(stderr).toContain('0.075');
    const asJson = await onebuck([...args, '--json'], env);
    expect(JSON.parse(asJson.stderr)).toMatchObject({ code: 'refused', smallestBudgetUsd: 0.075 });
  });

  it('is told of a token that is refused, and of nobody logged in', async () => {
    const wrong = await onebuck(['ls'], { ...env, ONEBUCK_TOKEN: 'wrong' });
    expect(wrong).toMatchObject({ code: 3, stderr: expect.stringContaining('refuses the token') });
    const nobody = await onebuck(['ls'], envIn(join(home, 'nobody')));
    expect(nobody).toMatchObject({ code: 3, stderr: expect.stringContaining('onebuck login') });
  });

  it('is told of a server that is not there, or does not answer', async () => {
    const nowhere = { ...env, ONEBUCK_URL: `http://127.0.0.1:${await freePort()}` };
    expect(await onebuck(['ls'], nowhere)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('nothing listens there'),
    });
    const silent = createServer(() => {});
    const url = await listen(silent, 0);
    const quick = { ...env, ONEBUCK_URL: url, ONEBUCK_TIMEOUT_SECONDS: '0.3' };
    expect(await onebuck(['ls'], quick)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('no answer within 0.3 s'),
    });
    silent.closeAllConnections();
    silent.close();
  });
});

describe('schedules, the report and completion', () => {
  it('keeps, pauses, resumes and deletes a schedule', async () => {
    const cron = ['--cron', '30 2 * * MON-FRI', '--schedule-name', 'nightly'];
    const add = ['schedule', 'add', ...cron, '--nodes', '2', ...SPEC, '--budget', '1'];
    expect(await onebuck(add, env)).toMatchObject({ code: 2 });
    const added = await json<Schedule>([...add, '--monthly-cap', '20', '--yes']);
    expect(added).toMatchObject({ timezone: 'Europe/Berlin', monthlyCapUsd: 20, enabled: true });
    expect((await onebuck(['schedule', 'ls'], env)).stdout).toMatch(/nightly .* 02:30 /);
    expect(await onebuck(['schedule', 'pause', 'nightly'], env)).toMatchObject({ code: 0 });
    expect((await onebuck(['schedule', 'show', added.id], env)).stdout).toContain('paused');
    expect((await json<Schedule>(['schedule', 'resume', 'nightly'])).enabled).toBe(true);
    expect(await onebuck(['schedule', 'rm', 'nightly', '--yes'], env)).toMatchObject({ code: 0 });
    expect(await onebuck(['schedule', 'show', 'nightly'], env)).toMatchObject({ code: 4 });
  });

  it('reports a month, also for a spreadsheet', async () => {
    const { stdout } = await onebuck(['report', '--csv'], env);
    expect(stdout).toMatch(/^month,owner,clusters,.*\n2026-11,admin,\d/);
  });

  it('completes commands, options and names', async () => {
    const completed = async (...words: string[]) =>
      (await onebuck(['__complete', '--', ...words], env)).stdout.split('\n');
    expect(await completed('la')).toEqual(['launch', '']);
    expect(await completed('launch', '--on')).toEqual(['--on-partial', '']);
    expect(await completed('launch', '--on-partial', '')).toEqual(['destroy', 'keep', '']);
    expect(await completed('completion', '')).toEqual(['bash', 'zsh', 'fish', '']);
    expect((await onebuck(['completion', 'bash'], env)).stdout).toContain('complete -o default');
  });
});

describe('watching a cluster to its end', () => {
  it('has a line for each change in a pipe, and ends with the cluster', async () => {
    const { code, stdout } = await watched.piped.ended;
    expect(code, stdout).toBe(0);
    expect(stdout).not.toContain(ESCAPE);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(2);
    expect(stdout).toMatch(/\|#*=*\.*\| .*\$0\.015 of \$0\.02 spent.*teardown in 00:\d\d:\d\d, /);
    expect(lines.at(-1)).toMatch(
      /"brief" is gone: its budget affords no further hour\. It cost \$0\.015 of its budget/,
    );
  });

  it.skipIf(!hasTerminals)('redraws its fuse in a terminal (needs python3)', async () => {
    const { code, stdout } = (await watched.inTerminal?.ended) ?? { code: null, stdout: '' };
    expect(code, stdout).toBe(0);
    expect(stdout).toContain(`${ESCAPE}[5A\r${ESCAPE}[J`);
    const countdowns = [...stdout.matchAll(/teardown in (\d\d:\d\d:\d\d)/g)].map(
      ([, left]) => left,
    );
    expect(new Set(countdowns).size).toBeGreaterThan(5);
    expect(stdout).toContain('is gone: its budget affords no further hour');
  });
});
