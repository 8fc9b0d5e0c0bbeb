import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openSecret } from '../../../dev/tokens.ts';
import { hashesOf, withoutTokens, withToken } from '../../../ops/api-tokens.ts';
import { sha256 } from '../../support/aws.ts';

const ADDED = sha256('added');

const KEYS = { passwordKey: 'sixteen-characters', webhookKey: 'sixteen-or-more' };

/** A data folder; `start` opens its secret as a start with the API token does. */
function aDataDir() {
  const dataDir = mkdtempSync(join(tmpdir(), 'onebuck-tokens-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const start = (apiToken = 'own') =>
    openSecret({ dataDir, linodeToken: 'linode', apiToken, ...KEYS });
  return { start, file: join(dataDir, 'tokens.json') };
}

it("the secret of npm start has its settings, with the setting's API token for the admin", () => {
  expect(JSON.parse(aDataDir().start().value)).toEqual({
    linodeToken: 'linode',
    apiTokens: { admin: [sha256('own')] },
    ...KEYS,
  });
});

it('the secret of the next start has the added tokens, and not the revoked ones', () => {
  const { start } = aDataDir();
  const first = start();
  const twice = withToken(withToken(first.value, 'ann', ADDED), 'admin', ADDED);
  first.onChange(twice);
  const second = start();
  expect(hashesOf(second.value)).toEqual(hashesOf(twice));
  second.onChange(withoutTokens(second.value, { owner: 'ann', digits: null, force: false }));
  expect(hashesOf(start().value)).toEqual(new Map([['admin', [sha256('own'), ADDED]]]));
});

it("the secret of the next start does not have the last start's own token", () => {
  const { start } = aDataDir();
  const first = start('before');
  first.onChange(withToken(first.value, 'admin', ADDED));
  expect(hashesOf(start('after').value).get('admin')).toEqual([sha256('after'), ADDED]);
});

it('the file of the tokens has only hashes, and is readable only by the user', () => {
  const { start, file } = aDataDir();
  const secret = start();
  secret.onChange(withToken(secret.value, 'ann', ADDED));
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ admin: [], ann: [ADDED] });
  expect(statSync(file).mode & 0o077).toBe(0);
});
