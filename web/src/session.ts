import { type Api, createApi } from '../../client/api.ts';

/*
 * Where the token is kept: for as long as the tab is open, unless the reader asks for more. What
 * can spend money should not outlive a visit by default, and the page's policy lets no other script
 * in.
 */

const KEY = 'onebuck.token';

/** The API as the token's owner, relative to the page, wherever a deployment puts it. */
export const apiOf = (token: string, onDenied: () => void): Api =>
  createApi({ url: new URL('.', document.baseURI).href.slice(0, -1), token, onDenied });

export const readToken = (): string | null =>
  sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);

export function keepToken(token: string, stay: boolean): void {
  (stay ? localStorage : sessionStorage).setItem(KEY, token);
}

export function forgetAll(): void {
  for (const storage of [sessionStorage, localStorage]) {
    for (const key of Object.keys(storage)) {
      if (key.startsWith('onebuck.')) storage.removeItem(key);
    }
  }
}

export function read<T>(storage: Storage, key: string, fallback: T): T {
  try {
    const kept = storage.getItem(`onebuck.${key}`);
    return kept === null ? fallback : (JSON.parse(kept) as T);
  } catch {
    return fallback;
  }
}

export function write(storage: Storage, key: string, value: unknown): void {
  storage.setItem(`onebuck.${key}`, JSON.stringify(value));
}
