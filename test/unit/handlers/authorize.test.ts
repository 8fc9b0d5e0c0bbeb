import type { APIGatewayRequestAuthorizerEventV2 } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import event from '../../../events/authorize.json' with { type: 'json' };
import { sha256 } from '../../support/aws.ts';
import { startWorld } from '../../support/handler-world.ts';

const DENIED = { isAuthorized: false, context: { owner: '' } };

/** The authorizer, and its answer to a header; null: there is none. */
async function startAuthorize(secret: Readonly<Record<string, unknown>> = {}) {
  await startWorld({ secret });
  const { handler } = await import('../../../handlers/authorize.ts');
  return (header: string | null) => {
    const { identitySource: _, ...rest } = event;
    const withHeader = header === null ? rest : { ...rest, identitySource: [header] };
    return handler(withHeader as unknown as APIGatewayRequestAuthorizerEventV2);
  };
}

describe('authorize', () => {
  it('lets the token of its event in events/ in, as the admin', async () => {
    await startWorld();
    const { handler } = await import('../../../handlers/authorize.ts');
    const answer = await handler(event as unknown as APIGatewayRequestAuthorizerEventV2);
    expect(answer).toEqual({ isAuthorized: true, context: { owner: 'admin' } });
  });

  it('tells owners apart by their tokens', async () => {
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

  it('takes each of the tokens that an owner has', async () => {
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
    ['a token beyond all measure', `Bearer ${'x'.repeat(10_000)}`],
  ])('keeps out who gives %s', async (_, header) => {
    const authorize = await startAuthorize();
    expect(await authorize(header)).toEqual(DENIED);
  });

  it('keeps everybody out where the secret has no API tokens', async () => {
    const authorize = await startAuthorize({ apiTokens: {} });
    expect(await authorize('Bearer onebuck-local')).toEqual(DENIED);
  });

  it('fails, and so lets nobody in, where the secret is malformed', async () => {
    const authorize = await startAuthorize({ apiTokens: { admin: 'onebuck-local' } });
    await expect(authorize('Bearer onebuck-local')).rejects.toThrow('At fault: apiTokens.');
  });
});
