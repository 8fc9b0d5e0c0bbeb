import { formatUsd, type MicroUsd } from '../lib/core/base/money.ts';

/** What is known of the demo's cluster when it has ended. */
export interface Ending {
  /** As the API tells it. */
  readonly endReason: string | null;
  readonly failure: string | null;
  readonly spent: MicroUsd;
  /** What the quote promised. */
  readonly affordableHours: number;
  readonly budget: MicroUsd;
  readonly nodesAsked: number;
  /** As Linode tells it: all Linodes there ever were of the cluster, and its bill. */
  readonly linodes: readonly { readonly created: number; readonly deleted: number | null }[];
  readonly billed: MicroUsd;
}

export interface Closing {
  readonly rows: readonly (readonly [name: string, value: string])[];
  readonly sentence: string;
  /** Whether all of it went as the demo is to show. */
  readonly isGood: boolean;
}

const HOUR_MS = 3_600_000;

/**
 * The table that closes the demo, and its one-sentence verdict. "Broken" is said where the bill
 * passed the budget or a Linode was left, and of nothing else.
 */
export function closingOf(ending: Ending): Closing {
  const { billed, budget, spent, linodes, endReason } = ending;
  const left = linodes.filter(({ deleted }) => deleted === null).length;
  const rows: Closing['rows'] = [
    ['ended by', endReason ?? 'nothing'],
    ['nodes', `${linodes.length} of ${ending.nodesAsked}`],
    ...hoursOf(ending),
    ['billed by Linode', `${formatUsd(billed)} of ${formatUsd(budget)}`],
    ...(spent === billed ? [] : [['spent, as the record has it', formatUsd(spent)] as const]),
    ['Linodes left', `${left}`],
  ];
  const broken = [
    ...(billed > budget ? [`Linode billed ${formatUsd(billed)} of ${formatUsd(budget)}`] : []),
    ...(left > 0 ? [`${left} of ${linodes.length} Linodes live on`] : []),
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

/** Of the node that was destroyed first. */
function hoursOf({ linodes, affordableHours }: Ending): Closing['rows'] {
  const deleted = linodes.flatMap((one) =>
    one.deleted === null ? [] : [{ ...one, until: one.deleted }],
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

function shortfallsOf({
  endReason,
  failure,
  spent,
  billed,
  linodes,
  nodesAsked,
}: Ending): string[] {
  return [
    ...(endReason === 'budget' ? [] : [`the cluster ended otherwise: ${failure ?? endReason}`]),
    ...(linodes.length === nodesAsked ? [] : [`${linodes.length} nodes came of ${nodesAsked}`]),
    ...(spent === billed
      ? []
      : [`the record says ${formatUsd(spent)} where Linode billed ${formatUsd(billed)}`]),
  ];
}
