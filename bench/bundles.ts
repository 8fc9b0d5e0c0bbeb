import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { parse } from 'yaml';
import { projectDir } from '../local/service.ts';

export interface Bundle {
  readonly file: string;
  readonly bytes: number;
  readonly zipBytes: number;
  /** What each package takes of it, the largest first. */
  readonly parts: readonly (readonly [name: string, bytes: number])[];
}

/** Has `use` bundle functions, as serverless.yml has it, into a folder that is then removed. */
export async function withBundles(
  use: (bundleOf: (entry: string) => Promise<Bundle>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'onebuck-bundles-'));
  try {
    await use((entry) => bundle(entry, folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bundle(entry: string, folder: string): Promise<Bundle> {
  const { custom } = parse(readFileSync(join(projectDir, 'serverless.yml'), 'utf8'), {
    logLevel: 'silent', // of CloudFormation's own tags
  });
  const { outputFileExtension, outputWorkFolder, exclude, ...options } = custom.esbuild;
  const file = join(folder, entry.replace('.ts', outputFileExtension));
  const { metafile } = await build({
    ...(options as BuildOptions),
    absWorkingDir: projectDir,
    entryPoints: [entry],
    outfile: file,
    metafile: true,
  });
  const bytes = readFileSync(file);
  const zipBytes = deflateRawSync(bytes, { level: 9 }).length;
  return { file, bytes: bytes.length, zipBytes, parts: partsOf(metafile) };
}

function partsOf({ outputs }: Metafile): [string, number][] {
  const parts = new Map<string, number>();
  for (const { inputs } of Object.values(outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const [, name = 'Onebuck'] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
      parts.set(name, (parts.get(name) ?? 0) + bytesInOutput);
    }
  }
  return [...parts].sort(([, a], [, b]) => b - a);
}

/** Of a fresh process, to the event: after how long, and with how much memory at most. */
export async function firstAnswer(
  { file }: Bundle,
  event: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly ms: number; readonly memoryKib: number }> {
  const args = [join(import.meta.dirname, 'first-answer.cjs'), file, event];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env,
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout.split('\n').at(-1) ?? '');
}
