import type { Argument, Command, Option } from 'commander';
import { listImages, listRegions, listTypes } from '../client/catalogue.ts';
import { listLive } from '../client/clusters.ts';
import { listOwners } from '../client/owners.ts';
import { listSchedules } from '../client/schedules.ts';
import { setups } from '../client/spec.ts';
import type { Context } from './context.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/**
 * Each asks the program itself, so that it knows what the program knows, and the clusters' names.
 * Where the program has nothing to offer, the shell offers files.
 */
export const scripts: Readonly<Record<Shell, string>> = {
  bash: `_onebuck() {
  local candidate
  COMPREPLY=()
  while IFS= read -r candidate; do
    COMPREPLY+=("$candidate")
  done < <(onebuck __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _onebuck onebuck`,
  zsh: `#compdef onebuck
_onebuck() {
  local -a found
  found=("\${(@f)$(onebuck __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -- "\${found[@]}"; else _files; fi
}
if [[ "\${funcstack[1]}" == _onebuck ]]; then _onebuck "$@"; else compdef _onebuck onebuck; fi`,
  fish: `function __onebuck_candidates
  set -l found (onebuck __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c onebuck -f -a '(__onebuck_candidates)'`,
};

/** What may stand in place of the last word. */
export async function candidates(
  program: Command,
  words: readonly string[],
  context: Context,
): Promise<string[]> {
  if (words.slice(0, -1).includes('--')) return [];
  // Of --format=ssh, bash makes three words, other shells make one.
  const [, flag, value] = /^(--[\w-]+)=(.*)$/.exec(words.at(-1) ?? '') ?? [];
  if (flag !== undefined) {
    const found = await candidates(program, [...words.slice(0, -1), flag, value ?? ''], context);
    return found.map((candidate) => `${flag}=${candidate}`);
  }
  const isSign = words.at(-1) === '=';
  const last = isSign ? '' : (words.at(-1) ?? '');
  const before = words.slice(0, isSign ? undefined : -1).filter((word) => word !== '=');
  const { command, operands } = walk(program, before);
  const option = command.options.find(({ long, short }) => [long, short].includes(before.at(-1)));
  const found = await (option?.required === true
    ? valuesOf(option, context)
    : last.startsWith('-')
      ? optionsOf(program, command)
      : command.commands.length > 0
        ? command.commands.map((sub) => sub.name()).filter((name) => !name.startsWith('_'))
        : operandsOf(command.registeredArguments[operands], context));
  return found.filter((candidate) => candidate.startsWith(last));
}

/** The values of an option that takes one. */
async function valuesOf({ long, argChoices }: Option, context: Context): Promise<string[]> {
  if (argChoices !== undefined) return argChoices;
  const idsOf = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id);
  return orNone(async () => {
    switch (long) {
      case '--region':
        return idsOf(await listRegions(context.api()));
      case '--image':
        return idsOf(await listImages(context.api()));
      case '--type':
        return idsOf((await listTypes(context.api(), {})).types);
      case '--setup':
        return [...setups];
      case '--timezone':
        return Intl.supportedValuesOf('timeZone');
      default:
        return [];
    }
  });
}

/** Nobody who presses Tab wants to read why there is nothing. */
const orNone = (find: () => Promise<string[]>): Promise<string[]> => find().catch(() => []);

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
  return orNone(async () => {
    switch (argument?.name()) {
      case 'cluster':
        return named((await listLive(context.api())).clusters);
      case 'owner':
        return (await listOwners(context.api())).map(({ owner }) => owner);
      case 'schedule':
        return named((await listSchedules(context.api())).schedules);
      default:
        return [];
    }
  });
}
