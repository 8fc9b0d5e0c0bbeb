import { Ajv } from 'ajv';
import { expect, it, vi } from 'vitest';
import { createMetrics } from '../../../../lib/adapters/aws/emf.ts';
import { type MetricName, metrics } from '../../../../lib/core/cluster/metrics.ts';
import { silentLog } from '../../../support/doubles.ts';
import { emitted, linesOf } from '../../../support/emf.ts';

const text = { type: 'string', minLength: 1, maxLength: 1024 };
const UNITS =
  '^(Seconds|Microseconds|Milliseconds|(Bytes|Kilobytes|Megabytes|Gigabytes|Terabytes|Bits|' +
  'Kilobits|Megabits|Gigabits|Terabits)(/Second)?|Percent|Count(/Second)?|None)$';
/** The JSON schema in "Embedded metric format specification", Amazon CloudWatch User Guide. */
const SCHEMA = {
  type: 'object',
  required: ['_aws'],
  properties: {
    _aws: {
      type: 'object',
      required: ['Timestamp', 'CloudWatchMetrics'],
      properties: {
        Timestamp: { type: 'integer' },
        CloudWatchMetrics: {
          type: 'array',
          items: {
            type: 'object',
            required: ['Namespace', 'Dimensions', 'Metrics'],
            properties: {
              Namespace: text,
              Dimensions: {
                type: 'array',
                minItems: 1,
                items: { type: 'array', maxItems: 30, items: { ...text, maxLength: 250 } },
              },
              Metrics: {
                type: 'array',
                items: {
                  type: 'object',
                  required: ['Name'],
                  properties: { Name: text, Unit: { type: 'string', pattern: UNITS } },
                },
              },
            },
          },
        },
      },
    },
  },
};
const isEmf = new Ajv().compile(SCHEMA);
const WITH = { stage: 'test', hasDashboard: true };
const WITHOUT = { stage: 'test', hasDashboard: false };
const ALL = Object.fromEntries(Object.keys(metrics).map((name, index) => [name, index - 1.5]));

it('a set of metrics is a line of the embedded metric format, with every value by its name', () => {
  const before = Date.now();
  const line = emitted(WITH, ALL);
  expect(isEmf(line), JSON.stringify(isEmf.errors)).toBe(true);
  const [directive, ...others] = line._aws.CloudWatchMetrics;
  expect(others).toEqual([]);
  expect(directive).toEqual({
    Namespace: 'onebuck',
    Dimensions: [['service']],
    Metrics: Object.entries(metrics).map(([Name, { unit }]) => ({ Name, Unit: unit })),
  });
  expect(line).toMatchObject({ service: 'onebuck-test', ...ALL });
  expect(line._aws.Timestamp).toBeGreaterThanOrEqual(before);
});

it('metrics of the dashboard are emitted only where the stage has a dashboard', () => {
  const sent = emitted(WITHOUT, ALL)._aws.CloudWatchMetrics[0]?.Metrics.map(({ Name }) => Name);
  expect(sent).toEqual([
    'Overspend',
    'OrphansDestroyed',
    'FailedLaunches',
    'OverdueClusters',
    'UnreadableRecords',
    'MalformedSecret',
    'TakenOver',
    'TagsLost',
    'InvoiceDifferences',
  ]);
  expect(linesOf(WITHOUT, { LiveClusters: 3, TeardownLead: 170 })).toEqual([]);
  expect(linesOf(WITH, {})).toEqual([]);
});

it('each set of metrics is a line of its own, without values of the set before', () => {
  const lines = linesOf(WITH, { OrphansDestroyed: 2 }, { FailedLaunches: 1 });
  expect(lines.map((line) => line.slice(-1))).toEqual(['\n', '\n']);
  expect(lines.map((line) => JSON.parse(line).OrphansDestroyed)).toEqual([2, undefined]);
});

it('a set of metrics that can not be computed is a warning in the log and no error', () => {
  const warn = vi.fn();
  const { emit } = createMetrics({ ...WITH, log: { ...silentLog, warn } });
  emit(() => {
    throw new RangeError('no safe integer');
  });
  emit(() => ({ ['Overspend' satisfies MetricName]: 'much' as never }));
  expect(warn.mock.calls.map(([message]) => message)).toEqual([
    'metrics not emitted',
    'metrics not emitted',
  ]);
});
