import { describe, expect, it } from 'vitest';
import { policyOf } from '../../../checks/deployer/policies.ts';
import type { AwsFacts } from '../../../checks/deployer/schemas.ts';
import { callsOfCloudFormation } from '../../../checks/deployer/stack-calls.ts';
import { grantsOfPolicy, judge } from '../../../checks/grants.ts';
import type { PolicyDocument } from '../../../checks/policies.ts';

const place = { id: '123456789012', region: 'eu-central-1', stage: 'test' };

const SCHEMAS: Readonly<Record<string, readonly string[]>> = {
  'AWS::DynamoDB::Table': [
    'dynamodb:CreateTable',
    'dynamodb:TagResource',
    'dynamodb:UntagResource',
    'kms:Decrypt',
  ],
  'AWS::IAM::Role': ['iam:CreateRole', 'iam:AttachRolePolicy'],
  'AWS::Lambda::Function': ['lambda:CreateFunction', 'iam:PassRole', 's3:GetObject'],
  'AWS::Lambda::Permission': ['lambda:AddPermission'],
  'AWS::Logs::LogGroup': ['logs:CreateLogGroup', 'logs:DescribeLogGroups'],
  'AWS::S3::Bucket': [],
  'AWS::ApiGatewayV2::Route': ['apigateway:POST', 'apigateway:DELETE'],
  'AWS::Scheduler::Schedule': ['iam:PassRole'],
};

const facts: AwsFacts = {
  handlerActions: (type) => SCHEMAS[type] ?? [],
  isOnResource: (action) => action !== 'logs:DescribeLogGroups',
};

const role = { 'Fn::GetAtt': ['ApiRole', 'Arn'] };
const others = {
  ApiRole: { Type: 'AWS::IAM::Role', Properties: {} },
  ServerlessDeploymentBucket: { Type: 'AWS::S3::Bucket', Properties: {} },
  ApiLambdaFunction: {
    Type: 'AWS::Lambda::Function',
    Properties: { FunctionName: 'onebuck-test-api', Role: role },
  },
};

/** What CloudFormation calls for one resource, in a stack that has others. */
const callsFor = (Type: string, Properties: object) =>
  callsOfCloudFormation(
    { Resources: { ...others, One: { Type, Properties } } },
    { facts, place, as: 'deployer' },
  )
    .slice(callsOfOthers)
    .map(({ action, resource, keys }) => [action, resource, keys]);

const callsOfOthers = callsOfCloudFormation(
  { Resources: others },
  { facts, place, as: 'deployer' },
).length;

describe('the calls of CloudFormation', () => {
  const TableName = 'onebuck-test-clusters';
  const TABLE = 'arn:aws:dynamodb:eu-central-1:123456789012:table/t';

  it('are those of its schema, on the ARN of the resource; no template takes tags away', () => {
    expect(callsFor('AWS::DynamoDB::Table', { TableName: 't' })).toEqual([
      ['dynamodb:CreateTable', TABLE, {}],
      ['dynamodb:TagResource', TABLE, {}],
    ]);
  });

  it('include those for a property as soon as the template has the property', () => {
    const encrypted = { TableName: 't', SSESpecification: { SSEEnabled: true } };
    expect(callsFor('AWS::DynamoDB::Table', encrypted)).toContainEqual(['kms:Decrypt', TABLE, {}]);
    const managed = callsFor('AWS::IAM::Role', { ManagedPolicyArns: ['a'] });
    expect(managed.map(([action]) => action)).toContain('iam:AttachRolePolicy');
    const bare = callsFor('AWS::IAM::Role', {});
    expect(bare.map(([action]) => action)).not.toContain('iam:AttachRolePolicy');
  });

  it('are on * where IAM judges the action on no resource', () => {
    const group = 'arn:aws:logs:eu-central-1:123456789012:log-group:/g';
    expect(callsFor('AWS::Logs::LogGroup', { LogGroupName: '/g' })).toEqual([
      ['logs:CreateLogGroup', group, {}],
      ['logs:CreateLogGroup', `${group}:*`, {}],
      ['logs:DescribeLogGroups', '*', {}],
    ]);
  });

  it('pass to a function and to a schedule the role that each gets, and read the zip', () => {
    const passed = 'arn:aws:iam::123456789012:role/onebuck-test-ApiRole-AbCdEfGhIjKl';
    const zip = 'arn:aws:s3:::onebuck-test-serverlessdeploymentbucket-abcdefghijkl/api.zip';
    const toFunction = callsFor('AWS::Lambda::Function', { FunctionName: 'f', Role: role });
    expect(toFunction.slice(1)).toEqual([
      ['iam:PassRole', passed, { 'iam:PassedToService': ['lambda.amazonaws.com'] }],
      ['s3:GetObject', zip, {}],
    ]);
    expect(callsFor('AWS::Scheduler::Schedule', { Target: { RoleArn: role } })).toEqual([
      ['iam:PassRole', passed, { 'iam:PassedToService': ['scheduler.amazonaws.com'] }],
    ]);
  });

  it('name the boundary of a role that has one', () => {
    const keys = {
      'iam:PermissionsBoundary': ['arn:aws:iam::123456789012:policy/onebuck-test-boundary'],
    };
    const bounded = callsFor('AWS::IAM::Role', { PermissionsBoundary: 'a' });
    expect(bounded.map(([, , one]) => one)).toEqual([keys]);
    expect(callsFor('AWS::IAM::Role', {}).map(([, , one]) => one)).toEqual([{}]);
  });

  it('are on the function for what belongs to a function, by Ref or by its ARN', () => {
    const arn = 'arn:aws:lambda:eu-central-1:123456789012:function:onebuck-test-api';
    for (const FunctionName of [
      { Ref: 'ApiLambdaFunction' },
      { 'Fn::GetAtt': ['ApiLambdaFunction', 'Arn'] },
    ]) {
      expect(callsFor('AWS::Lambda::Permission', { FunctionName })[0]).toEqual([
        'lambda:AddPermission',
        arn,
        {},
      ]);
    }
  });

  it('create a route in the collection of the API, and then address the route', () => {
    const routes = 'arn:aws:apigateway:eu-central-1::/apis/a1b2c3/routes';
    expect(callsFor('AWS::ApiGatewayV2::Route', {})).toEqual([
      ['apigateway:POST', routes, {}],
      ['apigateway:DELETE', `${routes}/d4e5f6`, {}],
    ]);
  });

  it('are denied by the policy of who deploys once an action is taken out of it', () => {
    const Resources = { ...others, T: { Type: 'AWS::DynamoDB::Table', Properties: { TableName } } };
    const calls = callsOfCloudFormation({ Resources }, { facts, place, as: 'deployer' });
    const { Statement } = policyOf('deployer', place);
    const without = (taken: string) =>
      Statement.map((one) => ({
        ...one,
        Action: [one.Action].flat().filter((action) => action !== taken),
      }));
    const deniedBy = (document: PolicyDocument) =>
      judge(grantsOfPolicy('deployer', document), calls).denied.map(({ action }) => action);
    // The role of this template has no boundary.
    expect(deniedBy({ Statement })).toEqual(['iam:CreateRole']);
    expect(deniedBy({ Statement: without('dynamodb:CreateTable') })).toEqual([
      'iam:CreateRole',
      'dynamodb:CreateTable',
    ]);
  });

  it('can not be told of a type that is new here', () => {
    expect(() => callsFor('AWS::EC2::Instance', {})).toThrow('calls for AWS::EC2::Instance');
  });
});
