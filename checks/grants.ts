import { allowedBy, type Conditions, type Template } from './policies.ts';

/** The account and the region in which a template is deployed. */
export interface Account {
  readonly id: string;
  readonly region: string;
}

/** `rest`: the resource, as it stands in the ARN after the account. */
export const arnIn = ({ region, id }: Account, service: string, rest: string): string =>
  `arn:aws:${service}:${region}:${id}:${rest}`;

/** One action on one resource that a role allows. */
export interface Grant {
  /** The role's name in the template. */
  readonly role: string;
  readonly action: string;
  /** An ARN, in which `*` stands for any characters, and `?` for one. */
  readonly resource: string;
  readonly conditions: Conditions | null;
}

/** A call to AWS with the credentials of a role. */
export interface Call {
  /** The role's name in the template. */
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
  return allowedBy(template).flatMap(({ role, actions, resources, conditions }) =>
    actions.flatMap((action) =>
      resources.map((resource) => ({
        role,
        action,
        resource: arnOf(resource, template, account),
        conditions,
      })),
    ),
  );
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
  // Most calls differ in nothing that a grant could ask for, but in number they are thousands.
  const distinct = [...new Map(calls.map((call) => [JSON.stringify(call), call])).values()];
  const allowing = distinct.map((call) => grants.filter((grant) => allows(grant, call)));
  const needed = new Set(allowing.flatMap((found) => (found.length === 1 ? found : [])));
  return {
    denied: distinct.filter((_, index) => allowing[index]?.length === 0),
    needless: grants.filter((grant) => !needed.has(grant)),
  };
}

function allows(grant: Grant, call: Call): boolean {
  return (
    grant.role === call.role &&
    grant.action.toLowerCase() === call.action.toLowerCase() &&
    isLike(call.resource, grant.resource) &&
    holds(grant.conditions ?? {}, call)
  );
}

const comparisons: Readonly<Record<string, (value: string, wanted: string) => boolean>> = {
  StringEquals: (value, wanted) => value === wanted,
  StringLike: isLike,
};

function holds(conditions: Conditions, { action, keys }: Call): boolean {
  return Object.entries(conditions).every(([operator, wantedByKey]) => {
    const [quantifier, name = ''] = operator.split(':');
    const compare = comparisons[name];
    if (quantifier !== 'ForAllValues' || compare === undefined) {
      throw new Error(`checks/grants.ts can not judge the condition ${operator}`);
    }
    return Object.entries(wantedByKey).every(([key, wanted]) => {
      const values = keys[key];
      // IAM would let the call pass, which whoever wrote the condition did not mean.
      if (values === undefined) throw new Error(`${action} has no ${key}, which a condition names`);
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

/** The service and the resource in an ARN, by the resource's type in a template. */
const inArn: Readonly<Record<string, (properties: Named) => [service: string, rest: string]>> = {
  'AWS::DynamoDB::Table': ({ TableName }) => ['dynamodb', `table/${TableName}`],
  'AWS::Lambda::Function': ({ FunctionName }) => ['lambda', `function:${FunctionName}`],
  // CloudFormation ends the ARN of a log group in `:*`, which stands for its streams.
  'AWS::Logs::LogGroup': ({ LogGroupName }) => ['logs', `log-group:${LogGroupName}:*`],
  'AWS::SNS::Topic': ({ TopicName }) => ['sns', `${TopicName}`],
  'AWS::SQS::Queue': ({ QueueName }) => ['sqs', `${QueueName}`],
};

/** Replaces the references in a resource of `allowedBy`. */
function arnOf(text: string, { Resources }: Template, account: Account): string {
  return text.replaceAll(/\$\{([\w:]+)(\.Arn)?\}/g, (_, name: string) => {
    if (name === 'AWS::Partition') return 'aws';
    if (name === 'AWS::Region') return account.region;
    if (name === 'AWS::AccountId') return account.id;
    const { Type, Properties } = Resources[name] ?? {};
    const read = inArn[Type ?? ''];
    if (read === undefined) throw new Error(`checks/grants.ts does not know the ARN of ${name}`);
    return arnIn(account, ...read(Properties as Named));
  });
}
