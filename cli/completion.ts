import type { Argument, Command } from 'commander';
import { listLive } from '../client/clusters.ts';
import { listSchedules } from '../client/schedules.ts';
import type { Context } from './context.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/**
 * Each asks the program itself, so that it knows what the program knows, and the clusters' names.
 */
export const scripts: Readonly<Record<Shell, string>> = {
  bash: `_onebuck() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(onebuck __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _onebuck onebuck`,
  zsh: `#compdef onebuck
_onebuck() {
  local -a found
  found=("\${(@f)$(onebuck __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -- "\${found[@]}"; else _files; fi
}
compdef _onebuck onebuck`,
  fish: `complete -c onebuck -a '(onebuck __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'`,
};

/** What may stand in place of the last word. */
export async function candidates(
  program: Command,
  words: readonly string[],
  context: Context,
): Promise<string[]> {
  const last = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  if (before.includes('--')) return [];
  const { command, operands } = walk(program, before);
  const option = command.options.find(({ long, short }) => [long, short].includes(before.at(-1)));
  if (option?.required === true) return option.argChoices ?? [];
  const found = last.startsWith('-')
    ? optionsOf(program, command)
    : command.commands.length > 0
      ? command.commands.map((sub) => sub.name()).filter((name) => !name.startsWith('_'))
      : await operandsOf(command.registeredArguments[operands], context);
  return found.filter((candidate) => candidate.startsWith(last));
}

function walk(program: Command, words: readonly string[]) {
  let command = program;
  let operands = 0;
  for (const word of words) {
    if (word.startsWith('-')) continue;
    const sub = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (sub === undefined) operands += 1;
    else {
      command = sub;
      operands = 0;
    }
  }
  return { command, operands };
}

const optionsOf = (program: Command, command: Command): string[] =>
  [...new Set([...command.options, ...program.options])].flatMap(({ long }) => long ?? []);

async function operandsOf(argument: Argument | undefined, context: Context): Promise<string[]> {
  if (argument?.argChoices !== undefined) return argument.argChoices;
  const named = (items: readonly { id: string; name: string | null }[]) =>
    items.flatMap(({ id, name }) => (name !== null && /^[\w.-]+$/.test(name) ? [id, name] : [id]));
  try {
    if (argument?.name() === 'cluster') return named((await listLive(context.api())).clusters);
    if (argument?.name() !== 'schedule') return [];
    const { schedules } = await listSchedules(context.api());
    return named(schedules);
  } catch {
    return []; // nobody who presses Tab wants to read why
  }
}
