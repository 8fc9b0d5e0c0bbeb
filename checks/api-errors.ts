import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { projectDir } from '../build/project.ts';

export interface ErrorRow {
  readonly status: number;
  readonly curl: string;
}

export interface TriedRow extends ErrorRow {
  /** The status of the server's answer. */
  readonly answered: number;
  /** The content type of the server's answer. */
  readonly type: string;
}

/** The rows of the table of errors in docs/api.md: a status, and a curl command that gets it. */
export const errorRows = (page: string): ErrorRow[] =>
  [...page.matchAll(/^\| (\d{3}) +\|.*\| `(curl .*)` +\|$/gm)].map(([, status, curl = '']) => ({
    status: Number(status),
    curl,
  }));

/**
 * Runs every curl command of the table of errors in docs/api.md. `env` has the variables that a
 * reader of the page has set before the table. The commands that make Linode fail run first, while
 * no function remembers an answer of Linode's; then `setUp`, the launch that the reader has made
 * before the table; then the other commands.
 */
export async function tryDocumentedErrors(
  env: Readonly<Record<string, string>>,
  { beforeEach, setUp }: { readonly beforeEach: () => void; readonly setUp: string },
): Promise<TriedRow[]> {
  const rows = errorRows(readFileSync(join(projectDir, 'docs', 'api.md'), 'utf8'));
  const ofLinode = rows.filter(({ status }) => status > 500);
  const ofOnebuck = rows.filter(({ status }) => status < 500);
  const tried: TriedRow[] = [];
  for (const row of [...ofLinode, { status: 202, curl: setUp }, ...ofOnebuck]) {
    beforeEach();
    tried.push({ ...row, ...(await answerTo(row.curl, env)) });
  }
  return tried;
}

/** Asynchronous, since this process also runs the server that answers the command. */
async function answerTo(
  curl: string,
  env: Readonly<Record<string, string>>,
): Promise<Pick<TriedRow, 'answered' | 'type'>> {
  const script = `${curl} --output /dev/null --write-out '\\n%{http_code} %{content_type}'`;
  const child = spawn('bash', ['-c', script], {
    cwd: projectDir,
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const out = await text(child.stdout);
  const [status, type = ''] = out.trim().split('\n').at(-1)?.split(' ') ?? [];
  return { answered: Number(status), type };
}
