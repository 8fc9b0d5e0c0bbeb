import { type Exchange, onExchange } from '../../simulators/linode/exchange.ts';
import { readShared } from '../support/shared.ts';

const seen: Exchange[] = [];

/** From here on, whatever goes between our client or a test and the simulated Linode is kept. */
export const watch = (): void => onExchange((exchange) => seen.push(exchange));

/** What of all that was kept contradicts the contract, each once. Then it is forgotten. */
export async function takeViolations(): Promise<string[]> {
  const exchanges = seen.splice(0);
  if (exchanges.length === 0) return [];
  // Most files say nothing to Linode, and are spared reading the contract.
  const { contractOf } = await import('./contract.ts');
  const contract = contractOf(readShared('linode-openapi.json'));
  return [...new Set(exchanges.flatMap((exchange) => contract.violations(exchange)))];
}
