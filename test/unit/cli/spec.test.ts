import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type SpecOptions, specOf } from '../../../cli/spec.ts';
import type { Terminal } from '../../../cli/terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'onebuck-spec-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** No option of these tests has anything to tell. */
const specFor = (options: SpecOptions) => specOf({ terminal: {} as Terminal }, options);

function aFile(name: string, content: string | Buffer): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

describe('the spec of a command line', () => {
  it('has the bytes of the file of --user-data in place of the text of the spec', () => {
    const file = aFile('spec.json', JSON.stringify({ nodes: 1, userData: '#!/bin/sh' }));
    const userData = aFile('data', Buffer.of(0x1f, 0x8b, 0xff, 0x0d, 0x0a));
    expect(specFor({ file, userData })).toEqual({ nodes: 1, userDataBase64: 'H4v/DQo=' });
    expect(specFor({ file })).toEqual({ nodes: 1, userData: '#!/bin/sh' });
  });

  it('is refused with an empty file of user data', () => {
    expect(() => specFor({ userData: aFile('empty', '') })).toThrow(/empty is empty/);
  });

  it('has network, setups and open ports, repeated or with commas', () => {
    const options = { network: 'isolated', setup: ['mpi,nfs', 'dask'], open: ['80', '53/udp,443'] };
    expect(specFor(options)).toEqual({
      network: 'isolated',
      setup: ['mpi', 'nfs', 'dask'],
      openPorts: ['80', '53/udp', '443'],
    });
    expect(specFor({ setup: [' mpi , ,'] })).toEqual({ setup: ['mpi'] });
  });

  it('has each user of --authorized-user', () => {
    expect(specFor({ authorizedUser: ['ann', 'bob'] })).toEqual({
      authorizedUsers: ['ann', 'bob'],
    });
  });
});
