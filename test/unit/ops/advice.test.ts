import { describe, expect, it } from 'vitest';
import { adviceOn } from '../../../ops/advice.ts';

const advised = { stage: 'prod', secretId: 'onebuck/prod', actions: ['GetSecretValue', 'Other'] };
const named = (name: string, message = 'As AWS says.') =>
  Object.assign(new Error(message), { name });

describe('advice on an error of AWS', () => {
  it.each([
    ['ResourceNotFoundException', undefined, 'npm run setup -- --stage prod'],
    [
      'AccessDeniedException',
      undefined,
      'secretsmanager: GetSecretValue and Other on onebuck/prod.',
    ],
    [
      'InvalidParameterException',
      undefined,
      'As AWS says.\nIf somebody else is changing onebuck/prod',
    ],
    [
      'InvalidRequestException',
      "You can't perform this operation on the secret because it was marked for deletion.",
      'aws secretsmanager restore-secret --secret-id onebuck/prod',
    ],
    [
      'InvalidRequestException',
      "You can't create this secret because a secret with this name is already scheduled for deletion.",
      'aws secretsmanager restore-secret --secret-id onebuck/prod',
    ],
    ['CredentialsProviderError', undefined, 'Set AWS_PROFILE'],
    ['ExpiredTokenException', undefined, 'sign in again'],
    ['UnrecognizedClientException', undefined, 'sign in again'],
    ['Error', 'Region is missing', 'Set AWS_REGION'],
    [
      'Error',
      'Region not accepted: region="" is not a valid hostname component.',
      'Set AWS_REGION',
    ],
  ])('%s: %s', (name, message, advice) => {
    expect(adviceOn(named(name, message), advised)).toContain(advice);
  });

  it('is null for other errors', () => {
    expect(adviceOn(named('InternalServiceError'), advised)).toBeNull();
    expect(adviceOn(named('InvalidRequestException'), advised)).toBeNull();
  });

  it('on a refused connection names npm start locally, and else the error itself', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    expect(adviceOn(refused, { ...advised, stage: 'local' })).toContain('npm start');
    expect(adviceOn(refused, advised)).toBe('connect ECONNREFUSED');
  });
});
