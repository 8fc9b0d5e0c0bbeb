import { describe, expect, it } from 'vitest';
import { POLICIES, policyJson, policyOf } from '../../checks/deployer/policies.ts';
import { type Call, grantsOfPolicy, judge } from '../../checks/grants.ts';

const place = { id: '123456789012', region: 'eu-central-1', stage: 'prod' };

/** IAM takes no longer policy; it does not count white space. */
const POLICY_CHARACTERS_MAX = 6144;

describe('the policies of who deploys', () => {
  it.each(POLICIES)('%s fits into a policy of IAM, with the longest names', (name) => {
    const longest = { ...place, region: 'ap-southeast-2', stage: 'production-two' };
    const text = policyJson(name, longest).replaceAll(/\s/g, '');
    expect(text.length).toBeLessThanOrEqual(POLICY_CHARACTERS_MAX);
    expect(text).not.toMatch(/ACCOUNT|REGION|STAGE/);
  });

  it.each(POLICIES)('%s allows no service and no account all at once', (name) => {
    const wide = grantsOfPolicy(name, policyOf(name, place)).filter(
      ({ action, resource }) =>
        /^\*|:\*$/.test(action) || (resource !== '*' && !resource.includes('onebuck')),
    );
    expect(wide.map(({ action, resource }) => `${action} ${resource}`)).toEqual(
      name === 'deployer' ? WITHOUT_NAMES : [],
    );
  });
});

/** API Gateway gives APIs names of its own choice, as AWS does the role of its service. */
const WITHOUT_NAMES = [
  'iam:CreateServiceLinkedRole ' +
    'arn:aws:iam::123456789012:role/aws-service-role/ops.apigateway.amazonaws.com/*',
  ...['DELETE', 'GET', 'PATCH', 'POST', 'PUT', 'TagResource'].flatMap((verb) =>
    ['/apis', '/apis/*', '/tags/*'].map(
      (path) => `apigateway:${verb} arn:aws:apigateway:eu-central-1::${path}`,
    ),
  ),
];

describe('who deploys', () => {
  const grants = grantsOfPolicy('deployer', policyOf('deployer', place));
  const IAM = 'arn:aws:iam::123456789012';
  const boundary = { 'iam:PermissionsBoundary': [`${IAM}:policy/onebuck-prod-boundary`] };
  const toLambda = { 'iam:PassedToService': ['lambda.amazonaws.com'] };
  const isAllowed = (action: string, resource: string, keys: Call['keys'] = {}) =>
    judge(grants, [{ role: 'deployer', action, resource, keys }]).denied.length === 0;

  it('may make and pass roles within the boundary', () => {
    const role = `${IAM}:role/onebuck-prod-ApiRole-AbCdEfGhIjKl`;
    expect(isAllowed('iam:CreateRole', role, boundary)).toBe(true);
    expect(isAllowed('iam:PutRolePolicy', role, boundary)).toBe(true);
    expect(isAllowed('iam:PassRole', role, toLambda)).toBe(true);
  });

  it.each<[string, string, string, Call['keys']?]>([
    ['a role without a boundary', 'iam:CreateRole', `${IAM}:role/onebuck-prod-ApiRole-A`],
    [
      'a role with a boundary of another stage',
      'iam:CreateRole',
      `${IAM}:role/onebuck-prod-ApiRole-A`,
      { 'iam:PermissionsBoundary': [`${IAM}:policy/onebuck-other-boundary`] },
    ],
    ['a right without a boundary', 'iam:PutRolePolicy', `${IAM}:role/onebuck-prod-ApiRole-A`],
    ['a role of another stage', 'iam:CreateRole', `${IAM}:role/onebuck-other-ApiRole-A`, boundary],
    ['a policy of AWS for a role', 'iam:AttachRolePolicy', `${IAM}:role/onebuck-prod-ApiRole-A`],
    [
      'a role without its boundary',
      'iam:DeleteRolePermissionsBoundary',
      `${IAM}:role/onebuck-prod-ApiRole-A`,
      boundary,
    ],
    ['another boundary', 'iam:CreatePolicyVersion', `${IAM}:policy/onebuck-prod-boundary`],
    ["somebody else's role for a function", 'iam:PassRole', `${IAM}:role/admin`, toLambda],
    [
      'a role for a machine',
      'iam:PassRole',
      `${IAM}:role/onebuck-prod-ApiRole-A`,
      { 'iam:PassedToService': ['ec2.amazonaws.com'] },
    ],
    [
      "a function's role for the scheduler",
      'iam:PassRole',
      `${IAM}:role/onebuck-prod-ApiRole-A`,
      { 'iam:PassedToService': ['scheduler.amazonaws.com'] },
    ],
    ['more rights for itself', 'iam:PutRolePolicy', `${IAM}:role/onebuck-deploy`, boundary],
    ['more rights for a user', 'iam:PutUserPolicy', `${IAM}:user/ann`],
    [
      "another stage's table",
      'dynamodb:DeleteTable',
      'arn:aws:dynamodb:eu-central-1:123456789012:table/onebuck-other-clusters',
    ],
    [
      "another stage's function",
      'lambda:UpdateFunctionCode',
      'arn:aws:lambda:eu-central-1:123456789012:function:onebuck-other-reap',
    ],
    [
      "another stage's stack",
      'cloudformation:DeleteStack',
      'arn:aws:cloudformation:eu-central-1:123456789012:stack/onebuck-other/0123',
    ],
    ["somebody else's bucket", 's3:GetObject', 'arn:aws:s3:::somebody/file'],
    [
      'the Linode token',
      'secretsmanager:GetSecretValue',
      'arn:aws:secretsmanager:eu-central-1:123456789012:secret:onebuck/prod-AbCdEf',
    ],
    [
      'a record',
      'dynamodb:PutItem',
      'arn:aws:dynamodb:eu-central-1:123456789012:table/onebuck-prod-clusters',
    ],
  ])('gets nothing of %s', (_, action, resource, keys) => {
    expect(isAllowed(action, resource, keys)).toBe(false);
  });
});
