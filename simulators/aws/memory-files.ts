import type { JobFiles } from '../../lib/ports.ts';

/** The files of jobs, in memory. `send` and `fetch` do what a PUT and a GET of a URL do. */
export interface MemoryFiles extends JobFiles {
  readonly stored: Map<string, Uint8Array>;
  /** false: the URL takes another number of bytes, or is for no upload. */
  send(url: string, bytes: Uint8Array): boolean;
  /** null: there is nothing at the URL of a download. */
  fetch(url: string): Uint8Array | null;
}

const HOST = 'https://files.example.com';

export function createMemoryFiles(): MemoryFiles {
  const stored = new Map<string, Uint8Array>();
  const keyOf = (url: string) => decodeURIComponent(new URL(url).pathname.slice(1));
  return {
    stored,
    uploadUrl: async (key, bytes) => `${HOST}/${encodeURIComponent(key)}?bytes=${bytes}`,
    downloadUrl: async (key) => `${HOST}/${encodeURIComponent(key)}`,
    size: async (key) => stored.get(key)?.length ?? null,
    put: async (key, bytes) => void stored.set(key, bytes),
    get: async (key) => stored.get(key) ?? null,
    async copy(from, to) {
      const bytes = stored.get(from);
      if (bytes === undefined) return 'notFound';
      stored.set(to, bytes);
      return 'copied';
    },
    delete: async (key) => void stored.delete(key),
    send(url, bytes) {
      if (new URL(url).searchParams.get('bytes') !== `${bytes.length}`) return false;
      stored.set(keyOf(url), bytes);
      return true;
    },
    fetch: (url) => stored.get(keyOf(url)) ?? null,
  };
}
