import { closeSync, createReadStream, openSync, statSync, writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { NoContact, refusalOf } from '../../client/api.ts';
import { CliError } from '../errors.ts';

/* Files by presigned URLs. Each function throws what client/api.ts throws; of a URL that has expired, a
 * Refusal with 403. */

/** How long a server of files may neither take nor give anything. */
const SILENCE_MS_MAX = 60_000;

/** Sends a file. `tell` hears of the bytes sent so far. */
export async function putFile(
  url: string,
  file: string,
  tell: (bytes: number) => void,
): Promise<void> {
  const { size } = statSync(file);
  await whileHeard(url, async (signal, heard) => {
    let sent = 0;
    async function* body() {
      for await (const part of createReadStream(file)) {
        yield part as Buffer;
        sent += part.length;
        tell(sent);
        heard();
      }
    }
    const headers = { 'content-length': `${size}` };
    const stream = Readable.toWeb(Readable.from(body())) as ReadableStream;
    const request = { method: 'PUT', headers, body: stream, duplex: 'half', signal } as const;
    await assertTaken(url, await fetch(url, { ...request, redirect: 'error' }));
  });
}

/**
 * Writes what is at the URL to a file, which goes on from what an earlier try has left. `tell` hears of
 * the bytes that are there. Throws a CliError, and writes no more, if there are more than `bytes`.
 */
export async function getFile(
  { url, bytes }: { readonly url: string; readonly bytes: number },
  file: string,
  tell: (bytes: number) => void,
): Promise<void> {
  const before = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (before === bytes) return;
  await whileHeard(url, async (signal, heard) => {
    const headers = {
      'accept-encoding': 'identity',
      ...(before === 0 ? {} : { range: `bytes=${before}-` }),
    };
    const answer = await fetch(url, { headers, signal, redirect: 'error' });
    await assertTaken(url, answer);
    const isRest = answer.status === 206;
    let there = isRest ? before : 0;
    const fd = openSync(file, isRest ? 'a' : 'w', 0o600);
    try {
      for await (const part of answer.body ?? []) {
        if (there + part.length > bytes) throw longer();
        for (let at = 0; at < part.length; ) at += writeSync(fd, part, at);
        there += part.length;
        tell(there);
        heard();
      }
    } finally {
      closeSync(fd);
    }
    if (there < bytes) throw new NoContact(placeOf(url), 'the answer ended too soon', true);
  });
}

const longer = () => new CliError('failed', 'The results are longer than Onebuck said.');

async function assertTaken(url: string, answer: Response): Promise<void> {
  if (answer.ok) return;
  const [, code = ''] = /<Code>(\w+)</.exec(await answer.text()) ?? [];
  throw refusalOf(placeOf(url), answer.status, JSON.stringify({ message: code }));
}

/** Only the place: whoever has the whole URL may use it. */
const placeOf = (url: string): string => new URL(url).origin;

/** Ends a transfer of which `heard` is not called for a while. */
async function whileHeard(
  url: string,
  transfer: (signal: AbortSignal, heard: () => void) => Promise<void>,
): Promise<void> {
  const silence = new AbortController();
  const reason = `nothing moved for ${SILENCE_MS_MAX / 1_000} s`;
  const end = () => silence.abort(new NoContact(placeOf(url), reason, true));
  const timer = setTimeout(end, SILENCE_MS_MAX);
  try {
    await transfer(silence.signal, () => timer.refresh());
  } catch (error) {
    // So fetch tells of whatever befalls the connection.
    if (!(error instanceof TypeError)) throw error;
    const cause = error.cause as Error | undefined;
    throw new NoContact(placeOf(url), cause?.message ?? error.message, true, cause);
  } finally {
    clearTimeout(timer);
  }
}
