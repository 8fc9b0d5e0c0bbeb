import type { Fault } from './core/base/fault.ts';
import type { Alternative } from './core/cluster/advice.ts';
import type { Linode } from './core/cluster/linode.ts';

/**
 * The kinds of errors that a caller can act on. lib/http/problems.ts maps each code to an HTTP
 * status. An error of any other class is a bug in Onebuck.
 */
export type ErrorCode =
  | 'invalid' // the caller's input has faults, listed in `faults`
  | 'tooLarge'
  | 'unsupported' // a content type that is not JSON
  | 'noToken'
  | 'unknownToken'
  | 'notAllowed' // the token lacks a right
  | 'refused' // understood, and declined before anything was bought
  | 'tooMany' // more calls of one caller than it needs
  | 'notFound'
  | 'conflict'
  | 'unreadable' // a record exists and can't be read; the message says what to do
  | 'misconfigured' // the deployment lacks something; the message says what to add
  | 'linodeDenied' // Linode refused the token: bad, or without a scope
  | 'linodeRejected' // Linode refused the request for good
  | 'linodeUnavailable'; // Linode did not answer as it should within the time given

export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

interface ErrorDetails {
  readonly faults?: readonly Fault[];
  /** Further facts for the caller, as members of the JSON body. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** Changes of the spec that could be launched instead. */
  readonly alternatives?: readonly Alternative[];
  /** Whose record can't be read: nobody else may learn of it; null: that is not known. */
  readonly owner?: string | null;
}

/** A list of Linodes could not be read to its end. `found`: those that were read, by id. */
export class PartialListError extends AppError {
  readonly found: readonly Linode[];

  constructor(cause: AppError, found: readonly Linode[]) {
    super(cause.code, cause.message, cause.details);
    this.found = found;
  }
}

export const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
