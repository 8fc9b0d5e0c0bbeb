import { describe, expect, it } from 'vitest';
import { type AskLinode, accountOf, checkToken } from '../../../ops/linode-token.ts';
import { FULL, OTHER, startLinode } from './setup-world.ts';

/** A Linode that gives the answer to every call. */
const answering =
  (body: unknown, headers: Readonly<Record<string, string>> = {}): AskLinode =>
  async () => ({
    verdict: { kind: 'ok', body, maxAge: null },
    header: (name) => headers[name] ?? null,
  });

describe('a Linode token', () => {
  it.each([
    ['*', []],
    ['linodes:read_write account:read_write', []],
    ['linodes:read_write,account:read_write', []],
    ['linodes:read_write account:read_only', ['Onebuck can not remove the tags of ended clusters']],
    ['linodes:read_write', ['quotes prices with backups']],
  ])('with the scopes %s is accepted', async (scopes, warnings) => {
    const { ask } = await startLinode({ given: scopes });
    const check = await checkToken(ask, 'given');
    expect(check.warnings).toEqual(warnings.map((text) => expect.stringContaining(text)));
  });

  it.each([
    ['linodes:read_only account:read_write', 'it has: linodes:read_only account:read_write.'],
    ['account:read_write', 'lacks the scope linodes:read_write'],
    ['', 'it has: none.'],
  ])('with the scopes "%s" is refused', async (scopes, fault) => {
    const { ask } = await startLinode({ given: scopes });
    const checked = checkToken(ask, 'given');
    await expect(checked).rejects.toThrow(fault);
    await expect(checked).rejects.toThrow('Read/Write for Linodes and Account');
  });

  it('that is invalid has another error than a Linode that does not answer', async () => {
    const { ask, simulator } = await startLinode();
    await expect(checkToken(ask, 'unknown')).rejects.toThrow('mistyped, expired or revoked');
    simulator.setFaults([{ kind: 'maintenance503' }]);
    await expect(checkToken(ask, FULL)).rejects.toThrow(
      'Linode could not be asked about the token: GET /profile: 503: Linode is in maintenance',
    );
  });

  it('whose scopes Linode does not say is accepted with a warning', async () => {
    const { warnings } = await checkToken(answering({ restricted: false }), FULL);
    expect(warnings).toEqual([expect.stringContaining('did not say which scopes')]);
  });
});

describe('the account', () => {
  it('that forces backups gives a warning', async () => {
    const { ask, simulator } = await startLinode();
    simulator.updateSettings({ backupsForced: true });
    const { warnings } = await checkToken(ask, FULL);
    expect(warnings).toEqual([expect.stringContaining('adds backups')]);
  });

  it('that Linode manages gives a warning', async () => {
    const { ask, simulator } = await startLinode();
    simulator.updateSettings({ managed: true });
    const { warnings } = await checkToken(ask, FULL);
    expect(warnings).toEqual([expect.stringContaining('launches are refused')]);
  });

  it('that allows only Linode interfaces is fine, also without Network Helper', async () => {
    const { ask, simulator } = await startLinode();
    simulator.updateSettings({ interfacesForNewLinodes: 'linode_only', networkHelper: false });
    expect((await checkToken(ask, FULL)).warnings).toEqual([]);
  });

  it('is not asked for its settings with a token that may not read them', async () => {
    const { ask, simulator } = await startLinode({ given: 'linodes:read_write' });
    await checkToken(ask, 'given');
    expect(Object.keys(simulator.requests())).toEqual(['GET /profile']);
  });

  it('whose settings the user may not read gives a warning', async () => {
    const { ask } = await startLinode();
    const denying: AskLinode = async (call, token) =>
      call.path === '/profile'
        ? ask(call, token)
        : { verdict: { kind: 'denied', status: 403, reason: '' }, header: () => null };
    const { warnings } = await checkToken(denying, FULL);
    expect(warnings).toEqual([expect.stringContaining('may not read')]);
  });

  it('with a restricted user gives a warning', async () => {
    const { warnings } = await checkToken(
      answering({ restricted: true }, { 'x-oauth-scopes': 'linodes:read_write' }),
      FULL,
    );
    expect(warnings).toContainEqual(expect.stringContaining('user is restricted'));
  });

  it('is known by its id for a valid token, and null for an invalid token', async () => {
    const { ask } = await startLinode();
    const account = await accountOf(ask, FULL);
    expect(account).toMatch(/^[0-9-]{36}$/);
    expect((await checkToken(ask, OTHER)).account).toBe(account);
    expect(await accountOf(ask, 'revoked')).toBeNull();
  });
});
