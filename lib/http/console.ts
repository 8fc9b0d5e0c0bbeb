import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { PROBLEM_TYPE, problemBody } from './problem-body.ts';

/** A file of the console, compressed at build time; both forms are in base64. */
export interface Asset {
  readonly type: string;
  readonly br: string;
  readonly gzip: string;
}

export interface AssetRequest {
  readonly path: string;
  /** The headers by lower-case names, as API Gateway gives them. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export interface AssetReply {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

const YEAR_SECONDS = 31_536_000;

/**
 * The console may load its own files only, and call only the API of its own origin and the bucket of
 * jobs, to which it uploads. No page may frame it.
 */
const contentSecurityPolicy = (filesUrl: string | null): string =>
  [
    ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "font-src 'self'"],
    ["connect-src 'self'", ...(filesUrl === null ? [] : [filesUrl])].join(' '),
    ...["img-src 'self' data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ].join('; ');

const securityHeaders = (filesUrl: string | null) => ({
  'content-security-policy': contentSecurityPolicy(filesUrl),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
});

/**
 * The answer to a request for `/` or for a file of the console. `filesUrl`: with what the URLs of the
 * bucket of jobs begin; null: there is no bucket.
 */
export function serveAsset(
  assets: Readonly<Record<string, Asset>>,
  { path, headers }: AssetRequest,
  filesUrl: string | null,
): AssetReply {
  const name = path === '/' ? 'index.html' : path.slice(1);
  const asset = Object.hasOwn(assets, name) ? assets[name] : undefined;
  if (asset === undefined) {
    const detail = `There is no ${path}. The console is at /, the API at /openapi.json.`;
    return missing(detail, securityHeaders(filesUrl));
  }
  const isPage = name === 'index.html';
  const etag = `"${createHash('sha256').update(asset.br).digest('base64url').slice(0, 22)}"`;
  const shared = {
    ...securityHeaders(filesUrl),
    etag,
    vary: 'accept-encoding',
    // The names of all other files change with their content, so that they never go stale.
    'cache-control': isPage ? 'no-cache' : `public, max-age=${YEAR_SECONDS}, immutable`,
  };
  if (headers['if-none-match'] === etag) {
    return { statusCode: 304, headers: shared, body: '', isBase64Encoded: false };
  }
  return {
    statusCode: 200,
    headers: { ...shared, 'content-type': asset.type, ...encodingOf(headers) },
    body: bodyOf(asset, headers),
    isBase64Encoded: true,
  };
}

function missing(detail: string, secure: Readonly<Record<string, string>>): AssetReply {
  const headers = { ...secure, 'content-type': PROBLEM_TYPE };
  const body = problemBody('notFound', detail);
  return {
    statusCode: body.status,
    headers,
    body: JSON.stringify(body),
    isBase64Encoded: false,
  };
}

type Encoding = 'br' | 'gzip' | null;

function preferred(headers: AssetRequest['headers']): Encoding {
  const accepted = (headers['accept-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .map((item) => item.trim().split(/\s*;\s*q=/))
    .filter(([, weight = '1']) => Number(weight) > 0)
    .map(([coding = '']) => coding);
  return (['br', 'gzip'] as const).find((coding) => accepted.includes(coding)) ?? null;
}

function encodingOf(headers: AssetRequest['headers']): Record<string, string> {
  const encoding = preferred(headers);
  return encoding === null ? {} : { 'content-encoding': encoding };
}

function bodyOf(asset: Asset, headers: AssetRequest['headers']): string {
  const encoding = preferred(headers);
  if (encoding !== null) return asset[encoding];
  return gunzipSync(Buffer.from(asset.gzip, 'base64')).toString('base64');
}
