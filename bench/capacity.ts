import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { TableProperties } from '../simulators/aws/dynamodb.ts';

/*
 * What DynamoDB's requests use of its capacity, by its Developer Guide: "DynamoDB item sizes and
 * formats", "read and write operations", "Using Global Secondary Indexes".
 */

export type Item = Readonly<Record<string, AttributeValue>>;

const KB = 1_024;
/** What an empty list or map takes, and each of its elements beside itself. */
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
  if (value.BOOL !== undefined || value.NULL !== undefined) return 1;
  if (value.L !== undefined) {
    return value.L.reduce((sum, one) => sum + ELEMENT_BYTES + valueBytes(one), CONTAINER_BYTES);
  }
  if (value.M !== undefined) {
    const elements = Object.keys(value.M).length * ELEMENT_BYTES;
    return CONTAINER_BYTES + elements + itemBytes(value.M);
  }
  throw new TypeError(`no record of ours has a ${Object.keys(value)}`);
}

/** A byte for each two significant digits, one more, and one for a minus. */
function numberBytes(text: string): number {
  const digits = text.replace(/^-?0*\.?0*|\.|0*$/g, '').length;
  return Math.ceil(digits / 2) + 1 + (text.startsWith('-') ? 1 : 0);
}

export const writeUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / KB));

/** Of what was read by one request together; an eventually consistent one costs half. */
export const readUnits = (bytes: number, isConsistent: boolean): number =>
  Math.max(1, Math.ceil(bytes / (4 * KB))) * (isConsistent ? 1 : 0.5);

export interface Write {
  /** `table`, or an index of this name. */
  readonly to: string;
  readonly units: number;
}

/** What putting `after` in the place of `before` writes; null: there is none. */
export function writesOf(table: TableProperties, before: Item | null, after: Item | null): Write[] {
  const larger = Math.max(...[before, after].map((item) => (item === null ? 0 : itemBytes(item))));
  const indexes = table.GlobalSecondaryIndexes ?? [];
  return [
    { to: 'table', units: writeUnits(larger) },
    ...indexes.flatMap((index): Write[] => {
      const [old, next] = [projected(table, index, before), projected(table, index, after)];
      return indexUnits(keysOf(index), old, next).map((units) => ({
        to: `index ${index.IndexName}`,
        units,
      }));
    }),
  ];
}

/**
 * Nothing where the index has neither, or has the same; one where it gets or loses the item, or the
 * item changes but for its keys; where those change, one to delete it and one to put it again.
 */
function indexUnits(keys: ReadonlySet<string>, old: Item | null, next: Item | null): number[] {
  const sizes = [old, next].flatMap((item) => (item === null ? [] : [itemBytes(item)]));
  if (old === null || next === null) return sizes.map(writeUnits);
  if (sameIn(Object.keys({ ...old, ...next }), old, next)) return [];
  const isMoved = !sameIn([...keys], old, next);
  return isMoved ? sizes.map(writeUnits) : [writeUnits(Math.max(...sizes))];
}

const sameIn = (names: readonly string[], one: Item, other: Item): boolean =>
  names.every((name) => JSON.stringify(one[name]) === JSON.stringify(other[name]));

type Index = NonNullable<TableProperties['GlobalSecondaryIndexes']>[number];

const keysOf = ({ KeySchema = [] }: Pick<TableProperties, 'KeySchema'>): ReadonlySet<string> =>
  new Set(KeySchema.map(({ AttributeName = '' }) => AttributeName));

/** The item as the index has it; null: it lacks a key. */
function projected(table: TableProperties, index: Index, item: Item | null): Item | null {
  const keys = keysOf(index);
  if (item === null || [...keys].some((name) => item[name] === undefined)) return null;
  if (index.Projection?.ProjectionType === 'ALL') return item;
  const kept = new Set([...keys, ...keysOf(table)]);
  return Object.fromEntries(Object.entries(item).filter(([name]) => kept.has(name)));
}
