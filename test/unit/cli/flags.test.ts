import { describe, expect, it } from 'vitest';
import { inFlags } from '../../../cli/flags.ts';

describe('a fault of the API, in the words of the command line', () => {
  it.each([
    ['  nodes must be a whole number', '  --nodes must be a whole number'],
    ['  spec.nodes must be a whole number', '  --nodes must be a whole number'],
    ['budgetUsd must be more than 0', '--budget must be more than 0'],
    ['  retry.forMinutes must be at least 5', '  --retry-for must be at least 5'],
    ['  authorizedKeys[1] must be a key', '  --ssh-key[1] must be a key'],
    ['  tags[0] must be shorter', '  --tag[0] must be shorter'],
    ['  setup[1] must be one of mpi', '  --setup[1] must be one of mpi'],
    ['  openPorts[0] must be a port', '  --open[0] must be a port'],
    [
      '  region is required: a region id such as us-east (GET /regions lists them)',
      '  --region is required: a region id such as us-east (onebuck regions lists them)',
    ],
    [
      '  memoryMb must be a whole number from 1 to 16777216',
      '  --memory must be a size such as 4GB or 512MB',
    ],
    [
      '  type is required: an id; or vcpus, memoryMb or both',
      '  --type is required: an id; or vcpus, --memory or both',
    ],
  ])('%s', (fault, inFlagsOfIt) => expect(inFlags(fault)).toBe(inFlagsOfIt));

  it.each([
    'The image is gone: the nodes must be launched anew.',
    'Linode refused: region has no room',
    '--budget +x must be an amount',
  ])('leaves other sentences: %s', (sentence) => expect(inFlags(sentence)).toBe(sentence));
});

it('users and user data as bytes have the names of their options', () => {
  expect(inFlags('authorizedUsers[0] must be short')).toBe('--authorized-user[0] must be short');
  expect(inFlags('userDataBase64 must be base64')).toBe('--user-data must be base64');
});
