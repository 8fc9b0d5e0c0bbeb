import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import JSZip from 'jszip';
import { projectDir } from '../build/project.ts';

/** Checks, after `serverless package`, that each function's zip has only the function's bundle. */
const folder = join(projectDir, '.serverless');
for (const file of readdirSync(folder).filter((name) => name.endsWith('.zip'))) {
  const bytes = readFileSync(join(folder, file));
  const entries = Object.keys((await JSZip.loadAsync(bytes)).files);
  const bundle = `handlers/${file.slice(0, -'.zip'.length)}.cjs`;
  const strays = entries.filter((entry) => entry !== bundle && entry !== 'handlers/');
  console.log(`${file.padEnd(16)} ${(bytes.length / 1024).toFixed(0).padStart(5)} KiB`);
  if (strays.length > 0 || !entries.includes(bundle)) {
    console.error(`${file} has ${entries.join(', ')}; it should have only ${bundle}.`);
    process.exitCode = 1;
  }
}
