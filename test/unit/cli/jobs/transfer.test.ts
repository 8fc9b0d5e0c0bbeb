import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { getFile, putFile } from '../../../../cli/jobs/transfer.ts';
import { NoContact, Refusal } from '../../../../client/api.ts';
import { freePort, listen } from '../../../../simulators/listen.ts';

const dir = mkdtempSync(join(tmpdir(), 'onebuck-transfer-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
const file = join(dir, 'content');
writeFileSync(file, CONTENT);

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const port = await freePort();
  await listen(server as never, port);
  return `http://127.0.0.1:${port}/bucket/key?X-Amz-Signature=secret`;
}

const expired = '<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>';

describe('an upload', () => {
  it('has its length, no other header of a body, and the bytes of the file', async () => {
    const got = vi.fn();
    const url = await serve(async (incoming, outgoing) => {
      const parts: Buffer[] = [];
      for await (const part of incoming) parts.push(part);
      const { 'content-length': length, 'transfer-encoding': encoding } = incoming.headers;
      got(incoming.method, length, encoding, Buffer.concat(parts).equals(CONTENT));
      outgoing.end();
    });
    const told: number[] = [];
    await putFile(url, file, (bytes) => told.push(bytes));
    expect(got).toHaveBeenCalledWith('PUT', '300000', undefined, true);
    expect(told.at(-1)).toBe(300_000);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
  });

  it('to a URL that has expired is refused, and the URL not shown', async () => {
    const url = await serve((incoming, outgoing) => {
      incoming.resume();
      outgoing.writeHead(403).end(expired);
    });
    const error = await putFile(url, file, () => {}).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(Refusal);
    expect(error).toMatchObject({ status: 403, message: expect.stringContaining('AccessDenied') });
    expect(JSON.stringify([error, error.message])).not.toContain('secret');
  });

  it('whose connection breaks may succeed in a while', async () => {
    const url = await serve((incoming) => void incoming.socket.destroy());
    const error = await putFile(url, file, () => {}).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(NoContact);
    expect(error.message).not.toContain('secret');
  });
});

describe('a download', () => {
  /** Breaks off after `most` bytes of each answer. */
  const serveParts = (most: number, ranges: (string | undefined)[]) =>
    serve((incoming, outgoing) => {
      const { range } = incoming.headers;
      ranges.push(range);
      const from = Number(/\d+/.exec(range ?? '')?.[0] ?? 0);
      const headers = { 'content-length': CONTENT.length - from };
      outgoing.writeHead(range === undefined ? 200 : 206, headers);
      const end = Math.min(CONTENT.length, from + most);
      createReadStream(file, { start: from, end: end - 1 })
        .on('end', () => (end < CONTENT.length ? outgoing.destroy() : outgoing.end()))
        .pipe(outgoing, { end: false });
    });

  it('goes on where it broke off', async () => {
    const ranges: (string | undefined)[] = [];
    const url = await serveParts(120_000, ranges);
    const to = join(dir, 'parts');
    const told: number[] = [];
    const get = () => getFile({ url, bytes: CONTENT.length }, to, (bytes) => told.push(bytes));
    await expect(get()).rejects.toThrow(NoContact);
    await expect(get()).rejects.toThrow(NoContact);
    await get();
    await get();
    expect(readFileSync(to).equals(CONTENT)).toBe(true);
    expect(ranges).toHaveLength(3);
    expect(ranges[0]).toBeUndefined();
    expect(told).toEqual(told.toSorted((a, b) => a - b));
  });

  it('begins anew where the server gives the whole again', async () => {
    const url = await serve((_, outgoing) => void outgoing.end(CONTENT));
    const to = join(dir, 'anew');
    writeFileSync(to, 'other');
    await getFile({ url, bytes: CONTENT.length }, to, () => {});
    expect(readFileSync(to).equals(CONTENT)).toBe(true);
  });

  it('that is longer than was said ends before it writes more', async () => {
    const url = await serve((_, outgoing) => void outgoing.end(CONTENT));
    const to = join(dir, 'longer');
    const getting = getFile({ url, bytes: 1_000 }, to, () => {});
    await expect(getting).rejects.toThrow('The results are longer than Onebuck said.');
    expect(readFileSync(to).length).toBeLessThanOrEqual(1_000);
  });

  it('of a URL that has expired is refused', async () => {
    const url = await serve((_, outgoing) => void outgoing.writeHead(403).end(expired));
    const getting = getFile({ url, bytes: 1 }, join(dir, 'none'), () => {});
    await expect(getting).rejects.toMatchObject({ status: 403 });
  });
});
