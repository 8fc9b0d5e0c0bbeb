/** What the process ends with; the README lists them. */
export const exitCodes = {
  failed: 1,
  usage: 2,
  notLoggedIn: 3,
  notFound: 4,
  unreachable: 5,
  refused: 6,
  interrupted: 130,
} as const;

export type Failure = keyof typeof exitCodes;

/** Ends the program with a message for people, and for `--json` the problem as the API has it. */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    readonly failure: Failure,
    message: string,
    readonly problem: unknown = null,
    /** Whether the same may do in a while; what was asked for may have been done all the same. */
    readonly mayPass = false,
  ) {
    super(message);
  }
}
