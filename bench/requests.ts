import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { LambdaClient } from '@aws-sdk/client-lambda';

export interface Requests {
  requests: number;
  /** The items in DynamoDB's answers. */
  items: number;
}

interface Answered {
  readonly Items?: readonly unknown[];
  readonly Responses?: Readonly<Record<string, readonly unknown[]>>;
}

/** Counts from now on the client's requests, its retries included, and the items in the answers. */
export function countRequests(client: DynamoDBClient | LambdaClient): Requests {
  const counts = { requests: 0, items: 0 };
  (client as DynamoDBClient).middlewareStack.add(
    (next) => async (args) => {
      counts.requests += 1;
      const result = await next(args);
      const { Items = [], Responses = {} } = result.output as Answered;
      counts.items += [Items, ...Object.values(Responses)].reduce(
        (sum, { length }) => sum + length,
        0,
      );
      return result;
    },
    { step: 'deserialize', name: 'countRequests', priority: 'high' },
  );
  return counts;
}
