import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { TableProperties } from '../simulators/aws/dynamodb.ts';

/*
 * The capacity units that requests to DynamoDB use, by DynamoDB's Developer Guide: "DynamoDB item
 * sizes and formats", "read and write operations", "Using Global Secondary Indexes".
 */

export type Item = Readonly<Record<string, AttributeValue>>;

const KB = 1_024;
/** The size of an empty list or map, and what each element adds beside its own size. */
const CONTAINER_BYTES = 3;
const ELEMENT_BYTES = 1;

export function itemBytes(item: Item): number {
  return Object.entries(item).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value),
    0,
  );
}

function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.B !== undefined) return value.B.length;
  if (value.N !== undefined) return numberBytes(value.N);
  if (value.SS !== undefined) return Buffer.byteLength(value.SS.join(''));
  if (value.NS !== undefined) return value.NS.reduce((sum, text) => sum + numberBytes(text), 0);
  if (value.BOOL !== undefined || value.NULL !== undefined) return 1;
  if (value.L !== undefined) {
    return value.L.reduce((sum, item) => sum + ELEMENT_BYTES + valueBytes(item), CONTAINER_BYTES);
  }
  if (value.M !== undefined) {
    const elements = Object.keys(value.M).length * ELEMENT_BYTES;
    return CONTAINER_BYTES + elements + itemBytes(value.M);
  }
  throw new TypeError(`no record of ours has a ${Object.keys(value)}`);
}

/** One byte for every two significant digits, one byte more, and one for a minus sign. */
function numberBytes(text: string): number {
  const digits = text.replace(/^-?0*\.?0*|\.|0*$/g, '').length;
  return Math.ceil(digits / 2) + 1 + (text.startsWith('-') ? 1 : 0);
}

export const writeUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / KB));

/** `bytes`: all items that a request reads. An eventually consistent read uses half the units. */
export const readUnits = (bytes: number, isConsistent: boolean): number =>
  Math.max(1, Math.ceil(bytes / (4 * KB))) * (isConsistent ? 1 : 0.5);

export interface Write {
  /** `table`, or `index` and the index's name. */
  readonly to: string;
  readonly units: number;
}

/** The writes by which DynamoDB replaces an item; null: there is no item before or after. */
export function writesOf(table: TableProperties, before: Item | null, after: Item | null): Write[] {
  const larger = Math.max(...[before, after].map((item) => (item === null ? 0 : itemBytes(item))));
  const indexes = table.GlobalSecondaryIndexes ?? [];
  return [
    { to: 'table', units: writeUnits(larger) },
    ...indexes.flatMap((index): Write[] => {
      const old = projected(table, index, before);
      const next = projected(table, index, after);
      return indexUnits(keysOf(index), old, next).map((units) => ({
        to: `index ${index.IndexName}`,
        units,
      }));
    }),
  ];
}

/**
 * The units of each write to an index.
 *
 * 1. No write if the index has neither item, or if both are equal.
 * 2. One write if the index gains or loses the item, or if only other fields than the keys change.
 * 3. Two writes if the keys change: a deletion of the old item and a put of the new item.
 */
function indexUnits(keys: ReadonlySet<string>, old: Item | null, next: Item | null): number[] {
  const sizes = [old, next].flatMap((item) => (item === null ? [] : [itemBytes(item)]));
  if (old === null || next === null) return sizes.map(writeUnits);
  if (sameIn(Object.keys({ ...old, ...next }), old, next)) return [];
  const isRekeyed = !sameIn([...keys], old, next);
  return isRekeyed ? sizes.map(writeUnits) : [writeUnits(Math.max(...sizes))];
}

const sameIn = (names: readonly string[], a: Item, b: Item): boolean =>
  names.every((name) => JSON.stringify(a[name]) === JSON.stringify(b[name]));

type Index = NonNullable<TableProperties['GlobalSecondaryIndexes']>[number];

const keysOf = ({ KeySchema = [] }: Pick<TableProperties, 'KeySchema'>): ReadonlySet<string> =>
  new Set(KeySchema.map(({ AttributeName = '' }) => AttributeName));

/** The item as the index has it; null: the index leaves the item out, as it lacks a key. */
function projected(table: TableProperties, index: Index, item: Item | null): Item | null {
  const keys = keysOf(index);
  if (item === null || [...keys].some((name) => item[name] === undefined)) return null;
  if (index.Projection?.ProjectionType === 'ALL') return item;
  const included = index.Projection?.NonKeyAttributes ?? [];
  const kept = new Set([...keys, ...keysOf(table), ...included]);
  return Object.fromEntries(Object.entries(item).filter(([name]) => kept.has(name)));
}
