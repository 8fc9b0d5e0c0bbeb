import type * as z from 'zod/mini';
import type { Fault } from '../core/base/fault.ts';
import { AppError } from '../errors.ts';
import type { Operation } from './operations.ts';

/** A request as API Gateway hands it over. Header names are in lower case. */
export interface RawRequest {
  readonly query: Readonly<Record<string, readonly string[]>>;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/**
 * A request after its operation's schemas have read query and headers. `body` is JSON, which the
 * use case has yet to check.
 */
export interface ReadRequest<O extends Operation> {
  readonly query: z.output<O['query']>;
  readonly headers: z.output<O['headers']>;
  readonly body: unknown;
}

/** The most bytes of a body. A spec with the most keys and user data stays well below. */
const BODY_BYTES_MAX = 128 * 1024;
/**
 * The most levels of a body. A spec has two; thousands would overflow the stack of recursive code.
 */
const LEVELS_MAX = 32;

/**
 * Reads a request. AppError `invalid` with every fault of query and headers; or else `invalid`,
 * `unsupported` or `tooLarge` for the body.
 */
export function readRequest<O extends Operation>(operation: O, raw: RawRequest): ReadRequest<O> {
  const query = readQuery(operation.query, raw.query);
  const headers = readHeaders(operation.headers, raw.headers);
  const faults = [...query.faults, ...headers.faults];
  if (faults.length > 0) {
    throw new AppError('invalid', 'The request has faults; each is listed.', { faults });
  }
  const body =
    operation.body === null ? null : readBody(raw, operation.body.bytesMax ?? BODY_BYTES_MAX);
  // Without a fault, both values are the output of their schemas.
  return { query: query.value, headers: headers.value, body } as ReadRequest<O>;
}

function readQuery(schema: z.ZodMiniObject, query: RawRequest['query']) {
  const repeated = Object.keys(query).filter((name) => (query[name]?.length ?? 0) > 1);
  const first = Object.fromEntries(Object.entries(query).map(([name, [value]]) => [name, value]));
  const known = Object.keys(schema.shape);
  const hint = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`;
  const { value, faults } = parse(
    schema,
    first,
    (name) => `${name} is not a parameter of this route: ${hint}`,
  );
  const twice = repeated.map((path) => ({ path, message: `${path} must be given once` }));
  return { value, faults: [...twice, ...faults] };
}

function readHeaders(schema: z.ZodMiniObject, headers: RawRequest['headers']) {
  const named = Object.keys(schema.shape).map((name) => [name, headers[name.toLowerCase()]]);
  return parse(schema, Object.fromEntries(named), () => '');
}

function parse(
  schema: z.ZodMiniObject,
  input: unknown,
  unknownName: (name: string) => string,
): { value: unknown; faults: Fault[] } {
  const parsed = schema.safeParse(input);
  if (parsed.success) return { value: parsed.data, faults: [] };
  const faults = parsed.error.issues.flatMap((issue): Fault[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((path) => ({ path, message: unknownName(path) }));
    }
    const path = issue.path.join('.');
    return [{ path, message: `${path} ${issue.message}` }];
  });
  return { value: null, faults };
}

/**
 * Reads the body as JSON. It may also have no content type, or claim to be a form or plain text,
 * since `curl -d` and `fetch` claim this of every body.
 */
function readBody({ headers, body }: RawRequest, bytesMax: number): unknown {
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (!/^(|application\/(.+\+)?json|application\/x-www-form-urlencoded|text\/plain)$/.test(type)) {
    throw new AppError(
      'unsupported',
      `Send JSON with content-type: application/json, not ${type}.`,
    );
  }
  if (Buffer.byteLength(body) > bytesMax) {
    throw new AppError('tooLarge', `The body must be at most ${bytesMax} bytes long.`);
  }
  const parsed = parseJson(body);
  if (isDeeperThan(LEVELS_MAX, parsed)) {
    throw invalidBody(`must have at most ${LEVELS_MAX} levels`);
  }
  return parsed;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidBody(`must be JSON: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
}

const isDeeperThan = (levels: number, value: unknown): boolean =>
  value !== null &&
  typeof value === 'object' &&
  (levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner)));

function invalidBody(message: string): AppError {
  return new AppError('invalid', `The body ${message}.`, { faults: [{ path: '', message }] });
}

/** The seconds of `wait=10` in a Prefer header (RFC 7240); 0: it asks for no wait. */
export const waitSecondsOf = (prefer: string | undefined): number =>
  Number(/(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])/.exec(prefer ?? '')?.[1] ?? '0');
