/** The command that failed, as far as advice depends on it. */
export interface FailedCommand {
  readonly stage: string;
  readonly secretId: string;
  /** The actions of Secrets Manager that the command needs, without `secretsmanager:`. */
  readonly actions: readonly string[];
}

/** Says what to do about an error of AWS. null: there is no advice beyond the error's message. */
export function adviceOn(
  error: unknown,
  { stage, secretId, actions }: FailedCommand,
): string | null {
  const { name = '', code = '' } = error as { name?: string; code?: string };
  const message = messageOf(error);
  switch (name) {
    case 'ResourceNotFoundException':
      return (
        `There is no secret ${secretId} in this region. Give --stage or --region, or create the ` +
        `secret:\n  npm run setup -- --stage ${stage}`
      );
    case 'AccessDeniedException': {
      const named = new Intl.ListFormat('en-GB').format(actions);
      return `${message}\nThis command needs secretsmanager: ${named} on ${secretId}.`;
    }
    case 'InvalidParameterException':
      return `${message}\nIf somebody else is changing ${secretId} just now, try again.`;
    case 'InvalidRequestException':
      return message.includes('deletion') ? restoring(secretId) : null;
    case 'CredentialsProviderError':
      return (
        'No AWS credentials were found. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and ' +
        'AWS_SECRET_ACCESS_KEY.'
      );
  }
  if (REFUSED.includes(name)) {
    return `AWS refuses these credentials: sign in again, or set others. ${message}`;
  }
  if (/^Region (is missing|not accepted: region="")/.test(message))
    return 'Set AWS_REGION, or give --region.';
  if (code !== 'ECONNREFUSED') return null;
  return stage === 'local' ? 'Onebuck does not run on this machine: npm start runs it.' : message;
}

const restoring = (secretId: string) =>
  `${secretId} is scheduled for deletion. Until AWS has deleted it, it can be neither used nor ` +
  'created again.\nTo keep the secret:\n' +
  `  aws secretsmanager restore-secret --secret-id ${secretId}`;

export const messageOf = (error: unknown): string =>
  (error instanceof Error && error.message) || String(error);

/** The names of the errors with which AWS's services refuse credentials. */
const REFUSED = [
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
];

/** Whether there are no credentials, or AWS refuses those that there are. */
export function areBadCredentials(error: unknown): boolean {
  const { name = '' } = Object(error) as { name?: string };
  return name === 'CredentialsProviderError' || REFUSED.includes(name);
}
