import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectDir } from '../build/project.ts';
import { localSettings } from '../dev/settings.ts';
import { startStack } from '../dev/stack.ts';
import { freePort } from '../simulators/listen.ts';
import { pythonProgramsFor } from './python.ts';

/**
 * `npm run test:python`: runs the commands of docs/python.md as they stand, but for the installation,
 * and then its example, against a local stack. Exits with 0 only if the example has quoted, launched
 * and shown the nodes' addresses, and no cluster lives afterwards.
 */
const bin = pythonProgramsFor('the Python client');
const page = readFileSync(join(projectDir, 'docs/python.md'), 'utf8');
const block = (language: string) =>
  new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(page)?.[1] ?? '';

const folder = mkdtempSync(join(tmpdir(), 'onebuck-python-'));
const settings = localSettings({ DATA_DIR: join(folder, 'data'), PORT: `${await freePort()}` });
const stack = await startStack({ ...settings, onLog: (line) => console.error(line) });
const env = {
  ...process.env,
  PATH: `${bin}:${process.env.PATH}`,
  ONEBUCK_URL: stack.url,
  ONEBUCK_TOKEN: settings.apiToken,
};
// Not synchronously: this process answers as Linode meanwhile.
const run = async (program: string, ...args: string[]) => {
  const { stdout } = await promisify(execFile)(program, args, { cwd: folder, env });
  console.log(stdout.trimEnd());
  return stdout;
};

const commands = block('sh')
  .split('\n')
  .filter((line) => !line.startsWith('pip install'));
await run('bash', '-euc', commands.join('\n'));
const printed = await run('python3', '-c', block('python'));
const address = String.raw`\d+\.\d+\.\d+\.\d+`;
const isShown = new RegExp(`^16 hours for \\$0\\.48\nnodes at( ${address}){4}\n$`).test(printed);
const answer = await fetch(`${stack.url}/clusters?status=running`, {
  headers: { authorization: `Bearer ${settings.apiToken}` },
});
const { clusters } = (await answer.json()) as { readonly clusters: readonly unknown[] };
await stack.close();
rmSync(folder, { recursive: true, force: true });
const passed = isShown && clusters.length === 0;
console.log(passed ? 'The example of docs/python.md did what it says.' : 'The example FAILED.');
// Without this, the process would live until the next ticks of EventBridge's stand-in.
process.exit(passed ? 0 : 1);
