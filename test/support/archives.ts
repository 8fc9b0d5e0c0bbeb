import { gzipSync } from 'node:zlib';
import { Header, type HeaderData, Pax } from 'tar';

/** A member of an archive, as nobody's tar would write it. */
export type Member = HeaderData & { readonly path: string; readonly content?: string };

/** A tar.gz of the members, in their order; names and links are not looked at. */
export function archiveOf(members: readonly Member[]): Buffer {
  const blocks = members.flatMap(({ content = '', ...data }) => {
    const bytes = Buffer.from(content);
    const all = {
      type: 'File',
      mode: 0o644,
      size: bytes.length,
      mtime: new Date(0),
      ...data,
    } as const;
    const header = new Header(all);
    const needsPax = header.encode();
    const pax = needsPax ? [new Pax(all).encode()] : [];
    const padding = Buffer.alloc((512 - (bytes.length % 512)) % 512);
    return [...pax, header.block ?? Buffer.alloc(0), bytes, padding];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}
