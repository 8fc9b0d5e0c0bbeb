import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Asset, serveAsset } from '../../../lib/http/console.ts';

const asset = (type: string, text: string): Asset => ({
  type,
  br: brotliCompressSync(text).toString('base64'),
  gzip: gzipSync(text).toString('base64'),
});
const assets = {
  'index.html': asset('text/html', '<!doctype html>'),
  'assets/index-abc.js': asset('text/javascript', 'start();'),
};
const get = (path: string, headers: Record<string, string> = {}) =>
  serveAsset(assets, { path, headers }, null);
const bytes = ({ body }: { body: string }) => Buffer.from(body, 'base64');

describe('the console', () => {
  it('answers / with its page, which browsers revalidate each time', () => {
    const { statusCode, headers } = get('/');
    expect(statusCode).toBe(200);
    expect(headers).toMatchObject({ 'content-type': 'text/html', 'cache-control': 'no-cache' });
  });

  it('lets browsers cache its other files for ever: their names contain a hash', () => {
    const { headers } = get('/assets/index-abc.js');
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
  });

  it.each([
    ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
    ['gzip;q=0.5, br;q=0', 'gzip', gunzipSync],
    ['GZIP', 'gzip', gunzipSync],
  ])('answers Accept-Encoding "%s" with %s', (accepted, coding, decode) => {
    const reply = get('/assets/index-abc.js', { 'accept-encoding': accepted });
    expect(reply.headers['content-encoding']).toBe(coding);
    expect(decode(bytes(reply)).toString()).toBe('start();');
  });

  it.each([{}, { 'accept-encoding': 'identity' }])(
    'answers uncompressed to the headers %o',
    (headers) => {
      const reply = get('/assets/index-abc.js', headers);
      expect(reply.headers).not.toHaveProperty('content-encoding');
      expect(bytes(reply).toString()).toBe('start();');
    },
  );

  it('answers 304 to a browser that has the page', () => {
    const { etag = '' } = get('/').headers;
    expect(get('/', { 'if-none-match': etag })).toMatchObject({ statusCode: 304, body: '' });
    expect(get('/', { 'if-none-match': '"other"' }).statusCode).toBe(200);
  });

  it.each(['/assets/none.js', '/assets/../index.html', '/assets/', '/__proto__'])(
    'answers 404 to %s',
    (path) => {
      expect(get(path).statusCode).toBe(404);
    },
  );

  it.each(['/', '/assets/index-abc.js', '/none'])(
    'forbids %s to load from other origins, and to be framed',
    (path) => {
      const { headers } = get(path);
      const policy = headers['content-security-policy'] ?? '';
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      });
    },
  );

  it('may call the bucket of jobs, and no other address but its own', () => {
    const reply = serveAsset(assets, { path: '/', headers: {} }, 'https://files.example/');
    const policy = reply.headers['content-security-policy'] ?? '';
    expect(policy).toContain("; connect-src 'self' https://files.example/; ");
    expect(policy.match(/https?:/g)).toHaveLength(1);
  });
});
