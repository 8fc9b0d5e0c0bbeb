import {
  type Allowed,
  allowedBy,
  allowedByPolicy,
  type Conditions,
  type PolicyDocument,
  type Template,
} from './policies.ts';

/** The account and the region in which a template is deployed. */
export interface Account {
  readonly id: string;
  readonly region: string;
}

/** `rest`: the resource, as it stands in the ARN after the account. */
export const arnIn = ({ region, id }: Account, service: string, rest: string): string =>
  `arn:aws:${service}:${region}:${id}:${rest}`;

/** Actions on resources that a role, or a policy, allows. */
export interface Grant {
  /** The role's name in the template, or the name of the policy. */
  readonly role: string;
  /** An action, in which `*` stands for any characters. */
  readonly action: string;
  /** An ARN, in which `*` stands for any characters, and `?` for one. */
  readonly resource: string;
  readonly conditions: Conditions | null;
}

/** A call to AWS with the credentials of a role, or of who has a policy. */
export interface Call {
  /** The role's name in the template, or the name of the policy. */
  readonly role: string;
  readonly action: string;
  readonly resource: string;
  /** The values of the keys that conditions may name, such as `dynamodb:LeadingKeys`. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
}

export interface Judgement {
  /** The calls that no grant allows. */
  readonly denied: readonly Call[];
  /** The grants without which no call would be denied. */
  readonly needless: readonly Grant[];
}

/** Every grant of every role of the template, with the ARNs that the account gives the resources. */
export function grantsOf(template: Template, account: Account): Grant[] {
  return allowedBy(template)
    .flatMap(grantsIn)
    .map((grant) => ({ ...grant, resource: arnOf(grant.resource, template, account) }));
}

/** Every grant of a policy without references, which the grants name `name`. */
export const grantsOfPolicy = (name: string, document: PolicyDocument): Grant[] =>
  allowedByPolicy(name, document).flatMap(grantsIn);

const grantsIn = ({ role, actions, resources, conditions }: Allowed): Grant[] =>
  actions.flatMap((action) =>
    resources.map((resource) => ({ role, action, resource, conditions })),
  );

/**
 * The actions and the resources without which a policy would allow the same calls. An action is
 * judged with all resources of its statement, and a resource with all actions, since a statement
 * would otherwise need a line for each of their pairs.
 */
export function needlessIn(
  name: string,
  { Statement }: PolicyDocument,
  calls: readonly Call[],
): string[] {
  const statements = allowedByPolicy(name, { Statement });
  const pairs = statements.flatMap((one) => grantsIn(one).map((grant) => ({ one, grant })));
  const allowing = distinct(calls).map((call) => pairs.filter(({ grant }) => allows(grant, call)));
  const isNeedless = (one: Allowed, isOf: (grant: Grant) => boolean) =>
    !allowing.some(
      (found) => found.length > 0 && found.every((pair) => pair.one === one && isOf(pair.grant)),
    );
  return statements.flatMap((one) => [
    ...one.actions.filter((action) => isNeedless(one, (grant) => grant.action === action)),
    ...one.resources.filter((text) => isNeedless(one, ({ resource }) => resource === text)),
  ]);
}

/** The role of each function, both by their names: the function's in Lambda, the role's in the template. */
export function rolesOfFunctions({ Resources }: Template): ReadonlyMap<string, string> {
  const functions = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
  return new Map(
    functions.map(({ Properties }) => {
      const { FunctionName, Role } = Properties as {
        FunctionName: string;
        Role: { 'Fn::GetAtt': readonly [role: string, attribute: string] };
      };
      return [FunctionName, Role['Fn::GetAtt'][0]];
    }),
  );
}

/** Judges the calls as IAM does, except that it throws on a condition that it does not know. */
export function judge(grants: readonly Grant[], calls: readonly Call[]): Judgement {
  const judged = distinct(calls);
  const allowing = judged.map((call) => grants.filter((grant) => allows(grant, call)));
  const needed = new Set(allowing.flatMap((found) => (found.length === 1 ? found : [])));
  return {
    denied: judged.filter((_, index) => allowing[index]?.length === 0),
    needless: grants.filter((grant) => !needed.has(grant)),
  };
}

/** Most calls differ in nothing that a grant could ask for, but in number they are thousands. */
const distinct = (calls: readonly Call[]): Call[] => [
  ...new Map(calls.map((call) => [JSON.stringify(call), call])).values(),
];

function allows(grant: Grant, call: Call): boolean {
  return (
    grant.role === call.role &&
    isLike(call.action.toLowerCase(), grant.action.toLowerCase()) &&
    isLike(call.resource, grant.resource) &&
    holds(grant.conditions ?? {}, call)
  );
}

const comparisons: Readonly<Record<string, (value: string, wanted: string) => boolean>> = {
  StringEquals: (value, wanted) => value === wanted,
  StringLike: isLike,
};

/** Keys that may have several values in a call, so that a condition on them needs a quantifier. */
const MULTIVALUED = ['dynamodb:LeadingKeys'];

function holds(conditions: Conditions, { action, keys }: Call): boolean {
  return Object.entries(conditions).every(([operator, wantedByKey]) => {
    const [name = '', quantifier = null] = operator.split(':').toReversed();
    const compare = comparisons[name];
    return Object.entries(wantedByKey).every(([key, wanted]) => {
      const isQuantified = quantifier === 'ForAllValues';
      const isJudgeable = isQuantified || (quantifier === null && !MULTIVALUED.includes(key));
      if (compare === undefined || !isJudgeable) {
        throw new Error(`checks/grants.ts can not judge the condition ${operator}`);
      }
      const values = keys[key];
      if (values === undefined) {
        if (!isQuantified) return false;
        // IAM would let the call pass, which whoever wrote the condition did not mean.
        throw new Error(`${action} has no ${key}, which a condition names`);
      }
      return values.every((value) => [wanted].flat().some((one) => compare(value, one)));
    });
  });
}

/** Whether the text matches the pattern, in which `*` stands for any characters, and `?` for one. */
function isLike(text: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}

type Named = Readonly<Record<string, string>>;

/** The ARN of a resource, by its type in a template. */
const arns: Readonly<Record<string, (properties: Named, account: Account) => string>> = {
  'AWS::DynamoDB::Table': ({ TableName }, account) =>
    arnIn(account, 'dynamodb', `table/${TableName}`),
  'AWS::Lambda::Function': ({ FunctionName }, account) =>
    arnIn(account, 'lambda', `function:${FunctionName}`),
  // CloudFormation ends the ARN of a log group in `:*`, which stands for its streams.
  'AWS::Logs::LogGroup': ({ LogGroupName }, account) =>
    arnIn(account, 'logs', `log-group:${LogGroupName}:*`),
  'AWS::S3::Bucket': (properties, account) => `arn:aws:s3:::${bucketNameIn(properties, account)}`,
  'AWS::SNS::Topic': ({ TopicName }, account) => arnIn(account, 'sns', `${TopicName}`),
  'AWS::SQS::Queue': ({ QueueName }, account) => arnIn(account, 'sqs', `${QueueName}`),
};

/** The name that a template gives a bucket; null: none, so that CloudFormation makes one. */
export function bucketNameIn(properties: object, { id, region }: Account): string | null {
  const { BucketName } = properties as { BucketName?: { readonly 'Fn::Sub': string } };
  if (BucketName === undefined) return null;
  return BucketName['Fn::Sub']
    .replace(/\$\{AWS::AccountId\}/, id)
    .replace(/\$\{AWS::Region\}/, region);
}

/** Replaces the references in a resource of `allowedBy`. */
function arnOf(text: string, { Resources }: Template, account: Account): string {
  return text.replaceAll(/\$\{([\w:]+)(\.Arn)?\}/g, (_, name: string) => {
    if (name === 'AWS::Partition') return 'aws';
    if (name === 'AWS::Region') return account.region;
    if (name === 'AWS::AccountId') return account.id;
    const { Type, Properties } = Resources[name] ?? {};
    const read = arns[Type ?? ''];
    if (read === undefined) throw new Error(`checks/grants.ts does not know the ARN of ${name}`);
    return read(Properties as Named, account);
  });
}
