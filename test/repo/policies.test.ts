import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type CollectionTag, parse, type ScalarTag } from 'yaml';
import {
  type Allowed,
  allowedBy,
  policyText,
  type Template,
  wildcards,
} from '../../checks/policies.ts';

const short = (name: string, full: string): ScalarTag => ({
  tag: `!${name}`,
  resolve: (text: string) => ({ [full]: text }),
});
const customTags: (ScalarTag | CollectionTag)[] = [
  short('Sub', 'Fn::Sub'),
  short('GetAtt', 'Fn::GetAtt'),
  short('Ref', 'Ref'),
];
const text = readFileSync(new URL('../../stack/roles.yml', import.meta.url), 'utf8')
  // The Serverless Framework replaces its variables in the same way.
  .replaceAll(/\$\{self:custom\.secret\}/g, 'onebuck/test');
const allowed = allowedBy(parse(text, { customTags, logLevel: 'error' }) as Template);

const whoMay = (action: string, resource: RegExp = /./): string[] => [
  ...new Set(
    allowed
      .filter(
        ({ actions, resources }) =>
          actions.includes(action) && resources.some((name) => resource.test(name)),
      )
      .map(({ role }) => role),
  ),
];

describe('the roles', () => {
  it('allow no action and no resource by a wildcard', () => {
    expect(wildcards(allowed)).toEqual([]);
  });

  it('let only functions that call Linode, check tokens, launch or sign digests read the secret', () => {
    expect(whoMay('secretsmanager:GetSecretValue')).toEqual([
      ...['ApiRole', 'NightlyRole', 'ReconcileRole', 'ScheduleRole', 'SweepRole'],
      ...['InvoicesRole', 'DigestRole'],
    ]);
  });

  it('let only functions that change records write the table; sweeper and digests only their own', () => {
    expect(whoMay('dynamodb:PutItem')).toEqual([
      ...['ApiRole', 'NightlyRole', 'ReconcileRole', 'ScheduleRole', 'SweepRole'],
      ...['InvoicesRole', 'DigestRole'],
    ]);
    const ledger = allowed.find(
      ({ role, actions }) => role === 'SweepRole' && actions.includes('dynamodb:PutItem'),
    );
    expect(ledger?.conditions).toEqual({
      'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['ledger'] },
    });
    const digests = allowed.find(
      ({ role, actions }) => role === 'DigestRole' && actions.includes('dynamodb:PutItem'),
    );
    expect(digests?.conditions).toEqual({
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['digest-*'] },
    });
    expect(whoMay('dynamodb:DeleteItem')).toEqual(['ApiRole']);
  });

  it('let only functions that nudge invoke another function, and only that function', () => {
    expect(whoMay('lambda:InvokeFunction', /\$\{ReconcileLambdaFunction\.Arn\}/)).toEqual([
      ...['ApiRole', 'NightlyRole', 'ScheduleRole', 'ReapRole'],
    ]);
    expect(whoMay('lambda:InvokeFunction', /\$\{ScheduleLambdaFunction\.Arn\}/)).toEqual([
      'ReapRole',
    ]);
    expect(whoMay('lambda:InvokeFunction', /\$\{NightlyLambdaFunction\.Arn\}/)).toEqual([
      'NightlySchedulerRole',
    ]);
    expect(whoMay('lambda:InvokeFunction')).toHaveLength(5);
  });

  it('let only the API read and write files of jobs, and schedules see whether theirs are there', () => {
    expect(whoMay('s3:PutObject')).toEqual(['ApiRole']);
    expect(whoMay('s3:GetObject', /\/(uploads|jobs)\//)).toEqual(['ApiRole']);
    expect(whoMay('s3:GetObject', /\/schedules\//)).toEqual(['ApiRole', 'ScheduleRole']);
    const deleting = allowed.filter(({ actions }) => actions.includes('s3:DeleteObject'));
    expect(deleting.map(({ role, resources }) => [role, ...resources])).toEqual([
      ['ApiRole', '$' + '{JobBucket.Arn}/schedules/*'],
    ]);
  });

  it('let only reconcile, schedule, invoices and digest publish, and only to the topic of notices', () => {
    expect(whoMay('sns:Publish')).toEqual([
      ...['ReconcileRole', 'ScheduleRole', 'InvoicesRole', 'DigestRole'],
    ]);
    const publishing = allowed.filter(({ actions }) => actions.includes('sns:Publish'));
    const topics = new Set(publishing.flatMap(({ resources }) => resources));
    expect([...topics]).toEqual([expect.stringMatching(/^\$\{NoticeTopic\}$/)]);
  });

  it('let the console, which anybody may load, only write its own log', () => {
    const console = allowed.filter(({ role }) => role === 'ConsoleRole');
    expect(console.map(({ actions, resources }) => [actions, resources])).toEqual([
      [
        ['logs:CreateLogStream', 'logs:PutLogEvents'],
        [expect.stringMatching(/^\$\{ConsoleLogGroup\.Arn\}$/)],
      ],
    ]);
  });

  it('are described by their statements: who may do what, and why no narrower', () => {
    const [secret] = allowed.filter(({ actions }) =>
      actions.includes('secretsmanager:GetSecretValue'),
    );
    expect(policyText(secret as Allowed)).toMatch(
      /^ApiRole: secretsmanager:GetSecretValue on .*:secret:onebuck\/test-\?{6} \(Secrets Manager/,
    );
  });
});

describe('the check of policies', () => {
  const aTemplate = (statement: object, role: object = {}) => ({
    Resources: {
      SomeRole: {
        Type: 'AWS::IAM::Role',
        Properties: { Policies: [{ PolicyDocument: { Statement: [statement] } }], ...role },
      },
    },
  });
  const ARN = { 'Fn::GetAtt': ['ClustersTable', 'Arn'] };

  it.each([
    ['any action of a service', { Action: 'dynamodb:*', Resource: ARN }, 'dynamodb:*'],
    ['any resource', { Action: ['sqs:SendMessage'], Resource: '*' }, '*'],
    [
      'any index',
      { Action: 'dynamodb:Query', Resource: [{ 'Fn::Sub': 'arn:table/index/*' }] },
      'arn:table/index/*',
    ],
    [
      'any secret of a prefix',
      { Action: 'a:b', Resource: 'x:secret:*-??????' },
      'x:secret:*-??????',
    ],
  ])('finds %s', (_, statement, found) => {
    const allowed = allowedBy(aTemplate({ Effect: 'Allow', ...statement }));
    expect(wildcards(allowed)).toEqual([`SomeRole allows ${found}`]);
  });

  it('throws on a statement or policy that it can not judge', () => {
    const fine = { Effect: 'Allow', Action: 'a:b', Resource: ARN };
    expect(() => allowedBy(aTemplate({ ...fine, Effect: 'Deny' }))).toThrow('Deny');
    expect(() => allowedBy(aTemplate({ ...fine, Resource: { 'Fn::If': [] } }))).toThrow('Fn::If');
    const managed = { ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'] };
    expect(() => allowedBy(aTemplate(fine, managed))).toThrow('more than its own policies');
    const policy = { Resources: { P: { Type: 'AWS::IAM::ManagedPolicy' } } };
    expect(() => allowedBy(policy)).toThrow('more than its own policies');
  });
});
