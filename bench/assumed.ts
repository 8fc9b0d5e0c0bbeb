/**
 * Figures that can't be measured without AWS and Linode. The times of calls are how long a function
 * with 256 MB waits for the answer, its own work for the call included. All real times in the
 * reckoned costs come from here.
 */
export const assumed = {
  dynamoDbMs: 10,
  secretsManagerMs: 40,
  lambdaInvokeMs: 40,
  s3Ms: 30,
  linodeReadMs: 300,
  linodeWriteMs: 1_000,
  /** The time of the runtime and the handler in each invocation, without its calls. */
  invocationMs: 5,
  /** The start of a new environment, which Lambda bills as well. */
  initMs: 800,
  /** How long Lambda keeps an environment that serves no invocation. */
  warmMs: 10 * 60_000,
  /** Bytes sent to Linode in a call, TLS and headers included. */
  linodeCallBytes: 2_500,
  /** The largest answers of the open routes, as they are sent. */
  answerBytes: {
    'GET /assets/{file}': 31_000,
    'GET /openapi.json': 108_000,
  } as Readonly<Record<string, number>>,
  /** How many processes of the API run when strangers send requests day and night. */
  hammeredProcesses: 5,
  /** AWS bills a month as 730 hours. */
  hoursOfMonth: 730,
} as const;
