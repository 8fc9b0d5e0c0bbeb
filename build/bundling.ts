import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildOptions } from 'esbuild';
import { parse } from 'yaml';
import { projectDir } from './project.ts';

/** The options of esbuild in serverless.yml, by which serverless-esbuild bundles the functions. */
export function readBundling(): BuildOptions & { readonly alias: Record<string, string> } {
  const { custom } = parse(readFileSync(join(projectDir, 'serverless.yml'), 'utf8'), {
    logLevel: 'silent', // the parser warns of CloudFormation's tags
  });
  const { outputFileExtension, outputWorkFolder, watch, exclude, skipRebuild, ...options } =
    custom.esbuild;
  return {
    ...options,
    external: exclude,
    absWorkingDir: projectDir,
    outExtension: { '.js': outputFileExtension },
  };
}
