import { describe, expect, it } from 'vitest';
import { hashesOf, type Revocation, withoutTokens, withToken } from '../../../ops/api-tokens.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const C = `${'b'.repeat(8)}${'c'.repeat(56)}`;
const LINODE_TOKEN = 'linode-token-0123456789';

const json = (secret: object) => JSON.stringify(secret);
const secret = (apiTokens: unknown) => json({ linodeToken: LINODE_TOKEN, apiTokens });
const tokensIn = (text: string) => JSON.parse(text).apiTokens;
const revoke = (apiTokens: unknown, revocation: Partial<Revocation>) =>
  tokensIn(
    withoutTokens(secret(apiTokens), { owner: 'ann', digits: null, force: false, ...revocation }),
  );

describe('an added token', () => {
  it('is the first of an owner, or joins the other tokens', () => {
    expect(tokensIn(withToken(secret({ bob: A }), 'ann', B))).toEqual({ bob: A, ann: B });
    expect(tokensIn(withToken(secret({ ann: A }), 'ann', B))).toEqual({ ann: [A, B] });
    expect(tokensIn(withToken(secret({ ann: [A, B] }), 'ann', C))).toEqual({ ann: [A, B, C] });
  });

  it('leaves all other fields as they are, in their order', () => {
    const text = '{"zone": {"x": [1, null]}, "linodeToken": "t", "apiTokens": {}, "note": "é"}';
    expect(withToken(text, 'ann', A)).toBe(
      `{"zone":{"x":[1,null]},"linodeToken":"t","apiTokens":{"ann":"${A}"},"note":"é"}`,
    );
  });

  it('makes JSON of a secret that is a plain Linode token', () => {
    expect(JSON.parse(withToken(`${LINODE_TOKEN}\n`, 'admin', A))).toEqual({
      linodeToken: LINODE_TOKEN,
      apiTokens: { admin: A },
    });
  });

  it.each(['a', '0', 'ann.b_c-d', 'constructor', 'a'.repeat(40)])(
    'may belong to the owner %s',
    (owner) => {
      expect(hashesOf(withToken(secret({}), owner, A)).get(owner)).toEqual([A]);
    },
  );

  it.each(['', 'Ann', '-ann', '.', 'ann@example.com', 'a b', 'a'.repeat(41), 'é', '__proto__'])(
    'can not belong to the owner %j',
    (owner) => {
      expect(() => withToken(secret({}), owner, A)).toThrow("can't be an owner");
    },
  );
});

describe('a revoked token', () => {
  it('is found by at least 8 digits of its hash, in upper or lower case', () => {
    expect(revoke({ ann: [A, B] }, { digits: 'aaaaaaaa' })).toEqual({ ann: B });
    expect(revoke({ ann: [A, B], bob: A }, { digits: A.toUpperCase() })).toEqual({
      ann: B,
      bob: A,
    });
    expect(revoke({ ann: [B, C] }, { digits: C.slice(0, 9) })).toEqual({ ann: B });
  });

  it('removes its owner if it was the last', () => {
    expect(revoke({ ann: A, bob: B }, { digits: 'aaaaaaaa' })).toEqual({ bob: B });
    expect(revoke({ ann: [A, B], bob: B }, {})).toEqual({ bob: B });
  });

  it('is refused where the digits fit no token or several', () => {
    expect(() => revoke({ ann: [B, C] }, { digits: 'bbbbbbbb' })).toThrow('More than one');
    expect(() => revoke({ ann: [A, B] }, { digits: 'cccccccc' })).toThrow('No token of this owner');
    for (const digits of ['aaaaaaa', '', 'xxxxxxxx', `${A}a`]) {
      expect(() => revoke({ ann: [A, B] }, { digits })).toThrow('at least 8 hex digits');
    }
  });

  it.each(['bob', 'constructor', '__proto__'])('is refused where %s has no tokens', (owner) => {
    expect(() => revoke({ ann: A }, { owner })).toThrow('has no tokens');
  });

  it("may be the admin's last only with --force", () => {
    const admins = { owner: 'admin', digits: 'aaaaaaaa' };
    expect(() => revoke({ admin: A, ann: B }, admins)).toThrow('--force');
    expect(() => revoke({ admin: [A, B] }, { owner: 'admin' })).toThrow('--force');
    expect(revoke({ admin: [A, B] }, admins)).toEqual({ admin: B });
    expect(revoke({ admin: A, ann: B }, { ...admins, force: true })).toEqual({ ann: B });
  });

  it('may be of an owner whose name is no longer allowed', () => {
    expect(revoke({ 'Ann B': A, ann: B }, { owner: 'Ann B' })).toEqual({ ann: B });
  });
});

describe('a malformed secret', () => {
  it.each([
    ['empty', ' \n', 'empty'],
    ['cut off', '{"linodeToken": "hidden', 'not JSON'],
    ['one with a plain token', secret({ ann: 'hidden' }), 'apiTokens'],
    ['one with a plain token in a list', secret({ ann: [A, 'hidden'] }), 'apiTokens'],
    ['one with tokens the wrong way round', secret({ hidden: 'ann' }), 'apiTokens'],
    ['one with hashes in capitals', secret({ hidden: A.toUpperCase() }), 'apiTokens'],
    ['one without an object of tokens', secret('hidden'), 'apiTokens'],
    ['one with a list of tokens', secret([A]), 'apiTokens'],
    ['one with null for tokens', secret(null), 'apiTokens'],
  ])('that is %s is refused, and not shown', (_, text, reason) => {
    for (const use of [() => hashesOf(text), () => withToken(text, 'ann', A)]) {
      expect(use).toThrow(reason);
      expect(use).not.toThrow('hidden');
    }
  });
});
