import { describe, expect, it } from 'vitest';
import {
  aJobNode,
  archiveOf,
  canRunJobs,
  type Member,
  skippedJobs,
} from '../../../../support/job-node.ts';

describe.skipIf(!canRunJobs)(`inputs of a job${skippedJobs}`, () => {
  const file = { name: 'a', text: 'text' };

  it('are fetched again, with a new address, if they do not come whole', async () => {
    const node = await aJobNode({
      command: 'cat a',
      rate: 20,
      inputs: [archiveOf([file])],
      storage: (method, count) =>
        method === 'GET' ? ([undefined, 'short', 403] as const)[count] : undefined,
    });
    await node.run();

    expect(node.count('job')).toBe(3);
    expect(`${node.log()}`).toBe('text');
  });

  it('keep modes, times and links inside the folder', async () => {
    const inputs = archiveOf([
      { name: './', type: '5', mode: 0o755 },
      { name: './bin', type: '5', mode: 0o755 },
      { name: './bin/run', text: '#!/bin/sh\necho run\n', mode: 0o4755, mtime: 1_000_000_000 },
      { name: './link', type: '2', linkname: 'bin/../bin/run' },
      { name: './hard', type: '1', linkname: 'bin/run' },
      { name: './later', type: '2', linkname: 'new/file' },
    ]);
    const node = await aJobNode({ command: 'stat -c "%a %Y" hard; ./link', inputs: [inputs] });
    await node.run();

    expect(`${node.log()}`).toBe('755 1000000000\nrun\n');
  });

  it('replace what earlier inputs have brought', async () => {
    const inputs = [
      archiveOf([file, { name: 'b', type: '2', linkname: 'a' }]),
      archiveOf([
        { ...file, name: 'b' },
        { ...file, text: 'new' },
      ]),
    ];
    const node = await aJobNode({ command: 'cat a b', inputs });
    await node.run();

    expect(`${node.log()}`).toBe('newtext');
  });

  it.each<[string, readonly Member[], string]>([
    ['an absolute name', [{ ...file, name: '/tmp/onebuck-out' }], 'outside of the folder'],
    ['a name with ..', [{ ...file, name: 'a/../../out' }], 'outside of the folder'],
    ['a link out', [{ name: 'up', type: '2', linkname: '../..' }], 'a link out of the folder'],
    ['an absolute link', [{ name: 'up', type: '2', linkname: '/etc' }], 'a link out of the folder'],
    ['a hard link out', [{ name: 'p', type: '1', linkname: '../out' }], 'a link out of the folder'],
    [
      'a file below a link that later leads out',
      [
        { name: 'deep/er', type: '5', mode: 0o755 },
        { name: 'first', type: '2', linkname: 'deep/er' },
        { name: 'up', type: '2', linkname: 'first/..' },
        { name: 'first', type: '2', linkname: '.' },
        { ...file, name: 'up/out' },
      ],
      'outside of the folder',
    ],
    ['a device', [{ name: 'null', type: '3', devmajor: 1, devminor: 3 }], 'a device'],
    ['a pipe', [{ name: 'pipe', type: '6' }], 'a device'],
  ])('with %s are refused, and the command does not run', async (_, members, reason) => {
    const node = await aJobNode({ command: 'touch ran', inputs: [archiveOf(members)] });
    await node.run();

    expect(node.events()).toEqual(['job', 'ended']);
    expect(node.last('ended')).toMatchObject({ exitCode: null, lastCall: false });
    expect(node.last('ended')?.detail).toContain(reason);
    expect(node.has('root/out') || node.has('out')).toBe(false);
  });

  it('that are no tar.gz are refused', async () => {
    const node = await aJobNode({ command: 'touch ran', inputs: [Buffer.from('no archive')] });
    await node.run();

    expect(node.last('ended')?.detail).toContain('an input can not be unpacked');
  });
});
