import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEY_PATTERN, keyFault, normalKey } from '../../../../lib/core/cluster/public-key.ts';
import {
  ECDSA_256,
  ECDSA_384,
  ECDSA_521,
  ED25519,
  RSA_1024,
  RSA_2048,
} from '../../../support/public-keys.ts';

const GOOD = [ED25519, ECDSA_256, ECDSA_384, ECDSA_521, RSA_2048] as const;
const CUT = 'is cut or damaged: copy the whole line of the .pub file';
const typeOf = (key: string) => key.split(' ')[0] ?? '';
const bytesOf = (key: string) => Buffer.from(key.split(' ')[1] ?? '', 'base64');

/** A key whose blob has these fields after its type. */
function aKey(type: string, ...fields: readonly (string | Buffer)[]): string {
  const parts = [type, ...fields].flatMap((field) => {
    const bytes = Buffer.from(field as string);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
  return `${type} ${Buffer.concat(parts).toString('base64')}`;
}

const POINT = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 7)]);
const TOKEN = 'sk-ecdsa-sha2-nistp256@openssh.com';
const EXPONENT = Buffer.of(1, 0, 1);
const modulus = (bits: number) => Buffer.concat([Buffer.of(0, 0x80), Buffer.alloc(bits / 8 - 1)]);

describe('a public key', () => {
  it.each([...GOOD, aKey(TOKEN, 'nistp256', POINT, 'ssh:')])('is taken: %s', (key) => {
    expect(keyFault(key)).toBeNull();
    expect(keyFault(`${key} Ada Lovelace, work`)).toBeNull();
    expect(`${key} ada@example.org`).toMatch(new RegExp(KEY_PATTERN));
  });

  it('is taken with tabs and more than one blank between its parts', () => {
    const blob = ED25519.split(' ')[1];
    const line = normalKey(`  ssh-ed25519\t \t${blob}  ada\tat home \n`);
    expect(line).toBe(`${ED25519} ada at home`);
    expect(keyFault(line)).toBeNull();
  });

  it('is refused wherever it is cut', () => {
    for (const key of GOOD) {
      for (let end = key.indexOf(' ') + 5; end < key.length; end += 1) {
        expect(keyFault(key.slice(0, end)), key.slice(0, end)).toBe(CUT);
      }
    }
  });

  it('is refused where whole fields are missing or left over', () => {
    const withBytes = (key: string, bytes: Buffer) => `${typeOf(key)} ${bytes.toString('base64')}`;
    for (const key of GOOD) {
      const bytes = bytesOf(key);
      expect(keyFault(withBytes(key, Buffer.concat([bytes, Buffer.alloc(4)])))).toBe(CUT);
      expect(keyFault(withBytes(key, bytes.subarray(0, 4 + typeOf(key).length)))).toBe(CUT);
    }
  });

  it('is refused with bits after its end', () => {
    const last = ECDSA_256.at(-2) ?? '';
    expect(ECDSA_256).toMatch(/[^=]=$/);
    const next = String.fromCharCode(last.charCodeAt(0) + 1);
    expect(keyFault(`${ECDSA_256.slice(0, -2)}${next}=`)).toBe(CUT);
  });

  it.each([
    ['of which only the type is there', 'ssh-ed25519 AAAA'],
    ['with the blob of another type', `ssh-rsa ${ED25519.split(' ')[1]}`],
    [
      'with the blob of another type, and fields of its own',
      aKey('ecdsa-sha2-nistp384', 'nistp256', POINT).replace('384 ', '256 '),
    ],
    ['of Ed25519 with 31 bytes', aKey('ssh-ed25519', Buffer.alloc(31, 1))],
    ['of Ed25519 with 33 bytes', aKey('ssh-ed25519', Buffer.alloc(33, 1))],
    ['on another curve', aKey('ecdsa-sha2-nistp256', 'nistp384', POINT)],
    ['with a point too short', aKey('ecdsa-sha2-nistp256', 'nistp256', POINT.subarray(1))],
    ['with a compressed point', aKey('ecdsa-sha2-nistp256', 'nistp256', Buffer.alloc(65, 2))],
    ['of a token, without its application', aKey(TOKEN, 'nistp256', POINT)],
    ['of RSA without an exponent', aKey('ssh-rsa', '', modulus(2_048))],
    ['of RSA with a negative modulus', aKey('ssh-rsa', EXPONENT, Buffer.alloc(256, 0xff))],
  ])('%s is cut or damaged', (_, key) => {
    expect(keyFault(key)).toBe(CUT);
  });

  it.each([
    'sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t',
    'ssh-dss AAAAB3NzaC1kc3M=',
    'ecdsa-sha2-nistp224 AAAAE2VjZHNhLXNoYTItbmlzdHAyMjQ=',
  ])('of a type that Linode or sshd refuses is refused by its type: %s', (key) => {
    expect(keyFault(key)).toMatch(
      new RegExp(`^must not be of the type ${typeOf(key)}, .*: take ssh-ed25519`),
    );
  });

  it.each([
    [RSA_1024, 1_024],
    [aKey('ssh-rsa', EXPONENT, modulus(2_040)), 2_040],
    [aKey('ssh-rsa', EXPONENT, modulus(16_392)), 16_392],
  ])('of RSA with too few or too many bits is refused with their number', (key, bits) => {
    expect(keyFault(key)).toBe(`must have 2048 to 16384 bits, not ${bits}: take ssh-ed25519`);
  });

  it('of RSA may have 2048 to 16384 bits', () => {
    for (const bits of [2_048, 4_096, 16_384]) {
      expect(keyFault(aKey('ssh-rsa', EXPONENT, modulus(bits)))).toBeNull();
    }
  });

  it('fits the described pattern if it is taken, and nothing makes the check throw', () => {
    const described = new RegExp(KEY_PATTERN);
    const lines = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .tuple(fc.constantFrom(...GOOD.map(typeOf)), fc.base64String())
        .map(([type, blob]) => `${type} AAAA${blob}`),
      fc
        .tuple(fc.constantFrom(...GOOD), fc.string({ unit: 'binary' }))
        .map(([key, comment]) => `${key} ${comment}`),
    );
    fc.assert(
      fc.property(lines, (line) => {
        const fault = keyFault(normalKey(line));
        if (fault === null) expect(line).toMatch(described);
      }),
    );
  });
});
