import { describe, expect, it } from 'vitest';
import {
  type Call,
  grantsOf,
  grantsOfPolicy,
  judge,
  needlessIn,
  rolesOfFunctions,
} from '../../../checks/grants.ts';
import type { Conditions, Template } from '../../../checks/policies.ts';

const ACCOUNT = { id: '123456789012', region: 'eu-central-1' };
const TABLE = 'arn:aws:dynamodb:eu-central-1:123456789012:table/t';
const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:onebuck/test';

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: Conditions;
}

const aRole = (...statements: readonly Statement[]) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    Policies: [
      { PolicyDocument: { Statement: statements.map((one) => ({ Effect: 'Allow', ...one })) } },
    ],
  },
});

const aTemplate = (roles: Readonly<Record<string, ReturnType<typeof aRole>>>): Template => ({
  Resources: {
    ...roles,
    ApiLogGroup: {
      Type: 'AWS::Logs::LogGroup',
      Properties: { LogGroupName: '/aws/lambda/onebuck-test-api' },
    },
    ClustersTable: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: 't' } },
    LostRuns: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'lost' } },
    NoticeTopic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'notices' } },
    ApiLambdaFunction: {
      Type: 'AWS::Lambda::Function',
      Properties: { FunctionName: 'onebuck-test-api', Role: { 'Fn::GetAtt': ['ApiRole', 'Arn'] } },
    },
  },
});

const TABLE_ARN = { 'Fn::GetAtt': ['ClustersTable', 'Arn'] };

const grantsWith = (...statements: readonly Statement[]) =>
  grantsOf(aTemplate({ ApiRole: aRole(...statements) }), ACCOUNT);

const aCall = (changes: Partial<Call> = {}): Call => ({
  role: 'ApiRole',
  action: 'dynamodb:GetItem',
  resource: TABLE,
  keys: {},
  ...changes,
});

const aWrite = (...keys: readonly string[]) =>
  aCall({ action: 'dynamodb:PutItem', keys: { 'dynamodb:LeadingKeys': keys } });

describe('the grants of a template', () => {
  it('are one for each action and resource, with the ARNs of the account', () => {
    const grants = grantsWith(
      {
        Action: ['dynamodb:Query', 'dynamodb:GetItem'],
        Resource: [TABLE_ARN, { 'Fn::Sub': `\${ClustersTable.Arn}/index/due` }],
      },
      { Action: 'logs:PutLogEvents', Resource: { 'Fn::Sub': `\${ApiLogGroup.Arn}` } },
      { Action: 'sqs:SendMessage', Resource: { 'Fn::GetAtt': ['LostRuns', 'Arn'] } },
      { Action: 'sns:Publish', Resource: { Ref: 'NoticeTopic' } },
      {
        Action: 'a:b',
        Resource: { 'Fn::Sub': `arn:\${AWS::Partition}:a:\${AWS::Region}:\${AWS::AccountId}:x` },
      },
    );
    expect(grants.map(({ action, resource }) => `${action} ${resource}`)).toEqual([
      `dynamodb:Query ${TABLE}`,
      `dynamodb:Query ${TABLE}/index/due`,
      `dynamodb:GetItem ${TABLE}`,
      `dynamodb:GetItem ${TABLE}/index/due`,
      'logs:PutLogEvents arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/onebuck-test-api:*',
      'sqs:SendMessage arn:aws:sqs:eu-central-1:123456789012:lost',
      'sns:Publish arn:aws:sns:eu-central-1:123456789012:notices',
      'a:b arn:aws:a:eu-central-1:123456789012:x',
    ]);
  });

  it('can not name a resource of which the ARN is not known', () => {
    const template = aTemplate({
      ApiRole: aRole({ Action: 'a:b', Resource: { Ref: 'ApiRole' } }),
    });
    expect(() => grantsOf(template, ACCOUNT)).toThrow('the ARN of ApiRole');
  });

  it('belong to the roles of the functions', () => {
    expect([...rolesOfFunctions(aTemplate({ ApiRole: aRole() }))]).toEqual([
      ['onebuck-test-api', 'ApiRole'],
    ]);
  });
});

describe('a call', () => {
  const read = { Action: 'dynamodb:GetItem', Resource: TABLE_ARN };

  it('is allowed by a grant of its role, action and resource', () => {
    const calls = [aCall(), aCall({ action: 'DynamoDB:getitem' })];
    expect(judge(grantsWith(read), calls).denied).toEqual([]);
  });

  it.each([
    ['another role', aCall({ role: 'ReapRole' })],
    ['another action', aCall({ action: 'dynamodb:GetItems' })],
    ['another resource', aCall({ resource: `${TABLE}2` })],
    ['a part of the resource', aCall({ resource: `${TABLE}/index/due` })],
  ])('of %s is denied', (_, call) => {
    expect(judge(grantsWith(read), [aCall(), call]).denied).toEqual([call]);
  });

  it('is allowed where a wildcard of the grant stands for what it names', () => {
    const grants = grantsWith(
      { Action: 'a:b', Resource: `${SECRET}-??????` },
      { Action: 'a:b', Resource: 'arn:log.group:*' },
    );
    const names = [`${SECRET}-AbCdEf`, 'arn:log.group:x:y'];
    const calls = names.map((resource) => aCall({ action: 'a:b', resource }));
    expect(judge(grants, calls)).toEqual({ denied: [], needless: [] });
    const others = [`${SECRET}-AbCdE`, `${SECRET}-AbCdEfg`, 'arn:log-group:x', 'x:arn:log.group:x'];
    const foreign = others.map((resource) => aCall({ action: 'a:b', resource }));
    expect(judge(grants, foreign).denied).toEqual(foreign);
  });

  it('is allowed only if a condition holds for all of its keys', () => {
    const grants = grantsWith({
      Action: 'dynamodb:PutItem',
      Resource: TABLE_ARN,
      Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['s??', 'ledger'] } },
    });
    expect(judge(grants, [aWrite('s12'), aWrite('ledger', 's34'), aWrite()]).denied).toEqual([]);
    const foreign = [aWrite('c12'), aWrite('s12', 'c12'), aWrite('s123')];
    expect(judge(grants, foreign).denied).toEqual(foreign);
  });

  it('must match a condition without wildcards exactly', () => {
    const grants = grantsWith({
      Action: 'dynamodb:PutItem',
      Resource: TABLE_ARN,
      Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': 'ledge?' } },
    });
    expect(judge(grants, [aWrite('ledger')]).denied).toEqual([aWrite('ledger')]);
  });

  it.each([
    ['a comparison', { 'ForAllValues:StringNotLike': { 'dynamodb:LeadingKeys': 's?' } }],
    ['a quantifier', { 'ForAnyValue:StringLike': { 'dynamodb:LeadingKeys': 's?' } }],
    ['a condition on one value', { StringLike: { 'dynamodb:LeadingKeys': 's?' } }],
  ])('can not be judged by %s that is not known', (_, Condition) => {
    const grants = grantsWith({ Action: 'dynamodb:PutItem', Resource: TABLE_ARN, Condition });
    expect(() => judge(grants, [aWrite('s1')])).toThrow('can not judge the condition');
  });

  it('can not be judged by a key that it does not have', () => {
    const Condition = { 'ForAllValues:StringLike': { 'dynamodb:LeadingKey': 's?' } };
    const grants = grantsWith({ Action: 'dynamodb:PutItem', Resource: TABLE_ARN, Condition });
    expect(() => judge(grants, [aWrite('s1')])).toThrow('has no dynamodb:LeadingKey,');
  });
});

describe('a policy', () => {
  const statement = (Action: string | readonly string[], Resource: unknown, Condition = {}) => ({
    ...{ Effect: 'Allow', Action, Resource },
    ...(Object.keys(Condition).length === 0 ? {} : { Condition }),
  });
  const made = (action: string, resource: string, keys: Call['keys'] = {}): Call => ({
    ...{ role: 'p', action, resource, keys },
  });

  it('allows the actions that its wildcards stand for', () => {
    const grants = grantsOfPolicy('p', { Statement: [statement('a:*Rule', 'r')] });
    const calls = [made('a:PutRule', 'r'), made('a:PutRules', 'r'), made('b:PutRule', 'r')];
    expect(judge(grants, calls).denied).toEqual(calls.slice(1));
  });

  it('allows by a condition on one value only calls that have one of the values', () => {
    const Condition = { StringEquals: { 'iam:PassedToService': ['lambda', 'scheduler'] } };
    const grants = grantsOfPolicy('p', { Statement: [statement('a:b', 'r', Condition)] });
    const to = (service: string) => made('a:b', 'r', { 'iam:PassedToService': [service] });
    const denied = [to('ec2'), made('a:b', 'r')];
    expect(judge(grants, [to('lambda'), to('scheduler'), ...denied]).denied).toEqual(denied);
  });

  it('has needless actions and resources: those that no call needs', () => {
    const Statement = [statement(['a:b', 'a:c', 'a:d'], ['r', 's', 't']), statement('a:d', 'r')];
    const calls = [made('a:b', 'r'), made('a:c', 's'), made('a:d', 'r')];
    // Both statements allow a:d, so either could do without it.
    expect(needlessIn('p', { Statement }, calls)).toEqual(['a:d', 't', 'a:d', 'r']);
    const [first] = Statement;
    if (first === undefined) throw new Error('there is no statement');
    expect(needlessIn('p', { Statement: [first] }, calls)).toEqual(['t']);
  });
});

describe('a grant is needless', () => {
  const read = { Action: 'dynamodb:GetItem', Resource: TABLE_ARN };
  const needless = (calls: readonly Call[], ...statements: readonly Statement[]) =>
    judge(grantsWith(...statements), calls).needless.map(({ resource }) => resource);

  it('if no call needs it, though others need other grants of its statement', () => {
    const Resource = [TABLE_ARN, { 'Fn::Sub': `\${ClustersTable.Arn}/index/due` }];
    expect(needless([aCall()], { ...read, Resource })).toEqual([`${TABLE}/index/due`]);
  });

  it('if another grant allows the same calls', () => {
    const wider = { ...read, Resource: { 'Fn::Sub': `\${ClustersTable.Arn}*` } };
    expect(needless([aCall()], read, wider)).toEqual([TABLE, `${TABLE}*`]);
    const index = aCall({ resource: `${TABLE}/index/due` });
    expect(needless([aCall(), index], read, wider)).toEqual([TABLE]);
  });

  it('not if a call needs it, however often it is made', () => {
    expect(needless([aCall(), aCall()], read)).toEqual([]);
  });
});
