import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { readBundling } from '../build/bundling.ts';
import { node24 } from '../checks/node24.ts';

export interface Bundle {
  readonly file: string;
  readonly bytes: number;
  readonly zipBytes: number;
  /** The bytes of each package in the bundle, the largest package first. */
  readonly parts: readonly (readonly [name: string, bytes: number])[];
}

/** Bundles a function with the options of serverless.yml, which `overrides` may replace. */
type BundleOf = (entry: string, overrides?: BuildOptions) => Promise<Bundle>;

/** Lets `use` bundle functions into a folder, and removes the folder afterwards. */
export async function withBundles(use: (bundleOf: BundleOf) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'onebuck-bundles-'));
  try {
    await use((entry, overrides = {}) =>
      bundle(entry, overrides, mkdtempSync(join(folder, 'of-'))),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bundle(entry: string, overrides: BuildOptions, folder: string): Promise<Bundle> {
  const file = join(folder, entry.replace('.ts', '.cjs'));
  const { metafile } = await build({
    ...readBundling(),
    ...overrides,
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

/**
 * Runs the bundle in a new process of the Node that Lambda has. `ms`: the time from the start of
 * the process to the answer to the event; `memoryKib`: the most memory that the process had.
 */
export async function firstAnswer(
  { file }: Bundle,
  event: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly ms: number; readonly memoryKib: number }> {
  const args = [join(import.meta.dirname, 'first-answer.cjs'), file, event];
  const { stdout } = await promisify(execFile)(join(node24(), 'node'), args, {
    env,
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout.split('\n').at(-1) ?? '');
}
