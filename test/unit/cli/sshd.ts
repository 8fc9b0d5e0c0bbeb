import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../simulators/listen.ts';
import { startProgram } from '../../support/children.ts';

const SSHD = '/usr/sbin/sshd';
export const hasSshd = existsSync(SSHD);

/**
 * A server for each address, on this machine's loopback, until the file's end; each knows its own as
 * $NODE. Returns what `ssh -F` takes: there, the addresses lead to these servers.
 */
export async function startSshd(dir: string, addresses: readonly string[]): Promise<string> {
  const key = join(dir, 'id_ed25519');
  keygen(key);
  // Where it separates privileges; as another user it does not.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const hosts: string[] = [];
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
    const server = startProgram([SSHD, '-D', '-e', '-f', file], {});
    await server.says(`Server listening on 127.0.0.1 port ${port}`);
    hosts.push(`Host ${address}`, '  HostName 127.0.0.1', `  Port ${port}`);
  }
  const config = join(dir, 'ssh.conf');
  const everywhere = [
    'Host *',
    `  IdentityFile ${key}`,
    '  IdentitiesOnly yes',
    '  LogLevel ERROR',
  ];
  writeFileSync(config, `${[...hosts, ...everywhere].join('\n')}\n`);
  return config;
}

/** Whoever runs the tests logs in as themselves. */
export const userOption = `User=${userInfo().username}`;

function keygen(file: string): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
}
