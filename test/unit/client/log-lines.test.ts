import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLogLines, shownLine } from '../../../client/log-lines.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('the lines of a log', () => {
  it('are the same wherever its parts begin', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'ä', '€', '😀', '\n', '\r', ' ') });
    fc.assert(
      fc.property(text, fc.array(fc.nat(40)), (log, cuts) => {
        const all = bytes(log);
        const lines = createLogLines();
        const found: string[] = [];
        let from = 0;
        for (const to of [...cuts.toSorted((a, b) => a - b), all.length]) {
          found.push(...lines.push(all.subarray(from, to)));
          from = Math.max(from, to);
        }
        found.push(...lines.end());
        const whole = createLogLines();
        expect(found).toEqual([...whole.push(all), ...whole.end()]);
        const ended = log.endsWith('\n') || log === '' ? log.slice(0, -1) : log;
        if (!log.includes('\r') && log !== '') expect(found.join('\n')).toBe(ended);
      }),
    );
  });

  it('of a progress bar is its last state, and lines of Windows end as others', () => {
    const lines = createLogLines();
    expect(lines.push(bytes(' 10%\r 50%\r100%\nnext\r\n'))).toEqual(['100%', 'next']);
  });

  it('of bytes that are no UTF-8 has a sign for each', () => {
    const lines = createLogLines();
    expect([...lines.push(new Uint8Array([0x61, 0xff, 0x0a, 0xe2])), ...lines.end()]).toEqual([
      'a\ufffd',
      '\ufffd',
    ]);
  });

  it('of a log without a line break are bounded', () => {
    const lines = createLogLines();
    const found = lines.push(bytes('x'.repeat(1_000_000)));
    expect(Math.max(...found.map(({ length }) => length))).toBe(16_384);
    expect([...found, ...lines.end()].join('')).toHaveLength(1_000_000);
  });

  it('are bounded also where a long one ends', () => {
    const lines = createLogLines();
    const found = lines.push(bytes(`a\n${'x'.repeat(40_000)}\nb`));
    expect(found.map(({ length }) => length)).toEqual([1, 16_384, 16_384, 7_232]);
  });

  it('show the one that has not ended, as far as it has come', () => {
    const lines = createLogLines();
    expect(lines.push(bytes('one\n 10%\r 20%'))).toEqual(['one']);
    expect(lines.open()).toBe(' 20%');
    lines.push(bytes('\r 30%\n'));
    expect(lines.open()).toBe('');
  });
});

describe('a line of a log', () => {
  it.each([
    ['colours', '\x1b[1;31mred\x1b[0m', 'red', '\x1b[1;31mred\x1b[0m\x1b[0m'],
    ['moves of the cursor', 'a\x1b[2J\x1b[10;10Hb\x1b[1A', 'ab'],
    ['a title', 'a\x1b]0;your token, please\x07b', 'ab'],
    ['a link', '\x1b]8;;http://x\x1b\\text\x1b]8;;\x1b\\', 'text'],
    ['the clipboard', 'a\x1b]52;c;ZXZpbA==', 'a'],
    ['a question to the terminal', 'a\x1b[cb\x1bP+q544e\x1b\\c\x1bZ', 'abc'],
    ['controls of eight bits', 'a\x9b31mb\x9d0;t\x9c', 'a31mb0;t'],
    ['bells, backspaces and NUL', 'a\x07\b\0b', 'ab'],
    ['a reset of the terminal', '\x1bca\x1b#8b', 'ab'],
    ['another direction of writing', 'a\u202egnp.exe\u2069', 'agnp.exe'],
    ['tabs and letters', 'a\tä€😀', 'a\tä€😀'],
    ['an escape that an escape is in', '\x1b\x1b[31m]0;x', ']0;x', '\x1b[31m]0;x\x1b[0m'],
  ])('has of %s only what is harmless', (_, line, plain, coloured = plain) => {
    expect(shownLine(line, { colours: false })).toBe(plain);
    expect(shownLine(line, { colours: true })).toBe(coloured);
  });

  const part = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '\x1b',
      '\x1b[',
      '\x1b]',
      '\x1bP',
      '\x07',
      '\x9b',
      '[31m',
      '0;',
      'm',
      '\\',
      '?',
    ),
    fc.integer({ min: 0, max: 0x9f }).map((code) => String.fromCharCode(code)),
  );
  it.each([true, false])('never moves a terminal (colours: %s)', (colours) => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        const shown = shownLine(parts.join(''), { colours });
        // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are such
        const rest = colours ? shown.replace(/\x1b\[[\d;:]*m/g, '') : shown;
        expect(rest.replaceAll('\t', '')).not.toMatch(/\p{Cc}/u);
        expect(shownLine(shown, { colours: false })).toBe(rest);
      }),
      { numRuns: 2_000 },
    );
  });
});
