import { Argument, Command, Option } from 'commander';
import { statusNames } from '../client/clusters.ts';
import { inventoryFormats } from '../client/inventory.ts';
import { setups } from '../client/spec.ts';
import { images, regions, types } from './catalogue.ts';
import { credentials, extend, inventory, list, showOne } from './clusters.ts';
import { candidates, type Shell, scripts, shells } from './completion.ts';
import type { Context } from './context.ts';
import { doctor } from './doctor.ts';
import { CliError } from './errors.ts';
import { printable } from './format.ts';
import { formatHelp } from './help.ts';
import { attach, logs, ps, results, stop } from './jobs/commands.ts';
import { run } from './jobs/run.ts';
import { launch } from './launch.ts';
import { login } from './login.ts';
import { openConsole } from './open.ts';
import { addOwners, makeToken, revoke, setCaps, showBudget, showOwners } from './owners.ts';
import { plan } from './plan.ts';
import { quote } from './quote.ts';
import { remove } from './remove.ts';
import { report } from './report.ts';
import {
  addSchedule,
  editSchedule,
  pauseOrResume,
  removeSchedule,
  showSchedule,
  showSchedules,
} from './schedules.ts';
import { exec, ssh } from './ssh.ts';
import { watch } from './watch.ts';

export interface Program {
  readonly command: Command;
  /** What a command on the nodes ended with; 0 after any other. */
  exitCode(): number;
}

/** `remote` is what stood after `--`. */
export function createProgram(
  contextOf: (json: boolean) => Context,
  remote: readonly string[],
  version: string,
): Program {
  const program = new Command('onebuck');
  let exitCode = 0;
  const context = () => contextOf(program.opts<{ json?: boolean }>().json === true);
  // Where no command is given, commander prints the help as an error.
  const writeHelp = (help: string) => {
    const { json, terminal } = context();
    if (!json) terminal.note(help.trimEnd());
  };
  program
    .description('launch clusters of Linodes on a budget, and destroy them before they cost more')
    .version(version, '-V, --version', 'print the version')
    .option('--json', "the API's JSON alone on stdout, and JSON on stderr")
    .option('--utc', 'times in UTC; in your time zone unless given')
    .exitOverride()
    // The caller prints errors, in words or as JSON.
    .configureOutput({ outputError: () => {}, writeErr: writeHelp, ...widths(context) })
    .configureHelp({ formatHelp, showGlobalOptions: true })
    .hook('preAction', (_, command) => {
      assertNoneBlank(command);
      // Every time is written in the zone of the process.
      if (program.opts<{ utc?: boolean }>().utc) process.env.TZ = 'UTC';
    });

  addLaunchCommands(program, context);
  addClusterCommands(program, context);
  addSshCommands(program, context, remote, (code) => {
    exitCode = code;
  });
  addJobCommands(program, context, remote, (code) => {
    exitCode = code;
  });
  addScheduleCommands(program, context, remote);
  addOwnerCommands(program, context);

  program
    .command('report')
    .description('what a month cost, and what tearing down saved')
    .option('--month <month>', 'such as 2026-11 (UTC); this one unless given')
    .option('--csv', 'a line for each cluster, for a spreadsheet or for finance', false)
    .action((options) => report(context(), options));

  withSsh(program.command('mcp'))
    .description('serve an agent by the Model Context Protocol, on stdin and stdout')
    .option('--most <usd>', 'what the agent may spend in all, without asking a person')
    .action(async (options) => {
      const { serveAgent } = await import('./mcp/serve.ts');
      await serveAgent(context(), version, options);
    });

  program
    .command('completion')
    .description('what to have your shell read, such as: source <(onebuck completion bash)')
    .addArgument(new Argument('<shell>').choices(shells))
    .action((shell: Shell) => context().terminal.out(scripts[shell]));

  program.command('__complete', { hidden: true }).action(async () => {
    const found = await candidates(program, remote, context());
    if (found.length > 0) context().terminal.out(found);
  });

  return { command: program, exitCode: () => exitCode };
}

function addLaunchCommands(program: Command, context: () => Context): void {
  program
    .command('login')
    .description('keep address and token of a deployment, after trying them')
    .option('--url <url>', 'its address; the token is asked for, or read from stdin')
    .action((options) => login(context(), options));

  program
    .command('doctor')
    .description('check address, token, Linode and your live clusters, and say what to do')
    .action(() => doctor(context()));

  program
    .command('open')
    .description('open the console in a browser')
    .action(() => openConsole(context()));

  program
    .command('types')
    .description('the types that match, the cheapest first')
    .option('--vcpus <count>', 'at least so many')
    .option('--memory <size>', 'at least so much, such as 4GB')
    .option('--region <id>', 'with the prices of that region')
    .option('--budget <usd>', 'with how many hours it lasts')
    .option('--nodes <count>', 'that many of them')
    .option('--transfer <gb>', 'which are to send so much')
    .action((options) => types(context(), options));

  program
    .command('regions')
    .description('the regions that a cluster can be in')
    .option('--country <code>', 'only those in the country, such as us')
    .action((options) => regions(context(), options));

  program
    .command('images')
    .description('the images that nodes can boot')
    .option('--search <text>', 'only those with the text in id or label')
    .action((options) => images(context(), options));

  withSpec(program.command('quote'))
    .description('what a cluster will cost and how long its budget lasts')
    .action((options) => quote(context(), options));

  withSpec(program.command('plan'))
    .description('the clusters that do some work within a budget, the fastest first')
    .requiredOption('--work <work>', 'such as "120 vcpu-hours" or "8 gpu-hours"')
    .action((options) => plan(context(), options));

  withSpec(program.command('launch'))
    .description('launch a cluster, after asking')
    .option('--yes', 'do not ask', false)
    .option('--wait', 'until all nodes are ready; then show how to reach them', false)
    .option('--idempotency-key <key>', 'the same key launches nothing twice')
    .action((options) => launch(context(), options));
}

function addClusterCommands(program: Command, context: () => Context): void {
  program
    .command('ls')
    .description('your live clusters, the newest first')
    .addOption(new Option('--status <status>', 'only those').choices(Object.keys(statusNames)))
    .option('--month <month>', 'launched in that month (UTC), such as 2026-11')
    .option('--owner <owner>', 'only those of the owner; others than yours for the admin only')
    .option('--all', 'those that ended, too', false)
    .action((options) => list(context(), options));

  program
    .command('show <cluster>')
    .description('nodes, money, teardown time and history')
    .action((named) => showOne(context(), named));

  program
    .command('watch <cluster>')
    .description('its fuse, as it burns, until it is gone')
    .action((named) => watch(context(), named));

  program
    .command('inventory <cluster>')
    .description('the nodes in the form that a tool reads')
    .addOption(
      new Option('--format <format>', 'of the tool').choices(Object.keys(inventoryFormats)),
    )
    .action((named, options) => inventory(context(), named, options));

  program
    .command('credentials <cluster>')
    .description('root passwords, where no keys were given')
    .action((named) => credentials(context(), named));

  program
    .command('extend <cluster>')
    .description('have a cluster last longer, or send more')
    .option('--hours <count>', 'by so many hours')
    .option('--budget <usd>', 'to that budget, or by so much: +1')
    .option('--transfer <gb>', 'what its nodes are to send in all; none: what they bring')
    .option('--yes', 'do not ask', false)
    .action((named, options) => extend(context(), named, options));

  program
    .command('rm [cluster]')
    .description('destroy a cluster now, after asking')
    .option('--owner <owner>', 'with --all in place of a cluster: those of the owner')
    .option('--all', 'all live clusters of the owner', false)
    .option('--yes', 'do not ask', false)
    .option('--wait', 'until it is gone', false)
    .action((named, options) => remove(context(), named, options));
}

/** How wide the help is. */
function widths(context: () => Context) {
  const width = () => context().terminal.columns();
  return { getOutHelpWidth: width, getErrHelpWidth: width };
}

/** `end` is told what a command on the nodes ended with. */
function addSshCommands(
  program: Command,
  context: () => Context,
  remote: readonly string[],
  end: (exitCode: number) => void,
): void {
  withSsh(program.command('ssh <cluster> [index]'))
    .description('log in to a node (0), or run what stands after -- on it')
    .action(async (named, index = '0', options) => {
      end(await ssh(context(), { named, index, command: remote }, options));
    });

  withSsh(program.command('exec <cluster>'))
    .usage('<cluster> [options] -- <command>')
    .description('run a command on all live nodes at once, read by the shell there')
    .action(async (named, options) => {
      end(await exec(context(), { named, command: remote }, options));
    });
}

/** `end` is told what the command of a job ended with. */
function addJobCommands(
  program: Command,
  context: () => Context,
  remote: readonly string[],
  end: (exitCode: number) => void,
): void {
  withOldForm(withJob(withSpec(program.command('run [word]'))))
    .usage('[options] -- <command>')
    .description('launch a cluster that runs a command, follow it, and fetch its results')
    .option('--into <folder>', 'where its results go; the current folder unless given')
    .option('-d, --detach', 'do not follow it', false)
    .option('--yes', 'do not ask', false)
    .option('--idempotency-key <key>', 'the same key launches nothing twice')
    .action(async (word, { sshConfig, sshOption, ...options }) => {
      if (word !== undefined || sshConfig !== undefined || sshOption !== undefined) {
        const advice = `To run a command on live nodes: ${execLine(word, remote)}`;
        throw new CliError('usage', `The command of a job stands after --. ${advice}`);
      }
      end(await run(context(), options, remote));
    });

  program
    .command('ps')
    .description('your clusters that run a job')
    .option('--owner <owner>', 'only those of the owner; others than yours for the admin only')
    .option('--all', 'those that ended, too', false)
    .action((options) => ps(context(), options));

  program
    .command('logs <cluster>')
    .description('what its command has printed')
    .option('-f, --follow', 'and what it prints, until it is over', false)
    .option('--rank <index>', 'of one node only')
    .action((named, options) => logs(context(), named, options));

  program
    .command('attach <cluster>')
    .description('follow its job as "onebuck run" does, and fetch its results')
    .option('--into <folder>', 'where its results go; the current folder unless given')
    .action(async (named, options) => {
      end(await attach(context(), named, options));
    });

  program
    .command('results <cluster>')
    .description('fetch the results of its job, also when it is gone')
    .option('--into <folder>', 'where they go; the current folder unless given')
    .action((named, options) => results(context(), named, options));

  program
    .command('stop <cluster>')
    .description('stop its command by SIGTERM, and save its results; then it ends')
    .action((named) => stop(context(), named));
}

/** Until it was "exec", "run" took a cluster and options of ssh, and is to say so. */
const withOldForm = (command: Command): Command =>
  command
    .addOption(new Option('-F, --ssh-config <file>').hideHelp())
    .addOption(new Option('-o, --ssh-option <name=value>').hideHelp());

/** The command line by which a command runs on live nodes. */
const execLine = (named = '<cluster>', remote: readonly string[] = []): string =>
  printable(`onebuck exec ${named} -- ${remote.length === 0 ? '<command>' : remote.join(' ')}`);

/** A blank value is mostly a shell's variable that is not set: it must not lift a limit unseen. */
function assertNoneBlank(command: Command): void {
  const values: Record<string, unknown> = command.opts();
  const blank = command.options.find((option) => `${values[option.attributeName()]}`.trim() === '');
  if (blank !== undefined) throw new CliError('usage', `${blank.long} has a blank value.`);
}

function addScheduleCommands(
  program: Command,
  context: () => Context,
  remote: readonly string[],
): void {
  const schedule = program.command('schedule').description('launch clusters on a cron expression');
  schedule
    .command('ls')
    .description('your schedules')
    .option('--owner <owner>', 'only those of the owner')
    .action((options) => showSchedules(context(), options));
  schedule
    .command('show <schedule>')
    .description('its next runs, and what became of the latest')
    .action((named) => showSchedule(context(), named));
  withJob(withSpec(schedule.command('add')))
    .usage('[options] [-- <command>]')
    .description('launch a cluster at each occurrence, or run a command on one')
    .requiredOption('--cron <expression>', 'five fields, such as "30 2 * * MON-FRI"')
    .option('--timezone <zone>', 'whose clock it means; yours unless given')
    .option('--schedule-name <name>', 'what to call the schedule')
    .addOption(
      new Option('--overlap <way>', 'while the cluster before lives').choices(['skip', 'allow']),
    )
    .option('--daily-cap <usd>', 'the most that its clusters may cost in a day (UTC)')
    .option('--weekly-cap <usd>', 'and in a week, from Monday on')
    .option('--monthly-cap <usd>', 'and in a month')
    .option('--retry-for <minutes>', 'try a run again that failed for capacity, for so long')
    .option('--retry-every <minutes>', 'and so often; every 15 unless given')
    .option('--yes', 'do not ask', false)
    .option('--idempotency-key <key>', 'the same key makes nothing twice')
    .action((options) => addSchedule(context(), options, remote));
  withJob(withSpec(schedule.command('edit <schedule>')))
    .usage('<schedule> [options] [-- <command>]')
    .description('change a schedule, after asking; options and command go over its spec')
    .option('--cron <expression>', 'five fields, such as "30 2 * * MON-FRI"')
    .option('--timezone <zone>', 'whose clock it means')
    .option('--schedule-name <name>', 'what to call the schedule; none takes the name away')
    .addOption(
      new Option('--overlap <way>', 'while the cluster before lives').choices(['skip', 'allow']),
    )
    .option('--daily-cap <usd>', 'the most that its clusters may cost in a day (UTC), or none')
    .option('--weekly-cap <usd>', 'and in a week, from Monday on, or none')
    .option('--monthly-cap <usd>', 'and in a month, or none')
    .option(
      '--retry-for <minutes>',
      'try a run again that failed for capacity, for so long, or none',
    )
    .option('--retry-every <minutes>', 'and so often')
    .option('--yes', 'do not ask', false)
    .action((named, options) => editSchedule(context(), named, options, remote));
  schedule
    .command('pause <schedule>')
    .description('launch nothing until resumed')
    .action((named) => pauseOrResume(context(), named, false));
  schedule
    .command('resume <schedule>')
    .description('have it go on')
    .action((named) => pauseOrResume(context(), named, true));
  schedule
    .command('rm <schedule>')
    .description('delete it, after asking; what it has launched lives on')
    .option('--yes', 'do not ask', false)
    .action((named, options) => removeSchedule(context(), named, options));
}

function addOwnerCommands(program: Command, context: () => Context): void {
  program
    .command('budget')
    .description('how far your caps of the day, the week and the month are used')
    .action(() => showBudget(context()));

  const owners = program
    .command('owners')
    .description('who may launch, and what each may spend; for the admin');
  owners
    .command('list')
    .description('all owners, and what is left of their caps')
    .action(() => showOwners(context()));
  withLimits(withCaps(owners.command('add [owner...]')))
    .description('add owners with caps, and print a token for each, once')
    .option('--file <owners.csv>', 'and those in its column owner; - is stdin')
    .action((names, options) => addOwners(context(), names, options));
  withCaps(owners.command('set <owner>'))
    .description('change caps of an owner, from the next launch on')
    .action((owner, options) => setCaps(context(), owner, options));
  withLimits(owners.command('token <owner>'))
    .description('make a further token, and print it, once')
    .option('--monthly-cap <usd>', 'it launches nothing that brings the month above so much')
    .action((owner, options) => makeToken(context(), owner, options));
  owners
    .command('revoke <owner> [token]')
    .description('revoke an owner, or one token by its id, at once, after asking')
    .option('--yes', 'do not ask', false)
    .action((owner, token, options) => revoke(context(), owner, token, options));
}

const withCaps = (command: Command): Command =>
  command
    .option('--daily-cap <usd>', "of the owner's day (UTC): an amount, none, or default")
    .option('--weekly-cap <usd>', 'of the week, from Monday on')
    .option('--monthly-cap <usd>', 'of the calendar month');

const withLimits = (command: Command): Command =>
  command
    .option('--expires <time>', 'the token works until then: 2h, 30d, or such as 2027-03-31')
    .addOption(
      new Option('--may <right>', 'what the token may do').choices(['read', 'launch', 'manage']),
    );

const each = (value: string, before: readonly string[] = []) => [...before, value];

const withSpec = (command: Command): Command =>
  command
    .option('--file <spec.json>', 'a spec, which the other options change; - is stdin')
    .option('--nodes <count>', 'how many Linodes')
    .option('--type <id>', 'their type')
    .option('--vcpus <count>', 'or the cheapest type with at least so many')
    .option('--memory <size>', 'and so much memory, such as 4GB')
    .option('--region <id>', 'where')
    .option('--image <image>', 'id or label, such as "Ubuntu 24.04 LTS"')
    .option('--budget <usd>', 'the most that Linode may bill')
    .option('--max-hours <count>', 'and the most hours')
    .option(
      '--transfer <gb>',
      'what the nodes are to send to the internet; what they bring unless given',
    )
    .option('--name <name>', 'what to call it')
    .option('--ssh-key <file>', 'a public key that may log in; can be repeated', each)
    .option(
      '--authorized-user <user>',
      'a user of the Linode account, whose keys may log in; can be repeated',
      each,
    )
    .option('--user-data <file>', 'what cloud-init runs at first boot; sent as it is')
    .addOption(
      new Option('--on-partial <way>', 'where some nodes cannot come up').choices([
        'destroy',
        'keep',
      ]),
    )
    .addOption(
      new Option('--network <kind>', 'how the nodes reach each other').choices([
        'private',
        'isolated',
        'none',
      ]),
    )
    .addOption(
      new Option('--setup <names>', `what Onebuck installs: ${setups.join(', ')}`).argParser(each),
    )
    .option('--open <ports>', 'let in from the internet, beside ssh, such as 80,53/udp', each)
    .option('--tag <tag>', 'put on every node; can be repeated', each);

const withJob = (command: Command): Command =>
  command
    .option('--upload <path>', 'send to the nodes, without what .gitignore names; repeatable', each)
    .option(
      '--results <pattern>',
      'fetch from the nodes, such as out/ or "*.csv"; repeatable',
      each,
    )
    .addOption(new Option('--on <nodes>', 'who runs the command').choices(['head', 'all']))
    .option('--array <numbers>', 'deal them to all nodes, such as 1-100, in ONEBUCK_TASK_IDS')
    .option('-e, --env <name=value>', 'a variable for the command; a name alone takes yours', each)
    .option('--grace <time>', 'between SIGTERM and the end, such as 5m; 2m unless given')
    .option('--keep', 'let the cluster live on after the command')
    .addOption(
      new Option('--on-failure <way>', 'what becomes of the nodes if the command fails').choices([
        ...['keepPaidHour', 'destroy', 'keep'],
      ]),
    );

const withSsh = (command: Command): Command =>
  command
    .option('-F, --ssh-config <file>', 'a configuration file for ssh')
    .option('-o, --ssh-option <name=value>', 'an option for ssh; can be repeated', each);
