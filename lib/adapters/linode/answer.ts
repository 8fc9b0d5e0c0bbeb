import { type DurationMs, durationMs, seconds } from '../../core/base/units.ts';
import { AppError } from '../../errors.ts';
import { decodeErrors, type LinodeFault } from './wire.ts';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** The path below the base URL, percent-encoded, without a query. */
  readonly path: string;
  readonly query?: string;
  readonly filter?: Readonly<Record<string, unknown>>;
  readonly body?: Readonly<Record<string, unknown>>;
  /** Texts that no message may repeat, although Linode's answer might. */
  readonly secrets?: readonly string[];
  /** A shorter time-out than usual, in milliseconds of the machine's time. */
  readonly timeoutMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly header: (name: string) => string | null;
  readonly text: string;
}

/** What an answer, or a missing answer, means for the call: docs/linode.md#answers-and-errors. */
export type Verdict =
  | {
      readonly kind: 'ok';
      readonly body: unknown;
      /** How long the body may be used; null: the answer does not say. */
      readonly maxAge: DurationMs | null;
    }
  /**
   * Linode did nothing, because there were too many calls. `waitMs` null: it did not say how long
   * to wait.
   */
  | (Failure & { readonly kind: 'rateLimited'; readonly waitMs: DurationMs | null })
  /** Linode may have done the call. Repeat it, if doing it twice does no harm. */
  | (Failure & { readonly kind: 'transient' })
  /** Linode may have done the call. Repeating it soon would not help. */
  | (Failure & { readonly kind: 'failed' })
  /** Linode did nothing: the token is not valid. */
  | (Failure & { readonly kind: 'invalidToken' })
  /** Linode did nothing: the token lacks a scope, or its user lacks a grant. */
  | (Failure & { readonly kind: 'denied' })
  /** Linode did nothing, for a reason that lies in the request. */
  | (Failure & { readonly kind: 'rejected' });

interface Failure {
  /** null: no answer came. */
  readonly status: number | null;
  readonly reason: string;
}

export function judge(call: Call, answer: Answer): Verdict {
  const { status, header } = answer;
  const body = parseJson(answer.text);
  if (status >= 200 && status < 300) return judgeSuccess(answer, body);

  const faults = body.ok ? (decodeErrors(body.value) ?? []) : [];
  const failure = { status, reason: describeFaults(faults) || `an answer in ${mediaType(answer)}` };
  if (status === 429) {
    return { ...failure, kind: 'rateLimited', waitMs: parseRetryAfter(header('retry-after')) };
  }
  if (status >= 500 && isMaintenance(answer)) return maintenance(status);
  if (status === 501) return { ...failure, kind: 'failed' };
  if (status >= 500 || status === 408) return { ...failure, kind: 'transient' };
  if (status < 400) return { ...failure, kind: 'failed' };
  // An HTML page comes from an edge server before the API (nginx answers 400 in this way). It says
  // nothing about the resource, least of all that it does not exist.
  if (mediaType(answer) === 'text/html') {
    return { ...failure, kind: status === 404 || status === 405 ? 'failed' : 'transient' };
  }
  if (status === 401) return judgeUnauthorized(call, answer, failure);
  if (status === 403 && (call.method !== 'POST' || isUnauthorized(faults))) {
    return { kind: 'denied', status, reason: lacksGrant(call, failure.reason) };
  }
  if (status === 400 && isBusy(faults)) return { ...failure, kind: 'transient' };
  return { ...failure, kind: 'rejected' };
}

export function errorOf(call: Call, verdict: Exclude<Verdict, { kind: 'ok' }>): AppError {
  switch (verdict.kind) {
    case 'invalidToken':
      return new AppError('linodeDenied', INVALID_TOKEN);
    case 'denied':
      return new AppError('linodeDenied', verdict.reason);
    case 'rejected':
      return new AppError('linodeRejected', describe(call, verdict));
    case 'rateLimited':
    case 'transient':
    case 'failed':
      return new AppError('linodeUnavailable', describe(call, verdict));
  }
}

/** The call and its failure as text: `POST /linode/instances: 400: reason (field); reason2`. */
export function describe(call: Call, { status, reason }: Failure): string {
  return `${call.method} ${call.path}: ${status === null ? '' : `${status}: `}${reason}`;
}

/** The failure of an answer whose JSON does not have the documented shape. */
export function illShaped(fault: string): Failure & { readonly kind: 'failed' } {
  return { kind: 'failed', status: 200, reason: `unexpected answer: ${fault}` };
}

const INVALID_TOKEN =
  'Linode refused the token: it is wrong, expired or revoked. Put a valid one into the secret.';
const WAIT_MIN = seconds(1);
const WAIT_MAX = seconds(30);

function judgeSuccess(answer: Answer, body: ParsedJson): Verdict {
  const { status } = answer;
  const maxAge = parseMaxAge(answer.header('cache-control'));
  if (body.ok) return { kind: 'ok', body: body.value, maxAge };
  if (status === 204) return { kind: 'ok', body: {}, maxAge };
  if (isMaintenance(answer)) return maintenance(status);
  return { kind: 'transient', status, reason: `an answer in ${mediaType(answer)}, not JSON` };
}

/**
 * Linode answers 401 for a missing scope, too. Only the reason distinguishes the two, or a header
 * with the token's scopes: docs/linode.md#tokens.
 */
function judgeUnauthorized(call: Call, { header }: Answer, failure: Failure): Verdict {
  const owned = header('x-oauth-scopes') ?? 'unknown';
  const lacksScope = /not authorized to use this endpoint/i.test(failure.reason);
  const isInvalid = /^invalid token/i.test(failure.reason) || owned === 'unknown';
  if (isInvalid && !lacksScope) return { ...failure, kind: 'invalidToken' };
  const needed = header('x-accepted-oauth-scopes') ?? 'another scope';
  const reason = `${call.method} ${call.path} needs a token with ${needed}`;
  return { kind: 'denied', status: failure.status, reason: `${reason}; this one has: ${owned}.` };
}

const lacksGrant = ({ method, path }: Call, reason: string): string =>
  `Linode refused ${method} ${path}: grant it to the token's user (${reason}).`;

const isMaintenance = ({ header }: Answer): boolean => header('x-maintenance-mode') !== null;

const maintenance = (status: number): Verdict => ({
  kind: 'failed',
  status,
  reason: 'Linode is in maintenance',
});

const isBusy = (faults: readonly LinodeFault[]): boolean =>
  faults.map(({ reason }) => reason).join('; ') === 'Linode busy.';

const isUnauthorized = (faults: readonly LinodeFault[]): boolean =>
  faults.length > 0 && faults.every(({ reason }) => /^unauthorized\.?$/i.test(reason));

function describeFaults(faults: readonly LinodeFault[]): string {
  return faults.map(({ reason, field }) => (field ? `${reason} (${field})` : reason)).join('; ');
}

function mediaType({ header }: Answer): string {
  const [type = ''] = (header('content-type') ?? '').split(';');
  return type.trim().toLowerCase() || 'no known format';
}

/**
 * The wait of a `Retry-After` header, from 1 to 30 s; null: it names none. The header is valid only
 * with a 429, and may be hugely negative: docs/linode.md#rate-limits.
 */
function parseRetryAfter(text: string | null): DurationMs | null {
  const waitSeconds = text === null || text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isNaN(waitSeconds)) return null;
  return durationMs(Math.ceil(Math.min(Math.max(waitSeconds * 1_000, WAIT_MIN), WAIT_MAX)));
}

/**
 * The max-age of a `Cache-Control` header; null: it has none. Linode sends some headers twice, once
 * from a proxy before its API, with different ages. The shortest age counts, and `no-store` or
 * `no-cache` overrides every age (RFC 9111, section 4.2.1).
 */
function parseMaxAge(cacheControl: string | null): DurationMs | null {
  const directives = (cacheControl ?? '').toLowerCase().split(/[\s,]+/);
  if (directives.some((name) => name === 'no-store' || name === 'no-cache')) return seconds(0);
  const ages = directives.flatMap(
    (directive) => /^max-age="?(\d{1,9})"?$/.exec(directive)?.[1] ?? [],
  );
  return ages.length === 0 ? null : seconds(Math.min(...ages.map(Number)));
}

type ParsedJson = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

function parseJson(text: string): ParsedJson {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false }; // the parser's message would quote the text
  }
}
