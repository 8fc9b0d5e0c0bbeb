import { Command, type CommanderError, InvalidArgumentError } from 'commander';

/**
 * A parser of the arguments after `npm run <script> --`. Wrong arguments throw an error that says
 * what is wrong, and the usage; `--help` prints the usage and ends the process.
 */
export function npmCommand(script: string): Command {
  const command = new Command(`npm run ${script} --`);
  return command
    .helpCommand(false)
    .configureOutput({ writeErr() {} })
    .exitOverride((error) => {
      if (error.exitCode === 0) process.exit();
      throw new Error(`${messageOf(error)}\n${command.helpInformation()}`.trim());
    });
}

/** Never shows the value of an unknown option: it may be a token. */
function messageOf({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'Name a command.';
  return message.replace(/^error: /, '').replace(/^(unknown option '[^=]*=).*'/, "$1…'");
}

/** Throws if lib/wire.ts would refuse the stage. */
export function parseStage(stage: string): string {
  if (/^[a-z0-9](-?[a-z0-9]){0,19}$/.test(stage)) return stage;
  throw new InvalidArgumentError('Use up to 20 of a-z, 0-9 and single -.');
}

/** A stage on AWS. `remedy`: what to do instead if the stage is `local`, the one of `npm start`. */
export const parseDeployedStage =
  (remedy: string) =>
  (stage: string): string => {
    if (stage !== 'local') return parseStage(stage);
    throw new InvalidArgumentError(remedy);
  };

export const REGION = [
  '--region <region>',
  'AWS region; by default from AWS_REGION or your AWS profile',
] as const;
