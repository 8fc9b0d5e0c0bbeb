import { Logger } from '@aws-lambda-powertools/logger';
import type { Log } from '../ports.ts';

/** Logs each entry as one JSON line on standard output, as CloudWatch Logs wants it. */
export function createLog(serviceName: string): Log {
  const logger = new Logger({ serviceName });
  return {
    info: (message, details = {}) => logger.info(message, details),
    warn: (message, details = {}) => logger.warn(message, details),
    error: (message, details = {}) => logger.error(message, details),
  };
}
