import { AppError, type ErrorCode } from '../errors.ts';
import { renderAlternative } from './render.ts';

/** RFC 9457: what an error looks like over HTTP. */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

const statuses: Record<ErrorCode, { status: number; title: string }> = {
  invalid: { status: 400, title: 'The request has faults' },
  tooLarge: { status: 413, title: 'The body is too long' },
  unsupported: { status: 415, title: 'The body is not said to be JSON' },
  refused: { status: 422, title: 'Refused before anything was bought' },
  notFound: { status: 404, title: 'Not found' },
  conflict: { status: 409, title: 'In conflict with what is there' },
  misconfigured: { status: 500, title: 'The deployment lacks a setting' },
  linodeDenied: { status: 502, title: 'Linode refused the token' },
  linodeRejected: { status: 502, title: 'Linode refused the request' },
  linodeUnavailable: { status: 503, title: 'Linode does not answer as it should' },
};

/** `id` is where the log tells more; strangers show nothing but that. */
export function problemOf(error: unknown, id: string): Problem {
  const headers = { 'content-type': 'application/problem+json' };
  if (!(error instanceof AppError)) {
    const detail = `Something went wrong on our side. The log has it as ${id}.`;
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
