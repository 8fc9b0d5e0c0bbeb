import * as http from 'node:http';
import * as https from 'node:https';
import type { AxiosResponse } from 'axios';
import axios from 'axios';
import { reasonOf } from '../../errors.ts';
import type { Call } from './answer.ts';
import type { Transport } from './http.ts';

/**
 * Sends calls over HTTP to `baseUrl`, which ends in /v4. Throws only the code and the message of an
 * axios error, since the error itself holds the request and so the token. The time-out is a signal,
 * because the time-out of axios limits each silence, not the whole call.
 */
export function createTransport(baseUrl: string): Transport {
  const client = createClient(baseUrl);
  return async (call, token, timeoutMs) => {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const { headers, status, data } = await client(call, token, signal);
      const header = (name: string): string | null => {
        const value: unknown = headers[name];
        return typeof value === 'string' ? value : null;
      };
      return { status, header, text: typeof data === 'string' ? data : '' };
    } catch (error) {
      throw new Error(signal.aborted ? `no answer within ${timeoutMs} ms` : describeLoss(error));
    }
  };
}

const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

type Client = (call: Call, token: string, signal: AbortSignal) => Promise<AxiosResponse<unknown>>;

function createClient(baseUrl: string): Client {
  const base = baseUrl.replace(/\/$/, '');
  const keepAlive = {
    httpAgent: new http.Agent({ keepAlive: true }),
    httpsAgent: new https.Agent({ keepAlive: true }),
  };
  // A kept connection may be dead by its next use, above all after Lambda froze the function. Calls
  // that may be repeated use it all the same. A create on a dead connection would be left in doubt,
  // so each create opens its own connection.
  const ownConnection = { httpAgent: new http.Agent(), httpsAgent: new https.Agent() };
  const client = axios.create({
    adapter: 'http',
    proxy: false,
    maxRedirects: 0, // so that the token goes nowhere else
    maxContentLength: ANSWER_BYTES_MAX,
    validateStatus: () => true,
    responseType: 'text',
    transformRequest: (body: unknown) => body,
    transformResponse: (text: unknown) => text,
    headers: { Accept: 'application/json', 'User-Agent': 'onebuck/0.1.0' },
  });
  return (call, token, signal) =>
    client.request<unknown>({
      ...(call.method === 'POST' ? ownConnection : keepAlive),
      method: call.method,
      url: `${base}${call.path}${call.query === undefined ? '' : `?${call.query}`}`,
      headers: {
        Authorization: `Bearer ${token}`,
        ...(call.filter === undefined ? {} : { 'X-Filter': toHeader(call.filter) }),
        ...(call.body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(call.body === undefined ? {} : { data: JSON.stringify(call.body) }),
      signal,
    });
}

function describeLoss(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return (
    [...new Set([code, reasonOf(error)])].filter(Boolean).join(': ') || 'the connection failed'
  );
}

/** The filter as JSON in ASCII, since a header takes nothing else. */
function toHeader(filter: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(filter).replaceAll(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
