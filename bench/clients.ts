import {
  type AttributeValue,
  type BatchGetItemCommandInput,
  type BatchGetItemCommandOutput,
  ConditionalCheckFailedException,
  type DeleteItemCommandInput,
  type DynamoDBClient,
  type GetItemCommandOutput,
  type PutItemCommandInput,
  type QueryCommandInput,
  type QueryCommandOutput,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { InvokeCommandInput, LambdaClient } from '@aws-sdk/client-lambda';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { TableProperties } from '../simulators/aws/dynamodb.ts';
import { type Item, itemBytes, readUnits, writesOf, writeUnits } from './capacity.ts';
import type { Counter } from './counts.ts';

/** Makes a call of a client; may count the call, or delay its answer. */
export type Around = <T>(call: () => Promise<T>) => Promise<T>;

interface Call {
  readonly name: string;
  readonly input: object;
}

/** Lets all calls of the client go through `around`; the retries of a call are inside the call. */
function wrap(
  client: DynamoDBClient | LambdaClient | SecretsManagerClient,
  around: (call: Call, make: () => Promise<object>) => Promise<object>,
): void {
  const { middlewareStack } = client as DynamoDBClient;
  middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const call = { name: commandName.replace(/Command$/, ''), input: args.input };
        let result: Awaited<ReturnType<typeof next>> | null = null;
        await around(call, async () => {
          result = await next(args);
          return result.output;
        });
        if (result === null) throw new Error(`${call.name} was not made`);
        return result;
      },
    { step: 'initialize', name: 'aroundCalls' },
  );
}

/**
 * Counts the capacity units of each call. The client must make all writes to the table, since the
 * units of a write depend on the item before it. Returns the items of the table.
 */
export function countDynamoDb(
  client: DynamoDBClient,
  table: TableProperties,
  { counter, around }: { readonly counter: Counter; readonly around: Around },
): { readonly items: ReadonlyMap<string, Item> } {
  const items = new Map<string, Item>();
  const before = (id: string) => items.get(id) ?? null;

  function write(call: string, id: string, after: Item | null): void {
    for (const { to, units } of writesOf(table, before(id), after)) {
      counter.add(`DynamoDB ${call}, ${to}`, 'writeUnit', units);
    }
    if (after === null) items.delete(id);
    else items.set(id, after);
  }

  wrap(client, async ({ name, input }, make) => {
    const output = await around(make).catch((error: unknown) => {
      if (error instanceof ConditionalCheckFailedException) {
        const { Item: put, Key: key } = input as PutItemCommandInput & UpdateItemCommandInput;
        const item = before(idOf(put ?? key));
        const units = writeUnits(item === null ? 0 : itemBytes(item));
        counter.add(`DynamoDB ${name}, refused`, 'writeUnit', units);
      }
      throw error;
    });
    switch (name) {
      case 'PutItem': {
        const { Item: item = {} } = input as PutItemCommandInput;
        write(name, idOf(item), item);
        break;
      }
      case 'UpdateItem': {
        const update = input as UpdateItemCommandInput;
        const id = idOf(update.Key);
        const item = before(id) ?? update.Key ?? {};
        write(name, id, { ...item, ...changedIn(item, update) });
        break;
      }
      case 'DeleteItem':
        write(name, idOf((input as DeleteItemCommandInput).Key), null);
        break;
      default:
        for (const units of unitsRead(name, input, output)) {
          counter.add(`DynamoDB ${name}${indexOf(input)}`, 'readUnit', units);
        }
    }
    return output;
  });
  return { items };
}

/** The attributes that an update sets, each to a value of its own, and the sets that it adds to. */
function changedIn(item: Item, update: UpdateItemCommandInput): Item {
  const { UpdateExpression = '', ExpressionAttributeNames = {} } = update;
  const values = update.ExpressionAttributeValues ?? {};
  const [assigned = '', added = ''] = UpdateExpression.split(' ADD ');
  const changed = new Map<string, AttributeValue>();
  const change = (name: string, value: string, made: (found: AttributeValue) => AttributeValue) => {
    const found = values[value];
    if (found === undefined) throw new Error(`${UpdateExpression} is not counted`);
    changed.set(ExpressionAttributeNames[name] ?? name, made(found));
  };
  const old = (name: string) => item[ExpressionAttributeNames[name] ?? name];
  for (const [, name = '', first, value = ''] of assigned.matchAll(ASSIGNMENT)) {
    change(name, value, (found) => (first === undefined ? found : (old(name) ?? found)));
  }
  for (const [, name = '', value = ''] of added.matchAll(/(#?\w+) (:\w+)/g)) {
    change(name, value, (found) => joined(old(name), found));
  }
  return Object.fromEntries(changed);
}

const ASSIGNMENT = /(#?\w+) = (if_not_exists\(#?\w+, )?(:\w+)/g;

/** Two sets of strings or of numbers as one. */
function joined(a: AttributeValue | undefined, b: AttributeValue): AttributeValue {
  const both = (one: string[] = [], other: string[] = []) => [...new Set([...one, ...other])];
  return b.NS === undefined ? { SS: both(a?.SS, b.SS) } : { NS: both(a?.NS, b.NS) };
}

/** The read units of a call; a BatchGetItem uses units for each key by itself. */
function unitsRead(name: string, input: object, output: object): number[] {
  switch (name) {
    case 'GetItem': {
      const { Item: item } = output as GetItemCommandOutput;
      const { ConsistentRead = false } = input as { ConsistentRead?: boolean };
      return [readUnits(item === undefined ? 0 : itemBytes(item), ConsistentRead)];
    }
    case 'BatchGetItem': {
      const { RequestItems = {} } = input as BatchGetItemCommandInput;
      const { Responses = {} } = output as BatchGetItemCommandOutput;
      return Object.entries(RequestItems).flatMap(
        ([table, { Keys = [], ConsistentRead = false }]) => {
          const found = Responses[table] ?? [];
          const missing = Keys.slice(found.length).map(() => 0);
          return [...found.map(itemBytes), ...missing].map((bytes) =>
            readUnits(bytes, ConsistentRead),
          );
        },
      );
    }
    case 'Query': {
      const { FilterExpression, ConsistentRead = false } = input as QueryCommandInput;
      const { Items = [], ScannedCount } = output as QueryCommandOutput;
      // AWS bills the items that a filter leaves out, but the answer does not show their sizes.
      if (FilterExpression !== undefined && ScannedCount !== Items.length) {
        throw new Error('a Query whose filter leaves items out can not be counted');
      }
      return [
        readUnits(
          Items.reduce((sum, item) => sum + itemBytes(item), 0),
          ConsistentRead,
        ),
      ];
    }
    default:
      throw new Error(`${name} is not counted`);
  }
}

const indexOf = (input: object): string =>
  'IndexName' in input ? ` of index ${input.IndexName}` : '';

const idOf = (item: Item | undefined): string => item?.id?.S ?? '';

export function countSecretsManager(
  client: SecretsManagerClient,
  { counter, around }: { readonly counter: Counter; readonly around: Around },
): void {
  wrap(client, ({ name }, make) => {
    counter.add(`Secrets Manager ${name}`, 'secretCall');
    return around(make);
  });
}

/** Counts the requests of the client, and not the URLs that it signs, which cost nothing. */
export function countS3(
  client: S3Client,
  { counter, around }: { readonly counter: Counter; readonly around: Around },
): void {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        countS3Request(counter, commandName.replace(/ObjectCommand$/, ''));
        return around(() => next(args));
      },
    // A signed URL is made in the step before.
    { step: 'deserialize', name: 'countS3', priority: 'high' },
  );
}

/** `name`: Put, Copy, Get, Head or Delete, of an object. */
export function countS3Request(counter: Counter, name: string): void {
  if (name === 'Delete') return;
  counter.add(`S3 ${name}Object`, ['Put', 'Copy'].includes(name) ? 's3Write' : 's3Read');
}

/** Calls `started` for each Invoke. AWS bills the invocation that it starts, not the call. */
export function onInvoke(
  client: LambdaClient,
  around: Around,
  started: (event: Readonly<Record<string, unknown>>) => void,
): void {
  wrap(client, async ({ input }, make) => {
    const output = await around(make);
    const { Payload } = input as InvokeCommandInput;
    started(JSON.parse(Buffer.from(Payload as Uint8Array).toString()));
    return output;
  });
}
