import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { expect } from 'vitest';
import event from '../../events/api.json' with { type: 'json' };
import { durationMs, plus } from '../../lib/core/base/units.ts';
import { type Operation, operations } from '../../lib/http/operations.ts';
import { problemSchema } from '../../lib/http/schemas.ts';
import { aContext, startWorld, TOKENS } from './handler-world.ts';

export interface Call {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whose API token the request bears; null: it bears none. */
  readonly owner?: string | null;
  readonly remainingMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the assertions say what is in it
  readonly json: any;
}

type Handler = typeof import('../../handlers/api.ts')['handler'];

/**
 * A world with the api function; `call` takes a target such as `/clusters?limit=1`. `callOf`: the same
 * for another process of the function.
 */
export async function startApi(options: Parameters<typeof startWorld>[0] = {}) {
  const world = await startWorld(options);
  const { handler } = await import('../../handlers/api.ts');
  const callOf =
    (process: Handler) =>
    (method: string, target: string, options: Call = {}): Promise<Answer> =>
      callTo(process, method, target, options);

  async function callTo(
    process: Handler,
    method: string,
    target: string,
    options: Call,
  ): Promise<Answer> {
    const [rawPath = '', rawQueryString = ''] = target.split('?');
    const { owner = 'admin', headers = {}, body, remainingMs } = options;
    // A millisecond passes before each call, so that no two calls come at the same instant.
    world.clock.set(plus(world.clock.now(), durationMs(1)));
    const authorization = owner === null ? {} : { authorization: bearerOf(owner) };
    const { authorization: _, ...others } = event.headers;
    const result = (await process(
      {
        ...event,
        routeKey: `${method} ${rawPath}`,
        rawPath,
        rawQueryString,
        headers: { ...others, ...authorization, ...headers },
        requestContext: {
          ...event.requestContext,
          http: { ...event.requestContext.http, method, path: rawPath },
        },
        body: typeof body === 'string' ? body : body === undefined ? undefined : toJson(body),
      } as unknown as Parameters<Handler>[0],
      aContext(remainingMs),
    )) as APIGatewayProxyStructuredResultV2;
    const text = result.body ?? '';
    const answer: Answer = {
      status: result.statusCode ?? 0,
      headers: result.headers as Record<string, string>,
      text,
      json: text.startsWith('{') ? JSON.parse(text) : null,
    };
    expectAsDescribed(method, rawPath, answer);
    return answer;
  }

  return { ...world, handler, call: callOf(handler), callOf };
}

/** Expects that the API's description has the answer: its status, and the schema of its JSON. */
function expectAsDescribed(method: string, path: string, { status, json }: Answer): void {
  const operation = (Object.values(operations) as Operation[]).find(
    (operation) =>
      operation.method === method &&
      new RegExp(`^${operation.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
  if (operation === undefined) return;
  const described = operation.answers[status];
  if (json === null) {
    expect([204, 303].includes(status) || described?.text, `${method} ${path}`).toBeTruthy();
    return;
  }
  const schema = described?.json ?? problemSchema;
  if (described === undefined)
    expect([401, 403, 500, ...operation.problems], `${method} ${path}`).toContain(status);
  const { error } = schema.safeParse(json);
  expect(error, `${method} ${path} ${status}: ${JSON.stringify(error?.issues)}`).toBeUndefined();
}

const bearerOf = (owner: string) => `Bearer ${TOKENS[owner] ?? `a token of ${owner}`}`;

const toJson = (body: unknown) => JSON.stringify(body);

/** The README's example of a spec: ten nanodes with a budget of $1. */
export const TEN_NANODES = JSON.parse(event.body) as Readonly<Record<string, unknown>>;
