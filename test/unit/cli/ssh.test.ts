import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { runOnNodes } from '../../../cli/ssh.ts';
import type { Api } from '../../../client/api.ts';
import { hostKeyOf } from '../../../lib/app/room-keys.ts';
import { inventory } from '../../../lib/core/cluster/inventory.ts';
import { freePort, listen } from '../../../simulators/listen.ts';
import { aRunning, created } from '../../support/builders.ts';
import { aCluster } from '../client/builders.ts';
import { hasSshd, startSshd, userOption } from './sshd.ts';

/* ssh to a server of this machine in place of a node; the API is a stand-in. */

const ADDRESS = '192.0.2.1';
const CREATED = '2026-11-10T10:00:00.000Z';

const minutesAfter = (minutes: number) =>
  new Date(Date.parse(CREATED) + minutes * 60_000).toISOString();

let dir: string;
let config: string;

beforeAll(async () => {
  if (!hasSshd) return;
  dir = mkdtempSync(join(tmpdir(), 'onebuck-ssh-'));
  config = await startSshd(dir, [ADDRESS]);
  return () => rmSync(dir, { recursive: true });
});

interface Known {
  readonly hostKey: string | null;
  /** The folder in which onebuck keeps host keys. */
  readonly state: string;
}

/** Runs `true` on the node when its age is `minutes`, by a configuration for ssh. */
async function runAt(
  minutes: number,
  sshConfig: string,
  note: (sentence: string) => void,
  { hostKey, state }: Known = { hostKey: null, state: mkdtempSync(join(dir, 'state-')) },
) {
  const [node] = aCluster().nodes;
  if (node === undefined) throw new Error('the cluster has no node');
  const cluster = aCluster({ nodes: [{ ...node, createdAt: CREATED }] });
  const reached = {
    ...{ index: 0, label: node.label, name: 'n0', ipv4: ADDRESS, ipv6: null, privateIp: null },
    ...{ vcpus: 1, user: 'root' },
  };
  const answers: Readonly<Record<string, unknown>> = {
    '/health': { status: 'ok', time: minutesAfter(minutes) },
    [`/clusters/${cluster.id}/inventory`]: { hostKey, nodes: [reached] },
  };
  const api = { json: async (path: string) => answers[path] } as unknown as Api;
  const ran = await runOnNodes({ api: () => api, env: { XDG_STATE_HOME: state } }, cluster, {
    command: ['true'],
    options: { sshConfig, sshOption: [userOption] },
    signal: new AbortController().signal,
    note,
  });
  return ran.map(({ exitCode }) => exitCode);
}

/** A configuration by which the node has no server yet, until `begin` is called. */
async function withoutServer() {
  const port = await freePort();
  const [, real = ''] = /Port (\d+)/.exec(readFileSync(config, 'utf8')) ?? [];
  const late = join(dir, `late-${port}.conf`);
  writeFileSync(late, readFileSync(config, 'utf8').replace(`Port ${real}`, `Port ${port}`));
  const server = createServer((socket) => {
    socket.pipe(connect(Number(real), '127.0.0.1')).pipe(socket);
  });
  onTestFinished(() => void server.close());
  return { late, begin: () => listen(server as never, port) };
}

const PAIR = hostKeyOf('the key of the deployment', 'caaaaaaaaaa');
const KNOWN = PAIR.public.split(' ').slice(0, 2).join(' ');

describe.skipIf(!hasSshd)('a host key that is known before (needs /usr/sbin/sshd)', () => {
  let known: string;
  beforeAll(async () => {
    const folder = join(dir, 'known');
    mkdirSync(folder);
    known = await startSshd(folder, [ADDRESS], PAIR.private);
  });
  const runAs = async (sshConfig: string, hostKey: string | null) => {
    const notes: string[] = [];
    const state = join(dir, 'known');
    return runAt(20, sshConfig, (sentence) => notes.push(sentence), { hostKey, state });
  };

  it('is the only one that onebuck takes, also after it took another on trust', async () => {
    const file = join(dir, 'known/onebuck/known_hosts/caaaaaaaaaa');
    expect(await runAs(config, null)).toEqual([0]);
    expect(await runAs(config, KNOWN)).toEqual([255]);
    expect(await runAs(known, KNOWN)).toEqual([0]);
    expect(readFileSync(file, 'utf8')).toBe(`onebuck-caaaaaaaaaa-* ${KNOWN}\n`);
  });

  it.each([
    ['is taken', () => known, 0],
    ['of another server is refused', () => config, 255],
  ])('by the inventory for ssh: %s', (_, server, exitCode) => {
    const file = join(dir, 'inventory');
    const record = aRunning({ id: 'caaaaaaaaaa', nodes: [created(0)] });
    writeFileSync(file, inventory(record, 'ssh', KNOWN));
    const [, port = ''] = /Port (\d+)/.exec(readFileSync(server(), 'utf8')) ?? [];
    const [, identity = ''] = /IdentityFile (.*)/.exec(readFileSync(server(), 'utf8')) ?? [];
    const there = ['HostName=127.0.0.1', `Port=${port}`, `IdentityFile=${identity}`, userOption];
    const args = ['-F', file, ...there.flatMap((option) => ['-o', option]), '-o', 'BatchMode=yes'];
    const { status, stderr } = spawnSync('ssh', [...args, 'n0', 'true'], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({
      status: exitCode,
      stderr: exitCode === 0 ? '' : expect.stringContaining('Host key verification failed'),
    });
  });

  const hasAnsible = spawnSync('ansible', ['--version']).status === 0;
  it.skipIf(!hasAnsible).each([
    ['is taken', () => known, 'CHANGED'],
    ['of another server is refused', () => config, 'REMOTE HOST IDENTIFICATION HAS CHANGED'],
  ])('by the inventory for Ansible: %s (needs ansible-core)', (_, server, said) => {
    const file = join(dir, 'hosts.ini');
    const [, port = ''] = /Port (\d+)/.exec(readFileSync(server(), 'utf8')) ?? [];
    const [, identity = ''] = /IdentityFile (.*)/.exec(readFileSync(server(), 'utf8')) ?? [];
    const there = `ansible_host=127.0.0.1 ansible_port=${port} ansible_ssh_private_key_file=${identity}`;
    const text = inventory(aRunning({ nodes: [created(0)] }), 'ansible', KNOWN);
    const mine = text.replace('ansible_user=root', `ansible_user=${userInfo().username}`);
    writeFileSync(file, mine.replace(/ansible_host=\S+/, there));
    const args = ['-i', file, '-m', 'raw', '-a', 'true', 'all'];
    const { stdout } = spawnSync('ansible', args, {
      encoding: 'utf8',
      env: { ...process.env, HOME: dir, ANSIBLE_HOME: dir },
    });
    expect(stdout).toContain(said);
  });
});

describe.skipIf(!hasSshd)('a node that refuses connections (needs /usr/sbin/sshd)', () => {
  it('is asked again while it is young, which is said once', async () => {
    const { late, begin } = await withoutServer();
    const notes: string[] = [];
    const exitCodes = await runAt(9, late, (sentence) => {
      notes.push(sentence);
      void begin();
    });
    expect(exitCodes).toEqual([0]);
    expect(notes).toEqual(['Node 0 is young and lets nobody in yet. Trying for two minutes.']);
  });

  it('is not asked again once it is ten minutes old', async () => {
    const { late } = await withoutServer();
    const notes: string[] = [];
    expect(await runAt(10, late, (sentence) => notes.push(sentence))).toEqual([255]);
    expect(notes).toEqual([]);
  });

  it('is not waited for if it answers, and lets the person not in', async () => {
    const keyless = join(dir, 'keyless.conf');
    writeFileSync(keyless, readFileSync(config, 'utf8').replace(/IdentityFile .*/, ''));
    const notes: string[] = [];
    expect(await runAt(1, keyless, (sentence) => notes.push(sentence))).toEqual([255]);
    expect(notes).toEqual([]);
  });
});
