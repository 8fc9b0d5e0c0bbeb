import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { projectDir } from '../build/project.ts';
import { freePort } from '../simulators/listen.ts';
import { withNodes } from './nodes.ts';
import { localSettings } from './settings.ts';
import { startStack } from './stack.ts';

/**
 * `npm run record` writes a whole `onebuck run` into docs/jobs.md, with four nodes that boot on this
 * machine: what the shell prints for the commands that stand in the page's recording.
 */
const PAGE = join(projectDir, 'docs', 'jobs.md');
const RECORDING = /(<!-- npm run record -->\n\n```text\n)([\s\S]*?)(```)/;

const FILES = {
  'pi.c': `#include <mpi.h>
#include <stdio.h>

int main(int argc, char **argv) {
  int rank, ranks;
  double part = 0, sum = 0, steps = 1e8;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  for (long i = rank; i < steps; i += ranks) part += 4 / (1 + (i + 0.5) * (i + 0.5) / steps / steps);
  MPI_Reduce(&part, &sum, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
  if (rank == 0) printf("%d ranks: pi = %.12f\\n", ranks, sum / steps);
  MPI_Finalize();
}
`,
  'run.sh': `set -e
mpicc -O2 -o pi pi.c
for node in n1 n2 n3; do scp -q pi $node:job/; done
mkdir -p out
mpirun --map-by node -np 4 ./pi | tee out/pi.txt
`,
};

const page = readFileSync(PAGE, 'utf8');
const commands = [...(RECORDING.exec(page)?.[2] ?? '').matchAll(/^\$ ((?:.*\\\n)*.*)$/gm)];
const dataDir = mkdtempSync(join(tmpdir(), 'onebuck-record-'));
const project = mkdtempSync(join(tmpdir(), 'pi-'));
for (const [name, content] of Object.entries(FILES)) writeFileSync(join(project, name), content);
const bin = join(dataDir, 'bin');
execFileSync(process.execPath, [join(projectDir, 'build/cli.mjs'), bin]);
const found = localSettings({ DATA_DIR: dataDir, PORT: `${await freePort()}` });
const settings = await withNodes(found, console.error);
const stack = await startStack({ ...settings, onLog: (line) => console.error(line) });
try {
  let recording = '';
  for (const [, command = ''] of commands) {
    recording += `$ ${command}\n${await printed(command)}`;
  }
  writeFileSync(
    PAGE,
    page.replace(RECORDING, (_, head, _before, end) => head + recording + end),
  );
  console.log(recording);
} finally {
  await stack.close();
  await settings.machines.close();
  for (const folder of [dataDir, project]) rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

/** What the shell prints of the command, as into a file. */
async function printed(command: string): Promise<string> {
  const shell = spawn(
    'sh',
    ['-c', `onebuck() { node "${bin}/onebuck.mjs" "$@"; }; exec 2>&1; ${command}`],
    {
      cwd: project,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...{ PATH: process.env.PATH, HOME: dataDir, TZ: 'UTC' },
        ...{ ONEBUCK_URL: stack.url, ONEBUCK_TOKEN: settings.apiToken },
      },
    },
  );
  return text(shell.stdout);
}
