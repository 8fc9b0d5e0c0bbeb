import { type BootFacts, bootScript } from './scripts/boot.ts';
import { setupEnvironment, setupScript } from './scripts/setup.ts';
import { withoutComments } from './scripts/shell.ts';
import type { Setup } from './setups.ts';
import { kindOf, textOf, withoutBom } from './user-part.ts';

/** What a node's user data is made from. */
export interface RoomFacts extends Omit<BootFacts, 'environment' | 'hostKey'> {
  readonly setup: readonly Setup[];
  readonly hostKey: BootFacts['peerKey'];
  /** The user's own user data, after gzip is undone; null: none. */
  readonly user: Uint8Array | null;
}

/** What Linode takes, after base64 is decoded: docs/linode.md#user-data. */
export const USER_DATA_BYTES_MAX = 16_384;

/**
 * The user data of a node as a MIME message, which cloud-init takes apart again:
 *
 * 1. the boot script, early in each boot;
 * 2. the setups, in the last stage of the first boot, before scripts whose names sort after theirs;
 * 3. the user's own, as cloud-init would take it if it were alone;
 * 4. a cloud-config with host name and host key. cloud-init merges a later cloud-config into the
 *    earlier ones, key by key. This one is the last and has no `runcmd`, `write_files` or
 *    `packages`, so that nothing of the user's is lost, however the user's are merged among
 *    themselves, and the host key is the one that clients expect.
 */
export function composeUserData(facts: RoomFacts): string {
  const cidr = facts.network?.cidr ?? null;
  const environment = setupEnvironment(facts.setup, cidr);
  const boot = bootScript({ ...facts, environment, hostKey: facts.hostKey.public });
  const parts = [
    part('text/cloud-boothook', withoutComments(boot), 'onebuck-boot'),
    part('text/x-shellscript', withoutComments(setupScript(facts.setup, cidr)), '00-onebuck'),
    ...(facts.user === null ? [] : [userPart(withoutBom(facts.user))]),
    part('text/cloud-config', cloudConfig(facts)),
  ];
  const boundary = unusedBoundary(parts);
  const body = parts.map((text) => `--${boundary}\n${text}\n`).join('');
  return `Content-Type: multipart/mixed; boundary=${boundary}\nMIME-Version: 1.0\n\n${body}--${boundary}--\n`;
}

/** The lines of `ssh_keys` are the whole of the node's host keys: cloud-init makes no others. */
const cloudConfig = ({ index, hostKey }: RoomFacts): string => `#cloud-config
hostname: n${index}
preserve_hostname: false
prefer_fqdn_over_hostname: false
manage_etc_hosts: false
ssh_deletekeys: true
ssh_keys:
  ed25519_private: |
${hostKey.private.trimEnd().replaceAll(/^/gm, '    ')}
  ed25519_public: ${hostKey.public}
`;

/**
 * The user's part. Its type is text/plain, for which cloud-init looks at the first bytes, as it does
 * for user data that is no message. A message is nested as it is, with its own header.
 */
function userPart(bytes: Uint8Array): string {
  const text = textOf(bytes);
  return text !== null && kindOf(text) === 'mime' ? text : part('text/plain', bytes, 'user-data');
}

function part(type: string, content: string | Uint8Array, filename?: string): string {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const header = [
    `Content-Type: ${type}`,
    ...(filename === undefined ? [] : [`Content-Disposition: attachment; filename="${filename}"`]),
  ].join('\n');
  // Python's parser mends other line ends, and mail has no room for other bytes.
  const isPlain = bytes.every((byte) => byte === 0x09 || byte === 0x0a || isPrintable(byte));
  if (isPlain) return `${header}\n\n${new TextDecoder().decode(bytes)}`;
  const quoted = quotedPrintable(bytes);
  const packed = base64(bytes);
  return quoted.length <= packed.length
    ? `${header}\nContent-Transfer-Encoding: quoted-printable\n\n${quoted}`
    : `${header}\nContent-Transfer-Encoding: base64\n\n${packed}`;
}

/** RFC 2045, section 6.8. Shorter where most bytes are none of a text's. */
const base64 = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')).replaceAll(
    /.{76}/g,
    '$&\n',
  );

const isPrintable = (byte: number): boolean => byte >= 0x20 && byte <= 0x7e;

const LINE_MAX = 75;

/**
 * RFC 2045, section 6.7. It keeps a text that is mostly ASCII small, and leaves gzip its words,
 * which base64 would not.
 */
function quotedPrintable(bytes: Uint8Array): string {
  let text = '';
  let line = 0;
  bytes.forEach((byte, index) => {
    if (byte === 0x0a) {
      text += '\n';
      line = 0;
      return;
    }
    const endsLine = bytes[index + 1] === 0x0a || index + 1 === bytes.length;
    const isSafe = isPrintable(byte) && byte !== 0x3d && !(byte === 0x20 && endsLine);
    const next = isSafe
      ? String.fromCharCode(byte)
      : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    if (line + next.length > LINE_MAX) {
      text += '=\n';
      line = 0;
    }
    text += next;
    line += next.length;
  });
  return text;
}

/** Short, and in no part: the shortest number that does. */
function unusedBoundary(parts: readonly string[]): string {
  const all = parts.join('\n');
  let number = 0;
  while (all.includes(`onebuck-part-${number}`)) number += 1;
  return `onebuck-part-${number}`;
}
