import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { askHidden } from '../../../cli/terminal.ts';

const QUESTION = 'Token (not shown): ';

/** A terminal on which somebody types the keys once the question is shown, and its events. */
function aTerminal(keys: string) {
  const input = new PassThrough() as unknown as NodeJS.ReadStream & PassThrough;
  const events: string[] = [];
  input.setRawMode = (isRaw) => {
    events.push(isRaw ? 'echo off' : 'echo on');
    return input;
  };
  const output = new Writable({
    write(chunk, _encoding, written) {
      events.push(String(chunk));
      if (String(chunk) === QUESTION) input.write(keys);
      written();
    },
  });
  return { input, output, events };
}

describe('a hidden question', () => {
  it('is asked while the echo of the terminal is off, and turns it on again', async () => {
    const { events, ...terminal } = aTerminal('secret\r');
    expect(await askHidden(QUESTION, terminal)).toBe('secret');
    expect(events).toEqual(['echo off', QUESTION, 'echo on', '\n']);
  });

  it('returns the text without the characters that the person deleted', async () => {
    expect(await askHidden(QUESTION, aTerminal('x\x7fsecret!\b\n'))).toBe('secret');
  });

  it.each(['abc\x03', '\x04'])(
    'is interrupted by %j, and turns the echo on again',
    async (keys) => {
      const { events, ...terminal } = aTerminal(keys);
      await expect(askHidden(QUESTION, terminal)).rejects.toMatchObject({ failure: 'interrupted' });
      expect(events).toEqual(['echo off', QUESTION, 'echo on', '\n']);
    },
  );
});
