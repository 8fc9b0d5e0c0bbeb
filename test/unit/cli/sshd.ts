import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../simulators/listen.ts';
import { startProgram } from '../../support/children.ts';

const SSHD = '/usr/sbin/sshd';
export const hasSshd = existsSync(SSHD);

/**
 * Starts an SSH server on the loopback interface for each address, until the test file ends. Each
 * server has its index in the environment variable NODE. `hostKey` is the private key of all of them;
 * null: each has its own. Returns the path of a configuration for `ssh -F` that leads from the
 * addresses to the servers.
 */
export async function startSshd(
  dir: string,
  addresses: readonly string[],
  hostKey: string | null = null,
): Promise<string> {
  const key = join(dir, 'id_ed25519');
  keygen(key);
  // As root, sshd separates privileges, for which it needs this directory.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const hosts: string[] = [];
  for (const [index, address] of addresses.entries()) {
    const hostKeyFile = join(dir, `host-${index}`);
    if (hostKey === null) keygen(hostKeyFile);
    else writeFileSync(hostKeyFile, hostKey, { mode: 0o600 });
    const port = await freePort();
    const file = join(dir, `sshd-${index}.conf`);
    const lines = [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${hostKeyFile}`,
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
  const forAllHosts = [
    'Host *',
    `  IdentityFile ${key}`,
    '  IdentitiesOnly yes',
    '  LogLevel ERROR',
  ];
  writeFileSync(config, `${[...hosts, ...forAllHosts].join('\n')}\n`);
  return config;
}

/** The option of ssh by which the user who runs the tests logs in under their own name. */
export const userOption = `User=${userInfo().username}`;

function keygen(file: string): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
}
