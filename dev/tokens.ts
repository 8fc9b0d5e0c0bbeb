import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADMIN } from '../lib/app/read-clusters.ts';
import { hashesOf } from '../ops/api-tokens.ts';

/** What the local secret is made from. */
export interface SecretOptions {
  /** Where everything is kept, and found again by the next start. */
  readonly dataDir: string;
  readonly linodeToken: string;
  /** The plain API token of the owner `admin`. */
  readonly apiToken: string;
  /** What root passwords are derived from. */
  readonly passwordKey: string;
  /** What notices to a webhook are signed with. */
  readonly webhookKey: string;
}

/** The local secret, from the settings and from the API tokens that were added by and by. */
export function openSecret(options: SecretOptions): {
  readonly value: string;
  /** To be told of each change. */
  readonly onChange: (value: string) => void;
} {
  const { dataDir, linodeToken, apiToken, passwordKey, webhookKey } = options;
  const file = join(dataDir, 'tokens.json');
  const own = createHash('sha256').update(apiToken).digest('hex');
  const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Kept) : {};
  const apiTokens = { ...kept, [ADMIN]: [own, ...(kept[ADMIN] ?? [])] };
  return {
    value: JSON.stringify({ linodeToken, apiTokens, passwordKey, webhookKey }),
    onChange(value) {
      const added = [...hashesOf(value)].map(([owner, hashes]) => [
        owner,
        // The settings' own is not kept: the next start may be given another in its place.
        hashes.filter((hash) => owner !== ADMIN || hash !== own),
      ]);
      writeFileSync(file, JSON.stringify(Object.fromEntries(added)), { mode: 0o600 });
    },
  };
}

type Kept = Readonly<Record<string, readonly string[]>>;
