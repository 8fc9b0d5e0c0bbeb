import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeUserData } from '../../lib/app/user-data.ts';
import { nodesFolder } from '../../simulators/nodes/root-file-system.ts';
import { at } from '../support/builders.ts';

/*
 * cloud-init itself takes apart what nodes get. It is in the root file system of nodes that boot,
 * which `npm run start:nodes` makes.
 */

const root = existsSync(nodesFolder)
  ? readdirSync(nodesFolder)
      .filter((name) => /^root-[0-9a-f]+$/.test(name))
      .map((name) => join(nodesFolder, name))
      .find((folder) => existsSync(join(folder, 'usr/lib/python3/dist-packages/cloudinit')))
  : undefined;
const canRun = root !== undefined && process.getuid?.() === 0;
const skipped = canRun ? '' : ' (skipped: no root file system of nodes, or not root)';

interface Merged {
  readonly config: Readonly<Record<string, unknown>>;
  readonly scripts: readonly string[];
  readonly boothooks: readonly string[];
}

function mergedByCloudInit(userData: readonly string[]): Merged[] {
  const program = readFileSync(new URL('cloud_init_merge.py', import.meta.url), 'utf8');
  // Nodes may be using the file system, so nothing is written to it.
  const inside = 'mount -t tmpfs tmpfs "$0/tmp" && exec chroot "$0" python3 -Bc "$1"';
  const args = ['--mount', 'sh', '-c', inside, root ?? '', program];
  const { stdout, stderr } = spawnSync('unshare', args, {
    input: JSON.stringify(userData),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Merged[];
}

/** The user data of node 1 of four. */
const withUser = (user: string | Buffer): string =>
  nodeUserData(
    {
      id: 'cabcdefghij',
      spec: {
        nodes: 4,
        setup: [],
        openPorts: [],
        job: null,
        userData: typeof user === 'string' ? user : null,
        userDataBase64: typeof user === 'string' ? null : user.toString('base64'),
      },
      subnet: { block: 0, bits: 24 },
      agent: {
        publicUrl: 'https://api.example.com',
        expiresAt: at('2026-12-03T12:00:00Z'),
        teardownAt: at('2026-11-27T12:00:00Z'),
      },
      slice: null,
      key: 'a key',
    },
    1,
  );

/** Forms in which a user may give one cloud-config, with the scripts that come with it. */
const FORMS: Readonly<Record<string, (config: string) => string | Buffer>> = {
  plain: (config) => `#cloud-config\n${config}`,
  'after blanks, in capitals': (config) => `\n \n#Cloud-Config\n${config}`,
  'with a byte order mark': (config) => `\ufeff#cloud-config\n${config}`,
  'in gzip': (config) => gzipSync(`#cloud-config\n${config}`),
  'as a jinja template': (config) => `## template: jinja\n#cloud-config\n${config}`,
  'with its own way to merge': (config) =>
    `#cloud-config\nmerge_how: dict(no_replace,recurse_list)+list(append)+str()\n${config}`,
  'in an archive': (config) =>
    `#cloud-config-archive\n- |\n  #cloud-config\n${config.replaceAll(/^/gm, '  ')}`,
  'in a multipart message': (config) =>
    'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="onebuck-part-0"\n\n' +
    `--onebuck-part-0\nContent-Type: text/cloud-config\n\n#cloud-config\n${config}\n` +
    '--onebuck-part-0--\n',
  'in a multipart message in gzip': (config) =>
    gzipSync(
      'Content-Type: multipart/mixed; boundary=b\nMIME-Version: 1.0\n\n' +
        `--b\nContent-Type: text/cloud-config\n\n#cloud-config\n${config}\n--b--\n`,
    ),
  'with much of what compresses well': (config) =>
    `#cloud-config\n${'# a line of a comment\n'.repeat(700)}${config}`,
};

const words = fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1, maxLength: 3 });
const config = fc.record(
  {
    runcmd: words,
    packages: words,
    write_files: words.map((names) =>
      names.map((name) => ({ path: `/srv/${name}`, content: name })),
    ),
    hostname: fc.constant('mine'),
    ssh_keys: fc.constant({ rsa_private: 'mine' }),
    timezone: fc.constant('Europe/Zurich'),
  },
  { requiredKeys: ['timezone'] },
);

describe.skipIf(!canRun)(`cloud-init on a node${skipped}`, () => {
  it('loses nothing of a cloud-config in any form, nor of the room', () => {
    const cases = Object.entries(FORMS).flatMap(([form, formed]) =>
      fc.sample(config, 10).map((given) => {
        const lines = Object.entries(given).map(
          ([key, value]) => `${key}: ${JSON.stringify(value)}\n`,
        );
        return { form, given, userData: withUser(formed(lines.join(''))) };
      }),
    );
    const results = mergedByCloudInit(cases.map(({ userData }) => userData));

    results.forEach(({ config: merged, scripts, boothooks }, index) => {
      const { form = '', given = {} } = cases[index] ?? {};
      expect(merged, form).toMatchObject({ ...given, hostname: 'n1', ssh_keys: {} });
      expect(Object.keys(merged.ssh_keys as object)).toEqual(['ed25519_private', 'ed25519_public']);
      expect([scripts, boothooks]).toEqual([['00-onebuck'], ['onebuck-boot']]);
    });
    expect(results).toHaveLength(100);
  });

  it('runs the setups before a script of the user, and the room before a boothook', () => {
    const [script, boothook] = mergedByCloudInit([
      withUser('#!/bin/sh\necho é\n'),
      withUser('#cloud-boothook\n#!/bin/sh\n'),
    ]);
    expect(script?.scripts).toEqual(['00-onebuck', 'user-data']);
    expect(boothook?.boothooks).toEqual(['onebuck-boot', 'user-data']);
  });

  it('makes a room beside what it can make nothing of', () => {
    for (const { config: merged } of mergedByCloudInit(
      ['no header', '#cloud-config\na: [', 'AAAA'.repeat(20)].map(withUser),
    )) {
      expect(merged.hostname).toBe('n1');
    }
  });
});
