import { execFile } from 'node:child_process';

/**
 * The lines of the blocks of shell commands below a heading of the second level, block by block, in
 * the order of the page. Throws if the heading has none.
 */
export function blocksBelow(page: string, heading: string): readonly (readonly string[])[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = '']) =>
    text.trimEnd().split('\n'),
  );
  if (blocks.length === 0) throw new Error(`the page has no commands below "${heading}"`);
  return blocks;
}

/**
 * Runs the lines as one script of bash, and returns what they print to stdout. Rejects, with all
 * that they print, as soon as one of them fails.
 */
export function runLines(
  lines: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<string> {
  const naming = `trap 'echo "failed: $BASH_COMMAND" >&2' ERR`;
  const script = ['set -euo pipefail', naming, ...lines].join('\n');
  return new Promise((resolve, reject) => {
    const maxBuffer = 16 * 1024 * 1024;
    const child = execFile(
      'bash',
      // With a socket as its input, bash would read the user's .bashrc.
      ['--norc', '-c', script],
      { ...options, maxBuffer },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else
          reject(new Error(`exit code ${error.code} of\n${lines.join('\n')}\n${stdout}${stderr}`));
      },
    );
    child.stdin?.end();
  });
}
