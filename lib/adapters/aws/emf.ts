import { Metrics as Powertools } from '@aws-lambda-powertools/metrics';
import { metrics as known, paidFor } from '../../core/cluster/metrics.ts';
import type { Log, Metrics } from '../../ports.ts';

/**
 * The namespace of the metrics in stack/alarms.yml and stack/dashboard.yml; their dimension is
 * `service`.
 */
export const NAMESPACE = 'onebuck';

/**
 * Emits metrics as JSON lines in the embedded metric format, which CloudWatch Logs turns into
 * metrics.
 */
export function createMetrics(options: {
  readonly stage: string;
  readonly hasDashboard: boolean;
  readonly log: Log;
}): Metrics {
  const { stage, log } = options;
  const powertools = new Powertools({ namespace: NAMESPACE, serviceName: `onebuck-${stage}` });
  return {
    emit(measure) {
      try {
        const wanted = paidFor(measure(), options);
        if (wanted.length === 0) return;
        for (const [name, value] of wanted) powertools.addMetric(name, known[name].unit, value);
        powertools.publishStoredMetrics();
      } catch (error) {
        log.warn('metrics not emitted', { reason: String(error) });
      }
    },
  };
}
