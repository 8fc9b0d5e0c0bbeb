import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../../simulators/listen.ts';

const SSHD = '/usr/sbin/sshd';
export const hasSshd = existsSync(SSHD);

export interface Sshd {
  /** For `ssh -F`: the addresses lead to the servers on this machine. */
  readonly config: string;
  stop(): void;
}

/** A server for each address, on this machine's loopback; each knows its own as $NODE. */
export async function startSshd(dir: string, addresses: readonly string[]): Promise<Sshd> {
  const key = join(dir, 'id_ed25519');
  keygen(key);
  // Where it separates privileges; as another user it does not.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const hosts: string[] = [];
  const servers: ChildProcess[] = [];
  for (const [index, address] of addresses.entries()) {
    const hostKey = join(dir, `host-${index}`);
    keygen(hostKey);
    const port = await freePort();
    const file = join(dir, `sshd-${index}.conf`);
    const lines = [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${key}.pub`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      'PidFile none',
      `SetEnv NODE=${index}`,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    servers.push(spawn(SSHD, ['-D', '-e', '-f', file], { stdio: 'ignore' }));
    hosts.push(`Host ${address}`, '  HostName 127.0.0.1', `  Port ${port}`);
    await listening(port);
  }
  const config = join(dir, 'ssh.conf');
  const everywhere = [
    'Host *',
    `  IdentityFile ${key}`,
    '  IdentitiesOnly yes',
    '  LogLevel ERROR',
  ];
  writeFileSync(config, `${[...hosts, ...everywhere].join('\n')}\n`);
  return {
    config,
    stop() {
      for (const server of servers) server.kill();
    },
  };
}

/** Whoever runs the tests logs in as themselves. */
export const userOption = `User=${userInfo().username}`;

function keygen(file: string): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
}

async function listening(port: number): Promise<void> {
  const by = Date.now() + 10_000;
  while (!(await connects(port))) {
    if (Date.now() > by) throw new Error(`no sshd listens on ${port}`);
    await delay(20);
  }
}

const connects = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
