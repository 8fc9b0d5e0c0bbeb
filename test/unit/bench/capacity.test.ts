import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it } from 'vitest';
import { type Item, itemBytes, readUnits, writesOf, writeUnits } from '../../../bench/capacity.ts';
import { anEmptyTable, TABLE } from '../../support/table.ts';

const anItem = (change: object = {}): Item =>
  marshall({ id: 'c1', owner: 'ann', kind: 'cluster', createdAt: 1, revision: 1, ...change });
const LIVE = { live: 'live', dueAt: 1 };
const units = (before: Item | null, after: Item | null) =>
  writesOf(TABLE, before, after).map(({ to, units }) => `${to} ${units}`);

describe('the size of an item', () => {
  it.each([
    ['names and text count in UTF-8', { é: 'ü€' }, 2 + 5],
    ['numbers take a byte for two significant digits, and one', { n: 1_234_500 }, 1 + 4],
    ['a minus takes another byte', { n: -5 }, 1 + 3],
    ['0 takes one byte', { n: 0 }, 1 + 1],
    ['true, false and null take one byte', { a: true, b: null }, 2 + 2],
    ['a list takes three bytes, and one for each element', { l: ['ab', 'c'] }, 1 + 3 + 2 + 3],
    ['a map takes three bytes, and one for each element', { m: { a: 'b' } }, 1 + 3 + 1 + 2],
  ])('%s', (_, item, bytes) => {
    expect(itemBytes(marshall(item))).toBe(bytes);
  });

  it('gives the units that the embedded DynamoDB counts for the table', async () => {
    const client = await anEmptyTable();
    const history = Array.from({ length: 40 }, (_, index) => ({
      at: index,
      event: 'x'.repeat(60),
    }));
    const item = anItem({ record: { history, budget: 1_000_000, name: null } });
    const put = { TableName: TABLE.TableName, Item: { ...item }, ReturnConsumedCapacity: 'TOTAL' };
    const { ConsumedCapacity } = await client.send(new PutItemCommand(put as never));
    expect(writeUnits(itemBytes(item))).toBe(4);
    expect(ConsumedCapacity?.CapacityUnits).toBe(4);
  });
});

describe('a write', () => {
  it('costs units of the table and of each index whose keys the item has', () => {
    expect(units(null, anItem(LIVE))).toEqual([
      'table 1',
      'index due 1',
      'index live 1',
      'index byOwner 1',
      'index byTime 1',
    ]);
    expect(units(null, marshall({ id: 'ledger' }))).toEqual(['table 1']);
  });

  it('of another due time costs two writes of the index due', () => {
    const [before, after] = [anItem(LIVE), anItem({ ...LIVE, dueAt: 2 })];
    expect(units(before, after)).toEqual([
      'table 1',
      'index due 1',
      'index due 1',
      'index byOwner 1',
      'index byTime 1',
    ]);
  });

  it('costs nothing in an index that projects no changed field', () => {
    const [before, after] = [anItem(LIVE), anItem({ ...LIVE, revision: 2 })];
    expect(units(before, after)).toEqual(['table 1', 'index byOwner 1', 'index byTime 1']);
  });

  it('of an ended cluster costs a write of the index due', () => {
    expect(units(anItem(LIVE), anItem())).toContain('index due 1');
  });

  it('costs the units of the larger of the item before and after', () => {
    const large = anItem({ record: 'x'.repeat(2_500) });
    const expected = ['table 3', 'index byOwner 3', 'index byTime 3'];
    expect(units(large, anItem())).toEqual(expected);
    expect(units(anItem(), large)).toEqual(expected);
    expect(units(large, null)).toEqual(expected);
  });
});

it('a read costs a unit for each 4 KB, half of that if eventually consistent', () => {
  expect(readUnits(0, true)).toBe(1);
  expect(readUnits(4_096, true)).toBe(1);
  expect(readUnits(4_097, true)).toBe(2);
  expect(readUnits(4_097, false)).toBe(1);
  expect(readUnits(0, false)).toBe(0.5);
});
