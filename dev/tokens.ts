import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADMIN } from '../lib/core/base/names.ts';
import { hashesOf } from '../ops/api-tokens.ts';

/** The fields of the local secret, and the folder that keeps added API tokens. */
export interface SecretOptions {
  /** The folder in which all data outlives a run. */
  readonly dataDir: string;
  readonly linodeToken: string;
  /** The plain API token of the owner `admin`. */
  readonly apiToken: string;
  /** The key from which root passwords are derived. */
  readonly passwordKey: string;
  /** The key that signs the notices to a webhook. */
  readonly webhookKey: string;
}

/** The local secret, from the settings and from the API tokens that earlier runs have added. */
export function openSecret(options: SecretOptions): {
  readonly value: string;
  /** Must be called with each new value of the secret; keeps the added API tokens. */
  readonly onChange: (value: string) => void;
} {
  const { dataDir, linodeToken, apiToken, passwordKey, webhookKey } = options;
  const file = join(dataDir, 'tokens.json');
  const ownHash = createHash('sha256').update(apiToken).digest('hex');
  const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Kept) : {};
  const apiTokens = { ...kept, [ADMIN]: [ownHash, ...(kept[ADMIN] ?? [])] };
  return {
    value: JSON.stringify({ linodeToken, apiTokens, passwordKey, webhookKey }),
    onChange(value) {
      const added = [...hashesOf(value)].map(([owner, hashes]) => [
        owner,
        // The token of the settings is not kept, since the next start may set another token.
        hashes.filter((hash) => owner !== ADMIN || hash !== ownHash),
      ]);
      writeFileSync(file, JSON.stringify(Object.fromEntries(added)), { mode: 0o600 });
    },
  };
}

type Kept = Readonly<Record<string, readonly string[]>>;
