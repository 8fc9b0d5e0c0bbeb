/** What commands that work on a deployment's secret have in common when they fail. */
export interface Advised {
  readonly stage: string;
  readonly secretId: string;
  /** Of Secrets Manager, without its prefix, that the command takes. */
  readonly actions: readonly string[];
}

/** What to do about an error of AWS's; null: its own message is all there is to say. */
export function adviceOn(error: unknown, { stage, secretId, actions }: Advised): string | null {
  const { name = '', code = '' } = error as { name?: string; code?: string };
  const message = messageOf(error);
  switch (name) {
    case 'ResourceNotFoundException':
      return (
        `There is no secret ${secretId} in this region. Give --stage or --region, or make it:\n` +
        `  npm run setup -- --stage ${stage}`
      );
    case 'AccessDeniedException': {
      const named = new Intl.ListFormat('en-GB').format(actions);
      return `${message}\nIt takes secretsmanager: ${named} on ${secretId}.`;
    }
    case 'InvalidParameterException':
      return `${message}\nIf others change ${secretId} just now, try again.`;
    case 'InvalidRequestException':
      return message.includes('deletion') ? restoring(secretId) : null;
    case 'CredentialsProviderError':
      return 'No AWS credentials. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.';
    case 'ExpiredTokenException':
    case 'InvalidSignatureException':
    case 'UnrecognizedClientException':
      return `AWS does not take these credentials: sign in again, or set others. ${message}`;
  }
  if (/^Region (is missing|not accepted: region="")/.test(message))
    return 'Set AWS_REGION, or give --region.';
  if (code !== 'ECONNREFUSED') return null;
  return stage === 'local' ? 'Nothing runs here: npm start does.' : message;
}

const restoring = (secretId: string) =>
  `${secretId} is to be deleted, and can't be used or made anew until it is. To keep it instead:\n` +
  `  aws secretsmanager restore-secret --secret-id ${secretId}`;

export const messageOf = (error: unknown): string =>
  (error instanceof Error && error.message) || String(error);
