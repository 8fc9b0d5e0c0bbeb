import { formatUsd, microUsd } from '../base/money.ts';
import { plural } from '../base/plural.ts';
import { type Amount, amount, sumOf } from './amount.ts';

/** Why an invoice differs from what Onebuck has recorded. */
export const differenceKinds = [
  'monthEnd',
  'price',
  'backups',
  'transfer',
  'notInvoiced',
  'unknownLinode',
  'billedOn',
  'rounding',
  'hours',
] as const;
export type DifferenceKind = (typeof differenceKinds)[number];

export interface Difference {
  readonly kind: DifferenceKind;
  /** How much more the invoice has than the record. */
  readonly amount: Amount;
  /** How many nodes or items differ in this way. */
  readonly count: number;
}

/** A difference of items that belong to no cluster. */
export interface LabelledDifference extends Difference {
  /** The labels of some of the items, cut. */
  readonly labels: readonly string[];
}

/** The differences with one for each kind, in the order of the kinds. */
export function byKind(differences: readonly Difference[]): Difference[] {
  return differenceKinds.flatMap((kind) => {
    const same = differences.filter((one) => one.kind === kind);
    if (same.length === 0) return [];
    const count = same.reduce((total, one) => total + one.count, 0);
    return [{ kind, amount: sumOf(same.map((one) => one.amount)), count }];
  });
}

/**
 * Whether a person should look. A cent of rounding is no news, nor is an hour that Linode bills only
 * once, or transfer that the account's pool bears: Onebuck has counted the dearer reading on purpose.
 */
export const isAlarming = ({ kind, amount: more }: Difference): boolean =>
  kind !== 'rounding' && (more > 0 || (kind !== 'monthEnd' && kind !== 'transfer'));

/** What differs, as a sentence, and what to do. */
export function wordsOf({ kind, amount: more, count }: Difference): {
  text: string;
  advice: string;
} {
  const nodes = plural(count, 'node');
  const items = plural(count, 'item');
  const by = `${signed(more)}`;
  switch (kind) {
    case 'monthEnd':
      return {
        text: `The hour across the month's end is billed otherwise than recorded for ${nodes}: ${by}.`,
        advice:
          more > 0
            ? 'Set MONTH_END_HOUR to bothMonths: Linode bills that hour in the month in which it ends, which the records leave out, so that budgets may be exceeded by an hour of each node. Clusters that live keep the setting of their launch: end them before the month ends, or lower their budgets.'
            : 'Nothing to do: Onebuck counts that hour in both months, so that no budget can be exceeded.',
      };
    case 'price':
      return {
        text: `Linode bills ${nodes} at another price than the one recorded: ${by}.`,
        advice:
          "Compare the invoice with Linode's price list. If Linode has raised a price, budgets of clusters that live must be looked at.",
      };
    case 'backups':
      return {
        text: `Backups of ${nodes} are billed otherwise than recorded: ${by}.`,
        advice:
          "See whether the account's settings force backups on, and whether somebody has turned them on or off for a Linode.",
      };
    case 'transfer':
      if (more < 0) {
        return {
          text: `Linode bills less transfer than the record counts: ${by}.`,
          advice:
            'Nothing to do: transfer is billed for the pool of the whole account, beyond what all its Linodes bring.',
        };
      }
      return {
        text: `The invoice has ${items} for transfer beyond the account's pool, with more than the records count: ${by}.`,
        advice:
          "See which Linodes send so much, in Linode's console; those of others share the pool.",
      };
    case 'notInvoiced':
      return {
        text: `No invoice has an item for ${nodes}: ${by}.`,
        advice:
          'Wait for the next invoice. If that has none either, Linode has billed less than recorded, or the item has a label that Onebuck can not read.',
      };
    case 'unknownLinode':
      return {
        text: `The invoice has ${items} with labels of Onebuck that no record fits: ${by}.`,
        advice:
          'Search the log of the sweeper for the labels: the Linodes may be orphans that it destroyed, those of another stage on this account, or of a stranger.',
      };
    case 'billedOn':
      return {
        text: `Linode bills ${items} for nodes of clusters that had ended before the month: ${by}.`,
        advice:
          "See whether the Linodes of the labels exist. Whoever has taken one over by hand pays for it; any other is to be deleted, and Linode's support to be asked.",
      };
    case 'rounding':
      return {
        text: `The invoice rounds ${plural(count, 'amount')}: ${by}.`,
        advice: 'Nothing to do.',
      };
    case 'hours':
      return {
        text: `Linode bills other hours than recorded for ${nodes}: ${by}.`,
        advice:
          "Compare the item's dates with the cluster's record. If Linode bills longer, ask its support; if a Linode was taken over by hand, it is yours to delete.",
      };
  }
}

/** `+$0.0075`, or `−$1.50`. */
export const signed = (value: Amount): string =>
  `${value < 0 ? '−' : '+'}${formatUsd(microUsd(Math.abs(value)))}`;

export const difference = (kind: DifferenceKind, more: number, count = 1): Difference[] =>
  more === 0 ? [] : [{ kind, amount: amount(more), count }];
