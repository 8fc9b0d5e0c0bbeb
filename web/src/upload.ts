import { type Api, NoContact } from '../../client/api.ts';
import { createUpload } from '../../client/jobs.ts';
import type { Uploaded } from './job-form.ts';
import type { Chosen } from './pack.ts';

/** How far an upload is. */
export interface UploadProgress {
  readonly doing: 'Packing' | 'Uploading';
  readonly bytes: number;
  readonly total: number;
  /** Since when it is doing that, by the browser's clock. */
  readonly sinceMs: number;
}

/** S3 takes no more in one PUT. */
export const UPLOAD_BYTES_MAX = 5_000_000_000;
const NAME = /\.(?:tar\.gz|tgz)$/i;

/**
 * The files of a choice with their paths in the folder of the job. The files of a chosen folder lie
 * there without the folder's own name; what git keeps for itself is left out.
 */
export const chosenFrom = (files: Iterable<File>): readonly Chosen[] =>
  [...files]
    .map((file) => {
      const [, ...below] = file.webkitRelativePath.split('/');
      return { file, path: below.length === 0 ? file.name : below.join('/') };
    })
    .filter(({ path }) => !path.split('/').includes('.git'));

/** What a choice is called: its one file, or its folder, with the number of its files. */
export function nameOf(chosen: readonly Chosen[]): string {
  const [first] = chosen;
  if (first === undefined) return '';
  const [folder = ''] = first.file.webkitRelativePath.split('/');
  const files = chosen.length === 1 ? '1 file' : `${chosen.length} files`;
  if (folder !== '') return `${folder}, ${files}`;
  return chosen.length === 1 ? first.file.name : files;
}

/** One archive is sent as it is; all else is packed. */
export const isArchive = (chosen: readonly Chosen[]): boolean =>
  chosen.length === 1 && NAME.test(chosen[0]?.file.name ?? '');

/**
 * Packs and uploads files. Throws what client/api.ts throws, an Error with what to do, or the signal's
 * reason once it is aborted.
 */
export async function upload(
  api: Api,
  chosen: readonly Chosen[],
  { tell, signal }: { tell: (progress: UploadProgress) => void; signal: AbortSignal },
): Promise<Uploaded> {
  if (chosen.length === 0) throw new Error('There is no file in it: choose another.');
  const total = chosen.reduce((sum, { file }) => sum + file.size, 0);
  const archive = isArchive(chosen) ? (chosen[0]?.file as Blob) : await pack(chosen, total);
  if (archive.size > UPLOAD_BYTES_MAX) {
    throw new Error('It has more than 5 GB packed, the most of an upload: choose less.');
  }
  if (archive.size === 0) throw new Error('It is empty: choose another.');
  const { id, url } = await createUpload(api, archive.size);
  signal.throwIfAborted();
  const sinceMs = Date.now();
  const sent = (bytes: number) => tell({ doing: 'Uploading', bytes, total: archive.size, sinceMs });
  sent(0);
  await put(url, archive, { sent, signal });
  return { id, name: nameOf(chosen), bytes: archive.size };

  async function pack(files: readonly Chosen[], total: number): Promise<Blob> {
    const { packed } = await import('./pack.ts');
    const sinceMs = Date.now();
    const at = (bytes: number) => tell({ doing: 'Packing', bytes, total, sinceMs });
    at(0);
    return packed(files, at, signal);
  }
}

interface PutOptions {
  readonly sent: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/** `fetch` does not tell how much has been sent. */
const put = (url: string, body: Blob, { sent, signal }: PutOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const cancel = () => request.abort();
    signal.addEventListener('abort', cancel);
    request.upload.onprogress = ({ loaded }) => sent(loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) return resolve();
      const why = `The bucket of jobs refused it, with the status ${request.status}.`;
      reject(new Error(`${why} Choose it again.`));
    };
    request.onerror = () => reject(new NoContact(new URL(url).origin, 'the upload broke off'));
    request.onabort = () => reject(signal.reason);
    request.onloadend = () => signal.removeEventListener('abort', cancel);
    request.open('PUT', url);
    request.send(body);
  });
