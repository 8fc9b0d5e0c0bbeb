import { createServer, request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { type DurationMs, minutes, plus } from '../../lib/core/base/units.ts';
import type { Clock } from '../../lib/ports.ts';
import { listen } from '../listen.ts';

export interface LocalLambda {
  /** The endpoint of Invoke calls of type `Event`; it answers 501 to every other call. */
  readonly url: string;
  /** Resolves when the invocation has succeeded or its last retry has failed; never rejects. */
  invokeAsync(functionName: string, payload: string): Promise<void>;
  close(): void;
}

/** Lambda retries a failed asynchronous invocation after one minute, then after two minutes. */
const RETRY_DELAYS: readonly DurationMs[] = [minutes(1), minutes(2)];

/**
 * Starts a stand-in for Lambda's queue of asynchronous invocations, in front of the functions that
 * serverless-offline runs: the queue of serverless-offline ends the process when an asynchronous
 * invocation fails.
 */
export async function startLambda(options: {
  readonly port?: number;
  /** The endpoint at which serverless-offline takes synchronous invocations. */
  readonly functionsUrl: string;
  readonly clock: Clock;
  /** How many retries a function gets, by the function's name; Lambda's default is 2. */
  readonly retries: Readonly<Record<string, number>>;
  readonly onError: (functionName: string, reason: string) => void;
}): Promise<LocalLambda> {
  let open = true;

  async function invokeAsync(functionName: string, payload: string): Promise<void> {
    const delays = RETRY_DELAYS.slice(0, options.retries[functionName] ?? 2);
    for (const delay of [...delays, null]) {
      if (!open) return;
      const failure = await invoke(options.functionsUrl, functionName, payload);
      if (failure === null || !open) return;
      options.onError(functionName, failure);
      if (delay !== null) await options.clock.sleep(plus(options.clock.now(), delay));
    }
  }

  const server = createServer(async (request, response) => {
    const path = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(request.url ?? '');
    const payload = await text(request);
    if (path?.[1] === undefined || request.headers['x-amz-invocation-type'] !== 'Event') {
      response.writeHead(501).end();
      return;
    }
    response.writeHead(202).end();
    void invokeAsync(decodeURIComponent(path[1]), payload);
  });
  const url = await listen(server, options.port ?? 0);
  return {
    url,
    invokeAsync,
    close() {
      open = false;
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Returns the error message of a failed invocation; null: the invocation succeeded. */
function invoke(functionsUrl: string, name: string, payload: string): Promise<string | null> {
  return new Promise((resolve) => {
    const url = `${functionsUrl}/2015-03-31/functions/${name}/invocations`;
    const headers = { 'content-type': 'application/json' };
    const request = httpRequest(url, { method: 'POST', headers }, async (response) => {
      const body = await text(response).catch(String);
      const failed = response.headers['x-amz-function-error'] !== undefined;
      resolve(failed || response.statusCode !== 200 ? messageOf(body) : null);
    });
    request.on('error', (error) => resolve(error.message));
    request.end(payload);
  });
}

function messageOf(body: string): string {
  try {
    const { errorMessage } = JSON.parse(body) as { errorMessage?: unknown };
    return typeof errorMessage === 'string' ? errorMessage : body.slice(0, 500);
  } catch {
    return body.slice(0, 500);
  }
}
