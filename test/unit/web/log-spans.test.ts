import fc from 'fast-check';
import { h } from 'preact';
import { describe, expect, it } from 'vitest';
import { shownLine } from '../../../client/log-lines.ts';
import { spansOf } from '../../../web/src/log-spans.ts';

const drawn = (line: string) => spansOf(line).map(({ text, class: look }) => [text, look]);

describe('the colours of a line of a log', () => {
  it.each([
    [
      'the eight',
      '\x1b[31mred\x1b[0m plain',
      [
        ['red', 'ink-1'],
        [' plain', ''],
      ],
    ],
    ['the bright eight', '\x1b[92;101mx', [['x', 'ink-10 ground-9']]],
    [
      'weights',
      '\x1b[1;4mx\x1b[22my',
      [
        ['x', 'bold underlined'],
        ['y', 'underlined'],
      ],
    ],
    [
      'the table of 256',
      '\x1b[38;5;9mx\x1b[38;5;196my',
      [
        ['x', 'ink-9'],
        ['y', 'ink-9'],
      ],
    ],
    [
      'greys',
      '\x1b[38;5;232mx\x1b[38;5;255my',
      [
        ['x', 'ink-0'],
        ['y', 'ink-15'],
      ],
    ],
    [
      'any colour',
      '\x1b[38;2;0;120;0mx\x1b[48:2::0:0:255my',
      [
        ['x', 'ink-2'],
        ['y', 'ink-2 ground-12'],
      ],
    ],
    [
      'an end of either',
      '\x1b[31;42mx\x1b[39my\x1b[49mz',
      [
        ['x', 'ink-1 ground-2'],
        ['y', 'ground-2'],
        ['z', ''],
      ],
    ],
    [
      'no parameter',
      '\x1b[7mx\x1b[my',
      [
        ['x', 'inverse'],
        ['y', ''],
      ],
    ],
    ['codes that mean nothing', '\x1b[999;38;5;999;38;7mx', [['x', '']]],
  ])('are classes: %s', (_, line, spans) => {
    expect(drawn(line)).toEqual(spans);
  });

  it('end with the line, and are no more than can be drawn', () => {
    expect(drawn('\x1b[31m')).toEqual([]);
    expect(drawn('x')).toEqual([['x', '']]);
    const many = spansOf('\x1b[31ma\x1b[32mb'.repeat(10_000));
    expect(many.length).toBeLessThanOrEqual(201);
    expect(many.map(({ text }) => text).join('')).toBe('ab'.repeat(10_000));
  });
});

describe('whatever a command prints', () => {
  const nasty = fc.constantFrom(
    ...['<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '&lt;', '"><svg/onload=x>'],
    ...['\x1b', '\x1b[', '\x1b]8;;javascript:alert(1)\x1b\\', '\x1b]0;t\x07', '\x1bP', '\x9b31m'],
    ...['\0', '\u202e', '\u2066', '\b', '\r', '[31m', '38;5;', '999m', '__proto__', 'constructor'],
  );
  const line = fc
    .array(
      fc.oneof(
        nasty,
        fc.string({ unit: 'binary' }),
        fc.nat(300).map((code) => `\x1b[${code}m`),
      ),
    )
    .map((parts) => parts.join(''));

  it('is text with classes of ours, without anything that acts or turns the writing', () => {
    const known =
      /^(?:(?:^| )(?:bold|dim|italic|underlined|inverse|struck|ink-\d\d?|ground-\d\d?))*$/;
    fc.assert(
      fc.property(line, (printed) => {
        const spans = spansOf(printed);
        const text = spans.map((span) => span.text).join('');
        expect(text).toBe(shownLine(printed, { colours: false }));
        expect(text.replaceAll('\t', '')).not.toMatch(/\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u);
        for (const span of spans) expect(span.class).toMatch(known);
        // Preact makes a text node of a string, whatever is in it.
        for (const span of spans) expect(h('span', null, span.text).props.children).toBe(span.text);
      }),
      { numRuns: 2_000 },
    );
  });
});
