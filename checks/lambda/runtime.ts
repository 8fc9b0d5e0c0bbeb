import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { projectDir } from '../../build/project.ts';
import { NODE24_VERSION, node24, node24Folder } from '../node24.ts';

/** The parts of Amazon's runtime nodejs24.x that Amazon publishes, and its Node. */
export interface LambdaRuntime {
  /** The program `node`. */
  readonly node: string;
  /** Amazon's runtime client (aws-lambda-ric), which `node` runs: it loads and calls the handler. */
  readonly client: string;
  /** The program `aws-lambda-rie`, which takes invocations as Lambda does, and starts the client. */
  readonly emulator: string;
}

const CLIENT_VERSION = '4.0.2';
/** The emulator has no releases as a Go module: this is the version of a commit. */
const EMULATOR_VERSION = 'v0.0.0-20261030222936-bef5c4ba774d';
const EMULATOR = 'github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie';

const cache = join(projectDir, '.lambda');
const clientFolder = join(cache, `aws-lambda-ric-${CLIENT_VERSION}-node-${NODE24_VERSION}`);
const client = join(clientFolder, 'node_modules', 'aws-lambda-ric', 'index.mjs');
const emulatorFolder = join(cache, `aws-lambda-rie-${EMULATOR_VERSION}`);
const emulator = join(emulatorFolder, 'aws-lambda-rie');

/** Builds what the cache lacks, which takes some minutes; or names what this machine lacks for it. */
export function lambdaRuntime(): LambdaRuntime | { readonly missing: readonly string[] } {
  const missing = [
    ...(existsSync(client) ? [] : ['cmake', 'make', 'g++', 'python3']),
    ...(existsSync(emulator) ? [] : ['go']),
  ].filter((program) => !isInstalled(program));
  // On other systems, the runtime client installs itself without the part that talks to Lambda.
  if (process.platform !== 'linux') missing.push('Linux');
  if (missing.length > 0) return { missing };
  const node = join(node24(), 'node');
  build(clientFolder, (folder) => {
    const args = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund'];
    run('npm', [...args, `aws-lambda-ric@${CLIENT_VERSION}`], { npm_config_nodedir: node24Folder });
    const native = join(folder, 'node_modules', 'aws-lambda-ric', 'rapid-client.node');
    if (!existsSync(native)) throw new Error('npm has not built aws-lambda-ric: are scripts off?');
  });
  build(emulatorFolder, (folder) =>
    run('go', ['install', `${EMULATOR}@${EMULATOR_VERSION}`], { GOBIN: folder }),
  );
  return { node, client, emulator };
}

/** A build that is broken off leaves no folder of this name. */
function build(folder: string, make: (folder: string) => void): void {
  if (existsSync(folder)) return;
  console.log(`Building ${folder.slice(projectDir.length)} …`);
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  make(unfinished);
  renameSync(unfinished, folder);
}

function run(program: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const options = { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const;
  const ended = spawnSync(program, args, { ...options, env: { ...process.env, ...env } });
  if (ended.status === 0) return;
  throw new Error(`${program} ${args.join(' ')} failed:\n${ended.stdout}${ended.stderr}`);
}

const isInstalled = (program: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
