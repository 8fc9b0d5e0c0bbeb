import type { Account } from './account.ts';
import { ApiError } from './api-error.ts';
import { isObject } from './json.ts';
import type { SimulatorSettings } from './settings.ts';

/** A call that may have its effect: token, scope and rate are in order. */
export interface Call {
  readonly account: Account;
  readonly settings: SimulatorSettings;
  readonly now: number;
  readonly beta: boolean;
  /** The variable parts of the path, decoded. */
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly filter: string | undefined;
  readonly body: string;
  /** The list of Linodes as it was so long ago; 0: as it is. */
  readonly staleSeconds: number;
  readonly truncated: { readonly items: number; readonly keepTotals: boolean } | null;
}

/** Throws the API's 400 for what is no JSON object. */
export function bodyOf({ body }: Call): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    if (isObject(value)) return value;
  } catch {
    // Answered below, like JSON that is no object.
  }
  throw new ApiError(400, { reason: 'Invalid JSON' });
}
