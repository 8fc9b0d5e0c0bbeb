import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { projectDir } from '../build/project.ts';

export interface Tried {
  readonly status: number;
  readonly curl: string;
  /** What the server said. */
  readonly answered: number;
}

/**
 * Every error in the README's table, produced with the curl beside it. `env` are the variables that
 * the README has set by then. Those that need Linode to fail come first, while nothing of Linode's
 * is remembered; then `setUp`, what the README has had run by then.
 */
export async function tryErrorsOfReadme(
  env: Readonly<Record<string, string>>,
  { beforeEach, setUp }: { readonly beforeEach: () => void; readonly setUp: string },
): Promise<Tried[]> {
  const readme = readFileSync(join(projectDir, 'README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| (\d{3}) +\|.*\| `(curl .*)` +\|$/gm)].map(
    ([, status = '', curl = '']) => ({ status: Number(status), curl }),
  );
  const ofLinode = rows.filter(({ status }) => status > 500);
  const others = rows.filter(({ status }) => status < 500);
  const tried: Tried[] = [];
  for (const row of [...ofLinode, { status: 202, curl: setUp }, ...others]) {
    beforeEach();
    tried.push({ ...row, answered: await statusOf(row.curl, env) });
  }
  return tried;
}

/** The server is in this process, which must go on while the curl waits for it. */
async function statusOf(curl: string, env: Readonly<Record<string, string>>): Promise<number> {
  const script = `${curl} --output /dev/null --write-out '\\n%{http_code}'`;
  const child = spawn('bash', ['-c', script], {
    cwd: projectDir,
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const out = await text(child.stdout);
  return Number(out.trim().split('\n').at(-1));
}
