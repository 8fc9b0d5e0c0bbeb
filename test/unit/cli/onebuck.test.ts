import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, request, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
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
 * Tests of the built program against `npm start`. The service's clock runs fast. The longest test
 * watches a cluster from launch to end: it starts before all other tests and runs beside them.
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

/** The command line of a launch of two nodes for a dollar. */
const launchJob = (name: string, ...more: string[]) => [
  ...['launch', '--nodes', '2', ...SPEC, '--budget', '1', '--name', name],
  ...more,
];

it('onebuck --version prints the version of package.json', async () => {
  const { version } = JSON.parse(readFileSync(join(projectDir, 'package.json'), 'utf8'));
  expect(await onebuck(['--version'], env)).toMatchObject({ code: 0, stdout: `${version}\n` });
});

describe('login', () => {
  it('tries the token, and saves it in a file that only the user can read', async () => {
    const newUser = envIn(mkdtempSync(join(home, 'login-')));
    const refused = await onebuck(['login', '--url', service.url], newUser, 'wrong\n');
    expect(refused).toMatchObject({ code: 3, stdout: '' });
    expect(readdirSync(newUser.HOME ?? '')).toEqual([]);
    expect(await onebuck(['login', '--url', service.url], newUser, `${TOKEN}\n`)).toMatchObject({
      code: 0,
    });
    const file = join(newUser.HOME ?? '', '.config/onebuck/config.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await onebuck(['ls'], newUser)).toMatchObject({ code: 0 });
    // The program sends a token to no other server than the server of the login.
    const elsewhere = await onebuck(['ls'], { ...newUser, ONEBUCK_URL: 'http://127.0.0.1:9' });
    expect(elsewhere).toMatchObject({ code: 3 });
  });

  it.each([
    ['without an address', [], '', 'Give --url, or set ONEBUCK_URL.'],
    ['without input', ['--url', '<url>'], '', 'There is no token on the input. Type it'],
    ['at a path', ['--url', '<url>/clusters'], TOKEN, 'give the address without its path, <url>.'],
    [
      'without a scheme',
      ['--url', '127.0.0.1:3000'],
      TOKEN,
      'is no address: give one such as https',
    ],
  ])('%s says in a line what to do', async (_, args, input, advice) => {
    const at = (text: string) => text.replace('<url>', service.url);
    const ended = await onebuck(['login', ...args.map(at)], envIn(join(home, 'nobody')), input);
    expect(ended).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(at(advice)),
    });
    expect(ended.stderr).toMatch(/^.+\n$/);
  });

  it('with https where a server speaks http names the other address', async () => {
    const https = service.url.replace('http:', 'https:');
    const ended = await onebuck(['login', '--url', https], envIn(join(home, 'nobody')), TOKEN);
    expect(ended).toMatchObject({ code: 5, stdout: '' });
    expect(ended.stderr).toMatch(new RegExp(`^.* give ${service.url} if it speaks http\\.\n$`));
  });

  it.skipIf(!hasTerminals)(
    'does not show the token that somebody types (needs python3)',
    async () => {
      const newUser = envIn(mkdtempSync(join(home, 'login-')));
      const { child, says, ended } = onebuckInTerminal(['login', '--url', service.url], newUser);
      await says('Token (not shown): ');
      child.stdin?.write(`${TOKEN}\r`);
      const { code, stdout } = await ended;
      expect(code, stdout).toBe(0);
      expect(stdout).toContain('Logged in to');
      expect(stdout).not.toContain(TOKEN);
    },
  );
});

describe('onebuck doctor', () => {
  it('finds everything in order', async () => {
    const { code, stdout } = await onebuck(['doctor'], env);
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/^ok +login .*\nok +address .*\nok +token .*\nok +Linode .*\nok +clus/m);
  });

  it.each([
    ['no login', { ONEBUCK_URL: '', ONEBUCK_TOKEN: '' }, /^FAULT +login .*Run "onebuck login"/m],
    [
      'an address at which nothing answers',
      { ONEBUCK_URL: 'http://127.0.0.1:9' },
      /^FAULT +address /m,
    ],
    ['a wrong token', { ONEBUCK_TOKEN: 'wrong' }, /^FAULT +token .*Run "onebuck login"/m],
  ])('finds %s, and says what to do', async (_, wrong, fault) => {
    const { code, stdout, stderr } = await onebuck(['doctor'], { ...env, ...wrong });
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(fault);
    expect(stdout.match(/FAULT/g)).toHaveLength(1);
  });
});

it('onebuck open starts the console in the browser, or says where it is', async () => {
  const mark = join(home, 'opened');
  const browser = join(home, 'browser');
  writeFileSync(browser, `#!/bin/sh\necho "$1" >${mark}.new && mv ${mark}.new ${mark}\n`);
  chmodSync(browser, 0o755);
  const opening = await onebuck(['open'], { ...env, BROWSER: browser });
  expect(opening.stdout).toBe(`The console is at ${service.url}/, and opens in the browser.\n`);
  await vi.waitFor(() => expect(readFileSync(mark, 'utf8')).toBe(`${service.url}/\n`), 60_000);
  const without = await onebuck(['open'], { ...env, BROWSER: join(home, 'none') });
  expect(without.stdout).toBe(`The console is at ${service.url}/: open it in a browser.\n`);
});

describe('before a launch', () => {
  it('onebuck types and onebuck quote show types and a quote', async () => {
    const types = await onebuck(['types', '--vcpus', '1', '--region', 'us-east'], env);
    expect(types.stdout).toMatch(/^TYPE .*\ng6-nanode-1 .* \$0\.0075/);
    const quote = await onebuck(['quote', '--nodes', '10', ...SPEC, '--budget', '1'], env);
    expect(quote).toMatchObject({ code: 0, stderr: '' });
    expect(quote.stdout).toContain('$0.975 of $1.00');
    expect(quote.stdout).toMatch(/^network +private$/m);
    const apart = await onebuck(
      ['quote', '--nodes', '2', ...SPEC, '--budget', '1', '--network', 'none', '--open', '80'],
      env,
    );
    expect(apart.stdout).toMatch(/^network +none$/m);
    const faulty = await onebuck(
      ['quote', '--nodes', '2', ...SPEC, '--budget', '1', '--setup', 'mpi,cobol', '--open', 'http'],
      env,
    );
    expect(faulty.code).toBe(2);
    expect(faulty.stderr).toMatch(
      /--setup\[1\] must be one of mpi.*\n.*--open\[0\] must be a port/,
    );
    expect(quote.stdout).not.toContain(ESCAPE);
  });

  it('onebuck plan shows the clusters that do some work, or the smallest budget', async () => {
    const args = ['plan', '--work', '100 vcpu-hours', '--region', 'us-east', '--budget'];
    const planned = await onebuck([...args, '1'], env);
    expect(planned.stdout).toMatch(/^ +NODES .*\nfastest +44 × g6-nanode-1 .*2 h 19 min .*\$0\.99/);
    expect(planned.stdout).toMatch(/\ncheapest +1 × g6-nanode-1 .*\$0\.7575/);
    expect(planned.stdout).toContain(
      'onebuck launch --nodes 44 --type g6-nanode-1 --region us-east',
    );
    const refused = await onebuck([...args, '0.5'], env);
    expect(refused).toMatchObject({ code: 6, stdout: '' });
    expect(refused.stderr).toContain('100 vCPU hours of work cost at least $0.7575');
    const sending = await onebuck([...args, '5', '--nodes', '1', '--transfer', '400'], env);
    expect(sending.stdout).toMatch(/ --max-hours \d+ --transfer 400 --budget \d\.\d+ …/);
    const wrong = await onebuck(['plan', '--work', 'a lot', '--budget', '1'], env);
    expect(wrong).toMatchObject({ code: 2 });
    expect(wrong.stderr).toContain('--work must be such as "120 vcpu-hours"');
  });

  it('onebuck regions and onebuck images list what a spec can name', async () => {
    const regions = await onebuck(['regions', '--country', 'us'], env);
    expect(regions.stdout).toMatch(/^REGION +PLACE +COUNTRY\n(.* US\n)*us-east +Newark, NJ +US\n/);
    expect(regions.stdout).not.toContain('eu-');
    const images = await onebuck(['images', '--search', 'ubuntu'], env);
    expect(images.stdout).toMatch(/^IMAGE +LABEL\n(linode\/ubuntu.* Ubuntu .*\n)+$/);
    const found = await json<{ images: { id: string }[] }>(['images', '--search', 'ubuntu']);
    expect(images.stdout).toContain(found.images[0]?.id);
    expect(await onebuck(['regions', '--country', 'xx'], env)).toMatchObject({
      ...{ code: 0, stdout: 'There is no such region.\n' },
    });
  });

  it('onebuck launch without a terminal asks nothing, and names the option --yes', async () => {
    const { code, stdout, stderr } = await onebuck(launchJob('unasked'), env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('--yes');
  });

  it.skipIf(!hasTerminals)(
    'onebuck launch shows the quote, asks, and launches nothing after a no (needs python3)',
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

  it('is launched, and with --wait its inventory is printed', async () => {
    const launched = await onebuck(launchJob('job', '--yes', '--wait'), env);
    expect(launched, launched.stderr).toMatchObject({ code: 0 });
    expect(launched.stderr).toContain('2 of 2 nodes up, 2 ready');
    expect(launched.stdout).toMatch(
      /NODE +LABEL +IPV4 +PRIVATE +USER\n +0 +onebuck-c\w+-0 +\d\S+ +10\.\S+\.1 +root/,
    );
    cluster = await json<Cluster>(['show', 'job']);
  });

  it.skipIf(!hasTerminals)(
    'is drawn as a bar in a terminal while it comes up (needs python3)',
    async () => {
      const { said, ended } = onebuckInTerminal(launchJob('drawn', '--yes', '--wait'), env);
      const { code, stdout } = await ended;
      expect({ code, said: said.stderr }).toEqual({ code: 0, said: '' });
      // The program moves the cursor up two lines to draw the next bar over the last.
      const [first = '', ...later] = stdout.split(`${ESCAPE}[2A`);
      expect(first).toMatch(/[│|][░.]+[│|]\r\n.*0 of 2 nodes up/);
      expect(later.at(-1)).toMatch(/[│|][█#]+[│|]\r\n.*2 of 2 nodes up, 2 ready\r\n/);
      expect(stdout).toMatch(/NODE +LABEL +IPV4 +PRIVATE +USER/);
      expect(await onebuck(['rm', 'drawn', '--yes'], env)).toMatchObject({ code: 0 });
    },
  );

  it('is shown by name, id or start of its id, with times in the user’s time zone', async () => {
    for (const name of ['job', cluster.id, cluster.id.slice(0, 8)]) {
      const { stdout } = await onebuck(['show', name], env);
      expect(stdout).toContain(cluster.id);
      expect(stdout).toMatch(/teardown in (\d d )?\d\d:\d\d:\d\d, .* (CET|GMT\+1)/);
      expect(stdout).toMatch(
        /next +At .* (CET|GMT\+1) Onebuck destroys its nodes, when the budget is used up\./,
      );
    }
    const history = await onebuck(['show', 'job'], env);
    expect(history.stdout).toMatch(/launched by admin: .*, until .* \d\d:\d\d (CET|GMT\+1)\n/);
    const utc = await onebuck(['--utc', 'show', 'job'], env);
    expect(utc.stdout).toMatch(/launched by admin: .*, until .* \d\d:\d\d UTC\n/);
    expect(`${history.stdout}${utc.stdout}`).not.toMatch(/\d{4}-\d\d-\d\dT/);
    expect(utc.stdout).not.toMatch(/CET|GMT/);
    const { stdout } = await onebuck(['ls'], env);
    expect(stdout).toMatch(new RegExp(`${cluster.id}  job +running +2 .* in 2 d \\d+ h`));
  });

  it('is shown in 40 columns, without a table that breaks', async () => {
    const narrow = { ...env, COLUMNS: '40' };
    for (const args of [['ls'], ['show', 'job'], ['types'], ['report'], ['inventory', 'job']]) {
      const { stdout } = await onebuck(args, narrow);
      expect(stdout.split('\n').filter(({ length }) => length > 40)).toEqual([]);
    }
    expect((await onebuck(['ls'], narrow)).stdout).toMatch(
      /ID +c\w+\nNAME +job\nSTATUS +running\n/,
    );
  });

  it('has an inventory in several formats, and passwords', async () => {
    const hosts = await onebuck(['inventory', 'job', '--format', 'hosts'], env);
    expect(hosts.stdout).toContain(`${cluster.nodes[0]?.ipv4}\t${cluster.nodes[0]?.label}`);
    const { nodes } = await json<{ nodes: InventoryNode[] }>(['inventory', 'job']);
    expect(nodes.map(({ index }) => index)).toEqual([0, 1]);
    const credentials = await onebuck(['credentials', 'job'], env);
    expect(credentials.stdout).toMatch(/PASSWORD\n +0 +\S+ +root +\S{10}/);
  });

  it('is extended by hours, by an amount, and to a budget', async () => {
    const hours = await json<Cluster>(['extend', 'job', '--hours', '2', '--yes']);
    expect(hours.affordableHours).toBe(68);
    // The rest of the dollar depends on how many seconds apart the nodes were created.
    expect(hours.budgetUsd).toBeGreaterThanOrEqual(1.02);
    expect(hours.budgetUsd).toBeLessThanOrEqual(1.03);
    const more = await json<Cluster>(['extend', 'job', '--budget', '+1', '--yes']);
    expect(more.budgetUsd).toBeCloseTo(hours.budgetUsd + 1, 6);
    const { stdout } = await onebuck(['extend', 'job', '--budget', '$3', '--yes'], env);
    expect(stdout).toMatch(/lasts 200 hours instead of 13[45]/);
  });

  it('is planned to send more, and holds back for it, until none is asked for', async () => {
    const planned = await onebuck(['extend', 'job', '--transfer', '560', '--yes'], env);
    expect(planned.stdout).toMatch(/lasts \d+ hours instead of 200/);
    expect(planned.stdout).toContain('Its nodes have sent 0 GB of 560 GB.');
    const args = ['extend', 'job', '--budget', '+1', '--transfer', 'none', '--yes'];
    const free = await json<Cluster>(args);
    expect(free.budgetUsd).toBe(4);
    expect(free.transfer?.limitGb).not.toBe(560);
    for (const wrong of [['--transfer', '1.5'], ['--hours', '1', '--budget', '5'], []]) {
      expect(await onebuck(['extend', 'job', ...wrong, '--yes'], env)).toMatchObject({ code: 2 });
    }
    await json<Cluster>(['extend', 'job', '--budget', '3', '--yes']);
  });

  describe.skipIf(!hasSshd)('with servers in place of its nodes (needs /usr/sbin/sshd)', () => {
    let sshConfig: string;
    let sshArgs: string[];

    beforeAll(async () => {
      const dir = mkdtempSync(join(home, 'sshd-'));
      sshConfig = await startSshd(
        dir,
        cluster.nodes.map(({ ipv4 }) => ipv4 ?? ''),
        service.hostKeyOf(cluster.id),
      );
      sshArgs = ['-F', sshConfig, '--ssh-option', userOption];
    });

    it('onebuck exec runs a command on all nodes, and marks each line with its node', async () => {
      const { code, stdout, stderr } = await onebuck(
        ['exec', 'job', ...sshArgs, '--', 'echo "node $NODE"; echo oops >&2'],
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
      expect(known).toBe(`onebuck-${cluster.id}-* ${cluster.hostKey}\n`);
    });

    it('onebuck exec fails where the command fails on one node', async () => {
      const { code, stderr } = await onebuck(['exec', 'job', ...sshArgs, '--', 'exit $NODE'], env);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: 'Exit codes: 0 on 1 node; 1 on node 1.\n',
      });
    });

    it('onebuck ssh and exec refuse a node that shows another host key than its own', async () => {
      const addresses = cluster.nodes.map(({ ipv4 }) => ipv4 ?? '');
      const others = await startSshd(mkdtempSync(join(home, 'sshd-')), addresses);
      const options = ['-F', others, '--ssh-option', userOption];
      const { code, stderr } = await onebuck(['ssh', 'job', ...options, '--', 'true'], env);
      expect(code).toBe(255);
      expect(stderr).toContain('Host key verification failed');
      const ran = await onebuck(['exec', 'job', ...options, '--', 'true'], env);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain('255 on node 0, 1');
      expect(ran.stderr).toContain(`"onebuck credentials ${cluster.id}" has it`);
    });

    it('onebuck ssh runs a command on one node, and exits with its exit code', async () => {
      const command = ['ssh', 'job', '1', ...sshArgs, '--', 'echo "on $NODE"; exit 7'];
      expect(await onebuck(command, env)).toMatchObject({ code: 7, stdout: 'on 1\n' });
      expect(await onebuck(['ssh', 'job', '9', ...sshArgs, '--', 'true'], env)).toMatchObject({
        code: 4,
      });
    });
  });

  it('is not destroyed by a part of its id, unless somebody says so', async () => {
    const short = await onebuck(['rm', 'c', '--yes'], env);
    expect(short).toMatchObject({ code: 4, stdout: '' });
    expect(short.stderr).toContain('There is no cluster "c"');
    expect(short.stderr).toContain('An id takes 4 characters or more.');
    expect((await onebuck(['show', cluster.id.slice(0, 3)], env)).code).toBe(4);
    const part = await onebuck(['rm', cluster.id.slice(0, 8), '--yes'], env);
    expect(part).toMatchObject({ code: 2, stdout: '' });
    expect(part.stderr).toContain(`give ${cluster.id}.`);
    expect((await json<Cluster>(['show', 'job'])).status).toBe('running');
  });

  it('is destroyed, and with --wait its end and its spend are printed', async () => {
    expect(await onebuck(['rm', 'job'], env)).toMatchObject({ code: 2 });
    const { code, stdout } = await onebuck(['rm', 'job', '--yes', '--wait'], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /is gone: somebody asked for its end\. It cost \$[\d.]+ of its budget of \$3/,
    );
    const repeated = await onebuck(['rm', cluster.id, '--yes'], env);
    expect(repeated).toMatchObject({ code: 0, stdout });
    const late = await onebuck(['extend', cluster.id, '--hours', '1', '--yes'], env);
    expect(late).toMatchObject({ code: 1, stdout: '' });
  });
});

it('a launch with the name of a live cluster says so, and then the name is not enough', async () => {
  const launched = await onebuck(launchJob('twin', '--yes'), env);
  expect(launched.stderr).toBe('');
  const [, id = ''] = /^(c\w{10}) /.exec(launched.stdout) ?? [];
  const again = await onebuck(launchJob('twin', '--yes'), env);
  expect(again).toMatchObject({
    code: 0,
    stderr: `Note: ${id} lives with the name "twin" already: give ids from now on.\n`,
  });
  expect(await onebuck(['rm', 'twin', '--yes'], env)).toMatchObject({ code: 2 });
  for (const one of [id, /^(c\w{10}) /.exec(again.stdout)?.[1] ?? '']) {
    expect(await onebuck(['rm', one, '--yes'], env)).toMatchObject({ code: 0 });
  }
});

it('a cluster that is named like an id is found by its name', async () => {
  const name = 'cabcdefg234';
  expect(await onebuck(launchJob(name, '--yes'), env)).toMatchObject({ code: 0 });
  expect((await json<Cluster>(['show', name])).name).toBe(name);
  expect(await onebuck(['rm', name, '--yes'], env)).toMatchObject({ code: 0 });
});

it('a launch with a node that does not get ready says why, and that the cluster lives on', async () => {
  await service.setUnready(true);
  onTestFinished(() => service.setUnready(false));
  const launched = await onebuck(launchJob('unready', '--yes', '--wait'), env);
  expect(launched).toMatchObject({ code: 1, stdout: '' });
  expect(launched.stderr).toMatch(
    /"unready" runs, but not as asked\.\nNode 1 is not ready: cloud-init: error\..*\nCluster c\w+ lives on/,
  );
  const shown = await onebuck(['show', 'unready'], env);
  expect(shown.stdout).toMatch(/0 +ready .*\n +1 +running .*-1: not ready: cloud-init: error\./);
  await onebuck(['rm', 'unready', '--yes'], env);
});

describe('a launch that is interrupted or has no answer', () => {
  it('says on Ctrl-C that the cluster lives on, and how to end it', async () => {
    // The nodes never come up, so that the launch does not end before Ctrl-C on a busy machine.
    await service.setNeverUp(true);
    onTestFinished(() => service.setNeverUp(false));
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
  ])('launches one cluster only where the answer %s', async (_, status) => {
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
    const launches = clusters.filter((cluster) => cluster.name === name);
    expect(launches.map(({ id }) => id)).toEqual([(JSON.parse(launched.stdout) as Cluster).id]);
    await onebuck(['rm', name, '--yes'], env);
  });

  it('says that what Linode refused did not launch', async () => {
    const detail = 'Linode refused the token.';
    const server = createServer((_, outgoing) => {
      outgoing.writeHead(502).end(JSON.stringify({ status: 502, code: 'linodeDenied', detail }));
    });
    const atServer = { ...env, ONEBUCK_URL: await listen(server, 0) };
    const { code, stderr } = await onebuck(launchJob('refused', '--yes'), atServer);
    server.close();
    expect({ code, stderr }).toEqual({ code: 1, stderr: `${detail}\nNothing was launched.\n` });
  });

  it('names the idempotency key for a repeated launch after an error', async () => {
    const proxy = spoiling(service.url, Number.POSITIVE_INFINITY, (outgoing) => {
      outgoing.writeHead(500).end('{"title":"Internal","status":500,"detail":"Sorry."}');
    });
    const viaProxy = { ...env, ONEBUCK_URL: await listen(proxy, 0) };
    const launched = await onebuck(launchJob('unsure', '--yes'), viaProxy);
    proxy.close();
    expect(launched.code).not.toBe(0);
    const [, key = ''] = /--idempotency-key (\S+) tells/.exec(launched.stderr) ?? [];
    const repeated = await onebuck(launchJob('unsure', '--yes', '--idempotency-key', key), env);
    expect(repeated).toMatchObject({ code: 0 });
    const { clusters } = await json<Clusters>(['ls', '--all']);
    expect(clusters.filter(({ name }) => name === 'unsure')).toHaveLength(1);
    await onebuck(['rm', 'unsure', '--yes'], env);
  });
});

/**
 * A proxy of `target`. It passes on the first `postsMax` POSTs too, but replaces their answers by
 * `answerTo`.
 */
function spoiling(target: string, postsMax: number, answerTo: (outgoing: ServerResponse) => void) {
  let spoiled = 0;
  return createServer((incoming, outgoing) => {
    const { method, headers, url = '' } = incoming;
    const onwards = request(`${target}${url}`, { method, headers }, (answer) => {
      if (method === 'POST' && spoiled < postsMax) {
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
    ['an unknown option', ['ls', '--al'], 2, '--all'],
    ['an unknown cluster', ['show', 'nobody'], 4, 'onebuck ls --all'],
    ['an unknown id', ['show', 'caaaaaaaaaa'], 4, 'caaaaaaaaaa'],
    ['no command', ['schedule'], 2, '--help'],
    ['no command to run', ['exec', 'brief'], 2, '-- <command>'],
    [
      'the old word for exec',
      ['run', 'brief', '-F', 'c', '--', 'uptime', '-s'],
      125,
      'onebuck exec brief -- uptime -s',
    ],
    ['a blank option', ['launch', '--budget', '', '--yes'], 2, '--budget has a blank value'],
    ['an invalid month', ['report', '--month', 'May'], 2, '2026-11'],
  ])('for %s is printed with advice and without a stack', async (_, args, code, advice) => {
    const ended = await onebuck(args, env);
    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(advice) });
    expect(ended.stderr).not.toContain('    at ');
    const asJson = await onebuck(['--json', ...args], env);
    expect(asJson).toMatchObject({ code, stdout: '' });
    const { message, answer, ...rest } = JSON.parse(asJson.stderr);
    expect(rest).toEqual({ failure: code === 4 ? 'notFound' : 'usage', exitCode: code });
    expect(message).toContain(advice);
    expect(answer === null || typeof answer === 'object').toBe(true);
  });

  it('of a spec lists all faults at once', async () => {
    const args = ['launch', '--nodes', 'ten', '--type', 'g6-nanode-1', '--yes', '--budget', '0'];
    const { code, stderr } = await onebuck(args, env);
    expect(code).toBe(2);
    for (const fault of ['--nodes must', '--region is', '--image is', '--budget must']) {
      expect(stderr).toContain(fault);
    }
  });

  it('of a budget that is too small names the smallest budget', async () => {
    const args = ['launch', '--nodes', '10', ...SPEC, '--budget', '0.07', '--yes'];
    const { code, stdout, stderr } = await onebuck(args, env);
    expect({ code, stdout }).toEqual({ code: 6, stdout: '' });
    expect(stderr).toContain('0.075');
    const asJson = await onebuck([...args, '--json'], env);
    expect(JSON.parse(asJson.stderr)).toMatchObject({
      ...{ failure: 'refused', exitCode: 6, message: expect.stringContaining('0.075') },
      answer: { code: 'refused', smallestBudgetUsd: 0.075 },
    });
  });

  it('of a refused token or without a login names the next step', async () => {
    const wrong = await onebuck(['ls'], { ...env, ONEBUCK_TOKEN: 'wrong' });
    expect(wrong).toMatchObject({ code: 3, stderr: expect.stringContaining('refuses the token') });
    const nobody = await onebuck(['ls'], envIn(join(home, 'nobody')));
    expect(nobody).toMatchObject({ code: 3, stderr: expect.stringContaining('onebuck login') });
  });

  it('of a server that is not reachable or does not answer says so', async () => {
    const nowhere = { ...env, ONEBUCK_URL: `http://127.0.0.1:${await freePort()}` };
    expect(await onebuck(['ls'], nowhere)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('nothing listens there'),
    });
    const silent = createServer(() => {});
    const url = await listen(silent, 0);
    const impatient = { ...env, ONEBUCK_URL: url, ONEBUCK_TIMEOUT_SECONDS: '0.3' };
    expect(await onebuck(['ls'], impatient)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('no answer within 0.3 s'),
    });
    silent.closeAllConnections();
    silent.close();
    expect(await onebuck(['ls'], { ...env, ONEBUCK_TIMEOUT_SECONDS: 'long' })).toMatchObject({
      ...{ code: 2, stderr: expect.stringMatching(/^ONEBUCK_TIMEOUT_SECONDS must be .*\n$/) },
    });
  });
});

describe('schedules, the report and completion', () => {
  it('onebuck schedule adds, lists, edits, pauses, shows, resumes and deletes a schedule', async () => {
    const cron = ['--cron', '30 2 * * MON-FRI', '--schedule-name', 'nightly'];
    const add = ['schedule', 'add', ...cron, '--nodes', '2', ...SPEC, '--budget', '1'];
    expect(await onebuck(add, env)).toMatchObject({ code: 2 });
    const added = await json<Schedule>([...add, '--monthly-cap', '20', '--yes']);
    expect(added).toMatchObject({ timezone: 'Europe/Berlin', monthlyCapUsd: 20, enabled: true });
    expect((await onebuck(['schedule', 'ls'], env)).stdout).toMatch(/nightly .* 02:30 /);
    const edited = await json<Schedule>([
      ...['schedule', 'edit', 'nightly', '--yes', '--cron', '0 4 * * *'],
      ...['--nodes', '3', '--monthly-cap', '20', '--overlap', 'allow'],
    ]);
    const { cron: _, spec, ...rest } = added;
    expect(edited).toMatchObject({ id: rest.id, timezone: rest.timezone, name: 'nightly' });
    expect(edited).toMatchObject({ cron: '0 4 * * *', overlap: 'allow', monthlyCapUsd: 20 });
    expect(edited.spec).toEqual({ ...spec, nodes: 3 });
    const nothing = await onebuck(['schedule', 'edit', 'nightly', '--yes'], env);
    expect(nothing).toMatchObject({ code: 2, stdout: '' });
    expect(nothing.stderr).toContain('at least one option');
    const faulty = ['schedule', 'edit', 'nightly', '--yes', '--cron', 'often', '--nodes', 'ten'];
    expect((await onebuck(faulty, env)).stderr).toMatch(/cron must[\s\S]*nodes must/);
    expect(await onebuck(['schedule', 'pause', 'nightly'], env)).toMatchObject({ code: 0 });
    expect((await onebuck(['schedule', 'show', added.id], env)).stdout).toContain('paused');
    expect((await json<Schedule>(['schedule', 'resume', 'nightly'])).enabled).toBe(true);
    expect(await onebuck(['schedule', 'rm', 'nightly', '--yes'], env)).toMatchObject({ code: 0 });
    expect(await onebuck(['schedule', 'show', 'nightly'], env)).toMatchObject({ code: 4 });
  });

  it('onebuck report --csv prints a line for each cluster of the month', async () => {
    const { stdout } = await onebuck(['report', '--csv'], env);
    expect(stdout).toMatch(
      /^date,owner,id,name,.*,invoiceIds\n(2026-11-\d\d,admin,c\w{10},.*\n)+$/,
    );
  });

  it('the shell completes commands, options and their values', async () => {
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
  it('onebuck watch in a pipe prints a line for each change until the cluster ends', async () => {
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

  it.skipIf(!hasTerminals)(
    'onebuck watch in a terminal redraws the fuse (needs python3)',
    async () => {
      const { code, stdout } = (await watched.inTerminal?.ended) ?? { code: null, stdout: '' };
      expect(code, stdout).toBe(0);
      expect(stdout).toContain(`${ESCAPE}[5A\r${ESCAPE}[J`);
      const countdowns = [...stdout.matchAll(/teardown in (\d\d:\d\d:\d\d)/g)].map(
        ([, left]) => left,
      );
      expect(new Set(countdowns).size).toBeGreaterThan(5);
      expect(stdout).toContain('is gone: its budget affords no further hour');
    },
  );
});
