/*
 * The user's own user data, as cloud-init tells its kinds apart: by the first bytes, in any case,
 * after blanks (cloudinit/handlers/__init__.py), or by a MIME header in the first 4,096 bytes
 * (cloudinit/user_data.py).
 */

/** What cloud-init does with user data. */
export type UserDataKind = 'script' | 'part' | 'mime' | 'unknown';

const PREFIXES = [
  '#include',
  '#cloud-config',
  '#part-handler',
  '#cloud-boothook',
  '## template: jinja',
];

const MIME_WITHIN = 4_096;
const BOM = [0xef, 0xbb, 0xbf];

/** Without a byte order mark, which cloud-init takes for a part of the first line. */
export const withoutBom = (bytes: Uint8Array): Uint8Array =>
  BOM.every((byte, index) => bytes[index] === byte) ? bytes.subarray(BOM.length) : bytes;

/** gzip's first two bytes (RFC 1952). */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The text; null: the bytes are no UTF-8. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

export function kindOf(text: string): UserDataKind {
  const isMime = text.slice(0, MIME_WITHIN).toLowerCase().includes('mime-version:');
  if (isMime && /^[!-9;-~]+:/.test(text)) return 'mime';
  const start = text.trimStart().slice(0, 32).toLowerCase();
  if (start.startsWith('#!')) return 'script';
  return PREFIXES.some((prefix) => start.startsWith(prefix)) ? 'part' : 'unknown';
}

/** Base64 of at least 24 characters and nothing else, in lines or in one. */
const BASE64 = /^(?:[A-Za-z0-9+/]\s*){24,}={0,2}\s*$/;

/**
 * Warnings about user data that a launch accepts, but that cloud-init would ignore or run otherwise
 * than was meant. `bytes`: after gzip is undone; null: they claim to be gzip and are not. `path`:
 * the field of the spec.
 */
export function userDataWarnings(bytes: Uint8Array | null, path: string): string[] {
  if (bytes === null)
    return [`${path} starts like gzip, but can't be unpacked: cloud-init ignores it`];
  const stripped = withoutBom(bytes);
  const text = textOf(stripped);
  const bom =
    stripped.length === bytes.length
      ? []
      : [`${path} starts with a byte order mark, which Onebuck leaves out for cloud-init`];
  if (text === null) {
    return [...bom, `${path} is neither UTF-8 nor gzip: cloud-init ignores it`];
  }
  return [...bom, ...warningsOf(text, path)];
}

function warningsOf(text: string, path: string): string[] {
  const kind = kindOf(text);
  if (kind === 'script' && /^\s/.test(text)) {
    return [`${path} has blanks before its #!, so that no node can run it: take them out`];
  }
  if (kind === 'script' && /^#![^\n]*\r\n/.test(text)) {
    return [`${path} has the line ends of Windows, which cloud-init changes to those of Unix`];
  }
  if (kind !== 'unknown') return [];
  if (BASE64.test(text)) {
    const instead = path === 'userData' ? 'give it as userDataBase64' : 'encode it once, not twice';
    return [`${path} looks like base64, which cloud-init does not decode: ${instead}`];
  }
  return [
    `cloud-init ignores ${path}, since its first line is none that cloud-init knows: start a script ` +
      'with #!/bin/sh, and a configuration with #cloud-config',
  ];
}
