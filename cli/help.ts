import type { Command, Help } from 'commander';
import { facts, layOut, wrapped } from './format.ts';

/*
 * The help of a command in the sections of a manual page. docs/cli.md says more of what the command
 * line prints.
 */

type Section = readonly [title: string, content: string | readonly Pair[]];
type Pair = readonly [term: string, meaning: string];

const CLUSTER =
  '<cluster> is an id, the name of a live cluster, or the beginning of an id, of four characters or ' +
  'more. What destroys with --yes takes no beginning.';

/** The sections of the program's own help that a manual page has after the options. */
const OF_PROGRAM: readonly Section[] = [
  [
    'ENVIRONMENT',
    [
      ['ONEBUCK_URL', 'the address of a deployment; goes before what "onebuck login" has kept'],
      ['ONEBUCK_TOKEN', 'the token; goes before what "onebuck login" has kept'],
      ['ONEBUCK_TIMEOUT_SECONDS', 'how long an answer may take; 35 unless set'],
      ['BROWSER', 'the program with which "onebuck open" opens the console'],
      ['COLUMNS', 'how wide lines may be, where the output is no terminal'],
      ['NO_COLOR', 'if set, no colours'],
      ['TZ', 'the time zone of all times, where it is not that of the machine'],
    ],
  ],
  [
    'FILES',
    [
      ['~/.config/onebuck/config.json', 'the address and the token; or in XDG_CONFIG_HOME'],
      ['~/.local/state/onebuck', 'host keys of live nodes; or in XDG_STATE_HOME'],
    ],
  ],
  [
    'EXIT STATUS',
    [
      ['0', 'done'],
      ['1', 'failed'],
      ['2', 'wrong usage'],
      ['3', 'not logged in, or the token is refused or may not do this'],
      ['4', 'not found'],
      ['5', 'Onebuck or Linode cannot be reached'],
      ['6', 'refused by the budget or a cap'],
      ['130', 'interrupted'],
      [
        'others',
        'of "onebuck ssh": what ssh ends with; of "onebuck run" and "attach": what the command ends ' +
          'with, or 125 for any failure of Onebuck',
      ],
    ],
  ],
];

/** Examples, by the words of the command. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  onebuck: [
    'onebuck login',
    'onebuck launch --nodes 10 --memory 1GB --region us-east --image linode/debian13 --budget 1',
    'onebuck ls',
    'onebuck <command> --help',
  ],
  'onebuck launch': [
    "onebuck launch --nodes 10 --vcpus 1 --memory 1GB --region us-east --image 'Ubuntu 24.04 LTS' " +
      '--budget 1 --name job --ssh-key ~/.ssh/id_ed25519.pub --wait',
    'onebuck launch --file spec.json --budget 2 --yes --json',
  ],
  'onebuck extend': [
    'onebuck extend job --hours 2',
    'onebuck extend job --budget +1 --transfer 400',
  ],
  'onebuck rm': ['onebuck rm job', 'onebuck rm --owner alice --all'],
  'onebuck exec': ['onebuck exec job -- uptime'],
  'onebuck run': [
    'onebuck run --nodes 10 --type g6-standard-1 --region us-east --image linode/debian13 ' +
      '--budget 1 --setup mpi --upload . --results out/ -- mpirun ./pi',
    'onebuck run --file spec.json --array 1-100 --yes --detach -- ./task.sh',
  ],
  'onebuck logs': ['onebuck logs -f pi', 'onebuck logs --rank 3 pi'],
  'onebuck results': ['onebuck results pi --into out'],
  'onebuck ssh': ['onebuck ssh job 3', 'onebuck ssh job -- df -h'],
  'onebuck inventory': ['onebuck inventory job --format ansible >hosts.ini'],
  'onebuck mcp': ['onebuck mcp --most 5'],
  'onebuck schedule add': [
    "onebuck schedule add --cron '30 2 * * MON-FRI' --timezone Europe/Berlin --file spec.json",
  ],
  'onebuck owners add': [
    'onebuck owners add ann --weekly-cap 2',
    'onebuck owners add --file students.csv --weekly-cap 2 --may launch --expires 120d',
  ],
  'onebuck owners set': ['onebuck owners set ann --weekly-cap 5 --monthly-cap none'],
  'onebuck completion': [
    'source <(onebuck completion bash)',
    'onebuck completion fish >~/.config/fish/completions/onebuck.fish',
  ],
};

const WIDTH_MAX = 100;
const INDENT = '    ';

/** The help as commander asks for it: `helper` knows what is shown of a command. */
export function formatHelp(command: Command, helper: Help): string {
  const columns = Math.min(helper.helpWidth ?? WIDTH_MAX, WIDTH_MAX) - INDENT.length;
  const name = wordsOf(command);
  const isProgram = command.parent === null;
  const takesCluster = command.registeredArguments.some(
    (argument) => argument.name() === 'cluster',
  );
  const commands = helper.visibleCommands(command);
  const examples = EXAMPLES[name] ?? [];
  const sections: readonly Section[] = [
    ['NAME', `${name} - ${command.description().replace(/\.$/, '')}`],
    ['SYNOPSIS', helper.commandUsage(command)],
    ['DESCRIPTION', isProgram || takesCluster ? CLUSTER : ''],
    ['COMMANDS', commands.map((sub) => [helper.subcommandTerm(sub), sub.description()])],
    ['OPTIONS', optionPairs(helper, helper.visibleOptions(command))],
    ['OPTIONS OF ALL COMMANDS', optionPairs(helper, globalOptions(command, helper))],
    ...(isProgram ? OF_PROGRAM : []),
    ['EXAMPLES', examples.join('\n')],
  ];
  return sections
    .filter(([, content]) => content.length > 0)
    .map(([title, content]) => `${title}\n${bodyOf(content, columns)}\n`)
    .join('\n');
}

function bodyOf(content: Section[1], columns: number): string {
  const lines =
    typeof content === 'string'
      ? wrapped(content, columns)
      : layOut([facts(content)], { columns, dim: (text) => text });
  return lines.map((line) => `${INDENT}${line}`).join('\n');
}

const optionPairs = (helper: Help, options: Command['options'][number][]): Pair[] =>
  options.map((option) => [helper.optionTerm(option), meaningOf(option)]);

const globalOptions = (command: Command, helper: Help) =>
  helper.visibleGlobalOptions(command).filter(({ long }) => long !== '--version');

/** Of a switch, commander would say that it is off by default. */
const meaningOf = ({ description, argChoices }: Command['options'][number]): string =>
  argChoices === undefined ? description : `${description}: ${argChoices.join(', ')}`;

/** `onebuck schedule add`. */
const wordsOf = (command: Command): string =>
  command.parent === null ? command.name() : `${wordsOf(command.parent)} ${command.name()}`;
