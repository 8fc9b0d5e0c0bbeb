import { describe, expect, it } from 'vitest';
import { type DurationMs, minutes, plus, seconds } from '../../../lib/core/base/units.ts';
import { sha256 } from '../../support/aws.ts';
import { startWorld } from '../../support/handler-world.ts';

const unknownToken = { code: 'unknownToken' };

/** Returns a function that gives the owner of the token in a header. */
async function startAuthorize(secret: Readonly<Record<string, unknown>> = {}) {
  return (await startFrontDoor(secret)).owner;
}

/** The same, with the world whose clock decides how old the secret is. */
async function startFrontDoor(secret: Readonly<Record<string, unknown>>) {
  const { clock, changeSecret } = await startWorld({ secret });
  const { authorize } = await import('../../../lib/app/authorize.ts');
  const { secrets } = await import('../../../lib/wire.ts');
  const owner = (header?: string) => authorize({ secrets: secrets() }, header);
  const advance = (time: DurationMs) => clock.set(plus(clock.now(), time));
  return { owner, advance, changeSecret };
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
    const owner = authorize({ secrets: { apiTokens } }, header);
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
