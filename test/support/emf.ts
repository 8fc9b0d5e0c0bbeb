import { vi } from 'vitest';
import { createMetrics } from '../../lib/adapters/aws/emf.ts';
import type { MetricValues } from '../../lib/core/cluster/metrics.ts';
import { silentLog } from './doubles.ts';

export interface EmfLine {
  readonly _aws: {
    readonly Timestamp: number;
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
    }[];
  };
  readonly [field: string]: unknown;
}

type Options = Omit<Parameters<typeof createMetrics>[0], 'log'>;

/** The lines that a function writes to its standard output for the values. */
export function linesOf(options: Options, ...all: readonly MetricValues[]): string[] {
  const written: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  try {
    const metrics = createMetrics({ ...options, log: silentLog });
    for (const values of all) metrics.emit(() => values);
  } finally {
    write.mockRestore();
  }
  return written;
}

export const emitted = (options: Options, values: MetricValues): EmfLine =>
  JSON.parse(linesOf(options, values).join(''));
