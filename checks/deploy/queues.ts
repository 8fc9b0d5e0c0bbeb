import { arnIn } from '../grants.ts';
import { ACCOUNT, callAws, type Emulator } from './emulator.ts';

const urlOf = ({ endpoint }: Emulator, name: string) => `${endpoint}/${ACCOUNT.id}/${name}`;

/** Creates a queue to which a topic may send; returns its ARN. */
export async function createQueue(
  emulator: Emulator,
  name: string,
  topic: string,
): Promise<string> {
  const arn = arnIn(ACCOUNT, 'sqs', name);
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: arn,
    Condition: { ArnEquals: { 'aws:SourceArn': topic } },
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  const input = { QueueName: name, Attributes: { Policy } };
  await callAws(emulator, 'sqs', 'AmazonSQS.CreateQueue', input);
  return arn;
}

/** The bodies of up to ten messages of a queue, read as JSON. The messages stay in the queue. */
export async function receive<Body>(emulator: Emulator, name: string): Promise<Body[]> {
  const { Messages = [] } = await callAws<{ readonly Messages?: readonly { Body: string }[] }>(
    emulator,
    'sqs',
    'AmazonSQS.ReceiveMessage',
    { QueueUrl: urlOf(emulator, name), MaxNumberOfMessages: 10, VisibilityTimeout: 0 },
  );
  return Messages.map(({ Body }) => JSON.parse(Body) as Body);
}
