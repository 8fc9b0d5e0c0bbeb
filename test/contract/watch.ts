import { type Exchange, onExchange } from '../../simulators/linode/exchange.ts';
import { readShared } from '../support/shared.ts';

const keptExchanges: Exchange[] = [];

/** From now on keeps every exchange with the simulated Linode, of Onebuck's client or of a test. */
export const watch = (): void => onExchange((exchange) => keptExchanges.push(exchange));

/** Returns the distinct violations of the contract in the kept exchanges, and forgets those. */
export async function takeViolations(): Promise<string[]> {
  const exchanges = keptExchanges.splice(0);
  if (exchanges.length === 0) return [];
  // Most test files send nothing to Linode, and so need not read the contract, which takes time.
  const { contractOf } = await import('./contract.ts');
  const contract = contractOf(readShared('linode-openapi.json'));
  return [...new Set(exchanges.flatMap((exchange) => contract.violations(exchange)))];
}
