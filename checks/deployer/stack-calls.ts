import { arnIn, bucketNameIn, type Call } from '../grants.ts';
import type { Template } from '../policies.ts';
import type { DeployedPlace } from './policies.ts';
import type { AwsFacts } from './schemas.ts';

type Properties = Readonly<Record<string, unknown>>;
type Asked = Omit<Call, 'role'>;

/** How CloudFormation manages the resources of a type. */
interface Kind {
  /** The ARNs on which IAM judges an action for a resource. */
  arns(one: Resource, action: string): readonly string[];
  /** The actions that CloudFormation needs only for resources with the property, at any depth. */
  readonly onlyWith?: Readonly<Record<string, RegExp>>;
  /** What CloudFormation needs beyond its schema of the type, with the page of AWS that says so. */
  beyondSchema?(one: Resource): readonly Asked[];
}

/** A resource of the template. */
interface Resource {
  readonly name: string;
  readonly properties: Properties;
  readonly stack: Stack;
}

/**
 * Every call that CloudFormation may make, with the rights of who deploys, to create, read, update
 * and delete the stack: the actions in its schemas of the resources' types, and what `kinds` adds.
 * Throws if the template has a type of resource that `kinds` does not know.
 *
 * @param as Who makes the calls: the name of a policy.
 */
export function callsOfCloudFormation(
  template: Template,
  { facts, place, as }: { facts: AwsFacts; place: DeployedPlace; as: string },
): Call[] {
  const stack = createStack(template, place);
  return Object.entries(template.Resources).flatMap(([name, { Type, Properties = {} }]) => {
    const kind = kindOf(Type);
    const one = { name, properties: Properties as Properties, stack };
    const { onlyWith = {}, beyondSchema = () => [] } = kind;
    const spared = Object.entries(onlyWith).filter(([property]) => !has(Properties, property));
    const actions = facts
      .handlerActions(Type)
      .filter((action) => !TAKING_AWAY.test(action))
      .filter((action) => !spared.some(([, pattern]) => pattern.test(action)));
    const asked = actions.flatMap((action) => {
      const resources = facts.isOnResource(action) ? arnsOf(kind, one, action) : ['*'];
      return resources.map((resource) => ({ action, resource, keys: keysOf(action, one) }));
    });
    return [...asked, ...beyondSchema(one)].map((call) => ({ role: as, ...call }));
  });
}

/** By these an update takes away what a template before had, and no template of ours takes away. */
const TAKING_AWAY =
  /:Untag|:DeleteRetentionPolicy|:DeleteBucket(Encryption|Lifecycle)|:DeleteRolePermissionsBoundary/;

function kindOf(type: string): Kind {
  const kind = kinds[type];
  if (kind === undefined)
    throw new Error(`say in checks/deployer how IAM judges calls for ${type}`);
  return kind;
}

/** Whether a value has the property, at any depth. */
const has = (value: unknown, property: string): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (Object.hasOwn(value, property) || Object.values(value).some((one) => has(one, property)));

/** The ARNs for an action; for those of other services, which act on other resources, too. */
function arnsOf(kind: Kind, one: Resource, action: string): readonly string[] {
  const { stack, properties } = one;
  if (action === 'iam:PassRole') return [stack.arnOf(roleIn(properties))];
  if (action === 's3:GetObject') return [`${stack.arnOf('ServerlessDeploymentBucket')}/api.zip`];
  return kind.arns(one, action);
}

/** The role that a function or a schedule gets. */
function roleIn(properties: Properties): string {
  const { RoleArn } = (properties.Target ?? {}) as Properties;
  return referenced(properties.Role ?? RoleArn);
}

function keysOf(action: string, { name, properties, stack }: Resource): Call['keys'] {
  if (action === 'iam:PassRole') {
    const service = properties.Target === undefined ? 'lambda' : 'scheduler';
    return { 'iam:PassedToService': [`${service}.amazonaws.com`] };
  }
  if (action.startsWith('iam:') && has(stack.template.Resources[name], 'PermissionsBoundary')) {
    const { place } = stack;
    const boundary = `arn:aws:iam::${place.id}:policy/onebuck-${place.stage}-boundary`;
    return { 'iam:PermissionsBoundary': [boundary] };
  }
  return {};
}

interface Stack {
  readonly template: Template;
  readonly place: DeployedPlace;
  /** The name that CloudFormation makes for a resource to which the template gives none. */
  generated(name: string): string;
  /** The first ARN of a resource, by its name in the template. */
  arnOf(name: string): string;
  arn(service: string, rest: string): string;
}

function createStack(template: Template, place: DeployedPlace): Stack {
  const stack: Stack = {
    template,
    place,
    generated: (name) => `onebuck-${place.stage}-${name}-AbCdEfGhIjKl`,
    arnOf(name) {
      const { Type = '', Properties = {} } = template.Resources[name] ?? {};
      const properties = Properties as Properties;
      const [first] = kindOf(Type).arns({ name, properties, stack }, '');
      return `${first}`;
    },
    arn: (service, rest) => arnIn(place, service, rest),
  };
  return stack;
}

/** The name of the resource to which `Ref` or `Fn::GetAtt` refers. */
function referenced(value: unknown): string {
  const { Ref, 'Fn::GetAtt': attribute } = Object(value) as Record<string, unknown>;
  const name = Ref ?? [attribute].flat()[0];
  if (typeof name !== 'string') throw new Error(`${JSON.stringify(value)} refers to no resource`);
  return name;
}

const ofFunction = ({ properties, stack }: Resource): readonly string[] => {
  const arn = stack.arnOf(referenced(properties.FunctionName));
  return [arn, `${arn}:1`];
};

/** A part of the HTTP API, which is created in a collection and then has an address there. */
const partOfApi = (collection: string): Kind['arns'] => {
  const parts = `/apis/a1b2c3/${collection}`;
  return ({ stack }, action) => [
    apiGateway(stack, action === 'apigateway:POST' ? parts : `${parts}/d4e5f6`),
  ];
};

const apiGateway = ({ place }: Stack, path: string) =>
  `arn:aws:apigateway:${place.region}::${path}`;

/** Asks for each action on each resource. */
const asking = (service: string, actions: readonly string[], resources: readonly string[]) =>
  actions.flatMap((action) =>
    resources.map((resource) => ({ action: `${service}:${action}`, resource, keys: {} })),
  );

const kinds: Readonly<Record<string, Kind>> = {
  'AWS::ApiGatewayV2::Api': {
    arns: ({ stack }, action) => [
      apiGateway(stack, '/apis/a1b2c3'),
      ...(action === 'apigateway:POST' ? [apiGateway(stack, '/apis')] : []),
    ],
    onlyWith: { BodyS3Location: /^s3:/ },
    beyondSchema: ({ stack }) => [
      // https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging-iam-policy.html
      ...asking(
        'apigateway',
        ['POST', 'PUT'],
        [apiGateway(stack, '/tags/arn%3Aaws%3Aapigateway%3A')],
      ),
      // https://docs.aws.amazon.com/apigateway/latest/developerguide/using-service-linked-roles.html
      {
        action: 'iam:CreateServiceLinkedRole',
        resource:
          `arn:aws:iam::${stack.place.id}:role/aws-service-role/` +
          'ops.apigateway.amazonaws.com/AWSServiceRoleForAPIGateway',
        keys: { 'iam:AWSServiceName': ['ops.apigateway.amazonaws.com'] },
      },
    ],
  },
  'AWS::ApiGatewayV2::Integration': {
    arns: partOfApi('integrations'),
    onlyWith: { CredentialsArn: /^iam:/ },
  },
  'AWS::ApiGatewayV2::Route': { arns: partOfApi('routes') },
  'AWS::ApiGatewayV2::Stage': {
    arns: partOfApi('stages'),
    // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
    beyondSchema: () =>
      asking(
        'logs',
        [
          ...['CreateLogDelivery', 'DeleteLogDelivery', 'DescribeResourcePolicies'],
          ...['GetLogDelivery', 'ListLogDeliveries', 'PutResourcePolicy', 'UpdateLogDelivery'],
        ],
        ['*'],
      ),
  },
  'AWS::Budgets::Budget': {
    arns: ({ stack: { place } }) => [
      `arn:aws:budgets::${place.id}:budget/onebuck-${place.stage}-${place.region}`,
    ],
    onlyWith: { BillingViewArn: /^billing:/ },
  },
  'AWS::CloudWatch::Alarm': {
    arns: ({ name, stack }, action) => [
      // A list of alarms is judged on all of them.
      stack.arn(
        'cloudwatch',
        action === 'cloudwatch:DescribeAlarms' ? 'alarm:*' : `alarm:${stack.generated(name)}`,
      ),
    ],
  },
  'AWS::CloudWatch::Dashboard': {
    arns: ({ properties, stack }) => [
      `arn:aws:cloudwatch::${stack.place.id}:dashboard/${properties.DashboardName}`,
    ],
  },
  'AWS::DynamoDB::Table': {
    arns: ({ properties, stack }) => [stack.arn('dynamodb', `table/${properties.TableName}`)],
    onlyWith: {
      ContributorInsightsSpecification: /:UpdateContributorInsights$/,
      ImportSourceSpecification: /Import|^logs:|^s3:/,
      KinesisStreamSpecification: /^kinesis:|:(En|Dis)ableKinesis|:UpdateKinesis/,
      Replicas: /Replica$|^iam:|:Scan$|:Query$|Item$/,
      ResourcePolicy: /:(Put|Delete)ResourcePolicy$/,
      SSESpecification: /^kms:/,
    },
  },
  'AWS::Events::Rule': {
    arns: ({ name, stack }) => [stack.arn('events', `rule/${stack.generated(name)}`)],
    onlyWith: { RoleArn: /^iam:/ },
  },
  'AWS::IAM::Role': {
    arns: ({ name, stack: { place, generated } }) => [
      `arn:aws:iam::${place.id}:role/${generated(name)}`,
    ],
    onlyWith: {
      ManagedPolicyArns: /:(At|De)tachRolePolicy$/,
      PermissionsBoundary: /Boundary$/,
    },
  },
  'AWS::Lambda::EventInvokeConfig': { arns: ofFunction },
  'AWS::Lambda::Function': {
    arns: ({ properties, stack }) => [stack.arn('lambda', `function:${properties.FunctionName}`)],
    onlyWith: {
      CapacityProviderConfig: /:PassCapacityProvider$/,
      CodeSigningConfigArn: /:GetCodeSigningConfig$|:(Put|Delete)FunctionCodeSigningConfig$/,
      FileSystemConfigs: /^elasticfilesystem:|^s3files:/,
      FunctionScalingConfig: /:PutFunctionScalingConfig$/,
      KmsKeyArn: /^kms:/,
      Layers: /:GetLayerVersion$/,
      RecursiveLoop: /:PutFunctionRecursionConfig$/,
      RuntimeManagementConfig: /:PutRuntimeManagementConfig$|:AssociateRuntimeAlias$/,
      S3ObjectVersion: /:GetObjectVersion$/,
      VpcConfig: /^ec2:/,
    },
  },
  'AWS::Lambda::Permission': { arns: ofFunction },
  'AWS::Lambda::Version': {
    arns: ofFunction,
    onlyWith: {
      FunctionScalingConfig: /:PutFunctionScalingConfig$/,
      ProvisionedConcurrencyConfig: /:PutProvisionedConcurrencyConfig$/,
      RuntimePolicy: /:PutRuntimeManagementConfig$/,
    },
  },
  'AWS::Logs::LogGroup': {
    arns: ({ properties, stack }) => {
      const arn = stack.arn('logs', `log-group:${properties.LogGroupName}`);
      return [arn, `${arn}:*`];
    },
    onlyWith: {
      BearerTokenAuthenticationEnabled: /:PutBearerTokenAuthentication$/,
      DataProtectionPolicy:
        /:(Put|Delete)DataProtectionPolicy$|:CreateLogDelivery$|^s3:|^firehose:/,
      DeletionProtectionEnabled: /:PutLogGroupDeletionProtection$/,
      FieldIndexPolicies: /:(Put|Delete)IndexPolicy$/,
      KmsKeyId: /KmsKey$/,
      ResourcePolicyDocument: /:(Put|Delete)ResourcePolicy$/,
    },
  },
  'AWS::Logs::MetricFilter': {
    arns: ({ properties, stack }) => {
      const arn = stack.arnOf(referenced(properties.LogGroupName));
      return [arn, `${arn}:*`];
    },
  },
  'AWS::S3::Bucket': {
    arns: ({ name, properties, stack: { place } }) => {
      const generated = `onebuck-${place.stage}-${name.toLowerCase()}-abcdefghijkl`;
      return [`arn:aws:s3:::${bucketNameIn(properties, place) ?? generated}`];
    },
    onlyWith: {
      AbacStatus: /:PutBucketAbac$/,
      AccelerateConfiguration: /:PutAccelerateConfiguration$/,
      AccessControl: /:(Get|Put)(Bucket|Object)Acl$/,
      AnalyticsConfigurations: /:(Put|DeleteBucket)AnalyticsConfiguration$/,
      CorsConfiguration: /:(Put|Delete)BucketC(ORS|ors)$/,
      IntelligentTieringConfigurations: /:PutIntelligentTieringConfiguration$/,
      InventoryConfigurations: /:PutInventoryConfiguration$/,
      LifecycleConfiguration: /:(PutLifecycleConfiguration|DeleteBucketLifecycle)$/,
      LoggingConfiguration: /:PutBucketLogging$|:DeleteObject$/,
      MetadataTableConfiguration: /^s3tables:|:(Create|Update|Delete)BucketMetadata/,
      MetricsConfigurations: /:(Put|DeleteBucket)MetricsConfiguration$/,
      NotificationConfiguration: /:PutBucketNotification$/,
      ObjectLockConfiguration: /:Put(Bucket)?ObjectLockConfiguration$/,
      OwnershipControls: /:PutBucketOwnershipControls$/,
      PublicAccessBlockConfiguration: /:PutBucketPublicAccessBlock$/,
      ReplicationConfiguration: /Replication(Configuration)?$|^iam:/,
      VersioningConfiguration: /:PutBucketVersioning$/,
      WebsiteConfiguration: /:(Put|Delete)BucketWebsite$/,
    },
  },
  'AWS::S3::BucketPolicy': {
    arns: ({ properties, stack }) => [stack.arnOf(referenced(properties.Bucket))],
  },
  'AWS::SNS::Subscription': {
    // The reference names the topic; requests name the subscription.
    arns: ({ properties, stack }) => {
      const topic = stack.arnOf(referenced(properties.TopicArn));
      return [topic, `${topic}:12345678-1234-1234-1234-123456789012`];
    },
    onlyWith: { SubscriptionRoleArn: /^iam:/ },
  },
  'AWS::SNS::Topic': {
    arns: ({ properties, stack }) => [stack.arn('sns', `${properties.TopicName}`)],
    onlyWith: {
      DataProtectionPolicy: /:PutDataProtectionPolicy$/,
      DeliveryStatusLogging: /^iam:/,
      Subscription: /:Unsubscribe$/,
    },
  },
  'AWS::SQS::Queue': {
    arns: ({ properties, stack }) => [stack.arn('sqs', `${properties.QueueName}`)],
  },
  'AWS::Scheduler::Schedule': {
    arns: ({ name, stack }) => [
      stack.arn('scheduler', `schedule/default/${stack.generated(name)}`),
    ],
  },
};
