export interface ErrorItem {
  readonly reason: string;
  readonly field?: string;
}

/** An error of the API; `body` is its answer in the API's envelope. */
export class ApiError extends Error {
  readonly status: number;
  readonly errors: readonly ErrorItem[];

  constructor(status: number, ...errors: readonly ErrorItem[]) {
    super(errors.map((item) => item.reason).join('; '));
    this.status = status;
    this.errors = errors;
  }

  /** Has the keys in the API's order, and `field` only in items about a field. */
  get body(): { errors: ErrorItem[] } {
    return {
      errors: this.errors.map(({ reason, field }) =>
        field === undefined ? { reason } : { reason, field },
      ),
    };
  }
}

export const notFound = (): ApiError => new ApiError(404, { reason: 'Not found' });
export const busy = (): ApiError => new ApiError(400, { reason: 'Linode busy.' });
export const tooManyRequests = (): ApiError => new ApiError(429, { reason: 'Too many requests' });
export const invalidToken = (): ApiError => new ApiError(401, { reason: 'Invalid Token' });
/** The API answers a token without the needed scope with 401, not with 403. */
export const missingScope = (): ApiError =>
  new ApiError(401, { reason: 'Your OAuth token is not authorized to use this endpoint.' });

export const noCapacity = (): ApiError =>
  new ApiError(403, {
    reason:
      'The Linode plan you chose is not currently available in the selected region. Please ' +
      'select another region or plan type, or contact Support for assistance.',
  });

export const limitReached = (): ApiError =>
  new ApiError(400, {
    reason:
      "You've reached a limit for the number of active services on your account. Please contact " +
      'Support to request an increase and provide the total number of services you may need.',
  });

/** The text is a guess: no answer to a deletion of a locked Linode has been seen. */
export const locked = (): ApiError =>
  new ApiError(400, { reason: 'This Linode has a lock that prevents its deletion.' });

/** For features of the real API that the simulator lacks: a test must fail rather than mislead. */
export const notSimulated = (feature: string): ApiError =>
  new ApiError(501, { reason: `The simulator does not have ${feature}` });
