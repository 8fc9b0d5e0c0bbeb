import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { readBundling } from '../build/bundling.ts';

export interface Bundle {
  readonly file: string;
  readonly bytes: number;
  readonly zipBytes: number;
  /** What each package takes of it, the largest first. */
  readonly parts: readonly (readonly [name: string, bytes: number])[];
}

/** As serverless.yml has it, but for what `otherwise` says. */
type BundleOf = (entry: string, otherwise?: BuildOptions) => Promise<Bundle>;

/** Has `use` bundle functions into a folder that is then removed. */
export async function withBundles(use: (bundleOf: BundleOf) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'onebuck-bundles-'));
  try {
    await use((entry, otherwise = {}) =>
      bundle(entry, otherwise, mkdtempSync(join(folder, 'of-'))),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bundle(entry: string, otherwise: BuildOptions, folder: string): Promise<Bundle> {
  const file = join(folder, entry.replace('.ts', '.cjs'));
  const { metafile } = await build({
    ...readBundling(),
    ...otherwise,
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
