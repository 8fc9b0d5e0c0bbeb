/*
 * AWS's prices in us-east-1, in US dollars, without any free tier. The figures are from AWS's
 * public price list and may be out of date: check them before you rely on a cent.
 */

interface Price {
  /** The price of `per` units. */
  readonly usd: number;
  readonly per: number;
  readonly unit: string;
  /** The page of AWS with the price. */
  readonly page: string;
}

const MILLION = 1e6;
const GB = 1e9;
const lambda = 'AWS Lambda pricing, Arm price';
const dynamoDb = 'Amazon DynamoDB pricing, on-demand capacity, standard table class';
const recovery = 'Amazon DynamoDB pricing, point-in-time recovery';
const secretsManager = 'AWS Secrets Manager pricing';
const s3 = 'Amazon S3 pricing, S3 Standard';
const cloudWatch = 'Amazon CloudWatch pricing';

export const prices = {
  lambdaRequest: { usd: 0.2, per: MILLION, unit: 'requests', page: lambda },
  lambdaGbSecond: { usd: 0.0000133334, per: 1, unit: 'GB-s', page: lambda },
  /** An invocation by a scheduled rule. */
  ruleInvocation: { usd: 0, per: 1, unit: 'ticks', page: 'Amazon EventBridge pricing, rules' },
  writeUnit: { usd: 0.625, per: MILLION, unit: 'WRU', page: dynamoDb },
  readUnit: { usd: 0.125, per: MILLION, unit: 'RRU', page: dynamoDb },
  tableByteMonth: { usd: 0.25, per: GB, unit: 'byte-months', page: dynamoDb },
  backupByteMonth: { usd: 0.2, per: GB, unit: 'byte-months', page: recovery },
  secretMonth: { usd: 0.4, per: 1, unit: 'secret-months', page: secretsManager },
  secretCall: { usd: 0.05, per: 10_000, unit: 'calls', page: secretsManager },
  httpRequest: {
    usd: 1,
    per: MILLION,
    unit: 'requests',
    page: 'Amazon API Gateway pricing, HTTP APIs',
  },
  logByte: { usd: 0.5, per: GB, unit: 'bytes', page: `${cloudWatch}, logs collected` },
  logByteMonth: { usd: 0.03, per: GB, unit: 'byte-months', page: `${cloudWatch}, logs stored` },
  /** Every account has ten alarms free: see `freeAlarms`. */
  alarmMonth: {
    usd: 0.1,
    per: 1,
    unit: 'alarm-months',
    page: `${cloudWatch}, standard resolution`,
  },
  /** A custom metric; billed by the hours in which it is sent. */
  metricMonth: { usd: 0.3, per: 1, unit: 'metric-months', page: `${cloudWatch}, custom metrics` },
  /** Every account has three dashboards free. */
  dashboardMonth: { usd: 3, per: 1, unit: 'dashboard-months', page: `${cloudWatch}, dashboards` },
  /** A PUT or a copy; deletions are free. */
  s3Write: { usd: 0.005, per: 1_000, unit: 'requests', page: s3 },
  /** A GET or a HEAD. */
  s3Read: { usd: 0.0004, per: 1_000, unit: 'requests', page: s3 },
  s3ByteMonth: { usd: 0.023, per: GB, unit: 'byte-months', page: s3 },
  byteOut: { usd: 0.09, per: GB, unit: 'bytes', page: 'Amazon EC2 pricing, data transfer out' },
} as const satisfies Record<string, Price>;

export const freeAlarms = 10;

export type PriceName = keyof typeof prices;
