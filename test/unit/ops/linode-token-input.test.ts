import { PassThrough, Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { readLinodeToken } from '../../../ops/linode-token-input.ts';

/** Reads the token where `piped` is the input and `fromEnvironment` the variable's value. */
function read(piped: string, fromEnvironment = ''): Promise<string> {
  const input = new PassThrough().end(piped) as unknown as NodeJS.ReadStream;
  return readLinodeToken('?', { fromEnvironment, input, output: new PassThrough() });
}

it('the Linode token is the piped input, without the end of its line', async () => {
  expect(await read('linode-token\r\n')).toBe('linode-token');
});

it('the Linode token of the environment comes before the input', async () => {
  expect(await read('piped', ' of-the-environment ')).toBe('of-the-environment');
});

it.each(['', '\n'])('an empty Linode token is an error that says how to give it', async (piped) => {
  await expect(read(piped)).rejects.toThrow('in LINODE_TOKEN or on standard input');
});

it.each(['two words', 'two\nlines', 'tökén', 'with\x1bkeys'])(
  'the Linode token can not be %j, which the error does not show',
  async (piped) => {
    await expect(read(piped)).rejects.toThrow('That is no Linode token');
    await expect(read(piped)).rejects.not.toThrow(piped);
  },
);

it('the question for the Linode token comes after the terminal has ceased to echo', async () => {
  const input = new PassThrough() as unknown as NodeJS.ReadStream & PassThrough;
  input.isTTY = true;
  const events: string[] = [];
  input.setRawMode = (isRaw) => {
    events.push(isRaw ? 'echo off' : 'echo on');
    return input;
  };
  const output = new Writable({
    write(chunk, _encoding, written) {
      events.push(String(chunk));
      // A person answers at the moment at which the question appears.
      if (String(chunk) === 'Token?') input.write('linode-token\r');
      written();
    },
  });
  const sources = { fromEnvironment: '', input, output };
  expect(await readLinodeToken('Token?', sources)).toBe('linode-token');
  expect(events).toEqual(['echo off', 'Token?', 'echo on', '\n']);
});
