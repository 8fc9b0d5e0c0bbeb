import type { APIGatewayRequestAuthorizerEventV2 } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import event from '../../../events/authorize.json' with { type: 'json' };
import { type DurationMs, minutes, plus, seconds } from '../../../lib/core/base/units.ts';
import { sha256 } from '../../support/aws.ts';
import { startWorld } from '../../support/handler-world.ts';

const DENIED = { isAuthorized: false, context: { owner: '' } };

/** Returns a function that asks the authorizer about a header; null: the request has no header. */
async function startAuthorize(secret: Readonly<Record<string, unknown>> = {}) {
  return (await startFrontDoor(secret)).authorize;
}

/** The same, with the world whose clock the authorizer sees. */
async function startFrontDoor(secret: Readonly<Record<string, unknown>>) {
  const { clock, changeSecret } = await startWorld({ secret });
  const { handler } = await import('../../../handlers/authorize.ts');
  const authorize = (header: string | null) => {
    const { identitySource: _, ...rest } = event;
    const withHeader = header === null ? rest : { ...rest, identitySource: [header] };
    return handler(withHeader as unknown as APIGatewayRequestAuthorizerEventV2);
  };
  const advance = (time: DurationMs) => clock.set(plus(clock.now(), time));
  return { authorize, advance, changeSecret };
}

describe('the authorizer', () => {
  it('admits the token of its event in events/, as the admin', async () => {
    await startWorld();
    const { handler } = await import('../../../handlers/authorize.ts');
    const answer = await handler(event as unknown as APIGatewayRequestAuthorizerEventV2);
    expect(answer).toEqual({ isAuthorized: true, context: { owner: 'admin' } });
  });

  it('answers the owner to whom a token belongs', async () => {
    const authorize = await startAuthorize({
      apiTokens: { ann: sha256('anns-token'), bob: sha256('bobs-token') },
    });
    expect(await authorize('Bearer anns-token')).toEqual({
      isAuthorized: true,
      context: { owner: 'ann' },
    });
    expect(await authorize('bearer bobs-token')).toEqual({
      isAuthorized: true,
      context: { owner: 'bob' },
    });
  });

  it('admits each of several tokens of an owner', async () => {
    const hashes = ['first', 'second', 'third'].map(sha256);
    const authorize = await startAuthorize({ apiTokens: { ann: hashes, bob: [], eve: [] } });
    for (const token of ['first', 'second', 'third']) {
      expect(await authorize(`Bearer ${token}`)).toMatchObject({ context: { owner: 'ann' } });
    }
    expect(await authorize('Bearer fourth')).toEqual(DENIED);
  });

  it.each([
    ['a wrong token', 'Bearer another-token'],
    ['no header', null],
    ['an empty header', ''],
    ['no token', 'Bearer '],
    ['another scheme', 'Basic YWRtaW46b25lYnVjay1sb2NhbA=='],
    ['a token without its scheme', 'onebuck-local'],
    ['more than a token', 'Bearer onebuck-local onebuck-local'],
    ['a token with a line break', 'Bearer onebuck-local\n'],
    ['the hash in place of the token', `Bearer ${sha256('onebuck-local')}`],
    ['the name of an owner', 'Bearer admin'],
    ['a token of 10 000 characters', `Bearer ${'x'.repeat(10_000)}`],
  ])('denies %s', async (_, header) => {
    const authorize = await startAuthorize();
    expect(await authorize(header)).toEqual(DENIED);
  });

  it('admits a token within 5 seconds of being added, though others keep it busy', async () => {
    const { authorize, advance, changeSecret } = await startFrontDoor({ apiTokens: {} });
    expect(await authorize('Bearer anns-token')).toEqual(DENIED);
    await changeSecret({ apiTokens: { ann: sha256('anns-token') } });
    advance(seconds(4));
    expect(await authorize('Bearer wrong')).toEqual(DENIED);
    advance(seconds(1));
    expect(await authorize('Bearer anns-token')).toMatchObject({ context: { owner: 'ann' } });
  });

  it('denies a token 5 minutes after it was revoked', async () => {
    const apiTokens = { ann: sha256('anns-token') };
    const { authorize, advance, changeSecret } = await startFrontDoor({ apiTokens });
    expect(await authorize('Bearer anns-token')).toMatchObject({ context: { owner: 'ann' } });
    await changeSecret({ apiTokens: {} });
    advance(minutes(5));
    expect(await authorize('Bearer anns-token')).toEqual(DENIED);
  });

  it('denies every token where the secret has no API tokens', async () => {
    const authorize = await startAuthorize({ apiTokens: {} });
    expect(await authorize('Bearer onebuck-local')).toEqual(DENIED);
  });

  it('throws, and so denies every token, where the secret is malformed', async () => {
    const authorize = await startAuthorize({ apiTokens: { admin: 'onebuck-local' } });
    await expect(authorize('Bearer onebuck-local')).rejects.toThrow('At fault: apiTokens.');
  });
});
