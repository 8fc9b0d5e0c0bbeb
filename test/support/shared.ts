import { existsSync, readFileSync } from 'node:fs';

const folder = new URL('../../../shared/', import.meta.url);

/**
 * Linode's contract and recordings of its API are kept beside the repository and not in it:
 * docs/linode.md#the-contract-that-tests-hold-us-to says what to put there.
 */
export const hasShared = existsSync(folder);

/** For the end of a test's name: says why it is skipped. */
export const skipped = hasShared ? '' : ' (skipped: there is no ../shared)';

/** The JSON in a file of ../shared, such as `linode/types.json`. */
// biome-ignore lint/suspicious/noExplicitAny: a recording has any shape
export const readShared = (path: string): any =>
  JSON.parse(readFileSync(new URL(path, folder), 'utf8'));
