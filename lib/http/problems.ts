import { AppError, type ErrorCode } from '../errors.ts';
import { renderAlternative } from './render.ts';

/** An error as an HTTP answer, by RFC 9457. */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

const statuses: Record<ErrorCode, { status: number; title: string }> = {
  invalid: { status: 400, title: 'The request has faults' },
  tooLarge: { status: 413, title: 'The body is too long' },
  unsupported: { status: 415, title: 'The content type is not JSON' },
  refused: { status: 422, title: 'Refused before anything was bought' },
  notFound: { status: 404, title: 'Not found' },
  conflict: { status: 409, title: 'Conflict with the present state' },
  unreadable: { status: 500, title: 'The record is unreadable' },
  misconfigured: { status: 500, title: 'The deployment lacks a setting' },
  linodeDenied: { status: 502, title: 'Linode refused the token' },
  linodeRejected: { status: 502, title: 'Linode refused the request' },
  linodeUnavailable: { status: 503, title: 'Linode does not answer as it should' },
};

/**
 * The answer to a request that failed. `id` is the id of the error in the log. An error that is no
 * AppError shows only this id, because its message is not meant for clients.
 */
export function problemOf(error: unknown, id: string): Problem {
  const headers = { 'content-type': 'application/problem+json' };
  if (!(error instanceof AppError)) {
    const detail = `Onebuck failed to answer. Its log has the error under the id ${id}.`;
    return {
      status: 500,
      headers,
      body: { title: 'Internal error', status: 500, code: 'internal', detail, id },
    };
  }
  const { status, title } = statuses[error.code];
  const { faults, members, alternatives } = error.details;
  const further = {
    ...(faults && { errors: faults }),
    ...members,
    ...(alternatives && { alternatives: alternatives.map(renderAlternative) }),
  };
  return {
    status,
    headers: status === 503 ? { ...headers, 'retry-after': '30' } : headers,
    body: { title, status, code: error.code, detail: error.message, ...further },
  };
}
