import { describe, expect, it } from 'vitest';
import { suggestion } from '../../../../lib/core/base/suggest.ts';

const named = (...ids: string[]) => ids.map((id) => ({ id, label: `The ${id} one` }));
const meant = (text: string) => (text === '' ? '' : `; did you mean ${text}?`);

describe('a suggestion', () => {
  it.each([
    ['of the nearest id', 'us-eest', ['us-east', 'eu-west'], 'us-east'],
    ['of two equally near ids', 'us-eest', ['us-west', 'us-east'], 'us-east or us-west'],
    [
      'of at most three, in the order of their ids',
      'node',
      ['nodf', 'nodg', 'nods', 'nodb'],
      'nodb, nodf or nodg',
    ],
    ['of only the nearest of several', 'node-11', ['node-22', 'node-10'], 'node-10'],
    ['in upper or lower case', 'US-Eest', ['us-east'], 'us-east'],
    [
      'of ids that contain the text, the shortest first',
      'east',
      ['us-east-two', 'us-east'],
      'us-east or us-east-two',
    ],
    ['of an id that the text contains', 'us-east-1a', ['us-east'], 'us-east'],
    ['of an id that contains three letters', 'eas', ['us-east'], 'us-east'],
    ['but not of an id that contains two letters', 'st', ['us-east'], ''],
    ['of a short id with a single slip', 'ab', ['ac', 'cd'], 'ac'],
    ['with one slip for each three letters', 's-eest', ['us-east'], 'us-east'],
    ['but not with more slips', 's-eesd', ['us-east'], ''],
    ['but not of a longer id with another start', 'abce', ['qqqabcd'], ''],
    ['but not of a shorter id with another start', 'qqqabce', ['abcd'], ''],
    ['of nothing where there are no ids', 'us-east', [], ''],
  ])('is made %s', (_, wanted, ids, expected) => {
    expect(suggestion(wanted, named(...ids))).toBe(meant(expected));
    expect(suggestion(wanted, named(...ids.toReversed()))).toBe(meant(expected));
  });

  it('compares the labels too, and names the id', () => {
    const newark = { id: 'us-east', label: 'Newark, NJ' };
    expect(suggestion('Newarc, NJ', [newark])).toBe(meant('us-east'));
  });

  it('is not made for a text of more than 64 characters', () => {
    const long = 'x'.repeat(63);
    expect(suggestion(`${long}y`, named(`${long}z`))).toBe(meant(`${long}z`));
    expect(suggestion(`${long}xy`, named(`${long}xz`))).toBe('');
  });
});
