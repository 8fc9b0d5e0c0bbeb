import { channel } from 'node:diagnostics_channel';
import type { FaultKind } from './faults.ts';
import type { Incoming, Reply } from './messages.ts';

/** A request to the simulated API and its reply. */
export interface Exchange {
  readonly request: Incoming;
  /** `drop` and `hang`: the client got no reply, or the test does not say which reply it got. */
  readonly reply: Reply | 'drop' | 'hang';
  /** The fault or the test that replied in the API's place; null: the simulated API replied. */
  readonly replacedBy: FaultKind | 'test' | null;
}

/** All exchanges of this process are published here; without a listener they are dropped. */
const exchanges = channel('onebuck:linode');

export const publishExchange = (exchange: Exchange): void => exchanges.publish(exchange);

export function onExchange(listener: (exchange: Exchange) => void): void {
  exchanges.subscribe((exchange) => listener(exchange as Exchange));
}
