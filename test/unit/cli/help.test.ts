import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import type { Context } from '../../../cli/context.ts';
import { exitCodes } from '../../../cli/errors.ts';
import { createProgram } from '../../../cli/program.ts';
import type { Terminal } from '../../../cli/terminal.ts';
import { commandFaults } from '../../support/pages.ts';

const programIn = (columns: number) => {
  const terminal: Partial<Terminal> = { columns: () => columns };
  return createProgram(() => ({ terminal }) as Context, [], '0').command;
};

const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
const namesOf = (command: Command): string =>
  command.parent === null ? command.name() : `${namesOf(command.parent)} ${command.name()}`;
const shown = (program: Command) =>
  all(program).filter((command) => !command.name().startsWith('_'));

describe.each([40, 80, Number.POSITIVE_INFINITY])('the help in %s columns', (columns) => {
  const helps = shown(programIn(columns)).map((command) => [namesOf(command), command] as const);

  it.each(helps)('of %s has the sections of a manual page, and fits', (name, command) => {
    const help = command.helpInformation();
    expect(help).toMatch(new RegExp(`^NAME\\n    ${name} - `));
    expect(help).toMatch(/\n\nSYNOPSIS\n {4}onebuck/);
    expect(help).toMatch(/\n\nOPTIONS\n/);
    expect(help).not.toMatch(/undefined|\(default/);
    // A word that is longer than a line is left whole, to be copied.
    const wide = help.split('\n').filter((line) => line.length > Math.min(columns, 100));
    expect(wide.filter((line) => line.trim().includes(' '))).toEqual([]);
  });
});

describe('the help of the program', () => {
  const program = programIn(80);
  const help = program.helpInformation();

  it('lists every exit code', () => {
    const [, section = ''] = /EXIT STATUS\n([\s\S]*?)\n\n/.exec(help) ?? [];
    const codes = [...section.matchAll(/^ {4}(\d+)/gm)].map(([, code]) => Number(code));
    expect(codes).toEqual([0, ...Object.values(exitCodes)]);
  });

  it('and of the commands has only examples that the program takes', () => {
    const examples = shown(programIn(Number.POSITIVE_INFINITY)).flatMap((command) => {
      const [, section = ''] = /EXAMPLES\n([\s\S]*)$/.exec(command.helpInformation()) ?? [];
      return section.replaceAll('\n    --', ' --').split('\n');
    });
    expect(examples.filter((line) => line.includes('onebuck')).length).toBeGreaterThan(10);
    const text = `\`\`\`sh\n${examples.filter((line) => !line.includes('<command>')).join('\n')}\n\`\`\``;
    expect(commandFaults({ path: 'help', text }, program)).toEqual([]);
  });
});
