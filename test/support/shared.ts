import { existsSync, readFileSync } from 'node:fs';

const folder = new URL('../../../shared/', import.meta.url);

/**
 * Whether ../shared exists. Linode's OpenAPI description and recorded answers are kept there,
 * outside the repository: docs/linode.md#the-contract-that-tests-hold-us-to lists the files.
 */
export const hasShared = existsSync(folder);

/** The end of a test's name: says why the test is skipped, or nothing. */
export const skipped = hasShared ? '' : ' (skipped: there is no ../shared)';

/** Parses a JSON file of ../shared; the path is one like `linode/types.json`. */
// biome-ignore lint/suspicious/noExplicitAny: a recording has any shape
export const readShared = (path: string): any =>
  JSON.parse(readFileSync(new URL(path, folder), 'utf8'));
