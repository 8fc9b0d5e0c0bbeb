import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { askHidden } from '../../../cli/terminal.ts';

const QUESTION = 'Token (not shown): ';

/** A terminal that somebody answers at the moment the question is there, and what happens on it. */
function aTerminal(keys: string) {
  const input = new PassThrough() as unknown as NodeJS.ReadStream & PassThrough;
  const happened: string[] = [];
  input.setRawMode = (isRaw) => {
    happened.push(isRaw ? 'echo off' : 'echo on');
    return input;
  };
  const output = new Writable({
    write(chunk, _encoding, written) {
      happened.push(String(chunk));
      if (String(chunk) === QUESTION) input.write(keys);
      written();
    },
  });
  return { input, output, happened };
}

describe('a hidden question', () => {
  it('is there only once the terminal has ceased to echo, and until it echoes again', async () => {
    const { happened, ...terminal } = aTerminal('secret\r');
    expect(await askHidden(QUESTION, terminal)).toBe('secret');
    expect(happened).toEqual(['echo off', QUESTION, 'echo on', '\n']);
  });

  it('is answered with what is left after corrections', async () => {
    expect(await askHidden(QUESTION, aTerminal('x\x7fsecret!\b\n'))).toBe('secret');
  });

  it.each(['abc\x03', '\x04'])('leaves the terminal as it was after %j', async (keys) => {
    const { happened, ...terminal } = aTerminal(keys);
    await expect(askHidden(QUESTION, terminal)).rejects.toMatchObject({ failure: 'interrupted' });
    expect(happened).toEqual(['echo off', QUESTION, 'echo on', '\n']);
  });
});
