import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { freePort } from '../../simulators/listen.ts';
import { startProgram } from './children.ts';

/** A program in Python, of a package of checks/requirements.txt, that speaks AWS. */
export interface Emulator {
  readonly name: string;
  readonly module: string;
  /** The arguments of Python. */
  readonly args: (port: number) => readonly string[];
  readonly env: (port: number) => Readonly<Record<string, string>>;
  /** What the program says when it listens. */
  readonly ready: string;
}

const ONE_THREAD = `
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple('127.0.0.1', int(sys.argv[1]), DomainDispatcherApplication(create_backend_app))
`;

export const MINISTACK: Emulator = {
  name: 'MiniStack',
  module: 'ministack',
  args: () => ['-m', 'ministack'],
  env: (port) => ({ GATEWAY_PORT: `${port}` }),
  ready: 'services available',
};

export const MOTO: Emulator = {
  name: 'moto',
  module: 'moto.server',
  // moto compares and writes in two steps, so that two of its threads can both save one revision:
  // here it has one thread, unlike the server that it starts by itself.
  args: (port) => ['-c', ONE_THREAD, `${port}`],
  env: () => ({}),
  ready: 'Running on',
};

/**
 * Why tests on the emulator are skipped, for their name; empty: they are not. They are of the version
 * in checks/requirements.txt: another one, which a machine may happen to have, has other gaps.
 */
export function skippedOn({ module }: Emulator): string {
  const [name = module] = module.split('.');
  const wanted = new RegExp(`^${name}(?:\\[\\w+\\])?==(.+)$`, 'm').exec(requirements)?.[1];
  const asked = `import ${module}, importlib.metadata as m; print(m.version('${name}'))`;
  const { stdout } = spawnSync('python3', ['-c', asked], { encoding: 'utf8' });
  return stdout?.trim() === wanted ? '' : ` (skipped: python3 has no ${name} ${wanted})`;
}

const requirements = readFileSync(
  new URL('../../checks/requirements.txt', import.meta.url),
  'utf8',
);

/** Starts the emulator until the test file ends; returns its endpoint. */
export async function startEmulator({ args, env, ready }: Emulator): Promise<string> {
  const port = await freePort();
  const running = startProgram(['python3', ...args(port)], {
    PATH: process.env.PATH ?? '',
    ...env(port),
  });
  await running.says(ready);
  return `http://127.0.0.1:${port}`;
}
