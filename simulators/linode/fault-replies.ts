import {
  ApiError,
  busy,
  invalidToken,
  limitReached,
  locked,
  missingScope,
  noCapacity,
  tooManyRequests,
} from './api-error.ts';
import type { AfterKind, BeforeKind } from './faults.ts';

/** An answer of a proxy or a load balancer in front of the API. */
export interface EdgePage {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type FaultReply = ApiError | EdgePage | 'drop' | 'hang';

const internalError = (): ApiError => new ApiError(500, { reason: 'Internal server error' });
const tryAgain = (): ApiError => new ApiError(408, { reason: 'Please try again' });
const unavailable = (): ApiError => new ApiError(503, { reason: 'Service unavailable' });

const page = (status: number, title: string, headers: Record<string, string> = {}): EdgePage => ({
  status,
  headers: { 'Content-Type': 'text/html', ...headers },
  body: `<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`,
});

const replies: Readonly<Record<BeforeKind | AfterKind, () => FaultReply>> = {
  status408: tryAgain,
  status408After: tryAgain,
  status429: tooManyRequests,
  status500: internalError,
  error500After: internalError,
  html502: () => page(502, '502 Bad Gateway'),
  status503: unavailable,
  maintenance503: unavailable,
  nginx400: () => page(400, '400 Bad Request', { Server: 'nginx' }),
  html200: () => page(200, 'Scheduled maintenance'),
  busy,
  busyAfter: busy,
  capacity: noCapacity,
  limit: limitReached,
  invalidToken,
  missingScope,
  ignored: () => ({
    status: 200,
    headers: { 'Content-Type': 'application/json' },
    body: '{}',
  }),
  locked,
  dropBefore: () => 'drop',
  dropAfter: () => 'drop',
  hang: () => 'hang',
  hangAfter: () => 'hang',
};

export const faultReply = (kind: BeforeKind | AfterKind): FaultReply => replies[kind]();
