import { type Call, grantsOf, grantsOfPolicy, judge, needlessIn } from '../grants.ts';
import type { Template } from '../policies.ts';
import { type DeployedPlace, type PolicyName, policyOf } from './policies.ts';
import type { AwsFacts } from './schemas.ts';
import { callsOfCloudFormation } from './stack-calls.ts';

/** What is wrong with a policy of ops/policies, a line each. */
export interface Faults {
  readonly denied: readonly string[];
  /** The actions and resources that no call needs. */
  readonly needless: readonly string[];
}

/** Holds a policy against calls of who has it. Of the boundary, those are the calls of the roles. */
export function judgePolicy(
  name: PolicyName,
  place: DeployedPlace,
  calls: readonly Call[],
): Faults {
  const document = policyOf(name, place);
  const { denied } = judge(grantsOfPolicy(name, document), calls);
  return {
    denied: [...new Set(denied.map(({ action, resource }) => `${action} on ${resource}`))],
    needless: needlessIn(name, document, calls),
  };
}

/** What CloudFormation does with the rights of who deploys the template. */
export const callsForStack = (template: Template, place: DeployedPlace, facts: AwsFacts): Call[] =>
  callsOfCloudFormation(template, { facts, place, as: 'deployer' });

/** What the roles of the template allow, as calls that their boundary must allow, too. */
export const callsWithinBoundary = (template: Template, place: DeployedPlace): Call[] =>
  grantsOf(template, place).map(({ action, resource }) => ({
    role: 'boundary',
    action,
    resource,
    keys: {},
  }));
