import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { messageOf } from '../../core/notices/message.ts';
import type { Notifier } from '../../ports.ts';

/** SNS takes no longer text message. */
const SMS_CHARACTERS_MAX = 1_600;

/**
 * Publishes notices to an SNS topic. Mails and text messages get sentences, other subscribers JSON.
 * Subscriptions can filter by the attributes.
 */
export function createTopic(client: SNSClient, TopicArn: string): Notifier {
  return {
    async send(notice) {
      const { subject: Subject, text, json } = messageOf(notice);
      const sms = text.slice(0, SMS_CHARACTERS_MAX);
      const Message = JSON.stringify({ default: JSON.stringify(json), email: text, sms });
      const attribute = (StringValue: string) => ({ DataType: 'String', StringValue });
      const MessageAttributes = {
        kind: attribute(notice.kind),
        ...('clusterId' in notice && notice.clusterId !== null
          ? { clusterId: attribute(notice.clusterId) }
          : {}),
        ...('scheduleId' in notice ? { scheduleId: attribute(notice.scheduleId) } : {}),
        owner: attribute(notice.owner),
      };
      const input = { TopicArn, Subject, Message, MessageStructure: 'json', MessageAttributes };
      await client.send(new PublishCommand(input));
    },
  };
}
