import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import {
  BatchGetItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { GetFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { describe, expect, it, onTestFinished } from 'vitest';
import { askedBy } from '../../../checks/deploy/aws-request.ts';
import { startRecorder } from '../../../checks/deploy/recorder.ts';
import { createJobFiles } from '../../../lib/adapters/aws/s3.ts';
import { minutes } from '../../../lib/core/base/units.ts';
import { listen } from '../../../simulators/listen.ts';
import { localAws } from '../../support/aws.ts';

const ACCOUNT = { id: '123456789012', region: 'us-east-1' };
const TABLE = 'arn:aws:dynamodb:us-east-1:123456789012:table/t';
const TOPIC = 'arn:aws:sns:us-east-1:123456789012:notices';

/** A recorder before an AWS that gives every request the same answer. */
async function aRecorder({ status = 200, answer = '{}' } = {}) {
  const signatures: string[] = [];
  const upstream = createServer(async (request, response) => {
    await text(request);
    signatures.push(`${request.headers.host} ${request.headers.authorization}`);
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(answer);
  });
  const recorder = await startRecorder(await listen(upstream, 0));
  // As the logger writes the id of a function that logs.
  const userAgentAppId = 'onebuck-test-api/PT/NO-OP/2.36.0/PTEnv/NA';
  const options = { ...localAws(recorder.url), userAgentAppId, maxAttempts: 1 };
  const dynamodb = new DynamoDBClient(options);
  onTestFinished(async () => {
    dynamodb.destroy();
    await recorder.close();
    upstream.close();
    upstream.closeAllConnections();
  });
  return { recorder, dynamodb, options, signatures };
}

describe('what a request asks of IAM', () => {
  it('is an action on the table or the index, with the keys of the items', async () => {
    const { recorder, dynamodb } = await aRecorder();
    const TableName = 't';
    const Key = { id: { S: 'c1' } };
    await dynamodb.send(new GetItemCommand({ TableName, Key }));
    await dynamodb.send(new PutItemCommand({ TableName, Item: { ...Key, owner: { S: 'ann' } } }));
    await dynamodb.send(new DeleteItemCommand({ TableName, Key: { id: { S: 's1' } } }));
    const Keys = [Key, { id: { S: 'c2' } }];
    await dynamodb.send(new BatchGetItemCommand({ RequestItems: { t: { Keys } } }));
    await dynamodb.send(
      new QueryCommand({
        TableName,
        IndexName: 'due',
        KeyConditionExpression: '#live = :live AND dueAt <= :until',
        ExpressionAttributeNames: { '#live': 'live' },
        ExpressionAttributeValues: { ':until': { N: '1' }, ':live': { S: 'live' } },
      }),
    );
    expect(recorder.requests.map(({ caller }) => caller)).toEqual(
      Array(5).fill('onebuck-test-api'),
    );
    expect(recorder.requests[0]?.node).toBe(process.versions.node);
    const asked = recorder.requests.flatMap((request) => askedBy(request, ACCOUNT));
    const keys = (...values: readonly string[]) => ({ 'dynamodb:LeadingKeys': values });
    expect(asked).toEqual([
      { action: 'dynamodb:GetItem', resource: TABLE, keys: keys('c1') },
      { action: 'dynamodb:PutItem', resource: TABLE, keys: keys('c1') },
      { action: 'dynamodb:DeleteItem', resource: TABLE, keys: keys('s1') },
      { action: 'dynamodb:BatchGetItem', resource: TABLE, keys: keys('c1', 'c2') },
      { action: 'dynamodb:Query', resource: `${TABLE}/index/due`, keys: keys('live') },
    ]);
  });

  it('is the reading of a secret, the publishing to a topic, the invocation of a function', async () => {
    const { recorder, options } = await aRecorder();
    const secrets = new SecretsManagerClient(options);
    await secrets.send(new GetSecretValueCommand({ SecretId: 'onebuck/test' }));
    const sns = new SNSClient(options);
    // The answer is none that SNS gives.
    await sns.send(new PublishCommand({ TopicArn: TOPIC, Message: 'a & b' })).catch(() => {});
    const lambda = new LambdaClient(options);
    await lambda.send(new InvokeCommand({ FunctionName: 'onebuck-test-reap', Payload: '{}' }));
    for (const client of [secrets, sns, lambda]) client.destroy();
    expect(recorder.requests.flatMap((request) => askedBy(request, ACCOUNT))).toEqual([
      {
        action: 'secretsmanager:GetSecretValue',
        resource: expect.stringMatching(
          /^arn:aws:secretsmanager:us-east-1:123456789012:secret:onebuck\/test-\w{6}$/,
        ),
        keys: {},
      },
      { action: 'sns:Publish', resource: TOPIC, keys: {} },
      {
        action: 'lambda:InvokeFunction',
        resource: 'arn:aws:lambda:us-east-1:123456789012:function:onebuck-test-reap',
        keys: {},
      },
    ]);
  });

  it('is the reading and writing of a file, by a function or by a URL that one has signed', async () => {
    const { recorder, options } = await aRecorder({ answer: '' });
    const s3 = new S3Client(options);
    const files = createJobFiles(s3, 'b');
    await files.put('jobs/c1/0/log/0', new Uint8Array(1));
    await files.size('uploads/ann%40home/u1');
    await files.delete('schedules/s1/u1');
    await fetch(await files.uploadUrl('uploads/ann/u2', 1, minutes(1)), {
      method: 'PUT',
      body: '1',
    });
    await fetch(await files.downloadUrl('jobs/c1/0/results/r1', minutes(1)));
    s3.destroy();
    const called = recorder.requests.flatMap((request) =>
      askedBy(request, ACCOUNT).map(
        ({ action, resource }) => `${request.caller} ${action} ${resource}`,
      ),
    );
    expect(called).toEqual([
      'onebuck-test-api s3:PutObject arn:aws:s3:::b/jobs/c1/0/log/0',
      'onebuck-test-api s3:GetObject arn:aws:s3:::b/uploads/ann%40home/u1',
      'onebuck-test-api s3:ListBucket arn:aws:s3:::b',
      'onebuck-test-api s3:DeleteObject arn:aws:s3:::b/schedules/s1/u1',
      'URL s3:PutObject arn:aws:s3:::b/uploads/ann/u2',
      'URL s3:GetObject arn:aws:s3:::b/jobs/c1/0/results/r1',
    ]);
  });

  it('can not be read of a call that no function makes', async () => {
    const { recorder, dynamodb, options } = await aRecorder();
    await dynamodb.send(new ScanCommand({ TableName: 't' }));
    const lambda = new LambdaClient(options);
    await lambda.send(new GetFunctionCommand({ FunctionName: 'onebuck-test-reap' }));
    lambda.destroy();
    for (const request of recorder.requests) {
      expect(() => askedBy(request, ACCOUNT)).toThrow("can not read onebuck-test-api's call of");
    }
    expect(recorder.requests).toHaveLength(2);
  });
});

describe('the recorder', () => {
  it('passes the headers on as they were signed, and the answer back', async () => {
    const { recorder, dynamodb, signatures } = await aRecorder({
      answer: '{"Item": {"id": {"S": "c1"}}}',
    });
    const get = new GetItemCommand({ TableName: 't', Key: { id: { S: 'c1' } } });
    expect((await dynamodb.send(get)).Item).toEqual({ id: { S: 'c1' } });
    const host = new URL(recorder.url).host;
    expect(signatures).toEqual([
      expect.stringMatching(new RegExp(`^${host} AWS4-HMAC-SHA256 .*SignedHeaders=.*host`)),
    ]);
  });

  it('tells of a call that AWS refuses for lack of a grant', async () => {
    const message = 'User: api is not authorized to perform: dynamodb:GetItem';
    const { recorder, dynamodb } = await aRecorder({
      status: 400,
      answer: JSON.stringify({ __type: 'AccessDeniedException', message }),
    });
    const get = new GetItemCommand({ TableName: 't', Key: { id: { S: 'c1' } } });
    await expect(dynamodb.send(get)).rejects.toThrow('not authorized');
    await expect(recorder.refusal).rejects.toThrow(`onebuck-test-api is refused: {`);
    await expect(recorder.refusal).rejects.toThrow(message);
  });

  it('does not take another error for a refusal', async () => {
    const { recorder, dynamodb } = await aRecorder({
      status: 400,
      answer: '{"__type": "ConditionalCheckFailedException"}',
    });
    const get = new GetItemCommand({ TableName: 't', Key: { id: { S: 'c1' } } });
    await expect(dynamodb.send(get)).rejects.toThrow();
    let isTold = false;
    recorder.refusal.catch(() => {
      isTold = true;
    });
    await setImmediate();
    expect(isTold).toBe(false);
  });
});
