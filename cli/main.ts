#!/usr/bin/env node
import { CommanderError } from 'commander';
import { apiOf, type Context } from './context.ts';
import { cliErrorOf, exitCodes } from './errors.ts';
import { createProgram } from './program.ts';
import { createTerminal } from './terminal.ts';

/** The version in package.json, which build/cli.mjs puts in place of the name. */
declare const ONEBUCK_VERSION: string;

const { env } = process;
const terminal = createTerminal(env);
const sayings: (() => string)[] = [];
let held = 0;

process.on('SIGINT', () => {
  if (held > 0) return;
  const said = sayings.at(-1)?.() ?? '';
  process.stderr.write(said === '' ? '\n' : `\n${said}\n`);
  process.exit(exitCodes.interrupted);
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

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const { args, remote } = splitAtDashes(argv);
  const program = createProgram(contextOf, remote, ONEBUCK_VERSION);
  try {
    await program.command.parseAsync(args, { from: 'user' });
    return program.exitCode();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
    return tell(error, args.includes('--json'));
  }
}

/** What stands after `--` is a command for a node, and not ours to read. */
function splitAtDashes(argv: readonly string[]) {
  const dashes = argv.indexOf('--');
  const takesRemote = ['ssh', 'run', '__complete'];
  const name = argv.find((arg) => !arg.startsWith('-')) ?? '';
  return dashes < 0 || !takesRemote.includes(name)
    ? { args: [...argv], remote: [] }
    : { args: argv.slice(0, dashes), remote: argv.slice(dashes + 1) };
}

function tell(error: unknown, asJson: boolean): number {
  const known = cliErrorOf(error);
  if (known === null) {
    terminal.note(`onebuck has a bug: ${error instanceof Error ? error.stack : error}`);
    return exitCodes.failed;
  }
  const { failure, message, problem } = known;
  const said = asJson && problem !== null ? JSON.stringify(problem) : message;
  if (said !== '') terminal.note(said);
  return exitCodes[failure];
}
