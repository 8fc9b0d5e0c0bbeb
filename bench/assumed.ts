/**
 * What nothing here can measure: how long others take to answer a function of 256 MB, its own work
 * on the call included, and the like. All that the counts know of real time comes from here.
 */
export const assumed = {
  dynamoDbMs: 10,
  secretsManagerMs: 40,
  lambdaInvokeMs: 40,
  linodeReadMs: 300,
  linodeWriteMs: 1_000,
  /** Of the runtime and the handler, beside its calls. */
  invocationMs: 5,
  /** Of a new environment, which Lambda bills too. */
  initMs: 800,
  /** For how long Lambda keeps an environment that is not used. */
  warmMs: 10 * 60_000,
  /** Sent to Linode a call, TLS and headers included. */
  linodeCallBytes: 2_500,
  /** For which AWS bills 730 hours. */
  hoursOfMonth: 730,
} as const;
