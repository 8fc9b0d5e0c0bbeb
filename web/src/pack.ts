import { createTarPacker } from 'modern-tar';

/** A file to be uploaded, and its path in the folder of the job. */
export interface Chosen {
  readonly file: File;
  readonly path: string;
}

/**
 * A tar.gz of files. A browser does not tell which files may be run, so that all may be. `tell` hears
 * of the bytes of files that are packed so far. Throws the signal's reason once it is aborted, and an
 * error where a file can't be read.
 */
export async function packed(
  files: readonly Chosen[],
  tell: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const { readable, controller } = createTarPacker();
  let told = 0;
  const fill = async () => {
    for (const { file, path } of files) {
      const header = { name: path, size: file.size, mode: 0o755 };
      const entry = controller.add({ ...header, mtime: new Date(file.lastModified) });
      const counted = new TransformStream<Uint8Array, Uint8Array>({
        transform(part, output) {
          told += part.length;
          tell(told);
          output.enqueue(part);
        },
      });
      await file.stream().pipeThrough(counted).pipeTo(entry, { signal });
    }
    controller.finalize();
  };
  const zipped = readable.pipeThrough(
    new CompressionStream('gzip') as ReadableWritablePair<BufferSource, BufferSource>,
  );
  const [blob] = await Promise.all([
    new Response(zipped as ReadableStream<Uint8Array<ArrayBuffer>>).blob(),
    fill().catch((error: unknown) => {
      controller.error(error);
      throw error;
    }),
  ]);
  return blob;
}
