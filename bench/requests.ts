import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { LambdaClient } from '@aws-sdk/client-lambda';

export interface Requests {
  requests: number;
  /** Of DynamoDB, in the answers. */
  items: number;
}

interface Answered {
  readonly Items?: readonly unknown[];
  readonly Responses?: Readonly<Record<string, readonly unknown[]>>;
}

/** Counts what the client sends, repeats too, from now on. */
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
