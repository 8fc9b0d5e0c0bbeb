import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { listen } from '../listen.ts';
import { type Refusal, verify } from './s3-signature.ts';

export interface LocalS3 {
  /** The endpoint of the host's own programs. */
  readonly url: string;
  /** Ends all calls, of which nothing is written then. */
  close(): Promise<void>;
}

export interface S3Options {
  readonly bucket: string;
  /** Where the objects are kept, as files. */
  readonly folder: string;
  readonly port?: number;
  /** The origins of pages that may use URLs of the bucket. */
  readonly origins?: readonly string[];
  /** By which signed URLs expire, in epoch milliseconds. */
  readonly now?: () => number;
}

/** The credentials that `startS3` takes: those of all local stand-ins for AWS. */
const KEYS = { local: 'local' };

/** The parameters of calls on objects themselves; others ask for something beside an object. */
const KNOWN = /^(X-Amz-[\w-]+|x-id|response-content-disposition)$/;

type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The path of the object's file. */
  readonly file: string;
  readonly query: URLSearchParams;
  /** What the body's SHA-256 must be, in hex; null: anything. */
  readonly sha256: string | null;
};

/**
 * Starts a stand-in for S3 with one bucket, in path style: PUT, GET (a range, too), HEAD, COPY and
 * DELETE of objects, by signed requests and by signed URLs. It keeps nothing of an object but its
 * bytes, answers 501 to every other call, and expires no object.
 */
export async function startS3(options: S3Options): Promise<LocalS3> {
  const { bucket, folder, origins = [], now = Date.now } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const calls: Readonly<Record<string, (exchange: Exchange) => Promise<void>>> = {
    PUT: (exchange) =>
      exchange.request.headers['x-amz-copy-source'] === undefined ? put(exchange) : copy(exchange),
    GET: get,
    HEAD: head,
    async DELETE({ file, response }) {
      await rm(file, { force: true });
      response.writeHead(204).end();
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const isAllowed = allowOrigin(request, response, origins);
    if (method === 'OPTIONS') {
      if (!isAllowed) throw refuse(403, 'AccessForbidden', 'This CORS request is not allowed.');
      response.writeHead(200).end();
      return;
    }
    const verdict = verify({ method, target: url, headers }, KEYS, now());
    if ('status' in verdict) throw new S3Error(verdict);
    const [path = '', query = ''] = url.split('?');
    const call = calls[method];
    if (call === undefined) throw notSimulated(method);
    const params = new URLSearchParams(query);
    const unknown = [...params.keys()].find((name) => !KNOWN.test(name));
    const file = fileOf(path);
    if (unknown !== undefined) throw notSimulated(unknown);
    await call({ request, response, query: params, file, ...verdict });
  }

  /** `path`: the bucket and the key, each part encoded. */
  function fileOf(path: string): string {
    const [, first, ...key] = path.split('/').map(decodeURIComponent);
    if (first !== bucket) throw refuse(404, 'NoSuchBucket', 'The specified bucket does not exist');
    if (key.join('') === '') throw notSimulated('a call of the bucket');
    if (key.some((part) => ['', '.', '..'].includes(part))) throw notSimulated('such a key');
    return join(folder, ...key.map(encodeURIComponent));
  }

  async function copy({ request, response, file }: Exchange): Promise<void> {
    const source = `${request.headers['x-amz-copy-source']}`;
    const from = fileOf(source.startsWith('/') ? source : `/${source}`);
    await sizeOf(from);
    await replace(file, (part) => copyFile(from, part));
    const at = new Date(now()).toISOString();
    const result = `<LastModified>${at}</LastModified><ETag>&quot;${randomUUID()}&quot;</ETag>`;
    answerXml(response, 200, `<CopyObjectResult>${result}</CopyObjectResult>`);
  }

  const underWay = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const answered = answer(request, response).catch((error: unknown) => {
      const refused = error instanceof URIError ? BAD_URI : error;
      if (!(refused instanceof S3Error) || response.headersSent) {
        response.destroy();
        return;
      }
      const { status, code, message } = refused.refusal;
      // Who has been refused may still send its body, and must be able to do so to read the answer.
      request.resume();
      const text = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
      answerXml(response, status, request.method === 'HEAD' ? '' : text);
    });
    underWay.add(answered);
    void answered.finally(() => underWay.delete(answered));
  });
  // By default Node closes an idle connection after 5 s, perhaps just as somebody sends a request,
  // and ends uploads that take more than 5 minutes.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  return {
    url: await listen(server, options.port ?? 0),
    async close() {
      server.close();
      server.closeAllConnections();
      await Promise.all(underWay);
    },
  };
}

async function put({ request, response, file, sha256 }: Exchange): Promise<void> {
  if (request.headers['content-length'] === undefined) {
    throw refuse(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  if (sha256?.startsWith('STREAMING-')) throw notSimulated('a body in signed parts');
  const hash = createHash('sha256');
  const hashed = new Transform({
    transform(chunk, _, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await replace(file, async (part) => {
    await pipeline(request, hashed, createWriteStream(part, { mode: 0o600 }));
    if (sha256 !== null && hash.digest('hex') !== sha256) {
      const message =
        "The provided 'x-amz-content-sha256' header does not match what was computed.";
      throw refuse(400, 'XAmzContentSHA256Mismatch', message);
    }
  });
  response.writeHead(200, { etag: `"${randomUUID()}"` }).end();
}

/** Replaces the file by the one that `write` writes, once that is whole. */
async function replace(file: string, write: (part: string) => Promise<unknown>): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const part = `${file}.${randomUUID()}.part`;
  try {
    await write(part);
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
}

async function head({ response, file }: Exchange): Promise<void> {
  response.writeHead(200, { 'content-length': await sizeOf(file), ...TYPE }).end();
}

async function get({ request, response, file, query }: Exchange): Promise<void> {
  const size = await sizeOf(file);
  const range = rangeOf(request.headers.range, size);
  const { start, end } = range ?? { start: 0, end: size - 1 };
  const disposition = query.get('response-content-disposition');
  response.writeHead(range === null ? 200 : 206, {
    'accept-ranges': 'bytes',
    'content-length': end - start + 1,
    ...(range === null ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
    ...(disposition === null ? {} : { 'content-disposition': disposition }),
    ...TYPE,
  });
  if (size === 0) return void response.end();
  await pipeline(createReadStream(file, { start, end }), response);
}

const TYPE = { 'content-type': 'binary/octet-stream' };

/** The first and the last byte that a header `Range` asks for; null: all, as for S3 without one. */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | null {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === '' && to === '') return null;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (start > end) throw refuse(416, 'InvalidRange', 'The requested range is not satisfiable');
  return { start, end };
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch(() => null);
  if (found?.isFile()) return found.size;
  throw refuse(404, 'NoSuchKey', 'The specified key does not exist.');
}

/** Whether the page may send the request, by rules as the bucket of stack/files.yml has them. */
function allowOrigin(
  { headers }: IncomingMessage,
  response: ServerResponse,
  origins: readonly string[],
): boolean {
  const { origin } = headers;
  if (origin === undefined || !origins.includes(origin)) return false;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-allow-methods', 'GET, PUT');
  response.setHeader('access-control-allow-headers', 'content-type');
  response.setHeader('vary', 'Origin');
  return true;
}

function answerXml(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(text === '' ? '' : `<?xml version="1.0" encoding="UTF-8"?>\n${text}`);
}

class S3Error extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

const refuse = (status: number, code: string, message: string): S3Error =>
  new S3Error({ status, code, message });

const notSimulated = (what: string): S3Error =>
  refuse(501, 'NotImplemented', `${what} is not simulated`);

const BAD_URI = refuse(400, 'InvalidURI', "Couldn't parse the specified URI.");
