import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newBudget } from '../../../cli/clusters.ts';
import { entry, facts, layOut, table } from '../../../cli/format.ts';
import { costSentence } from '../../../cli/remove.ts';
import { memoryMb, specOf } from '../../../cli/spec.ts';
import { exitCodesLine, sshArgs } from '../../../cli/ssh.ts';
import type { Terminal } from '../../../cli/terminal.ts';
import { aCluster } from '../client/builders.ts';

/** A terminal that keeps the notes. */
function aContext() {
  const noted: string[] = [];
  const terminal = { note: (line: string) => void noted.push(line) } as Terminal;
  return { context: { terminal }, noted };
}

const layout = (columns: number) => ({ columns, dim: (text: string) => text });

describe('a table', () => {
  const costs = table(
    ['ID', 'COST', 'WHY'],
    [
      ['a', '$1.00', 'it has run'],
      ['bcd', '$10.00', ''],
    ],
  );

  it('aligns numbers to the right', () => {
    expect(layOut([costs], layout(80))).toEqual([
      'ID     COST  WHY',
      'a     $1.00  it has run',
      'bcd  $10.00',
    ]);
  });

  it('that is wider than the terminal is a block for each row', () => {
    expect(layOut([costs], layout(22))).toEqual([
      ...['ID', '  a', 'COST', '  $1.00', 'WHY', '  it has run'],
      ...['', 'ID', '  bcd', 'COST', '  $10.00'],
    ]);
    const wide = table(['ID', 'NAME'], [['a', 'n'.repeat(30)]]);
    expect(layOut([wide], layout(32))).toEqual(['ID    a', `NAME  ${'n'.repeat(30)}`]);
  });
});

describe('the lines of an answer', () => {
  const word = fc.stringMatching(/^[a-z0-9$.]{1,14}$/);
  const text = fc.array(word, { maxLength: 20 }).map((words) => words.join(' '));
  const pair = fc.tuple(fc.stringMatching(/^[a-z]{1,13}$/), text);
  const block = fc.oneof(
    text,
    fc.array(pair, { minLength: 1, maxLength: 4 }).map(facts),
    fc.tuple(word, text).map(([when, what]) => entry(when, what)),
    fc
      .array(fc.tuple(text, word, text), { maxLength: 4 })
      .map((rows) => table(['A', 'B', 'C'], rows)),
  );
  const wordsOf = (lines: readonly string[]) => lines.join(' ').split(/\s+/).filter(Boolean);

  it('fit in 40 columns, and keep every word', () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 4 }), (blocks) => {
        const lines = layOut(blocks, layout(40));
        expect(lines.filter(({ length }) => length > 40)).toEqual([]);
        const all = new Set(wordsOf(layOut(blocks, layout(Number.POSITIVE_INFINITY))));
        // The head of a table of no rows is all that a narrow table may lack or repeat.
        for (const head of ['A', 'B', 'C']) all.delete(head);
        const kept = new Set(wordsOf(lines));
        expect([...all].filter((one) => !kept.has(one))).toEqual([]);
      }),
    );
  });
});

describe('a spec', () => {
  it.each([
    ['4', '4096', ['Note: --memory 4 is taken for 4 GB; write 4MB for MB.']],
    ['4096', '4096', []],
    ['4GB', '4096', []],
    ['lots', 'lots', []],
  ])('reads the memory %s as %s, and says what it guesses', (text, mb, notes) => {
    const { context, noted } = aContext();
    expect(memoryMb(context, text)).toBe(mb);
    expect(noted).toEqual(notes);
  });

  it('keeps a text that is no number, so that the API names all faults at once', () => {
    expect(
      specOf(aContext().context, { nodes: 'ten', budget: '$1', memory: '2GB', tag: ['a-b'] }),
    ).toEqual({
      ...{ nodes: 'ten', budgetUsd: 1, memoryMb: 2048, tags: ['a-b'] },
    });
  });
});

describe('a new budget', () => {
  it.each([
    ['2', '2'],
    ['$2,50', '2.5'],
    ['+1', '1.1'],
    ['+0.2', '0.3'],
  ])('of %s is %s, where the budget is 0.1', (text, budget) => {
    expect(`${newBudget({ budgetUsd: 0.1 }, text).budgetUsd}`).toBe(budget);
  });

  it('must be an amount', () => {
    expect(() => newBudget({ budgetUsd: 0.1 }, '+x')).toThrow('such as 2 or +1.50');
  });
});

describe('costSentence', () => {
  it('says the bill, and that the started hour is paid', () => {
    const sentence = costSentence(aCluster(), Date.parse('2026-11-10T11:30:00Z'));
    expect(sentence).toMatch(
      /^caaaaaaaaaa "job" \(3 × g6-nanode-1\): Linode will bill \$0\.045 for it/,
    );
    expect(sentence).toMatch(/paid anyway: until .+ \d\d:\d\d .+ it would cost no more\.$/);
  });
});

describe('ssh', () => {
  const node = {
    ...{ index: 0, label: 'n-0', name: 'n0', ipv4: '192.0.2.1', ipv6: null, privateIp: null },
    ...{ vcpus: 1, user: 'root' },
  };

  it('gets the options of the person first, since ssh uses the first of two values', () => {
    const known = { file: '/s/known', isWhole: false };
    const args = sshArgs(node, known, { sshConfig: 'f', sshOption: ['User=me'] });
    expect(args.slice(0, 2)).toEqual(['-F', 'f']);
    expect(args.indexOf('User=me')).toBeLessThan(args.indexOf('User=root'));
    expect(args).toContain('StrictHostKeyChecking=accept-new');
    expect(args).toContain('UserKnownHostsFile="/s/known"');
  });

  it('has a line with the exit codes of all nodes', () => {
    const ran = [0, 2, 0, 255].map((exitCode, index) => ({ index, exitCode }));
    expect(exitCodesLine(ran)).toBe(
      'Exit codes: 0 on 2 nodes; 2 on node 1; 255 on node 3 (ssh could not log in).',
    );
  });
});
