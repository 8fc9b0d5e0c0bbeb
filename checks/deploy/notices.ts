import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { arnIn } from '../grants.ts';
import { named } from './deployment.ts';
import { ACCOUNT, clientOf, type Emulator } from './emulator.ts';
import { until } from './expect.ts';
import { createQueue, receive } from './queues.ts';

interface Notice {
  readonly kind: string;
  readonly clusterId?: string;
  readonly scheduleId?: string;
  readonly owner: string;
}

/**
 * Subscribes a queue to the topic of the notices, as an operator may, to the kinds of notice that
 * this check waits for: one each of the functions `reconcile`, `schedule`, `digest` and
 * `invoices`.
 */
export async function subscribe(emulator: Emulator) {
  const queue = named('subscriber');
  const TopicArn = arnIn(ACCOUNT, 'sns', named('notices'));
  const Endpoint = await createQueue(emulator, queue, TopicArn);
  const FilterPolicy = JSON.stringify({ kind: ['gone', 'runRefused', 'digest', 'invoiceDiffers'] });
  const Attributes = { FilterPolicy, RawMessageDelivery: 'true' };
  const sns = new SNSClient(clientOf(emulator));
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint, Attributes }));
  sns.destroy();
  return {
    /** Waits for the notice about the cluster or the schedule, or to the owner. */
    expect: (kind: 'gone' | 'runRefused' | 'digest' | 'invoiceDiffers', id: string) =>
      until(`the notice ${kind} of ${id} is published`, 120, async () =>
        (await receive<Notice>(emulator, queue)).some(
          (notice) =>
            notice.kind === kind &&
            [notice.clusterId, notice.scheduleId, notice.owner].includes(id),
        ),
      ),
  };
}
