import { describe, expect, it } from 'vitest';
import { suggestion } from '../../../../lib/core/base/suggest.ts';

const named = (...ids: string[]) => ids.map((id) => ({ id, label: `The ${id} one` }));
const meant = (text: string) => (text === '' ? '' : `; did you mean ${text}?`);

describe('a suggestion', () => {
  it.each([
    ['of one', 'us-eest', ['us-east', 'eu-west'], 'us-east'],
    ['of two that are as near', 'us-eest', ['us-west', 'us-east'], 'us-east or us-west'],
    [
      'of three at the most, in the order of their ids',
      'node',
      ['nodf', 'nodg', 'nods', 'nodb'],
      'nodb, nodf or nodg',
    ],
    ['of the nearest alone', 'node-11', ['node-22', 'node-10'], 'node-10'],
    ['in whatever case', 'US-Eest', ['us-east'], 'us-east'],
    [
      'of what contains it, the more of it that is first',
      'east',
      ['us-east-two', 'us-east'],
      'us-east or us-east-two',
    ],
    ['of what it contains', 'us-east-1a', ['us-east'], 'us-east'],
    ['of what contains three letters', 'eas', ['us-east'], 'us-east'],
    ['but not of what contains two', 'st', ['us-east'], ''],
    ['of a short one with a single slip', 'ab', ['ac', 'cd'], 'ac'],
    ['of a slip for each three letters', 's-eest', ['us-east'], 'us-east'],
    ['but not of more slips than that', 's-eesd', ['us-east'], ''],
    ['of nothing that only ends alike', 'abce', ['qqqabcd'], ''],
    ['of nothing that it only ends like', 'qqqabce', ['abcd'], ''],
    ['of nothing where there is nothing', 'us-east', [], ''],
  ])('is made %s', (_, wanted, ids, expected) => {
    expect(suggestion(wanted, named(...ids))).toBe(meant(expected));
    expect(suggestion(wanted, named(...ids.toReversed()))).toBe(meant(expected));
  });

  it('goes by the label as well, and names the id', () => {
    const newark = { id: 'us-east', label: 'Newark, NJ' };
    expect(suggestion('Newarc, NJ', [newark])).toBe(meant('us-east'));
  });

  it('is made for no text that is too long for a slip of the pen', () => {
    const long = 'x'.repeat(63);
    expect(suggestion(`${long}y`, named(`${long}z`))).toBe(meant(`${long}z`));
    expect(suggestion(`${long}xy`, named(`${long}xz`))).toBe('');
  });
});
