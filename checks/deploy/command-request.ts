import { type Account, arnIn } from '../grants.ts';
import { type Asked, type AwsRequest, askedBy, operationOf } from './aws-request.ts';

type Reader = (request: AwsRequest, account: Account) => readonly Asked[];

/**
 * What a request of an operator's command asks of IAM. Throws if a command calls something that it
 * did not call when this was written: then say here on which resource IAM judges the call.
 */
export const askedByCommand: Reader = (request, account) =>
  (services[request.service] ?? askedBy)(request, account);

const asked = (action: string, resource: string): readonly Asked[] => [
  { action, resource, keys: {} },
];

const services: Readonly<Record<string, Reader>> = {
  cloudformation({ body }, account) {
    const input = new URLSearchParams(body);
    const action = `cloudformation:${input.get('Action')}`;
    if (action === 'cloudformation:ValidateTemplate') return asked(action, '*');
    const named = input.get('StackName') ?? '';
    const id = '01234567-89ab-cdef-0123-456789abcdef';
    const stack = arnIn(account, 'cloudformation', `stack/${named}/${id}`);
    return asked(action, named.startsWith('arn:') ? named : stack);
  },
  dynamodb(request, account) {
    const operation = operationOf(request);
    if (!operation.endsWith('Table')) return askedBy(request, account);
    const { TableName } = JSON.parse(request.body) as { readonly TableName: string };
    return asked(`dynamodb:${operation}`, arnIn(account, 'dynamodb', `table/${TableName}`));
  },
  // The check of users says why a command does without.
  ecr: () => [],
  lambda(request, account) {
    if (request.path === '/2016-08-19/account-settings') {
      return asked('lambda:GetAccountSettings', '*');
    }
    const [, name, part] =
      /^\/2015-03-31\/functions\/([^/]+)(\/configuration)?$/.exec(request.path) ?? [];
    if (name === undefined) return askedBy(request, account);
    const action = part === undefined ? 'GetFunction' : 'GetFunctionConfiguration';
    return asked(`lambda:${action}`, arnIn(account, 'lambda', `function:${name}`));
  },
  monitoring: (request) => asked(`cloudwatch:${operationOf(request)}`, '*'),
  s3({ method, path, body }) {
    const [, bucket = '', key = ''] = path.split(/^\/([^/]+)\/?/);
    const arn = `arn:aws:s3:::${bucket}`;
    if (key !== '') return asked(`s3:${ON_OBJECTS[method]}`, `${arn}/${key}`);
    // A POST to the bucket deletes the objects that its body names.
    if (method === 'POST') {
      return [...body.matchAll(/<Key>([^<]+)<\/Key>/g)].flatMap(([, deleted]) =>
        asked('s3:DeleteObject', `${arn}/${deleted}`),
      );
    }
    return asked('s3:ListBucket', arn);
  },
  secretsmanager(request, account) {
    const operation = operationOf(request);
    if (operation !== 'CreateSecret') return askedBy(request, account);
    const { Name } = JSON.parse(request.body) as { readonly Name: string };
    const arn = arnIn(account, 'secretsmanager', `secret:${Name}`);
    // AWS does not say whether the ARN of a secret to be has its six characters yet.
    return [arn, `${arn}-AbCdEf`].flatMap((one) => asked(`secretsmanager:${operation}`, one));
  },
  // Everybody may ask AWS who they are.
  sts: () => [],
};

const ON_OBJECTS: Readonly<Record<string, string>> = {
  GET: 'GetObject',
  HEAD: 'GetObject',
  PUT: 'PutObject',
};
