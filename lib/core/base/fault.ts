/** One thing wrong with an input: where (`budgetUsd`, `authorizedKeys[1]`) and what to do. */
export interface Fault {
  readonly path: string;
  readonly message: string;
}
