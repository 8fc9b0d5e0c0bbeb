/** The part of a CloudFormation template that has its roles. */
export interface Template {
  readonly Resources: Readonly<Record<string, { Type: string; Properties?: unknown }>>;
}

/** By operator and then by key, the values of which the request's values must be some. */
export type Conditions = Readonly<
  Record<string, Readonly<Record<string, string | readonly string[]>>>
>;

export interface Allowed {
  /** The role's name in the template, or the name of the policy. */
  readonly role: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions: Conditions | null;
}

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: Conditions;
}

/** A document that says what a role, or who has the policy, may do. */
export interface PolicyDocument {
  readonly Statement: readonly Statement[];
}

interface Role {
  readonly ManagedPolicyArns?: readonly string[];
  readonly Policies?: readonly { readonly PolicyDocument: PolicyDocument }[];
}

/** The wildcards that can't be narrower, with the reasons. `wildcards` finds all others. */
const JUSTIFIED: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  {
    pattern: /:secret:onebuck\/[^*?]+-\?{6}$/,
    reason: 'Secrets Manager ends the name in an ARN with six characters of its own choice',
  },
  {
    pattern: /^\$\{JobBucket\.Arn\}\/(uploads|schedules|jobs)\/\*$/,
    reason: 'the ids of owners, schedules and clusters are not known before they are made',
  },
];

/** Every statement of every role. Throws if a role has managed policies or a `Deny`. */
export function allowedBy({ Resources }: Template): Allowed[] {
  return Object.entries(Resources).flatMap(([role, { Type, Properties }]) => {
    if (!Type.startsWith('AWS::IAM::')) return [];
    const { ManagedPolicyArns = [], Policies = [] } = (Properties ?? {}) as Role;
    if (Type !== 'AWS::IAM::Role' || ManagedPolicyArns.length > 0) {
      throw new Error(`${role} allows more than its own policies say`);
    }
    return Policies.flatMap(({ PolicyDocument }) => allowedByPolicy(role, PolicyDocument));
  });
}

/** Every statement of one policy. Throws if the policy has a `Deny`. */
export function allowedByPolicy(role: string, { Statement }: PolicyDocument): Allowed[] {
  return Statement.map(({ Effect, Action, Resource, Condition }) => {
    if (Effect !== 'Allow') throw new Error(`${role} has a ${Effect}`);
    return {
      role,
      actions: [Action].flat(),
      resources: [Resource].flat().map(textOf),
      conditions: Condition ?? null,
    };
  });
}

/** A sentence for each action or resource with a wildcard that is not justified. */
export function wildcards(allowed: readonly Allowed[]): string[] {
  return allowed.flatMap(({ role, actions, resources }) =>
    [...actions, ...resources]
      .filter((text) => /[*?]/.test(text) && !JUSTIFIED.some(({ pattern }) => pattern.test(text)))
      .map((text) => `${role} allows ${text}`),
  );
}

export function policyText({ role, actions, resources, conditions }: Allowed): string {
  const where = conditions === null ? '' : ` where ${JSON.stringify(conditions)}`;
  const reasons = JUSTIFIED.filter(({ pattern }) => resources.some((text) => pattern.test(text)));
  const why = reasons.map(({ reason }) => ` (${reason})`).join('');
  return `${role}: ${actions.join(', ')} on ${resources.join(', ')}${where}${why}`;
}

/** A resource as text, with CloudFormation's functions written as in the template's short form. */
function textOf(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  const [[name, value] = []] = Object.entries(resource as Record<string, unknown>);
  if (name === 'Fn::Sub' && typeof value === 'string') return value;
  if (name === 'Fn::GetAtt') return `\${${[value].flat().join('.')}}`;
  if (name === 'Ref') return `\${${value}}`;
  throw new Error(`${JSON.stringify(resource)} is a resource that can't be read`);
}
