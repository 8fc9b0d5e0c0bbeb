import { tmpdir } from 'node:os';
import { type Ended, type Env, ended, startScript } from '../../support/children.ts';

/** What a script of ops finds: these variables, the programs on the path, and an empty home. */
export const scriptEnv = (env: Env): Env => ({
  PATH: process.env.PATH ?? '',
  HOME: tmpdir(),
  ...env,
});

/** `npm run <name> -- <args>`, given this to read. */
export const runScript = (
  [name = '', ...args]: readonly string[],
  env: Env,
  input = '',
): Promise<Ended> => ended(startScript([`ops/${name}.ts`, ...args], scriptEnv(env)), input);
