import { CloudFormationClient, DeleteStackCommand } from '@aws-sdk/client-cloudformation';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { callsForStack, callsWithinBoundary, judgePolicy } from '../deployer/judge.ts';
import type { PolicyName } from '../deployer/policies.ts';
import { readAwsFacts } from '../deployer/schemas.ts';
import type { Call } from '../grants.ts';
import type { Template } from '../policies.ts';
import { askedByCommand } from './command-request.ts';
import { STAGE } from './deployment.ts';
import { ACCOUNT, type Emulator } from './emulator.ts';
import { expect } from './expect.ts';
import type { User, Users } from './users.ts';

/**
 * Holds the policies of ops/policies against every call of the users so far, and against what
 * CloudFormation does with the rights of who deploys: the emulator does not judge that. Each policy
 * must allow all of its calls, and need each of its actions and resources for some call.
 */
export function expectPolicies(
  { deployer, operator }: Users,
  template: Template,
  { programs, report }: { programs: string; report: (text: string) => void },
): void {
  const place = { ...ACCOUNT, stage: STAGE };
  const ofStack = callsForStack(template, place, readAwsFacts(programs));
  const calls: Readonly<Record<PolicyName, readonly Call[]>> = {
    deployer: [...callsOf(deployer), ...ofStack],
    operator: callsOf(operator),
    boundary: callsWithinBoundary(template, place),
  };
  for (const [name, made] of Object.entries(calls) as [PolicyName, readonly Call[]][]) {
    const { denied, needless } = judgePolicy(name, place, made);
    expect(denied.length === 0, `${name}.json does not allow:\n${denied.join('\n')}`);
    expect(needless.length === 0, `no call needs what ${name}.json has:\n${needless.join('\n')}`);
    report(`${made.length} calls under ${name}.json: 0 denied, and nothing in it is needless`);
  }
}

const callsOf = ({ policy, recorder }: User): Call[] =>
  recorder.requests
    .flatMap((request) => askedByCommand(request, ACCOUNT))
    .map((asked) => ({ role: policy, ...asked }));

/** Whoever deploys the stage must not reach another stage, nor read the stage's secret. */
export async function expectOnlyStage(
  { endpoint }: Emulator,
  { env }: User,
  report: (text: string) => void,
): Promise<void> {
  const options = {
    endpoint,
    region: ACCOUNT.region,
    credentials: {
      accessKeyId: `${env.AWS_ACCESS_KEY_ID}`,
      secretAccessKey: `${env.AWS_SECRET_ACCESS_KEY}`,
    },
  };
  const dynamodb = new DynamoDBClient(options);
  const lambda = new LambdaClient(options);
  const stacks = new CloudFormationClient(options);
  const secrets = new SecretsManagerClient(options);
  const foreign: Readonly<Record<string, () => Promise<unknown>>> = {
    'the table of another stage': () =>
      dynamodb.send(new DescribeTableCommand({ TableName: 'onebuck-other-clusters' })),
    'a function of another stage': () =>
      lambda.send(new GetFunctionCommand({ FunctionName: 'onebuck-other-reap' })),
    'the stack of another stage': () =>
      stacks.send(new DeleteStackCommand({ StackName: 'onebuck-other' })),
    'the secret of its own stage': () =>
      secrets.send(new GetSecretValueCommand({ SecretId: `onebuck/${STAGE}` })),
  };
  for (const [what, call] of Object.entries(foreign)) {
    const error = await call().then(
      () => 'nothing',
      ({ name }: Error) => name,
    );
    expect(/^AccessDenied/.test(error), `the deployer is not kept from ${what}: ${error}`);
  }
  for (const client of [dynamodb, lambda, stacks, secrets]) client.destroy();
  report(`the deployer is kept from ${Object.keys(foreign).join(', ')}`);
}
