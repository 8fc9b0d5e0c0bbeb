import { AppError, type ErrorCode } from '../errors.ts';
import { PROBLEM_TYPE, problemBody } from './problem-body.ts';
import { renderAlternative } from './render.ts';

/** An error as an HTTP answer, by RFC 9457. */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * The answer to a request that failed. `id` is the id of the error in the log. An error that is no
 * AppError shows only this id, because its message is not meant for clients.
 */
export function problemOf(error: unknown, id: string): Problem {
  const headers = { 'content-type': PROBLEM_TYPE };
  if (!(error instanceof AppError)) {
    const detail = `Onebuck failed to answer. Its log has the error under the id ${id}.`;
    return {
      status: 500,
      headers,
      body: { title: 'Internal error', status: 500, code: 'internal', detail, id },
    };
  }
  const { code, message, details } = error;
  const body = problemBody(code, message);
  const { faults, members, alternatives } = details;
  return {
    status: body.status,
    headers: { ...headers, ...(furtherHeaders[code] ?? {}) },
    body: {
      ...body,
      ...(faults && { errors: faults }),
      ...members,
      ...(alternatives && { alternatives: alternatives.map(renderAlternative) }),
    },
  };
}

const furtherHeaders: Partial<Record<ErrorCode, Readonly<Record<string, string>>>> = {
  noToken: { 'www-authenticate': 'Bearer' },
  tooMany: { 'retry-after': '30' },
  linodeUnavailable: { 'retry-after': '30' },
};
