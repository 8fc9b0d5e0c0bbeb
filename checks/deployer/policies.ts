import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectDir } from '../../build/project.ts';
import type { Account } from '../grants.ts';
import type { PolicyDocument } from '../policies.ts';

/** The policies that docs/operate.md has an administrator make, for each stage. */
export const POLICIES = ['boundary', 'deployer', 'operator'] as const;
export type PolicyName = (typeof POLICIES)[number];

/** An account and a region, and the stage that is deployed there. */
export interface DeployedPlace extends Account {
  readonly stage: string;
}

/** A policy of ops/policies as the administrator's `sed` fills it in. */
export function policyJson(name: PolicyName, { id, region, stage }: DeployedPlace): string {
  return readFileSync(join(projectDir, 'ops', 'policies', `${name}.json`), 'utf8')
    .replaceAll('ACCOUNT', id)
    .replaceAll('REGION', region)
    .replaceAll('STAGE', stage);
}

export const policyOf = (name: PolicyName, place: DeployedPlace): PolicyDocument =>
  JSON.parse(policyJson(name, place)) as PolicyDocument;
