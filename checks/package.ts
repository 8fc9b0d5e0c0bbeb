import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectDir } from '../build/project.ts';
import type { Template } from './policies.ts';

/** Where `npm run package` and a deploy write, in a project. */
const FOLDER = '.serverless';
const TEMPLATE = 'cloudformation-template-update-stack.json';

/** What `npm run package` writes: the template of the stack, and the functions' zips. */
export const packageFolder = join(projectDir, FOLDER);
export const templatePath = join(packageFolder, TEMPLATE);

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

/** The template of the last package or deploy in a project. Throws if there is none. */
export function packagedTemplate(project = projectDir): Template {
  const path = join(project, FOLDER, TEMPLATE);
  if (!existsSync(path)) throw new Error('there is no package; run npm run package first');
  return JSON.parse(readFileSync(path, 'utf8')) as Template;
}

/** The functions of a template. */
export const functionsOf = ({ Resources }: Template): FunctionProperties[] =>
  Object.values(Resources)
    .filter(({ Type }) => Type === 'AWS::Lambda::Function')
    .map(({ Properties }) => Properties as FunctionProperties);
