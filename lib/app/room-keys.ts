import { createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto';
import type { ClusterId } from '../core/base/names.ts';

/** An ed25519 key pair as OpenSSH writes it. */
export interface SshKeyPair {
  /** The whole private key file, with the line break at its end. */
  readonly private: string;
  /** One line without a line break: `ssh-ed25519 AAAA… onebuck-<clusterId>`. */
  readonly public: string;
}

/**
 * The host key of every node of a cluster. It is derived from the deployment's key, as root
 * passwords are: it is stored nowhere, and it is known before a node exists, so that nobody has to
 * trust a node at the first connection.
 */
export const hostKeyOf = (key: string, id: ClusterId): SshKeyPair =>
  keyPair(key, 'onebuck host key', id);

/** The key by which the nodes of a cluster log in to each other. */
export const peerKeyOf = (key: string, id: ClusterId): SshKeyPair =>
  keyPair(key, 'onebuck peer key', id);

const KEY_TYPE = 'ssh-ed25519';
/** A private ed25519 key in PKCS 8, up to its 32 bytes (RFC 8410, section 7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** By purpose, the pair that was derived last: the nodes of a cluster are created in a row. */
const last = new Map<
  string,
  { readonly key: string; readonly id: ClusterId; readonly pair: SshKeyPair }
>();

function keyPair(key: string, purpose: string, id: ClusterId): SshKeyPair {
  const known = last.get(purpose);
  if (known?.key === key && known.id === id) return known.pair;
  const pair = newPair(key, purpose, id);
  last.set(purpose, { key, id, pair });
  return pair;
}

function newPair(key: string, purpose: string, id: ClusterId): SshKeyPair {
  const derived = Buffer.from(hkdfSync('sha256', key, purpose, id, 36));
  const seed = derived.subarray(0, 32);
  const der = Buffer.concat([PKCS8_HEAD, seed]);
  const secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  // The public key is the last 32 bytes of its DER form (RFC 8410, section 4).
  const raw = createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-32);
  const publicBlob = fields(KEY_TYPE, raw);
  const comment = `onebuck-${id}`;
  return {
    private: privateFile(publicBlob, { raw, seed, comment, check: derived.subarray(32) }),
    public: `${KEY_TYPE} ${publicBlob.toString('base64')} ${comment}`,
  };
}

interface SecretParts {
  readonly raw: Buffer;
  readonly seed: Buffer;
  readonly comment: string;
  /** Four bytes that a reader compares with their copy, to see whether it decrypted the key. */
  readonly check: Buffer;
}

/** The format openssh-key-v1, without a passphrase: PROTOCOL.key in OpenSSH's source. */
function privateFile(publicBlob: Buffer, { raw, seed, comment, check }: SecretParts): string {
  const open = Buffer.concat([
    check,
    check,
    fields(KEY_TYPE, raw, Buffer.concat([seed, raw]), comment),
  ]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, -open.length & 7));
  const one = Buffer.from([0, 0, 0, 1]);
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    fields('none', 'none', ''),
    one,
    fields(publicBlob, Buffer.concat([open, padding])),
  ]).toString('base64');
  const lines = body.match(/.{1,70}/g) ?? [];
  return [
    '-----BEGIN OPENSSH PRIVATE KEY-----',
    ...lines,
    '-----END OPENSSH PRIVATE KEY-----',
    '',
  ].join('\n');
}

/** Each part after its length in four bytes (RFC 4251, section 5). */
function fields(...parts: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part as string);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
