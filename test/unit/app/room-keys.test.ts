import { execFileSync } from 'node:child_process';
import { createPublicKey, sign, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostKeyOf, peerKeyOf } from '../../../lib/app/room-keys.ts';
import type { ClusterId } from '../../../lib/core/base/names.ts';
import { keyFault } from '../../../lib/core/cluster/public-key.ts';

const ID: ClusterId = 'cabcdefghij';
const KEY = 'the deployment key';
const kinds = [hostKeyOf, peerKeyOf];
const ids = fc.stringMatching(/^c[a-z2-7]{10}$/).map((id) => id as ClusterId);

/** What ssh-keygen reads in the private key: its public key and comment. */
function publicByOpenSsh(privateKey: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'room-keys-'));
  try {
    const file = join(folder, 'key');
    writeFileSync(file, privateKey, { mode: 0o600 });
    return execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' }).trim();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The raw public key and the seed that the private key file holds, by the lengths in its format. */
function secretIn(privateKey: string): { raw: Buffer; seed: Buffer } {
  const base64 = privateKey.split('\n').slice(1, -2).join('');
  const bytes = Buffer.from(base64, 'base64');
  const at = bytes.lastIndexOf('ssh-ed25519') + 'ssh-ed25519'.length;
  const raw = bytes.subarray(at + 4, at + 36);
  return { raw, seed: bytes.subarray(at + 40, at + 72) };
}

describe('keys of a room', () => {
  it.each(kinds)('ssh-keygen finds the public key of $name in the private key', (keyOf) => {
    const pair = keyOf(KEY, ID);

    expect(publicByOpenSsh(pair.private)).toBe(pair.public);
    expect(pair.public).toMatch(/^ssh-ed25519 [A-Za-z0-9+/]{68} onebuck-cabcdefghij$/);
    expect(keyFault(pair.public)).toBeNull();
  });

  it('the private key signs what the public key verifies', () => {
    fc.assert(
      fc.property(fc.string(), ids, fc.constantFrom(...kinds), (key, id, keyOf) => {
        const pair = keyOf(key, id);
        const { raw, seed } = secretIn(pair.private);
        const blob = Buffer.from(pair.public.split(' ')[1] ?? '', 'base64');
        const x = blob.subarray(-32).toString('base64url');
        const jwk = { kty: 'OKP', crv: 'Ed25519', x };
        const message = Buffer.from('a message');
        const signature = sign(null, message, {
          key: { ...jwk, d: seed.toString('base64url') },
          format: 'jwk',
        });

        expect(raw).toEqual(blob.subarray(-32));
        const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
        expect(verify(null, message, publicKey, signature)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('is the same each time, and another for each deployment, cluster and kind', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), ids, ids, (key, otherKey, id, otherId) => {
        fc.pre(key !== otherKey && id !== otherId);
        const pairs = [key, otherKey].flatMap((k) =>
          [id, otherId].flatMap((i) => kinds.map((keyOf) => keyOf(k, i))),
        );

        expect(hostKeyOf(key, id)).toEqual(hostKeyOf(key, id));
        expect(new Set(pairs.map((pair) => pair.public.split(' ')[1])).size).toBe(8);
        expect(new Set(pairs.map((pair) => pair.private)).size).toBe(8);
      }),
      { numRuns: 50 },
    );
  });
});
