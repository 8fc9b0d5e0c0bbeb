import { Agent, createServer, type IncomingMessage, request as send } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen } from '../../simulators/listen.ts';
import { type AwsRequest, BY_URL } from './aws-request.ts';

/** Stands between functions, or commands, and AWS, and records each request. */
export interface Recorder {
  readonly url: string;
  /** All requests so far that AWS has answered. */
  readonly requests: readonly AwsRequest[];
  /** Rejects with AWS's reason when AWS first refuses a request for lack of a grant. */
  readonly refusal: Promise<never>;
  close(): Promise<void>;
}

export interface RecorderOptions {
  /** Whether a refusal of the request is expected, so that it counts as none. */
  readonly mayBeRefused?: (request: AwsRequest) => boolean;
  /** Headers that no signature covers. */
  readonly added?: Readonly<Record<string, string>>;
}

/**
 * Passes each request on to `upstream` with all its headers, so that its signature stays valid.
 * The functions must name themselves in the id of their applications (function-process.cjs).
 */
export async function startRecorder(
  upstream: string,
  { mayBeRefused = () => false, added = {} }: RecorderOptions = {},
): Promise<Recorder> {
  const requests: AwsRequest[] = [];
  let refuse: (error: Error) => void = () => {};
  const refusal = new Promise<never>((_, reject) => {
    refuse = reject;
  });
  // Otherwise a refusal for which nobody waits would end the process.
  refusal.catch(() => {});
  const agent = new Agent({ keepAlive: true });
  const server = createServer(async (request, response) => {
    try {
      const body = await buffer(request);
      const { statusCode = 502, headers, answer } = await answerTo(request, body);
      const asked = read(request, body);
      requests.push(asked);
      // The answer to HEAD has no text.
      const isRefused =
        isRefusal(statusCode, answer) || (statusCode === 403 && answer.length === 0);
      if (isRefused && !mayBeRefused(asked)) {
        refuse(new Error(`${asked.caller} is refused: ${answer}`));
      }
      response.writeHead(statusCode, headers).end(answer);
    } catch {
      // The emulator or the function has ended: functions repeat a call whose connection breaks.
      response.destroy();
    }
  });
  // By default Node closes an idle connection after 5 s, perhaps just as a function sends a request.
  server.keepAliveTimeout = 0;

  async function answerTo({ method, url, headers }: IncomingMessage, body: Buffer) {
    const reply = await new Promise<IncomingMessage>((resolve, reject) => {
      send(
        new URL(url ?? '/', upstream),
        { method, headers: { ...headers, ...added }, agent },
        resolve,
      )
        .on('error', reject)
        .end(body);
    });
    return { statusCode: reply.statusCode, headers: reply.headers, answer: await buffer(reply) };
  }

  return {
    url: await listen(server, 0),
    requests,
    refusal,
    close: async () => {
      agent.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

const isRefusal = (status: number, answer: Buffer): boolean =>
  status >= 400 && /AccessDenied|not authorized to perform/.test(answer.toString());

function read({ headers, method = 'GET', url = '/' }: IncomingMessage, body: Buffer): AwsRequest {
  const agent = headers['user-agent'] ?? '';
  // The logger adds its own name to the id.
  const [, caller] = / app\/(\S+?)(-PT-\S+)?(?= |$)/.exec(agent) ?? [];
  const [, node] = / md\/nodejs#(\S+)/.exec(agent) ?? [];
  const isByUrl = url.includes('X-Amz-Credential=');
  const credential = isByUrl ? decodeURIComponent(url) : headers.authorization;
  const [, service] = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(credential ?? '') ?? [];
  const target = `${headers['x-amz-target'] ?? ''}`;
  const [path = ''] = url.split('?');
  return {
    caller: isByUrl ? BY_URL : (caller ?? 'somebody'),
    node: node ?? 'unknown',
    service: service ?? 'nothing',
    method,
    path,
    target,
    body: body.toString(),
  };
}
