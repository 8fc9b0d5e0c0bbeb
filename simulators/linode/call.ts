import type { Account } from './account.ts';
import { ApiError } from './api-error.ts';
import { isObject } from './json.ts';
import type { Machines } from './machines.ts';
import type { SimulatorSettings } from './settings.ts';

/** A call whose token, rate and scope have been accepted, so that it may take effect. */
export interface Call {
  readonly account: Account;
  readonly settings: SimulatorSettings;
  /** null: the Linodes boot nothing. */
  readonly machines: Machines | null;
  /** Virtual epoch milliseconds. */
  readonly now: number;
  /** Whether the client called /v4beta. */
  readonly beta: boolean;
  /** The variable parts of the path, decoded. */
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly filter: string | undefined;
  readonly body: string;
  /** How many seconds ago the list of Linodes was as the answer shows it. */
  readonly staleSeconds: number;
  readonly truncated: { readonly items: number; readonly keepTotals: boolean } | null;
}

/** Throws the API's 400 if the body is not a JSON object. */
export function bodyOf({ body }: Call): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    if (isObject(value)) return value;
  } catch {
    // Text that is not JSON gets the same answer as JSON that is not an object.
  }
  throw new ApiError(400, { reason: 'Invalid JSON' });
}
