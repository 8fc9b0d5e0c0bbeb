import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectDir } from '../build/project.ts';
import type { Template } from './policies.ts';

/** What `npm run package` and a deploy write: the template of the stack, and the functions' zips. */
export const packageFolder = join(projectDir, '.serverless');
export const templatePath = join(packageFolder, 'cloudformation-template-update-stack.json');

/** A function of the template. */
export interface FunctionProperties {
  readonly FunctionName: string;
  readonly Handler: string;
  readonly Runtime: string;
  readonly MemorySize: number;
  /** In seconds. */
  readonly Timeout: number;
  readonly Code: { readonly S3Key: string };
  readonly Environment: { readonly Variables: Readonly<Record<string, unknown>> };
}

/** The template of the last package or deploy. Throws if there is none. */
export function packagedTemplate(): Template {
  if (!existsSync(templatePath)) {
    throw new Error('there is no package; run npm run package first');
  }
  return JSON.parse(readFileSync(templatePath, 'utf8')) as Template;
}

/** The functions of that template. */
export const packagedFunctions = (): FunctionProperties[] =>
  Object.values(packagedTemplate().Resources)
    .filter(({ Type }) => Type === 'AWS::Lambda::Function')
    .map(({ Properties }) => Properties as FunctionProperties);
