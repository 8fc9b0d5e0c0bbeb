import { type Account, arnIn, type Call } from '../grants.ts';

/** A request to AWS of a function, or of a command. */
export interface AwsRequest {
  /** The function's name in Lambda; `somebody` for a command, `URL` for who has a signed URL. */
  readonly caller: string;
  /** The version of Node on which the caller runs, such as 24.21.0. */
  readonly node: string;
  /** The service that the request is signed for. */
  readonly service: string;
  readonly method: string;
  readonly path: string;
  /** The header `x-amz-target`; empty for services that have no such header. */
  readonly target: string;
  readonly body: string;
}

export type Asked = Omit<Call, 'role'>;
type Item = Readonly<Record<string, { readonly S?: string }>>;

/** The caller of requests by signed URLs. */
export const BY_URL = 'URL';

/**
 * What the request asks of IAM. Throws if a function calls something that it did not call when this
 * was written: then say here on which resource, and with which keys, IAM judges the call.
 */
export function askedBy(request: AwsRequest, account: Account): readonly Asked[] {
  const read = services[request.service];
  if (read === undefined) throw unknown(request);
  return [read(request, account)].flat();
}

type Reader = (request: AwsRequest, account: Account) => Asked | readonly Asked[];

const services: Readonly<Record<string, Reader>> = {
  dynamodb(request, account) {
    const operation = operationOf(request);
    const input = JSON.parse(request.body) as DynamoDbInput;
    const [batchTable] = Object.keys(input.RequestItems ?? {});
    const table = `table/${input.TableName ?? batchTable}`;
    const index = input.IndexName === undefined ? '' : `/index/${input.IndexName}`;
    return {
      action: `dynamodb:${operation}`,
      resource: arnIn(account, 'dynamodb', `${table}${index}`),
      keys: { 'dynamodb:LeadingKeys': leadingKeys(request, input) },
    };
  },
  secretsmanager(request, account) {
    const { SecretId } = JSON.parse(request.body) as { readonly SecretId: string };
    const action = `secretsmanager:${operationOf(request)}`;
    // Secrets Manager ends the name in the ARN with six characters of its own choice.
    return {
      action,
      resource: arnIn(account, 'secretsmanager', `secret:${SecretId}-AbCdEf`),
      keys: {},
    };
  },
  s3({ method, path }) {
    const [, bucket = '', key = ''] = /^\/([^/]+)\/(.*)$/.exec(path) ?? [];
    const on = { resource: `arn:aws:s3:::${bucket}/${decodeURIComponent(key)}`, keys: {} };
    const action = `s3:${{ GET: 'Get', PUT: 'Put', DELETE: 'Delete' }[method] ?? 'Get'}Object`;
    // To who may not list the bucket, S3 would not tell that an object is missing.
    const list = { action: 's3:ListBucket', resource: `arn:aws:s3:::${bucket}`, keys: {} };
    return [{ action, ...on }, ...(method === 'HEAD' ? [list] : [])];
  },
  sns({ body }) {
    const input = new URLSearchParams(body);
    return { action: `sns:${input.get('Action')}`, resource: `${input.get('TopicArn')}`, keys: {} };
  },
  lambda(request, account) {
    const [, name] = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(request.path) ?? [];
    if (name === undefined) throw unknown(request);
    const resource = arnIn(account, 'lambda', `function:${decodeURIComponent(name)}`);
    return { action: 'lambda:InvokeFunction', resource, keys: {} };
  },
};

interface DynamoDbInput {
  readonly TableName?: string;
  readonly IndexName?: string;
  readonly Key?: Item;
  readonly Item?: Item;
  readonly RequestItems?: Readonly<Record<string, { readonly Keys: readonly Item[] }>>;
  readonly KeyConditionExpression?: string;
  readonly ExpressionAttributeValues?: Item;
}

/** The values of the partition key, which is `id` in the table (stack/table.yml). */
function leadingKeys(request: AwsRequest, input: DynamoDbInput): string[] {
  const { Key, Item, RequestItems, KeyConditionExpression, ExpressionAttributeValues } = input;
  const items = [Key, Item, ...Object.values(RequestItems ?? {}).flatMap(({ Keys }) => Keys)];
  // Each query of ours begins with its partition key.
  const [, value = ''] = /^\S+ = (:\w+)/.exec(KeyConditionExpression ?? '') ?? [];
  const keys = [...items.map((item) => item?.id?.S), ExpressionAttributeValues?.[value]?.S];
  const found = keys.filter((key) => key !== undefined);
  if (found.length === 0) throw unknown(request);
  return found;
}

export const operationOf = ({ target }: AwsRequest): string => target.split('.').at(-1) ?? '';

const unknown = ({ caller, service, target, path }: AwsRequest): Error =>
  new Error(
    `checks/deploy/aws-request.ts can not read ${caller}'s call of ${service} ${target || path}`,
  );
