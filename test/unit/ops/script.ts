import { tmpdir } from 'node:os';
import { type Ended, type Env, ended, startScript } from '../../support/children.ts';

/** The environment of a script of ops: `env`, the PATH of the tests, and an empty home. */
export const scriptEnv = (env: Env): Env => ({
  PATH: process.env.PATH ?? '',
  HOME: tmpdir(),
  ...env,
});

/** Runs `npm run <name> -- <args>` with the input; resolves when the script has ended. */
export const runScript = (
  [name = '', ...args]: readonly string[],
  env: Env,
  input = '',
): Promise<Ended> => ended(startScript([`ops/${name}.ts`, ...args], scriptEnv(env)), input);
