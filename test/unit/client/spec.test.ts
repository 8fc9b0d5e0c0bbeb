import { describe, expect, it } from 'vitest';
import { amountIn, holdsPrivateKey, numberIn, specFrom } from '../../../client/spec.ts';

describe('a spec', () => {
  it('has only the fields that are not blank', () => {
    const blank = { name: ' ', maxHours: '', keys: '\n', userData: ' \n', vcpus: undefined };
    expect(specFrom({ ...blank, nodes: '10', type: 'g6-nanode-1', budget: '1.00' })).toEqual({
      ...{ nodes: 10, type: 'g6-nanode-1', budgetUsd: 1 },
    });
    expect(specFrom({})).toEqual({});
  });

  it('has a public key for each line of keys, and user data as it was typed', () => {
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
    // Text that is no number stays text, so that the API refuses it and says why.
    ['ten', 'ten'],
    ['1.2345678', '1.2345678'],
    ['1,000.00', '1,000.00'],
    // A thousand to some readers, and one to others.
    ['1,000', '1,000'],
    ['$12,345', '$12,345'],
    ['0,075', 0.075],
    ['1234,500', 1234.5],
    ['-1', '-1'],
    [' ', undefined],
    [undefined, undefined],
  ])('typed as %j is read as %j', (text, number) => {
    expect(numberIn(text)).toBe(number);
    expect(amountIn(text ?? '')).toBe(typeof number === 'number' ? number : Number.NaN);
  });
});

it('holdsPrivateKey finds a private key, and no public key', () => {
  expect(holdsPrivateKey('-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA')).toBe(true);
  expect(holdsPrivateKey('ssh-ed25519 AAAA private-key')).toBe(false);
});
