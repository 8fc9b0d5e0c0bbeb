import { CliError } from '../errors.ts';
import { printable } from '../format.ts';
import type { SpecOptions } from '../spec.ts';

/** The options by which a spec gets a job. */
export interface JobOptions extends SpecOptions {
  readonly upload?: readonly string[];
  readonly results?: readonly string[];
  readonly on?: string;
  readonly array?: string;
  readonly env?: readonly string[];
  readonly grace?: string;
  readonly keep?: boolean;
  readonly onFailure?: string;
}

/** Whether one of the options of a job is given. */
export const hasJobOptions = (options: JobOptions): boolean =>
  (['upload', 'results', 'on', 'array', 'env', 'grace', 'keep', 'onFailure'] as const).some(
    (name) => options[name] !== undefined,
  );

type Env = Readonly<Record<string, string | undefined>>;

/** The job of a spec in a file, as far as it is one. */
type Before = Readonly<Record<string, unknown>> | null | undefined;

/**
 * The job as the API takes it, without its uploads: the job of the spec's file with the options and the
 * command over it. Whether it has faults, the API says. Throws a CliError if there is no command.
 */
export function jobFrom(
  options: JobOptions,
  command: readonly string[],
  { env, before }: { readonly env: Env; readonly before: unknown },
): Readonly<Record<string, unknown>> {
  const { results, on, array, grace, keep, onFailure } = options;
  const base = (typeof before === 'object' ? before : null) as Before;
  if (command.length === 0 && base?.command === undefined) {
    throw new CliError('usage', 'Say what to run, after --, as in: onebuck run … -- <command>');
  }
  const kept = keep === true ? 'keep' : undefined;
  const given = {
    command: command.length === 0 ? undefined : commandOf(command),
    results,
    on: on ?? (array === undefined ? undefined : 'all'),
    tasks: array,
    env: options.env && {
      ...(base?.env as object),
      ...Object.fromEntries(options.env.map(variable(env))),
    },
    gracePeriodSeconds: grace === undefined ? undefined : secondsOf(grace),
    onDone: kept,
    onFailure: onFailure ?? kept,
  };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...base, ...Object.fromEntries(set) };
}

/** One word is text for the shell; several are the words of a command, each quoted for the shell. */
export const commandOf = (words: readonly string[]): string =>
  words.length === 1 ? `${words[0]}` : words.map(quoted).join(' ');

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** `NAME=value`; a name alone stands for the variable of this shell. */
const variable =
  (env: Env) =>
  (text: string): readonly [string, string] => {
    const at = text.indexOf('=');
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
    const value = Object.hasOwn(env, text) ? env[text] : undefined;
    if (at < 0 && value !== undefined) return [text, value];
    throw new CliError(
      'usage',
      printable(`--env ${text} must be NAME=value, or a variable that is set here.`),
    );
  };

/** `2m`, `90s`, `90`. */
function secondsOf(text: string): number {
  const [, amount, unit] = /^(\d{1,6})\s*(s|m|min)?$/.exec(text.trim()) ?? [];
  if (amount !== undefined) return Number(amount) * (unit?.startsWith('m') ? 60 : 1);
  throw new CliError('usage', printable(`--grace ${text} must be a time such as 2m or 90s.`));
}
