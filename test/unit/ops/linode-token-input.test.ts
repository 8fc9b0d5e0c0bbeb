import { PassThrough, Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { readLinodeToken } from '../../../ops/linode-token-input.ts';

/** What is read where this is piped in, and that in the environment. */
function read(piped: string, fromEnvironment = ''): Promise<string> {
  const input = new PassThrough().end(piped) as unknown as NodeJS.ReadStream;
  return readLinodeToken('?', { fromEnvironment, input, output: new PassThrough() });
}

it('is what is piped in, without the end of its line', async () => {
  expect(await read('linode-token\r\n')).toBe('linode-token');
});

it('is that of the environment first', async () => {
  expect(await read('piped', ' of-the-environment ')).toBe('of-the-environment');
});

it.each(['', '\n'])('is asked for where there is none', async (piped) => {
  await expect(read(piped)).rejects.toThrow('LINODE_TOKEN\nor on standard input');
});

it.each(['two words', 'two\nlines', 'tökén', 'with\x1bkeys'])(
  'is no %j, which is not shown again',
  async (piped) => {
    await expect(read(piped)).rejects.toThrow('That is no Linode token');
    await expect(read(piped)).rejects.not.toThrow(piped);
  },
);

it('is asked for on a terminal only once that has ceased to echo', async () => {
  const input = new PassThrough() as unknown as NodeJS.ReadStream & PassThrough;
  input.isTTY = true;
  const happened: string[] = [];
  input.setRawMode = (isRaw) => {
    happened.push(isRaw ? 'echo off' : 'echo on');
    return input;
  };
  const output = new Writable({
    write(chunk, _encoding, written) {
      happened.push(String(chunk));
      // Somebody who answers at the moment the question is there.
      if (String(chunk) === 'Token?') input.write('linode-token\r');
      written();
    },
  });
  const sources = { fromEnvironment: '', input, output };
  expect(await readLinodeToken('Token?', sources)).toBe('linode-token');
  expect(happened).toEqual(['echo off', 'Token?', 'echo on', '\n']);
});
