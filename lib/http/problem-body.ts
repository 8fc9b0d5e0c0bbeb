import type { ErrorCode } from '../errors.ts';

/** The content type of every error that Onebuck answers. */
export const PROBLEM_TYPE = 'application/problem+json';

const kinds: Record<ErrorCode, { readonly status: number; readonly title: string }> = {
  invalid: { status: 400, title: 'The request has faults' },
  noToken: { status: 401, title: 'The request has no token' },
  unknownToken: { status: 403, title: 'The token is not taken' },
  notAllowed: { status: 403, title: 'The token may not do this' },
  tooLarge: { status: 413, title: 'The body is too long' },
  unsupported: { status: 415, title: 'The content type is not JSON' },
  refused: { status: 422, title: 'Refused before anything was bought' },
  tooMany: { status: 429, title: 'Too many requests' },
  notFound: { status: 404, title: 'Not found' },
  conflict: { status: 409, title: 'Conflict with the present state' },
  unreadable: { status: 500, title: 'The record is unreadable' },
  misconfigured: { status: 500, title: 'The deployment lacks a setting' },
  linodeDenied: { status: 502, title: 'Linode refused the token' },
  linodeRejected: { status: 502, title: 'Linode refused the request' },
  linodeUnavailable: { status: 503, title: 'Linode does not answer as it should' },
};

/** The members that every problem has, by RFC 9457. `detail` says what to do. */
export function problemBody(code: ErrorCode, detail: string) {
  const { status, title } = kinds[code];
  return { title, status, code, detail };
}
