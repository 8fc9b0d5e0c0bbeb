import { appendFileSync } from 'node:fs';
import { cliErrorOf } from '../cli/errors.ts';
import { type Api, createApi, Refusal } from '../client/api.ts';
import { throughOutages } from '../client/patience.ts';

/*
 * How GitHub's runner talks with an action: by environment variables, files and lines on stdout
 * (https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands). An action
 * has no node_modules on a runner, so that GitHub's own library can't be used without a build.
 */

const { env } = process;

/** The input of the name; undefined: it is not given, or blank. */
export function input(name: string): string | undefined {
  const value = env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`]?.trim();
  return value === '' ? undefined : value;
}

/** A client of the deployment that the inputs name. */
export function apiOfInputs(): Api {
  const url = input('url')?.replace(/\/+$/, '');
  const token = input('token');
  if (url === undefined || !/^https?:\/\//.test(url)) {
    throw new Error('The input url must be the address of Onebuck, beginning with https://.');
  }
  if (token === undefined) {
    throw new Error('The input token is empty: is the secret known to this workflow?');
  }
  return createApi({ url, token });
}

/** Makes a value known to later steps of the job. */
export const setOutput = (name: string, value: string): void => addTo('GITHUB_OUTPUT', name, value);

/** Keeps a value for post.ts, which runs even if this process is killed right afterwards. */
export const saveState = (name: string, value: string): void => addTo('GITHUB_STATE', name, value);

/** A value that main.ts has saved; undefined: it came to its end before that. */
export const savedState = (name: string): string | undefined => env[`STATE_${name}`] || undefined;

/** Adds Markdown to the page of the job. */
export function summarize(line: string): void {
  if (env.GITHUB_STEP_SUMMARY) appendFileSync(env.GITHUB_STEP_SUMMARY, `${line}\n\n`);
}

/** Runs the action's code; an error is shown on the page of the job, and fails the step. */
export async function runStep(step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    console.log(`::error title=Onebuck::${escaped(messageOf(error))}`);
    process.exitCode = 1;
  }
}

export function messageOf(error: unknown): string {
  if (error instanceof Refusal && error.isDenied) {
    return `${error.url} refuses the input token.`;
  }
  return cliErrorOf(error)?.message ?? (error instanceof Error ? error.message : `${error}`);
}

/** Asks until there is an answer, through outages of up to 5 minutes. */
export const patiently = <Answer>(ask: () => Promise<Answer>): Promise<Answer> =>
  throughOutages(ask, (error) => console.log(`${messageOf(error)} Trying again.`));

/** Ends with a random line, so that no value can end it. */
function addTo(file: 'GITHUB_OUTPUT' | 'GITHUB_STATE', name: string, value: string): void {
  const path = env[file];
  if (path === undefined) throw new Error(`${file} is not set: this runs only on a runner.`);
  const end = `end-${crypto.randomUUID()}`;
  appendFileSync(path, `${name}<<${end}\n${value}\n${end}\n`);
}

const escaped = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
