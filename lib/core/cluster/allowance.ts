import type { MonthName } from '../billing/bill.ts';
import { sliceFor } from '../billing/transfer.ts';
import type { Common } from './record.ts';

/** What Onebuck has let the nodes of a cluster send, beyond their slices. */
export interface Granted {
  /** The number of writes; 1: the first. */
  readonly version: number;
  /** The calendar month (UTC) of `bytes`. */
  readonly month: MonthName;
  /** The allowance of each node by its index, in bytes; 0: its slice. */
  readonly bytes: readonly number[];
  /** What all nodes together were allowed in earlier months with grants, in bytes. */
  readonly earlier: Readonly<Record<MonthName, number>>;
}

/** The bytes that each node of the cluster may send in a calendar month (UTC) without asking. */
export const sliceOf = ({ bought, nodes }: Pick<Common, 'bought' | 'nodes'>): number =>
  sliceFor(bought.transfer ?? NO_TRANSFER, nodes.length);

const NO_TRANSFER = { gb: 0 };
