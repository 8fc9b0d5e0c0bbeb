import { parse } from 'csv-parse/sync';
import { parseUsd } from '../lib/core/base/money.ts';
import { assertOwner } from './api-tokens.ts';

/** A row of a file of owners. */
export interface OwnerRow {
  readonly owner: string;
  /** The most that the owner's month may cost, in US dollars; null: the file does not say. */
  readonly maxBudget: string | null;
  /** All columns as they are in the file. */
  readonly cells: Readonly<Record<string, string>>;
}

/**
 * The rows of a CSV file whose first line names the columns: `owner`, and perhaps `max-budget`; the
 * others are anybody's, such as a name. Throws an error with all faults, each with its line.
 */
export function readOwners(text: string): readonly OwnerRow[] {
  const records = parse(text, { bom: true, columns: true, trim: true, skip_empty_lines: true });
  const rows = (records as Record<string, string>[]).map((cells) => ({
    owner: cells.owner ?? '',
    maxBudget: cells['max-budget'] || null,
    cells,
  }));
  if (rows.length === 0) throw new Error('The file has no rows below its first line.');
  if (!Object.hasOwn(rows[0]?.cells ?? {}, 'owner')) {
    throw new Error('The first line must name the columns, one of them owner.');
  }
  const seen = new Set<string>();
  const faults = rows.flatMap(({ owner, maxBudget }, index) => {
    const isRepeated = seen.has(owner);
    seen.add(owner);
    const amount = maxBudget === null ? null : parseUsd(maxBudget);
    return [
      ...ownerFault(owner),
      ...(isRepeated ? [`${JSON.stringify(owner)} is there twice.`] : []),
      ...(amount === null || amount.ok ? [] : [`max-budget ${amount.fault}.`]),
    ].map((fault) => `line ${index + 2}: ${fault}`);
  });
  if (faults.length > 0) throw new Error(['Nothing was changed.', ...faults].join('\n'));
  return rows;
}

function ownerFault(owner: string): readonly string[] {
  try {
    assertOwner(owner);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}
