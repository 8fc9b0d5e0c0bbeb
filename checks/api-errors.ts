import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { projectDir } from '../build/project.ts';

export interface ErrorRow {
  readonly status: number;
  readonly curl: string;
}

export interface Tried extends ErrorRow {
  /** The status that the server answered with. */
  readonly answered: number;
}

/** The rows of the table of errors in docs/api.md: each status, and a curl that is answered with it. */
export const errorRows = (page: string): ErrorRow[] =>
  [...page.matchAll(/^\| (\d{3}) +\|.*\| `(curl .*)` +\|$/gm)].map(([, status, curl = '']) => ({
    status: Number(status),
    curl,
  }));

/**
 * Runs every curl of the table of errors in docs/api.md. `env` holds the variables that the page has
 * set by then. The curls that make Linode fail run first, while the functions remember nothing of
 * Linode's; then `setUp`, the launch that the page has made by then; then the others.
 */
export async function tryDocumentedErrors(
  env: Readonly<Record<string, string>>,
  { beforeEach, setUp }: { readonly beforeEach: () => void; readonly setUp: string },
): Promise<Tried[]> {
  const rows = errorRows(readFileSync(join(projectDir, 'docs', 'api.md'), 'utf8'));
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
