import { createHash, randomBytes, randomUUID } from 'node:crypto';
import {
  GetSecretValueCommand,
  InvalidParameterException,
  PutSecretValueCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { assertOwner, DIGITS_SHOWN, hashesOf, withoutTokens, withToken } from './api-tokens.ts';
import { npmCommand, parseStage, REGION } from './arguments.ts';

export interface Request {
  readonly command: 'add' | 'list' | 'revoke';
  /** Empty for `list`. */
  readonly owner: string;
  readonly digits: string | null;
  readonly stage: string;
  readonly region: string | null;
  readonly force: boolean;
}

export interface Output {
  /** Prints the result to stdout: for `add` only the token, so that it can be piped. */
  readonly print: (line: string) => void;
  /** Prints a sentence for the person to stderr. */
  readonly inform: (line: string) => void;
}

/** Throws, with the usage, if the arguments are wrong. */
export function parseRequest(args: readonly string[]): Request {
  const program = npmCommand('tokens')
    .description('Adds, lists and revokes API tokens of a deployment.')
    .option('--stage <stage>', 'stage of the deployment; local for npm start', parseStage, 'dev')
    .option(...REGION)
    .option('--force', 'revokes even the last token of admin');
  const requests: Pick<Request, 'command' | 'owner' | 'digits'>[] = [];
  program
    .command('add <owner>')
    .description('creates a token and prints it; it can not be shown again')
    .action((owner) => void requests.push({ command: 'add', owner, digits: null }));
  program
    .command('list')
    .description("shows the owners, and the first digits of their tokens' hashes")
    .action(() => void requests.push({ command: 'list', owner: '', digits: null }));
  program
    .command('revoke <owner> [digits]')
    .description('revokes the token whose hash begins with the digits, or all tokens of the owner')
    .action((owner, digits = null) => void requests.push({ command: 'revoke', owner, digits }));
  program.parse(args, { from: 'user' });
  const [request] = requests;
  if (request === undefined) throw new Error('commander ran no command');
  const { stage, region = null, force = false } = program.opts<Options>();
  return { ...request, stage, region, force };
}

interface Options {
  readonly stage: string;
  readonly region?: string;
  readonly force?: boolean;
}

export const secretIdOf = ({ stage }: Pick<Request, 'stage'>): string => `onebuck/${stage}`;

export async function carryOut(
  client: SecretsManagerClient,
  request: Request,
  { print, inform }: Output,
): Promise<void> {
  const { command, owner, stage } = request;
  const secretId = secretIdOf(request);
  switch (command) {
    case 'add': {
      assertOwner(owner);
      const { token, hash } = newApiToken();
      await edit(client, secretId, (text) => withToken(text, owner, hash));
      inform(`This is a new API token of ${owner}. Keep it: ${secretId} has only its hash, and`);
      inform('nothing can show the token again. Send it as "Authorization: Bearer <token>".');
      inform('The API accepts it within 5 seconds.');
      print(token);
      return;
    }
    case 'list': {
      const { SecretString = '' } = await read(client, secretId);
      const lines = listed(SecretString);
      if (lines.length === 0) {
        inform(
          `${secretId} has no API tokens. npm run tokens -- add admin --stage ${stage} adds one.`,
        );
      } else inform(`API tokens in ${secretId}, by the first digits of their SHA-256:`);
      for (const line of lines) print(line);
      return;
    }
    case 'revoke': {
      await edit(client, secretId, (text) => withoutTokens(text, request));
      const revoked = request.digits === null ? `All tokens of ${owner} are` : 'The token is';
      inform(`${revoked} revoked in ${secretId}: the API knows within 5 minutes.`);
    }
  }
}

/** By the prefix people, and tools that search files for secrets, recognize a token. */
export function newApiToken(): { readonly token: string; readonly hash: string } {
  const token = `onebuck_${randomBytes(32).toString('base64url')}`;
  return { token, hash: createHash('sha256').update(token).digest('hex') };
}

function listed(text: string): string[] {
  const owners = [...hashesOf(text)].filter(([, hashes]) => hashes.length > 0);
  const width = Math.max(0, ...owners.map(([owner]) => owner.length));
  return owners.map(([owner, hashes]) => {
    const digits = hashes.map((hash) => hash.slice(0, DIGITS_SHOWN));
    return `${owner.padEnd(width)}  ${digits.join(' ')}`;
  });
}

export const read = (client: SecretsManagerClient, SecretId: string) =>
  client.send(new GetSecretValueCommand({ SecretId }));

const TRIES_MAX = 5;
/** The label of a version that is not current yet. It stays on the last version, harmlessly. */
const NEXT = 'ONEBUCK_NEXT';

/**
 * Changes the secret, and tries again if somebody else changes it at the same time. PutSecretValue
 * alone would overwrite the other change. But UpdateSecretVersionStage moves a label only if the
 * call names the version that has the label. So `edit` puts the new version under the label NEXT,
 * and then moves the label AWSCURRENT from the version that it read to the new version. If `change`
 * returns the same text, `edit` writes nothing.
 */
export async function edit(
  client: SecretsManagerClient,
  SecretId: string,
  change: (text: string) => string,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const { SecretString = '', VersionId } = await read(client, SecretId);
    const next = change(SecretString);
    if (next === SecretString) return;
    const id = randomUUID();
    const put = { SecretString: next, ClientRequestToken: id, VersionStages: [NEXT] };
    await client.send(new PutSecretValueCommand({ SecretId, ...put }));
    const move = { RemoveFromVersionId: VersionId, MoveToVersionId: id };
    try {
      const toCurrent = { SecretId, VersionStage: 'AWSCURRENT', ...move };
      await client.send(new UpdateSecretVersionStageCommand(toCurrent));
      return;
    } catch (error) {
      // Somebody else has changed the secret: apply the change to the new text.
      if (!(error instanceof InvalidParameterException) || tries === TRIES_MAX) throw error;
    }
  }
}
