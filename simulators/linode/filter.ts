import { ApiError } from './api-error.ts';
import { isObject, type Row } from './json.ts';

/** The parsed header X-Filter, which selects and sorts the rows of a collection. */
export interface Filter {
  readonly matches: (row: Row) => boolean;
  /** null: the filter names no order, so the rows keep the API's order. */
  readonly compare: ((a: Row, b: Row) => number) | null;
  /** The top level of the filter: a key with a plain value demands a row with that value. */
  readonly equals: Row;
}

type Predicate = (row: Row) => boolean;
type Test = (value: unknown) => boolean;

const everything: Filter = { matches: () => true, compare: null, equals: {} };

/** Throws the API's 400 if the header is not a JSON object, or names a field not in `fields`. */
export function parseFilter(header: string | undefined, fields: ReadonlySet<string>): Filter {
  if (header === undefined || header.trim() === '') return everything;
  const filter = parsed(header);
  return {
    matches: predicate(filter, fields),
    compare: comparator(filter, fields),
    equals: filter,
  };
}

function parsed(header: string): Row {
  let value: unknown;
  try {
    value = JSON.parse(header);
  } catch {
    throw notValid();
  }
  if (!isObject(value)) throw notValid();
  return value;
}

function predicate(filter: unknown, fields: ReadonlySet<string>): Predicate {
  if (!isObject(filter)) throw notValid();
  const parts = Object.entries(filter).map(([key, value]): Predicate => {
    if (key === '+order_by' || key === '+order') return () => true;
    if (key === '+and' || key === '+or') return combination(key, value, fields);
    if (!fields.has(key)) throw cannotFilterOn(key);
    const read = reader(key);
    const test = condition(value);
    return (row) => test(read(row));
  });
  return (row) => parts.every((part) => part(row));
}

function combination(key: '+and' | '+or', value: unknown, fields: ReadonlySet<string>): Predicate {
  if (!Array.isArray(value)) throw notValid();
  const parts = value.map((part) => predicate(part, fields));
  if (key === '+and') return (row) => parts.every((part) => part(row));
  return (row) => parts.some((part) => part(row));
}

/** A list, for example the tags, meets a condition if one of its values does. */
function condition(value: unknown): Test {
  if (!isObject(value)) return (found) => some(found, (item) => item === value);
  const tests = Object.entries(value).map(([name, operand]) => operator(name, operand));
  return (found) => tests.every((test) => test(found));
}

function operator(name: string, operand: unknown): Test {
  const testFor = Object.hasOwn(operators, name) ? operators[name] : undefined;
  if (testFor === undefined) throw cannotFilterOn(name);
  return testFor(operand);
}

const operators: Readonly<Record<string, (operand: unknown) => Test>> = {
  '+neq': (operand) => (found) => !some(found, (item) => item === operand),
  '+contains': (operand) => (found) =>
    some(found, (item) => typeof item === 'string' && item.includes(String(operand))),
  '+gt': (operand) => (found) => some(found, (item) => order(item, operand) > 0),
  '+gte': (operand) => (found) => some(found, (item) => order(item, operand) >= 0),
  '+lt': (operand) => (found) => some(found, (item) => order(item, operand) < 0),
  '+lte': (operand) => (found) => some(found, (item) => order(item, operand) <= 0),
};

const some = (found: unknown, test: Test): boolean =>
  Array.isArray(found) ? found.some(test) : test(found);

/** Negative, zero or positive; NaN, which fails every comparison, if the values have no order. */
function order(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a !== 'string' || typeof b !== 'string') return Number.NaN;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function comparator(filter: Row, fields: ReadonlySet<string>): Filter['compare'] {
  const field = filter['+order_by'];
  if (field === undefined) return null;
  if (typeof field !== 'string' || !fields.has(field)) throw cannotFilterOn(String(field));
  const direction = filter['+order'] === 'desc' ? -1 : 1;
  const read = reader(field);
  return (a, b) => direction * (order(read(a), read(b)) || 0);
}

/** Reads a field of a row; dots lead into objects: `entity.id` is the field `id` of `entity`. */
function reader(key: string): (row: Row) => unknown {
  const path = key.split('.');
  return (row) =>
    path.reduce<unknown>((value, name) => (isObject(value) ? value[name] : null), row);
}

const notValid = (): ApiError =>
  new ApiError(400, { reason: 'Filter not valid JSON', field: 'X-Filter' });

const cannotFilterOn = (key: string): ApiError =>
  new ApiError(400, { reason: `Cannot filter on ${key}`, field: 'X-Filter' });
