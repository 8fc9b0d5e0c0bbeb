import { createHmac } from 'node:crypto';
import axios from 'axios';
import { messageOf } from '../core/notices/message.ts';
import { AppError, reasonOf } from '../errors.ts';
import type { Clock, Notifier } from '../ports.ts';

const TIME_MS_MAX = 3_000;
const ANSWER_BYTES_MAX = 64 * 1024;

/** The error codes of an attempt that certainly did not reach the receiver. */
const UNREACHABLE_CODES = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH']);

/**
 * Posts notices as JSON to `url`. A signature lets the receiver recognize Onebuck's notices:
 * HMAC-SHA-256 of the timestamp (seconds since 1970), a point, and the body. Makes a second attempt
 * only if the receiver certainly did not take the first. After a silence the receiver may have
 * taken the notice, and must not get it twice.
 */
export function createWebhook(options: {
  readonly url: string;
  readonly key: () => Promise<string | null>;
  readonly clock: Clock;
}): Notifier {
  const { url, key, clock } = options;
  return {
    async send(notice) {
      const signedWith = await key();
      if (signedWith === null) {
        throw new AppError('misconfigured', 'The secret lacks webhookKey, to sign notices with.');
      }
      const body = JSON.stringify(messageOf(notice).json);
      const timestamp = `${Math.floor(clock.now() / 1_000)}`;
      const hmac = createHmac('sha256', signedWith).update(`${timestamp}.${body}`).digest('hex');
      const headers = {
        'Content-Type': 'application/json',
        'User-Agent': 'onebuck/0.1.0',
        'X-Onebuck-Timestamp': timestamp,
        'X-Onebuck-Signature': `sha256=${hmac}`,
      };
      const signal = AbortSignal.timeout(TIME_MS_MAX);
      const first = await post(url, { body, headers, signal });
      const last = first === 'notTaken' ? await post(url, { body, headers, signal }) : first;
      if (last !== 'taken') throw new Error('the webhook did not take the notice, twice');
    },
  };
}

/** Throws only the message of an axios error, since the error itself holds the request. */
async function post(
  url: string,
  call: { body: string; headers: Record<string, string>; signal: AbortSignal },
): Promise<'taken' | 'notTaken'> {
  const { body, headers, signal } = call;
  let status: number;
  try {
    ({ status } = await axios.request({
      adapter: 'http',
      method: 'POST',
      url,
      headers,
      data: body,
      signal,
      proxy: false,
      maxRedirects: 0, // so that the notice goes nowhere else
      maxContentLength: ANSWER_BYTES_MAX,
      responseType: 'text',
      transformRequest: (text: unknown) => text,
      transformResponse: (text: unknown) => text,
      validateStatus: () => true,
    }));
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    if (UNREACHABLE_CODES.has(`${code}`)) return 'notTaken';
    const why = signal.aborted ? `no answer within ${TIME_MS_MAX} ms` : reasonOf(error);
    throw new Error(`the webhook: ${why}`);
  }
  if (status >= 200 && status < 300) return 'taken';
  if (status >= 500 || status === 429) return 'notTaken';
  throw new Error(`the webhook answered ${status}`);
}
