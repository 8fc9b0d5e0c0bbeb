import { formatUsd, type MicroUsd } from '../lib/core/base/money.ts';

/** The demo's cluster after its end. */
export interface Ending {
  /** This and the next two are from the API's answer. */
  readonly endReason: string | null;
  readonly failure: string | null;
  readonly spent: MicroUsd;
  /** From the quote. */
  readonly affordableHours: number;
  readonly budget: MicroUsd;
  /** From the spec. */
  readonly nodes: number;
  /** Every Linode that the cluster ever had, by the simulated Linode; epoch milliseconds. */
  readonly linodes: readonly { readonly created: number; readonly deleted: number | null }[];
  /** The cluster's bill by the simulated Linode. */
  readonly billed: MicroUsd;
}

export interface Closing {
  readonly rows: readonly (readonly [name: string, value: string])[];
  readonly sentence: string;
  /** Whether the cluster had all its nodes, ended by its budget, and recorded its bill exactly. */
  readonly isGood: boolean;
}

const HOUR_MS = 3_600_000;

/**
 * The table at the end of the demo, and a sentence that judges it. The sentence calls the promise
 * broken only if the bill exceeds the budget or a Linode still exists.
 */
export function closingOf(ending: Ending): Closing {
  const { billed, budget, spent, linodes, endReason } = ending;
  const left = linodes.filter(({ deleted }) => deleted === null).length;
  const rows: Closing['rows'] = [
    ['ended by', endReason ?? 'nothing'],
    ['nodes', `${linodes.length} of ${ending.nodes}`],
    ...hoursOf(ending),
    ['billed by Linode', `${formatUsd(billed)} of ${formatUsd(budget)}`],
    ...(spent === billed ? [] : [['recorded spend', formatUsd(spent)] as const]),
    ['Linodes left', `${left}`],
  ];
  const broken = [
    ...(billed > budget ? [`Linode billed ${formatUsd(billed)} of ${formatUsd(budget)}`] : []),
    ...(left > 0 ? [`${left} of ${linodes.length} Linodes still exist`] : []),
  ];
  if (broken.length > 0) {
    return { rows, sentence: `THE PROMISE WAS BROKEN: ${broken.join(', and ')}.`, isGood: false };
  }
  const shortfalls = shortfallsOf(ending);
  if (shortfalls.length === 0) return { rows, sentence: 'The promise was kept.', isGood: true };
  return {
    rows,
    sentence: `The promise was kept, but ${shortfalls.join(', and ')}.`,
    isGood: false,
  };
}

/** The rows about time, for the node that lived shortest. */
function hoursOf({ linodes, affordableHours }: Ending): Closing['rows'] {
  const deleted = linodes.flatMap((linode) =>
    linode.deleted === null ? [] : [{ ...linode, until: linode.deleted }],
  );
  if (deleted.length === 0) return [['hours afforded', `${affordableHours}`]];
  const delivered = Math.min(...deleted.map(({ created, until }) => until - created)) / HOUR_MS;
  const leadMs = Math.min(
    ...deleted.map(({ created, until }) => created + affordableHours * HOUR_MS - until),
  );
  const percent = ((100 * delivered) / affordableHours).toFixed(2);
  return [
    ['hours afforded', `${affordableHours}`],
    ['hours delivered', `${delivered.toFixed(3)} (${percent} %)`],
    ['destroyed before the hour mark by', `${Math.round(leadMs / 1000)} s`],
  ];
}

function shortfallsOf({ endReason, failure, spent, billed, linodes, nodes }: Ending): string[] {
  return [
    ...(endReason === 'budget'
      ? []
      : [`the cluster did not end by its budget: ${failure ?? endReason}`]),
    ...(linodes.length === nodes ? [] : [`only ${linodes.length} of ${nodes} nodes were created`]),
    ...(spent === billed
      ? []
      : [`Onebuck recorded ${formatUsd(spent)} where Linode billed ${formatUsd(billed)}`]),
  ];
}
