import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** A request as its signature covers it. */
export interface Signed {
  readonly method: string;
  /** The path with the query, as sent. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

/** Who may sign, by the id of the key. */
export type Keys = Readonly<Record<string, string>>;

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

const DAYS_7_SECONDS = 604_800;
const UNSIGNED = 'UNSIGNED-PAYLOAD';

/** What the body's SHA-256 must be, in hex; null: the signature does not cover the body. */
export type Verdict = Refusal | { readonly sha256: string | null };

/**
 * Checks a signature of version 4, in a header or in a URL, as S3 does: `host` and each `x-amz-`
 * header must be among the signed headers, and a URL must not have expired.
 */
export function verify(request: Signed, keys: Keys, now: number): Verdict {
  const [path = '', query = ''] = request.target.split('?');
  const inUrl = new URLSearchParams(query);
  const claim = claimOf(request, inUrl);
  if ('status' in claim) return claim;
  const { credential, signedHeaders, signature, date } = claim;
  const [keyId = '', ...scope] = credential.split('/');
  const key = keys[keyId];
  if (key === undefined) {
    return refusal(403, 'InvalidAccessKeyId', 'The AWS access key Id does not exist.');
  }
  const unsigned = Object.keys(request.headers).find(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signedHeaders.includes(name),
  );
  if (unsigned !== undefined) {
    const message = `There were headers present in the request which were not signed: ${unsigned}`;
    return refusal(403, 'AccessDenied', message);
  }
  if (claim.expires !== null) {
    const signedAt = Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
    if (!(now < signedAt + claim.expires * 1000)) {
      return refusal(403, 'AccessDenied', 'Request has expired');
    }
  }
  const canonical = [
    request.method,
    path.split('/').map(decodeURIComponent).map(encoded).join('/'),
    canonicalQuery(inUrl),
    ...signedHeaders.map((name) => `${name}:${headerOf(request.headers[name])}`),
    '',
    signedHeaders.join(';'),
    claim.payload,
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', date, scope.join('/'), sha256(canonical)].join('\n');
  const signingKey = scope.reduce<string | Buffer>(
    (last, part) => createHmac('sha256', last).update(part).digest(),
    `AWS4${key}`,
  );
  const expected = createHmac('sha256', signingKey).update(toSign).digest('hex');
  if (expected !== signature) {
    const message =
      'The request signature we calculated does not match the signature you provided.';
    return refusal(403, 'SignatureDoesNotMatch', message);
  }
  return { sha256: claim.payload === UNSIGNED ? null : claim.payload };
}

interface Claim {
  /** The id of the key and the scope, with slashes between them. */
  readonly credential: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** In the form 20260310T120000Z. */
  readonly date: string;
  /** In seconds after `date`; null: only URLs expire. */
  readonly expires: number | null;
  readonly payload: string;
}

function claimOf({ headers }: Signed, inUrl: URLSearchParams): Claim | Refusal {
  const inHeader =
    /^AWS4-HMAC-SHA256 Credential=(\S+), ?SignedHeaders=(\S+), ?Signature=(\S+)$/.exec(
      headers.authorization ?? '',
    );
  if (inHeader !== null) {
    const [, credential = '', signedHeaders = '', signature = ''] = inHeader;
    const payload = headerOf(headers['x-amz-content-sha256']);
    const date = headerOf(headers['x-amz-date']);
    return {
      credential,
      signature,
      date,
      payload,
      signedHeaders: signedHeaders.split(';'),
      expires: null,
    };
  }
  const param = (name: string) => inUrl.get(`X-Amz-${name}`) ?? '';
  if (param('Algorithm') !== 'AWS4-HMAC-SHA256') {
    return refusal(403, 'AccessDenied', 'Access Denied');
  }
  const expires = Number(param('Expires'));
  if (!(expires >= 1 && expires <= DAYS_7_SECONDS)) {
    const message = 'X-Amz-Expires must be between 1 and 604800 seconds';
    return refusal(400, 'AuthorizationQueryParametersError', message);
  }
  return {
    credential: param('Credential'),
    signedHeaders: param('SignedHeaders').split(';'),
    signature: param('Signature'),
    date: param('Date'),
    expires,
    payload: UNSIGNED,
  };
}

const canonicalQuery = (query: URLSearchParams): string =>
  [...query]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .toSorted()
    .join('&');

/** Encodes all but A-Z, a-z, 0-9 and -._~, as the signature wants it. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const headerOf = (value: string | string[] | undefined): string =>
  [value ?? ''].flat().join(',').trim().replace(/ +/g, ' ');

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const refusal = (status: number, code: string, message: string): Refusal => ({
  status,
  code,
  message,
});
