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
  /** The answer: for `add` the token and nothing else, so that it can be piped. */
  readonly print: (line: string) => void;
  /** What is worth knowing beside it. */
  readonly tell: (line: string) => void;
}

/** Throws, with the usage, on anything else than a request. */
export function parseRequest(args: readonly string[]): Request {
  const program = npmCommand('tokens')
    .description('Who may use the API of a deployment.')
    .option('--stage <stage>', 'of the deployment, local for npm start', parseStage, 'dev')
    .option(...REGION)
    .option('--force', 'revoke the last token of admin, too');
  const asked: Pick<Request, 'command' | 'owner' | 'digits'>[] = [];
  program
    .command('add <owner>')
    .description('a new token, shown once')
    .action((owner) => void asked.push({ command: 'add', owner, digits: null }));
  program
    .command('list')
    .description("owners, and the first digits of their tokens' hashes")
    .action(() => void asked.push({ command: 'list', owner: '', digits: null }));
  program
    .command('revoke <owner> [digits]')
    .description("the token with that hash, or all of the owner's")
    .action((owner, digits = null) => void asked.push({ command: 'revoke', owner, digits }));
  program.parse(args, { from: 'user' });
  const [request] = asked;
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
  { print, tell }: Output,
): Promise<void> {
  const { command, owner, stage } = request;
  const secretId = secretIdOf(request);
  switch (command) {
    case 'add': {
      assertOwner(owner);
      const { token, hash } = newApiToken();
      await edit(client, secretId, (text) => withToken(text, owner, hash));
      tell(`A token of ${owner} for ${secretId}, shown this once; the secret has its hash alone.`);
      tell('Send it as "Authorization: Bearer <token>". It works within 5 minutes.');
      print(token);
      return;
    }
    case 'list': {
      const { SecretString = '' } = await read(client, secretId);
      const lines = listed(SecretString);
      if (lines.length === 0) {
        tell(`${secretId} has no tokens. npm run tokens -- add admin --stage ${stage} adds one.`);
      } else tell(`Tokens in ${secretId}, by the first digits of their SHA-256:`);
      for (const line of lines) print(line);
      return;
    }
    case 'revoke': {
      await edit(client, secretId, (text) => withoutTokens(text, request));
      const what = request.digits === null ? `All tokens of ${owner} are` : 'The token is';
      tell(`${what} revoked in ${secretId}. Functions that know the old secret take 5 minutes.`);
    }
  }
}

/** The prefix is for people, and for tools that look for secrets where none belong. */
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
/** Of versions on their way to being current. It stays on the last one, and does no harm there. */
const NEXT = 'ONEBUCK_NEXT';

/**
 * Changes the secret as one that was not changed meanwhile. Secrets Manager lets anybody put a new
 * current version over any other; but it moves a label from one version to another only if it is
 * told rightly where the label is. So the new version is put under a label of its own, and made
 * current in place of the one that was read. A change that changes nothing writes nothing.
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
      // Somebody else was first: once more, over theirs.
      if (!(error instanceof InvalidParameterException) || tries === TRIES_MAX) throw error;
    }
  }
}
