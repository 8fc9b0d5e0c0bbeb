import type { ValidateFunction } from 'ajv';
import type { Exchange } from '../../simulators/linode/exchange.ts';
import type { Reply } from '../../simulators/linode/messages.ts';
import { amended, type Known, known } from './deviations.ts';
import type {
  Content,
  OpenApiDocument,
  OpenApiOperation,
  OpenApiPath,
  Parameter,
} from './openapi.ts';
import { compileForJson, compileForText, type Direction, faultsOf, jsonSchema } from './schema.ts';

export interface Contract {
  /** The names of the operations, such as `GET /linode/types`. */
  readonly operations: readonly string[];
  /** The name of the exchange's operation; null: the contract has none for the request. */
  operationOf(exchange: Exchange): string | null;
  /**
   * The violations of the contract in the exchange, one line each. Only requests with the
   * User-Agent of Onebuck's client are checked: tests send wrong requests on purpose.
   */
  violations(exchange: Exchange): string[];
}

export function contractOf(document: OpenApiDocument, corrections: Known = known): Contract {
  const { paths } = amended(document, corrections);
  const operations = Object.entries(paths).flatMap(([path, item]) => operationsOf(path, item));
  return {
    operations: operations.map(({ name }) => name),
    operationOf: ({ request: { method, path } }) =>
      find(operations, method, path)?.operation.name ?? null,
    violations(exchange) {
      const { method, path } = exchange.request;
      const found = find(operations, method, path);
      const name = found?.operation.name ?? `${method} ${path}`;
      const sent = isOurs(exchange) ? requestFaults(exchange, found) : [];
      const anyError = operations[0]?.error;
      const answered = answerFaults(exchange, found?.operation, anyError);
      return [
        ...sent.map((fault) => `${name}: request: ${fault}`),
        ...answered.map((fault) => `${name}: answer: ${fault}`),
      ];
    },
  };
}

/** A validator that is compiled at its first use, since most test files use few. */
type Check = () => ValidateFunction;

/** One method of one path, with the validators of its parts; null: it takes no such part. */
interface Operation {
  readonly name: string;
  readonly method: string;
  readonly parts: readonly string[];
  readonly pathParameters: Check;
  readonly query: Check;
  readonly filter: Check | null;
  readonly body: Check | null;
  readonly answer: Check;
  readonly error: Check;
}

function operationsOf(path: string, item: OpenApiPath): Operation[] {
  return (['get', 'post', 'put', 'delete'] as const).flatMap((method) => {
    const operation = item[method];
    if (operation === undefined) return [];
    const name = `${method.toUpperCase()} ${path.replace('/{apiVersion}', '')}`;
    const checks = checksOf(operation, [
      ...(item.parameters ?? []),
      ...(operation.parameters ?? []),
    ]);
    return { name, method: method.toUpperCase(), parts: path.split('/'), ...checks };
  });
}

function checksOf({ requestBody, responses }: OpenApiOperation, parameters: Parameter[]) {
  const filter = parameters.find(({ name }) => name === 'X-Filter');
  return {
    pathParameters: once(() => compileForText(parametersSchema(parameters, 'path'))),
    query: once(() => compileForText(parametersSchema(parameters, 'query'))),
    filter: filter ? once(() => compileForJson(jsonSchema(filter.schema, 'request'))) : null,
    body: requestBody ? contentCheck(requestBody, 'request') : null,
    answer: contentCheck(responses['200'], 'answer'),
    error: contentCheck(responses.default, 'answer'),
  };
}

function contentCheck(content: Content | undefined, direction: Direction): Check {
  const schema = content?.content['application/json'].schema;
  if (schema === undefined) throw new Error('the contract lacks a schema');
  return once(() => compileForJson(jsonSchema(schema, direction)));
}

function once<T>(compute: () => T): () => T {
  let result: T | undefined;
  return () => {
    result ??= compute();
    return result;
  };
}

function parametersSchema(parameters: readonly Parameter[], place: string): object {
  const here = parameters.filter((parameter) => parameter.in === place);
  return {
    type: 'object',
    properties: Object.fromEntries(
      here.map(({ name, schema }) => [name, jsonSchema(schema, 'request')]),
    ),
    required: here.filter(({ required }) => required).map(({ name }) => name),
    additionalProperties: false,
  };
}

interface Found {
  readonly operation: Operation;
  readonly pathParameters: Readonly<Record<string, string>>;
}

/**
 * The operation for the path. If two fit, the operation with fewer parameters in its path wins:
 * `/regions/availability` is not the region `availability`.
 */
function find(operations: readonly Operation[], method: string, path: string): Found | undefined {
  const parts = path.split('/').map(decoded);
  return operations
    .filter((operation) => operation.method === method && operation.parts.length === parts.length)
    .flatMap((operation): Found[] => {
      const pathParameters: Record<string, string> = {};
      for (const [index, expected] of operation.parts.entries()) {
        const name = /^\{(.*)\}$/.exec(expected)?.[1];
        if (name !== undefined) pathParameters[name] = parts[index] ?? '';
        else if (expected !== parts[index]) return [];
      }
      return [{ operation, pathParameters }];
    })
    .sort((a, b) => fieldsIn(a.pathParameters) - fieldsIn(b.pathParameters))[0];
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // tests send paths that can not be decoded
  }
}

const fieldsIn = (record: object): number => Object.keys(record).length;

const isOurs = ({ request }: Exchange): boolean =>
  /^onebuck\//.test(request.headers['user-agent'] ?? '');

function requestFaults({ request }: Exchange, found: Found | undefined): string[] {
  if (found === undefined) return ['is not in the contract'];
  const { operation, pathParameters } = found;
  const { body, query, headers } = request;
  const filter = headers['x-filter'];
  const twice = [...query.keys()].length !== new Set(query.keys()).size;
  const hasBody = body !== '' || operation.body !== null;
  return [
    ...labelled('path', faultsOf(operation.pathParameters(), { ...pathParameters })),
    ...labelled('query', faultsOf(operation.query(), Object.fromEntries(query))),
    ...(twice ? ['query has a parameter twice'] : []),
    ...(filter === undefined ? [] : jsonFaults('X-Filter', operation.filter, String(filter))),
    ...(hasBody ? jsonFaults('body', operation.body, body) : []),
    ...(body === '' || isJson(headers['content-type']) ? [] : ['body has no content type of JSON']),
  ];
}

/**
 * Checks the answer. A fault such as a 429 must have the API's form of errors. The contract does
 * not hold for an answer of a proxy in front of the API, nor for an answer that a test replaces.
 */
function answerFaults(
  { reply, replacedBy }: Exchange,
  operation: Operation | undefined,
  anyError: Check | undefined,
): string[] {
  if (typeof reply === 'string' || replacedBy === 'test') return [];
  const { status, body } = reply;
  const type = mediaType(reply);
  if (!isJson(type)) return replacedBy === null ? [`${status} comes as ${type}, not JSON`] : [];
  if (status === 200 && operation === undefined) return ['200 to what is not in the contract'];
  if (status === 200) return jsonFaults('200', operation?.answer ?? null, body);
  if (status < 400) return [`${status} is no documented status`];
  return jsonFaults(String(status), operation?.error ?? anyError ?? null, body);
}

const isJson = (type: string | undefined): boolean => /^application\/json\s*(;|$)/.test(type ?? '');

function mediaType({ headers }: Reply): string {
  const found = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type');
  return String(found?.[1]);
}

/** Checks the text of a part of the exchange; `validate` null: the operation takes no such part. */
function jsonFaults(place: string, validate: Check | null, text: string): string[] {
  if (validate === null) return [`takes no ${place}`];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [`${place} is no JSON`];
  }
  return labelled(place, faultsOf(validate(), value));
}

const labelled = (place: string, faults: readonly string[]): string[] =>
  faults.map((fault) => `${place}${fault}`);
