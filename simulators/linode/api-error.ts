export interface Fault {
  readonly reason: string;
  readonly field?: string;
}

/** An answer in the API's error envelope. */
export class ApiError extends Error {
  readonly faults: readonly Fault[];

  constructor(
    readonly status: number,
    ...faults: readonly Fault[]
  ) {
    super(faults.map((fault) => fault.reason).join('; '));
    this.faults = faults;
  }

  /** `reason` comes before `field`, and `field` is left out where there is none. */
  get body(): { errors: Fault[] } {
    return {
      errors: this.faults.map(({ reason, field }) =>
        field === undefined ? { reason } : { reason, field },
      ),
    };
  }
}

export const notFound = (): ApiError => new ApiError(404, { reason: 'Not found' });
export const busy = (): ApiError => new ApiError(400, { reason: 'Linode busy.' });
export const tooManyRequests = (): ApiError => new ApiError(429, { reason: 'Too many requests' });
export const invalidToken = (): ApiError => new ApiError(401, { reason: 'Invalid Token' });
/** 401, not 403: so the API answers where a scope is missing. */
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

/** What the real API has and the simulator has not: better loud than wrong. */
export const notSimulated = (what: string): ApiError =>
  new ApiError(501, { reason: `The simulator does not have ${what}` });
