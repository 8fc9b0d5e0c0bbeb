import { gzipSync } from 'node:zlib';

const BLOCK = 512;

/** A tar.gz of text files, by their names of at most 100 bytes. */
export function archiveOf(files: ReadonlyMap<string, string>): Uint8Array<ArrayBuffer> {
  const members = [...files].map(([name, text]) => memberOf(name, Buffer.from(text)));
  return gzipSync(Buffer.concat([...members, Buffer.alloc(2 * BLOCK)]));
}

/** In the format ustar of POSIX. */
function memberOf(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  header.write(name, 0, 100);
  header.write(`${octal(0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100);
  header.write(`${octal(content.length, 11)}\0${octal(0, 11)}\0`, 124);
  // The checksum counts itself as blanks.
  header.write('        0', 148);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc(-content.length & (BLOCK - 1))]);
}
