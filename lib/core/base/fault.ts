/**
 * A fault of an input. `path` names the field, such as `budgetUsd` or `authorizedKeys[1]`; empty:
 * the whole input.
 */
export interface Fault {
  readonly path: string;
  readonly message: string;
}
