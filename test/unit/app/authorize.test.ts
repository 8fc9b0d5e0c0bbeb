import { describe, expect, it } from 'vitest';
import { newOwnerToken } from '../../../lib/app/owner-token.ts';
import { RIGHTS, type Right } from '../../../lib/core/base/api-token.ts';
import {
  type DurationMs,
  durationMs,
  minutes,
  plus,
  seconds,
  toIso,
} from '../../../lib/core/base/units.ts';
import { AppError } from '../../../lib/errors.ts';
import { sha256 } from '../../support/aws.ts';
import { LAUNCH, usd } from '../../support/builders.ts';
import { aClock } from '../../support/doubles.ts';
import { startWorld } from '../../support/handler-world.ts';
import { anOwner } from '../../support/owner-store-contract.ts';

const unknownToken = { code: 'unknownToken' };

/** Returns a function that gives the owner of the token in a header. */
async function startAuthorize(secret: Readonly<Record<string, unknown>> = {}) {
  return (await startFrontDoor(secret)).owner;
}

/** The same, with the world whose clock decides how old the secret is. */
async function startFrontDoor(secret: Readonly<Record<string, unknown>>) {
  const { clock, changeSecret } = await startWorld({ secret });
  const { authorize } = await import('../../../lib/app/authorize.ts');
  const { secrets, owners } = await import('../../../lib/wire.ts');
  const caller = (header: string | undefined, needed: Right) =>
    authorize({ clock, secrets: secrets(), owners: owners() }, header, needed);
  const owner = async (header?: string) => (await caller(header, 'read')).owner;
  const advance = (time: DurationMs) => clock.set(plus(clock.now(), time));
  return { owner, caller, clock, owners: owners(), advance, changeSecret };
}

describe('the owner of a token', () => {
  it('answers the owner to whom a token belongs', async () => {
    const owner = await startAuthorize({
      apiTokens: { ann: sha256('anns-token'), bob: sha256('bobs-token') },
    });
    expect(await owner('Bearer anns-token')).toBe('ann');
    expect(await owner('bearer bobs-token')).toBe('bob');
  });

  it('admits each of several tokens of an owner', async () => {
    const hashes = ['first', 'second', 'third'].map(sha256);
    const owner = await startAuthorize({ apiTokens: { ann: hashes, bob: [], eve: [] } });
    for (const token of ['first', 'second', 'third']) {
      expect(await owner(`Bearer ${token}`)).toBe('ann');
    }
    await expect(owner('Bearer fourth')).rejects.toMatchObject(unknownToken);
  });

  it.each([
    ['a wrong token', 'Bearer another-token'],
    ['the hash in place of the token', `Bearer ${sha256('onebuck-local')}`],
    ['the name of an owner', 'Bearer admin'],
  ])('is unknown for %s', async (_, header) => {
    const owner = await startAuthorize();
    await expect(owner(header)).rejects.toMatchObject(unknownToken);
  });

  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['no token', 'Bearer '],
    ['another scheme', 'Basic YWRtaW46b25lYnVjay1sb2NhbA=='],
    ['a token without its scheme', 'onebuck-local'],
    ['more than a token', 'Bearer onebuck-local onebuck-local'],
    ['a token with a line break', 'Bearer onebuck-local\n'],
    ['a token of 10 000 characters', `Bearer ${'x'.repeat(10_000)}`],
  ])('is missing in %s, and the secret is not read', async (_, header) => {
    const apiTokens = () => Promise.reject(new Error('the secret was read'));
    const { authorize } = await import('../../../lib/app/authorize.ts');
    const owners = { get: () => Promise.reject(new Error('the table was read')) };
    const owner = authorize({ clock: aClock(), secrets: { apiTokens }, owners }, header, 'read');
    await expect(owner).rejects.toMatchObject({ code: 'noToken' });
  });

  it('admits a token within 5 seconds of being added, though others keep it busy', async () => {
    const { owner, advance, changeSecret } = await startFrontDoor({ apiTokens: {} });
    await expect(owner('Bearer anns-token')).rejects.toMatchObject(unknownToken);
    await changeSecret({ apiTokens: { ann: sha256('anns-token') } });
    advance(seconds(4));
    await expect(owner('Bearer wrong')).rejects.toMatchObject(unknownToken);
    advance(seconds(1));
    expect(await owner('Bearer anns-token')).toBe('ann');
  });

  it('denies a token 5 minutes after it was revoked', async () => {
    const apiTokens = { ann: sha256('anns-token') };
    const { owner, advance, changeSecret } = await startFrontDoor({ apiTokens });
    expect(await owner('Bearer anns-token')).toBe('ann');
    await changeSecret({ apiTokens: {} });
    advance(minutes(5));
    await expect(owner('Bearer anns-token')).rejects.toMatchObject(unknownToken);
  });

  it('denies every token where the secret has no API tokens', async () => {
    const owner = await startAuthorize({ apiTokens: {} });
    await expect(owner('Bearer onebuck-local')).rejects.toMatchObject(unknownToken);
  });

  it('throws, and so denies every token, where the secret is malformed', async () => {
    const owner = await startAuthorize({ apiTokens: { admin: 'onebuck-local' } });
    await expect(owner('Bearer onebuck-local')).rejects.toThrow('At fault: apiTokens.');
  });
});

describe('a token with limits', () => {
  const aToken = (limits: object) => ({
    apiTokens: { ci: { sha256: sha256('short'), ...limits } },
  });

  it('is taken until it expires, and then refused', async () => {
    const { clock, changeSecret } = await startWorld();
    const expires = toIso(plus(clock.now(), minutes(120)));
    await changeSecret(aToken({ expires }));
    const { owner, advance } = await startFrontDoor(aToken({ expires }));
    expect(await owner('Bearer short')).toBe('ci');
    advance(durationMs(minutes(120) - 1));
    expect(await owner('Bearer short')).toBe('ci');
    advance(durationMs(1));
    await expect(owner('Bearer short')).rejects.toMatchObject({
      code: 'unknownToken',
      message: 'The token has expired. Ask the operator for another one.',
    });
  });

  it.each([
    [
      'read',
      ['read'],
      'The token may only read, and see no passwords. This needs a token that may',
    ],
    ['launch', ['read', 'launch'], 'The token may only read, and launch, change and destroy'],
    ['manage', ['read', 'launch', 'manage'], ''],
  ] as const)('may %s, and what that includes', async (may, includes, refusal) => {
    const { caller } = await startFrontDoor(aToken({ may }));
    for (const right of RIGHTS) {
      const answer = caller('Bearer short', right);
      if ((includes as readonly Right[]).includes(right)) expect((await answer).owner).toBe('ci');
      else {
        const message = expect.stringContaining(refusal);
        await expect(answer).rejects.toMatchObject({ code: 'notAllowed', message });
      }
    }
  });

  it('has the monthly limit, exactly', async () => {
    const { caller } = await startFrontDoor(aToken({ monthlyUsd: 2.5 }));
    expect((await caller('Bearer short', 'launch')).monthlyMax).toBe(2_500_000);
  });

  it.each([
    ['a limit of an unknown name', { most: 2 }],
    ['a time that is no instant', { expires: 'tomorrow' }],
    ['an unknown right', { may: 'everything' }],
    ['an amount that is none', { monthlyUsd: -1 }],
  ])('is a fault of the secret with %s: no limit is passed over', async (_, limits) => {
    const { caller } = await startFrontDoor(aToken(limits));
    await expect(caller('Bearer short', 'read')).rejects.toThrow('At fault: apiTokens.');
  });
});

describe('a token of the table', () => {
  const { token, sha256: hash } = newOwnerToken('bob.s-1');
  const limits = { expiresAt: null, right: 'launch' as const, monthlyMax: null };
  const kept = { ...limits, sha256: hash, id: hash.slice(0, 8), createdAt: LAUNCH };
  const bob = anOwner({ owner: 'bob.s-1', tokens: [kept] });

  it('names its owner, whose record has its hash and its limits', async () => {
    const { caller, owners } = await startFrontDoor({});
    await owners.insert({ ...bob, tokens: [{ ...kept, monthlyMax: usd(2) }] });
    const found = { owner: 'bob.s-1', monthlyMax: usd(2) };
    expect(await caller(`Bearer ${token}`, 'launch')).toEqual(found);
    await expect(caller(`Bearer ${token}`, 'manage')).rejects.toMatchObject({ code: 'notAllowed' });
  });

  it('is refused from the moment on in which it is revoked, or expires', async () => {
    const { caller, clock, owners, advance } = await startFrontDoor({});
    const expiresAt = plus(clock.now(), minutes(60));
    await owners.insert({ ...bob, tokens: [{ ...kept, expiresAt }] });
    expect((await caller(`Bearer ${token}`, 'read')).owner).toBe('bob.s-1');
    advance(minutes(60));
    await expect(caller(`Bearer ${token}`, 'read')).rejects.toMatchObject(unknownToken);
    await owners.save(bob);
    expect((await caller(`Bearer ${token}`, 'read')).owner).toBe('bob.s-1');
    await owners.save({ ...bob, revision: 2, tokens: [] });
    await expect(caller(`Bearer ${token}`, 'read')).rejects.toMatchObject(unknownToken);
  });

  it.each([
    ['another token of its form', newOwnerToken('bob.s-1').token],
    ["another owner's name", token.replace('bob.s-1', 'bob.s-2')],
    ['its hash', hash],
  ])('is unknown where it is %s', async (_, other) => {
    const { owner, owners } = await startFrontDoor({});
    await owners.insert(bob);
    await owners.insert({ ...bob, owner: 'bob.s-2', tokens: [] });
    await expect(owner(`Bearer ${other}`)).rejects.toMatchObject(unknownToken);
  });

  it.each([
    ['of the secret', 'onebuck-local'],
    ['without a name', `onebuck_.${'x'.repeat(43)}`],
    ['with a name that nobody can have', `onebuck_owner#1.${'x'.repeat(43)}`],
    ['that is too short', `onebuck_bob.${'x'.repeat(42)}`],
  ])('is the only kind for which the table is read: not for one %s', async (_, other) => {
    const owners = { get: () => Promise.reject(new Error('the table was read')) };
    const secrets = { apiTokens: async () => ({}) };
    const { authorize } = await import('../../../lib/app/authorize.ts');
    const answer = authorize({ clock: aClock(), secrets, owners }, `Bearer ${other}`, 'read');
    await expect(answer).rejects.toMatchObject(unknownToken);
  });

  it('lets out no word of the table that does not answer', async () => {
    const why = new AppError('misconfigured', 'the table onebuck-prod-clusters is gone');
    const owners = { get: () => Promise.reject(why) };
    const secrets = { apiTokens: async () => ({}) };
    const { authorize } = await import('../../../lib/app/authorize.ts');
    const answer = authorize({ clock: aClock(), secrets, owners }, `Bearer ${token}`, 'read');
    const error: unknown = await answer.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(AppError);
  });
});
