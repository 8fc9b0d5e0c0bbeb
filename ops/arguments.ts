import { Command, type CommanderError, InvalidArgumentError } from 'commander';

/**
 * What a script of package.json takes after `npm run <script> --`. A fault is thrown as an error
 * that says what is wrong, then what is taken; `--help` prints the latter and ends the process.
 */
export function npmCommand(script: string): Command {
  const command = new Command(`npm run ${script} --`);
  return command
    .helpCommand(false)
    .configureOutput({ writeErr() {} })
    .exitOverride((error) => {
      if (error.exitCode === 0) process.exit();
      throw new Error(`${faultOf(error)}\n${command.helpInformation()}`.trim());
    });
}

/** Never shows the value of an unknown option: it may be a token. */
function faultOf({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'Say what to do.';
  return message.replace(/^error: /, '').replace(/^(unknown option '[^=]*=).*'/, "$1…'");
}

/** A stage, as lib/wire.ts takes it. */
export function parseStage(stage: string): string {
  if (/^[a-z0-9](-?[a-z0-9]){0,19}$/.test(stage)) return stage;
  throw new InvalidArgumentError('Take up to 20 of a-z, 0-9 and single -.');
}

/** A stage on AWS; `remedy` is for those who name the stage of `npm start`. */
export const parseDeployedStage =
  (remedy: string) =>
  (stage: string): string => {
    if (stage !== 'local') return parseStage(stage);
    throw new InvalidArgumentError(remedy);
  };

export const REGION = ['--region <region>', 'unless AWS_REGION or your AWS profile says'] as const;
