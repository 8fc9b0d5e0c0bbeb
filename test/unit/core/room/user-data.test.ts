import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AGENT } from '../../../../lib/core/room/scripts/agent.ts';
import { bootScript } from '../../../../lib/core/room/scripts/boot.ts';
import { SENDING } from '../../../../lib/core/room/scripts/sending.ts';
import { setupEnvironment, setupScript } from '../../../../lib/core/room/scripts/setup.ts';
import { type Setup, setups } from '../../../../lib/core/room/setups.ts';
import { composeUserData } from '../../../../lib/core/room/user-data.ts';
import { someFacts } from '../../../support/room.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

interface Part {
  readonly type: string;
  readonly filename: string | null;
  readonly merge: string | null;
  readonly hex: string;
}

/** The parts of user data, as Python reads them, whose library cloud-init uses. */
function partsOf(userData: readonly string[]): Part[][] {
  const program = `
import email, json, sys
def parts(text):
    for part in email.message_from_string(text).walk():
        if part.get_content_maintype() != "multipart":
            yield {"type": part.get_content_type(), "filename": part.get_filename(),
                   "merge": part["X-Merge-Type"], "hex": part.get_payload(decode=True).hex()}
print(json.dumps([list(parts(text)) for text in json.load(sys.stdin)]))`;
  const { stdout, stderr } = spawnSync('python3', ['-c', program], {
    input: JSON.stringify(userData),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Part[][];
}

const contentOf = (part: Part | undefined) => Buffer.from(part?.hex ?? '', 'hex');

describe('user data of a node', () => {
  it('is the boot script, the setups, the own part of the user, and a cloud-config', () => {
    const [parts = []] = partsOf([
      composeUserData(someFacts({ user: bytes('#!/bin/sh\necho hi') })),
    ]);

    expect(parts.map(({ type, filename }) => [type, filename])).toEqual([
      ['text/cloud-boothook', 'onebuck-boot'],
      ['text/x-shellscript', '00-onebuck'],
      ['text/plain', 'user-data'],
      ['text/cloud-config', null],
    ]);
    expect(contentOf(parts[2]).toString()).toBe('#!/bin/sh\necho hi');
  });

  it('has three parts if the user gives none', () => {
    const [parts = []] = partsOf([composeUserData(someFacts({ user: null }))]);
    expect(parts).toHaveLength(3);
  });

  it('keeps all bytes of the user, whatever they are, and its own parts beside them', () => {
    const awkward = fc.constantFrom(
      '--onebuck-part-0',
      '--onebuck-part-0--\n--onebuck-part-1',
      '=3D',
      'a =',
      '\r\n',
      ' \n',
      'é',
      '\t',
      '\0',
      'Content-Type: text/plain',
      '\n\n',
      'a'.repeat(80),
    );
    const content = fc.oneof(
      fc.array(awkward, { maxLength: 8 }).map((some) => bytes(`#!${some.join('')}`)),
      fc.uint8Array({ maxLength: 300 }),
    );
    fc.assert(
      fc.property(fc.array(content, { minLength: 30, maxLength: 30 }), (users) => {
        const all = partsOf(users.map((user) => composeUserData(someFacts({ user }))));

        all.forEach((parts, index) => {
          expect(contentOf(parts[2])).toEqual(Buffer.from(users[index] ?? []));
          expect(parts.map(({ type }) => type)).toEqual([
            'text/cloud-boothook',
            'text/x-shellscript',
            'text/plain',
            'text/cloud-config',
          ]);
        });
      }),
      { numRuns: 5 },
    );
  });

  it("nests a user's multipart message, whose boundary may be that of Onebuck", () => {
    const inner = composeUserData(someFacts({ index: 3, user: bytes('#!/bin/sh\n') }));
    const [parts = []] = partsOf([composeUserData(someFacts({ user: bytes(inner) }))]);

    expect(parts.map(({ type }) => type)).toEqual([
      'text/cloud-boothook',
      'text/x-shellscript',
      'text/cloud-boothook',
      'text/x-shellscript',
      'text/plain',
      'text/cloud-config',
      'text/cloud-config',
    ]);
    expect(contentOf(parts[6]).toString()).toContain('hostname: n1\n');
  });

  it('drops a byte order mark, and takes a script that mentions MIME for a script', () => {
    const script = '#!/bin/sh\n# MIME-Version: 1.0\n';
    const [parts = []] = partsOf([composeUserData(someFacts({ user: bytes(`\ufeff${script}`) }))]);

    expect(contentOf(parts[2]).toString()).toBe(script);
  });

  it('sets nothing in its cloud-config that would replace what the user lists', () => {
    const [parts = []] = partsOf([composeUserData(someFacts())]);
    const config = contentOf(parts[2]).toString();

    const keys = [...config.matchAll(/^(\w+):/gm)].map(([, key]) => key);
    expect(keys).toEqual([
      'hostname',
      'preserve_hostname',
      'prefer_fqdn_over_hostname',
      'manage_etc_hosts',
      'ssh_deletekeys',
      'ssh_keys',
    ]);
  });

  it('differs between the nodes of a cluster by rank, address and token only', () => {
    const lines = [0, 1].map((index) => composeUserData(someFacts({ index })).split('\n'));
    const [first = [], second = []] = lines;

    expect(first).toHaveLength(second.length);
    expect(first.filter((line, index) => line !== second[index])).toEqual([
      'cluster=cabcdefghij rank=0 nodes=4',
      'cidr=10.128.0.0/24 me=10.128.0.1',
      'echo https://api.example.com/agent/cabcdefghij/0 > $d/url',
      '[ -e $d/token ] || echo oba_cabcdefghij_0_token | put $d/token 600',
      'hostname: n0',
    ]);
  });

  it('has as many bytes for 500 nodes as for 2, and leaves the user 10,000 with all setups', () => {
    const sizes = [2, 10, 100, 500].map((nodes) => {
      const network =
        nodes > 250
          ? { cidr: '10.128.0.0/22', address: '10.128.0.2' }
          : { cidr: '10.128.0.0/24', address: '10.128.0.2' };
      const text = composeUserData(someFacts({ nodes, network, setup: setups }));
      return { plain: text.length, gzip: gzipSync(text, { level: 9 }).length };
    });

    for (const { plain, gzip } of sizes) {
      expect(plain).toBeLessThan(16_384);
      expect(gzip).toBeLessThan(6_384);
    }
    const plain = sizes.map((size) => size.plain);
    expect(Math.max(...plain) - Math.min(...plain)).toBeLessThanOrEqual(2);
  });

  it('leaves the user 9,000 bytes with all setups and a limit of what nodes send', () => {
    const text = composeUserData(someFacts({ nodes: 250, setup: setups, slice: 60_000_000 }));
    expect(gzipSync(text, { level: 9 }).length).toBeLessThan(7_384);
  });
});

/**
 * What shellcheck says of the scripts. It can't follow the file of the environment (SC1091), and
 * some setups leave a variable unused (SC2034).
 */
const shellcheck = (scripts: readonly string[]): string => {
  const folder = mkdtempSync(join(tmpdir(), 'room-scripts-'));
  try {
    const files = scripts.map((script, index) => {
      const file = join(folder, `${index}.sh`);
      writeFileSync(file, script);
      return file;
    });
    const args = ['--shell=sh', '--exclude=SC1091,SC2034', '--format=gcc', ...files];
    return spawnSync('shellcheck', args, { encoding: 'utf8' }).stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const hasShellcheck = spawnSync('shellcheck', ['--version']).status === 0;
const skipped = hasShellcheck ? '' : ' (skipped: there is no shellcheck)';

describe('scripts of a room', () => {
  it.skipIf(!hasShellcheck)(`please shellcheck, with any network and setups${skipped}`, () => {
    const { network: some, hostKey, ...facts } = someFacts({ openPorts: ['80', '53/udp'] });
    const choices = [[], setups, ...setups.map((name) => [name])] as Setup[][];
    const scripts = [null, some].flatMap((network) =>
      choices.flatMap((setup) => {
        const environment = setupEnvironment(setup, network?.cidr ?? null);
        const hasJob = setup.length === 0;
        const slice = hasJob ? 60_000_000 : null;
        const boot = { ...facts, network, environment, hasJob, slice, hostKey: hostKey.public };
        return [bootScript(boot), setupScript(setup, network?.cidr ?? null)];
      }),
    );

    // The limit's functions, with what a file and the agent tell them.
    const sending = `slice=1 wan=eth0 rank=0 spread=0\n${SENDING}`;
    expect(shellcheck([...scripts, AGENT, sending])).toBe('');
  });

  it('lose their comments in user data, but not their first line', () => {
    const text = composeUserData(someFacts({ setup: setups }));
    const comments = text.split('\n').filter((line) => /^ *#/.test(line));

    expect(new Set(comments)).toEqual(new Set(['#!/bin/sh', '#cloud-config']));
  });
});
