#!/usr/bin/env node
import { CommanderError } from 'commander';
import { readableTimes } from '../client/times.ts';
import { apiOf, type Context } from './context.ts';
import { CliError, cliErrorOf, errorJson, exitCodes } from './errors.ts';
import { inFlags } from './flags.ts';
import { RUN_FAILED } from './jobs/run.ts';
import { createProgram } from './program.ts';
import { createTerminal } from './terminal.ts';

/** The version in package.json, which build/cli.mjs puts in place of the name. */
declare const ONEBUCK_VERSION: string;

const { env } = process;
const argv = splitAtDashes(process.argv.slice(2));
/** Such a command ends with the exit code of a job, and with one of its own if Onebuck fails. */
const endsAsJob = ['run', 'attach'].includes(commandIn(argv.args));
const isJson = argv.args.includes('--json');
const terminal = createTerminal(env, { isJson });
const sayings: (() => string)[] = [];
let held = 0;

process.on('SIGINT', () => {
  if (held > 0) return;
  const said = sayings.at(-1)?.() ?? '';
  if (!isJson) process.stderr.write('\n');
  process.exit(tell(new CliError('interrupted', said)));
});
// Whoever reads has had enough, as head has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : exitCodes.failed);
});

const contextOf = (json: boolean): Context => ({
  env,
  terminal,
  json,
  api: () => apiOf(env),
  onInterrupt(say) {
    sayings.push(say);
    return { over: () => void sayings.splice(sayings.indexOf(say), 1) };
  },
  holdInterrupts() {
    held += 1;
    return {
      over: () => {
        held -= 1;
      },
    };
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  const program = createProgram(contextOf, argv.remote, ONEBUCK_VERSION);
  try {
    await program.command.parseAsync(argv.args, { from: 'user' });
    return program.exitCode();
  } catch (error) {
    if (!(error instanceof CommanderError)) return tell(error);
    return error.exitCode === 0 ? 0 : tell(usageError(error));
  }
}

/** Without a command, commander has printed the help instead of an error. */
function usageError({ code, message }: CommanderError): CliError {
  const isHelp = code === 'commander.help';
  const fault = isHelp ? 'No command is given.' : message.replace(/^error: /, '');
  const advice = 'Run it with --help to see what it takes.';
  return new CliError('usage', isHelp && !isJson ? '' : `${fault}\n${advice}`);
}

/** What stands after `--` is a command for a node, and not ours to read. */
function splitAtDashes(argv: readonly string[]) {
  const dashes = argv.indexOf('--');
  const takesRemote = ['ssh', 'exec', 'run', 'schedule', '__complete'];
  return dashes < 0 || !takesRemote.includes(commandIn(argv))
    ? { args: [...argv], remote: [] }
    : { args: argv.slice(0, dashes), remote: argv.slice(dashes + 1) };
}

function commandIn(args: readonly string[]): string {
  return args.find((arg) => !arg.startsWith('-')) ?? '';
}

function tell(error: unknown): number {
  const known = cliErrorOf(error) ?? bugOf(error);
  const { failure, answer } = known;
  const message = inWords(known.message);
  const isOwn = endsAsJob && failure !== 'interrupted';
  const exitCode = isOwn ? RUN_FAILED : exitCodes[failure];
  if (isJson) {
    process.stderr.write(`${errorJson(new CliError(failure, message, answer), exitCode)}\n`);
  } else if (message !== '') terminal.note(message);
  return exitCode;
}

/** Of a spec in a file, a fault has the name of the field, as the file has it. */
function inWords(message: string): string {
  const isOfFile = argv.args.includes('--file');
  return readableTimes(isOfFile ? message : inFlags(message), Date.now());
}

function bugOf(error: unknown): CliError {
  const stack = error instanceof Error ? error.stack : error;
  return new CliError('failed', `onebuck has a bug: ${stack}`);
}
