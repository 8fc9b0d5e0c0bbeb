import { channel } from 'node:diagnostics_channel';
import type { FaultKind } from './faults.ts';
import type { Incoming, Reply } from './messages.ts';

/** A request to Linode's API, and what came of it. */
export interface Exchange {
  readonly request: Incoming;
  /** `drop` and `hang`: no answer, or none that is of interest. */
  readonly reply: Reply | 'drop' | 'hang';
  /** What answered in the API's place: a fault, or a test by itself; null: the API, simulated. */
  readonly replacedBy: FaultKind | 'test' | null;
}

/** Every exchange of this process goes through here, and is lost if nobody listens. */
const exchanges = channel('onebuck:linode');

export const publishExchange = (exchange: Exchange): void => exchanges.publish(exchange);

export function onExchange(listener: (exchange: Exchange) => void): void {
  exchanges.subscribe((exchange) => listener(exchange as Exchange));
}
