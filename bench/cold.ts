process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildOptions } from 'esbuild';
import { projectDir } from '../build/project.ts';
import { readService } from '../dev/service.ts';
import { epochMs } from '../lib/core/base/units.ts';
import { type Bundle, firstAnswer, withBundles } from './bundles.ts';
import { markdown } from './report.ts';
import { median } from './times.ts';

/**
 * `npm run bench:cold` measures how long a new process takes until the first answer of each
 * function's bundle to its event in events/, and lists the largest packages in the bundles. For
 * comparison it measures functions that do nothing ("floors"): one that only answers; others that
 * build the AWS clients of `reap` or `reconcile`, bundled as ours and by the defaults of
 * serverless-esbuild ("plain"); and others that also make one call. All services answer at once.
 */
const ROUNDS = 15;
/** The floors of the functions that destroy Linodes, in the order of the table's columns. */
const FLOORS_OF: Readonly<Record<string, readonly string[]>> = {
  reap: ['clients-of-reap, plain', 'clients-of-reap', 'call-of-reap'],
  reconcile: ['clients-of-reconcile, plain', 'clients-of-reconcile', 'call-of-reconcile'],
};
const NO_FLOORS = ['', '', ''];
const FLOORS = ['nothing', ...Object.values(FLOORS_OF).flat()];
/** The defaults of serverless-esbuild for a function of nodejs24.x. */
const PLAIN: BuildOptions = {
  mainFields: ['main', 'module'],
  alias: {},
  minify: false,
  target: 'node24',
};

// The SDK looks for the setting above when it is loaded.
const { startServers } = await import('./servers.ts');

await withBundles(async (bundleOf) => {
  const functions = Object.keys((await readService()).functionNames);
  const bundles = new Map<string, Bundle>();
  const events = new Map<string, string>();
  for (const name of FLOORS) {
    const [file, plain] = name.split(', ');
    bundles.set(name, await bundleOf(`bench/floors/${file}.ts`, plain === undefined ? {} : PLAIN));
  }
  for (const name of functions) {
    bundles.set(name, await bundleOf(`handlers/${name}.ts`));
    events.set(name, readFileSync(join(projectDir, `events/${name}.json`), 'utf8'));
  }

  const servers = await startServers(() => epochMs(Date.now()));
  const times = new Map([...bundles.keys()].map((name) => [name, [] as number[]]));
  // Each round runs all bundles, so that other work of the machine slows all bundles alike. The
  // first round only fills the disk's cache.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, bundle] of bundles) {
      const { ms } = await firstAnswer(bundle, events.get(name) ?? '{}', servers.env);
      if (round > 0) times.get(name)?.push(ms);
    }
  }
  await servers.close();

  const ms = (name: string) => median(times.get(name) ?? []);
  const kb = (bytes: number) => (bytes / 1000).toFixed(0);
  const rows = [...bundles].map(([name, { bytes, zipBytes, parts }]) => {
    const ratios = FLOORS_OF[name]?.map((floor) => (ms(name) / ms(floor)).toFixed(2)) ?? NO_FLOORS;
    const largest = parts.slice(0, 4).map(([part, size]) => `${part} ${kb(size)}`);
    return [name, ms(name).toFixed(0), ...ratios, kb(bytes), kb(zipBytes), largest.join(', ')];
  });
  const heads = [
    'function',
    'ms',
    'of its clients, plain',
    'of its clients',
    'and a call',
    'KB',
    'zip, KB',
    'most of it, KB',
  ];
  console.log(`Medians of ${ROUNDS} processes each.\n\n${markdown([heads, ...rows])}`);
});
