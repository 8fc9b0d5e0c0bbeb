/*
 * What AWS asks for in us-east-1, in US dollars, outside of any free tier. From the AWS public
 * price list as known to us: check it before you rely on a cent.
 */

interface Price {
  readonly usd: number;
  /** For so many units. */
  readonly per: number;
  readonly unit: string;
  /** The page of AWS that has it. */
  readonly page: string;
}

const MILLION = 1e6;
const GB = 1e9;
const lambda = 'AWS Lambda pricing, Arm price';
const dynamoDb = 'Amazon DynamoDB pricing, on-demand capacity, standard table class';
const recovery = 'Amazon DynamoDB pricing, point-in-time recovery';
const secretsManager = 'AWS Secrets Manager pricing';
const cloudWatch = 'Amazon CloudWatch pricing';

export const prices = {
  lambdaRequest: { usd: 0.2, per: MILLION, unit: 'requests', page: lambda },
  lambdaGbSecond: { usd: 0.0000133334, per: 1, unit: 'GB-s', page: lambda },
  /** A scheduled rule's invocations. */
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
  /** Ten are free for ever. */
  alarmMonth: {
    usd: 0.1,
    per: 1,
    unit: 'alarm-months',
    page: `${cloudWatch}, standard resolution`,
  },
  /** Of a metric of our own, by the hours in which it is sent. */
  metricMonth: { usd: 0.3, per: 1, unit: 'metric-months', page: `${cloudWatch}, custom metrics` },
  /** Three are free for ever. */
  dashboardMonth: { usd: 3, per: 1, unit: 'dashboard-months', page: `${cloudWatch}, dashboards` },
  byteOut: { usd: 0.09, per: GB, unit: 'bytes', page: 'Amazon EC2 pricing, data transfer out' },
} as const satisfies Record<string, Price>;

export type PriceName = keyof typeof prices;
