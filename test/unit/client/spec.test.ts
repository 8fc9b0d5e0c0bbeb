import { describe, expect, it } from 'vitest';
import { amountIn, holdsPrivateKey, numberIn, specFrom } from '../../../client/spec.ts';

describe('a spec', () => {
  it('has what is filled in only', () => {
    const blank = { name: ' ', maxHours: '', keys: '\n', userData: ' \n', vcpus: undefined };
    expect(specFrom({ ...blank, nodes: '10', type: 'g6-nanode-1', budget: '1.00' })).toEqual({
      ...{ nodes: 10, type: 'g6-nanode-1', budgetUsd: 1 },
    });
    expect(specFrom({})).toEqual({});
  });

  it('has a key a line, and user data as it is', () => {
    const keys = '# mine\n a b \n\n c d \r\n';
    expect(specFrom({ keys, userData: '\n#!/bin/sh\n', name: ' n ', tags: ['t'] })).toEqual({
      ...{ authorizedKeys: ['a b', 'c d'], userData: '\n#!/bin/sh\n', name: 'n', tags: ['t'] },
    });
  });
});

describe('a number', () => {
  it.each([
    ['10', 10],
    ['2.50', 2.5],
    [' $1,50 ', 1.5],
    ['0.000001', 0.000001],
    // For the API to refuse, in its words.
    ['ten', 'ten'],
    ['1.2345678', '1.2345678'],
    ['1,000.00', '1,000.00'],
    ['-1', '-1'],
    [' ', undefined],
    [undefined, undefined],
  ])('typed as %j is %j', (text, number) => {
    expect(numberIn(text)).toBe(number);
    expect(amountIn(text ?? '')).toBe(typeof number === 'number' ? number : Number.NaN);
  });
});

it('a private key is found, and a public one is not taken for one', () => {
  expect(holdsPrivateKey('-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA')).toBe(true);
  expect(holdsPrivateKey('ssh-ed25519 AAAA private-key')).toBe(false);
});
