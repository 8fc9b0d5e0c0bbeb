/*
 * Public keys in the form of OpenSSH's `.pub` files: type, blob in base64, comment. The blob repeats
 * the type and holds the numbers of the key, each after its length in four bytes (RFC 4253 and 5656,
 * OpenSSH's PROTOCOL.u2f). Own code, since the library for this (sshpk) brings ten packages and does
 * not know keys of security tokens.
 */

/** What a key must be. */
export const KEY = 'one line of an OpenSSH public key: "ssh-ed25519 AAAA… you@host"';

/** A blob in base64, which writes the first length of every blob as AAAA. */
const BLOB = 'AAAA[A-Za-z0-9+/]*={0,2}';

/** The sshd of RHEL 9 and its kin refuses shorter ones. */
const RSA_BITS_MIN = 2_048;
/** The longest that OpenSSH takes. */
const RSA_BITS_MAX = 16_384;

type Check = (fields: readonly Uint8Array[]) => boolean;

/**
 * The types that Linode takes for `authorized_keys` and that log in to its images
 * (docs/linode.md#keys), each with a check of the fields after the type.
 */
const types: Readonly<Record<string, Check>> = {
  'ssh-ed25519': ([key, ...rest]) => key?.length === 32 && rest.length === 0,
  'ssh-rsa': ([exponent, modulus, ...rest]) =>
    bitsOf(exponent) > 1 && bitsOf(modulus) > 1 && rest.length === 0,
  'ecdsa-sha2-nistp256': onCurve('nistp256', 32),
  'ecdsa-sha2-nistp384': onCurve('nistp384', 48),
  'ecdsa-sha2-nistp521': onCurve('nistp521', 66),
  'sk-ecdsa-sha2-nistp256@openssh.com': (fields) =>
    onCurve('nistp256', 32)(fields.slice(0, 2)) && fields.length === 3,
};

/** The types that a key may have. */
export const KEY_TYPES = Object.keys(types);

/** A line that looks like a key of a type in KEY_TYPES, with blanks or tabs between its parts. */
export const KEY_PATTERN =
  `^\\s*(?:${KEY_TYPES.map((type) => type.replace('.', '\\.')).join('|')})` +
  `[ \\t]+${BLOB}(?:[ \\t][^\\u0000-\\u0008\\u000a-\\u001f\\u007f-\\u009f]*)?\\s*$`;

/** The line with one blank between its parts, as Linode takes it, and none around it. */
export const normalKey = (line: string): string => line.trim().replace(/[ \t]+/g, ' ');

/**
 * What is wrong with a normal line, to be read after the name of its field; null: the line is a key
 * that can log in.
 */
export function keyFault(line: string): string | null {
  const [, type = '', blob = ''] = LINE.exec(line) ?? [];
  if (type === '') return `must be ${KEY}`;
  const check = Object.hasOwn(types, type) ? types[type] : undefined;
  if (check === undefined) {
    return `must not be of the type ${type}, with which nobody could log in: take ${LIST}`;
  }
  const [name, ...fields] = fieldsOf(blob) ?? [];
  if (name === undefined || textOf(name) !== type || !check(fields)) {
    return 'is cut or damaged: copy the whole line of the .pub file';
  }
  const bits = type === 'ssh-rsa' ? bitsOf(fields[1]) : RSA_BITS_MIN;
  if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX) return null;
  return `must have ${RSA_BITS_MIN} to ${RSA_BITS_MAX} bits, not ${bits}: take ssh-ed25519`;
}

const LINE = new RegExp(
  `^((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+) (${BLOB})(?: [^\\p{C}\\p{Zl}\\p{Zp}]*)?$`,
  'u',
);
const LIST = 'ssh-ed25519, ecdsa-sha2-nistp256 or ssh-rsa';

/** The fields of a blob; null: it is no base64, or is cut. */
function fieldsOf(blob: string): Uint8Array[] | null {
  const bytes = bytesOf(blob);
  if (bytes === null) return null;
  const fields: Uint8Array[] = [];
  const view = new DataView(bytes.buffer);
  let at = 0;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) return null;
    const from = at + 4;
    at = from + view.getUint32(at);
    if (at > bytes.length) return null;
    fields.push(bytes.slice(from, at));
  }
  return fields;
}

/** null: a character or a bit is missing, or there are too many. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> | null {
  if (base64.length % 4 !== 0) return null;
  const binary = atob(base64);
  if (btoa(binary) !== base64) return null;
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** A point that is not compressed: 4, then two coordinates. */
function onCurve(curve: string, coordinateBytes: number): Check {
  return ([name, point, ...rest]) =>
    name !== undefined &&
    textOf(name) === curve &&
    point?.length === 1 + 2 * coordinateBytes &&
    point[0] === 4 &&
    rest.length === 0;
}

/** The bits of a number; 0: there is none, or it is not above 0. */
function bitsOf(number: Uint8Array = new Uint8Array()): number {
  const first = number.findIndex((byte) => byte !== 0);
  if (first < 0 || (number[0] ?? 0) >= 0x80) return 0;
  return (number.length - first) * 8 - Math.clz32(number[first] ?? 0) + 24;
}

const textOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
