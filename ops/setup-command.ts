import { randomBytes } from 'node:crypto';
import {
  CreateSecretCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { ADMIN } from '../lib/core/base/names.ts';
import { assertOwner } from './api-tokens.ts';
import { npmCommand, parseDeployedStage, REGION } from './arguments.ts';
import { type AskLinode, accountOf, checkToken, UnfitToken } from './linode-token.ts';
import {
  type Completed,
  completed,
  linodeTokenIn,
  replaceableTokenIn,
  withLinodeToken,
} from './secret-fields.ts';
import { fileOf } from './settings.ts';
import { edit, newApiToken, type Output, read, secretIdOf } from './token-commands.ts';

export const ACTIONS = [
  'GetSecretValue',
  'CreateSecret',
  'PutSecretValue',
  'UpdateSecretVersionStage',
];

export interface SetupRequest {
  readonly stage: string;
  readonly region: string | null;
  readonly owner: string;
  readonly rotates: boolean;
  readonly mayChangeAccount: boolean;
}

export interface SetupDeps {
  readonly client: SecretsManagerClient;
  readonly askLinode: AskLinode;
  /** Gets the Linode token from the person who runs the command. */
  readonly linodeToken: (question: string) => Promise<string>;
  readonly output: Output;
}

/** Throws, with the usage, if the arguments are wrong. */
export function parseSetup(args: readonly string[]): SetupRequest {
  const command = npmCommand('setup')
    .description(
      "Creates the deployment's secret, or adds the fields that the secret lacks. The Linode " +
        'token is read from LINODE_TOKEN, from standard input, or from the terminal.',
    )
    .requiredOption('--stage <stage>', 'stage of the deployment', parseDeployedStage(BY_NPM_START))
    .option(...REGION)
    .option('--owner <owner>', 'owner of the first API token', parseOwner, ADMIN)
    .option('--rotate-linode-token', "replaces the secret's Linode token")
    .option('--other-account', 'accepts a token of another Linode account')
    .allowExcessArguments()
    .parse(args, { from: 'user' });
  // The error does not quote the argument, since it may be the token.
  if (command.args.length > 0) {
    command.error(
      'Give only options. If the argument was a Linode token, revoke the token: other users of ' +
        'this machine can read arguments.',
    );
  }
  const {
    stage,
    region = null,
    owner,
    rotateLinodeToken: rotates = false,
    otherAccount: mayChangeAccount = false,
  } = command.opts<Options>();
  return { stage, region, owner, rotates, mayChangeAccount };
}

interface Options {
  readonly stage: string;
  readonly region?: string;
  readonly owner: string;
  readonly rotateLinodeToken?: boolean;
  readonly otherAccount?: boolean;
}

const BY_NPM_START = 'npm start creates the secret of the stage local itself, with LINODE_TOKEN.';

function parseOwner(owner: string): string {
  assertOwner(owner);
  return owner;
}

/** Changes nothing before Linode has accepted the token. */
export async function carryOutSetup(deps: SetupDeps, request: SetupRequest): Promise<void> {
  if (request.rotates) return rotate(deps, request);
  const { client, output } = deps;
  const secretId = secretIdOf(request);
  const before = await readOrNull(client, secretId);
  const linodeToken = await usableToken(deps, request, before);
  const { token, hash } = newApiToken();
  const key = () => randomBytes(24).toString('base64url');
  const { owner } = request;
  const fresh = { linodeToken, passwordKey: key(), webhookKey: key(), owner, hash };
  const complete = (text: string) => completed(text, fresh);

  const created = before === null ? await create(client, secretId, complete('{}')) : null;
  const result = created ?? (await fill(client, secretId, complete));
  const region = await client.config.region();
  informOfOutcome(output, `${secretId} in ${region}`, { ...result, isNew: created !== null });
  if (result.hasNewOwner) {
    output.inform(
      `This is the API token of ${owner}. Keep it: the secret has only its hash, and nothing can ` +
        'show the token again.',
    );
    output.print(token);
  }
  informOfNextSteps(output, request.stage, region);
}

async function rotate(deps: SetupDeps, request: SetupRequest): Promise<void> {
  const { client, askLinode, linodeToken, output } = deps;
  const secretId = secretIdOf(request);
  const oldToken = replaceableTokenIn((await read(client, secretId)).SecretString ?? '');
  const newToken = await linodeToken('The new Linode token (not shown): ');
  if (newToken === oldToken) {
    output.inform(`${secretId} already has this Linode token. Nothing was changed.`);
    return;
  }
  const { account, warnings } = await checkToken(askLinode, newToken);
  const oldAccount = oldToken === null ? null : await accountOf(askLinode, oldToken);
  const isOther = account !== null && oldAccount !== null && account !== oldAccount;
  if (isOther && !request.mayChangeAccount) {
    throw new Error(
      'The new token is of another Linode account. With it Onebuck could not destroy the ' +
        'clusters on the old account.\nTo change accounts, end all clusters first, then give ' +
        '--other-account. Nothing was changed.',
    );
  }
  await edit(client, secretId, (text) => withLinodeToken(text, newToken));
  informOfWarnings(output, warnings);
  output.inform(
    `${secretId} has the new Linode token; all other fields are unchanged. The functions use the ` +
      'new token\nwithin 5 minutes. Revoke the old token after that, not before.',
  );
}

/** The secret's Linode token, or else the person's. Throws if Linode refuses the token. */
async function usableToken(
  { askLinode, linodeToken, output }: SetupDeps,
  { stage }: SetupRequest,
  secret: string | null,
): Promise<string> {
  const inSecret = secret === null ? null : linodeTokenIn(secret);
  const token = inSecret ?? (await linodeToken('Your Linode token (not shown): '));
  try {
    informOfWarnings(output, (await checkToken(askLinode, token)).warnings);
    return token;
  } catch (error) {
    if (inSecret === null || !(error instanceof UnfitToken)) throw error;
    throw new Error(
      `The Linode token in the secret can't be used.\n${error.message}\nTo replace it:\n` +
        `  npm run setup -- --stage ${stage} --rotate-linode-token`,
    );
  }
}

async function readOrNull(client: SecretsManagerClient, secretId: string): Promise<string | null> {
  try {
    return (await read(client, secretId)).SecretString ?? '';
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return null;
    throw error;
  }
}

/** null: somebody else has created the secret meanwhile. */
async function create(
  client: SecretsManagerClient,
  Name: string,
  content: Completed,
): Promise<Completed | null> {
  try {
    await client.send(new CreateSecretCommand({ Name, SecretString: content.text }));
    return content;
  } catch (error) {
    if (error instanceof ResourceExistsException) return null;
    throw error;
  }
}

async function fill(
  client: SecretsManagerClient,
  secretId: string,
  complete: (text: string) => Completed,
): Promise<Completed> {
  let last = complete('{}');
  await edit(client, secretId, (text) => {
    last = complete(text);
    return last.text;
  });
  return last;
}

function informOfOutcome(
  { inform }: Output,
  secret: string,
  { added, kept, isNew }: Pick<Completed, 'added' | 'kept'> & { readonly isNew: boolean },
): void {
  if (isNew) inform(`Created the secret ${secret}, with ${listOf(added)}.`);
  else if (added.length > 0) inform(`Added to the secret ${secret}: ${listOf(added)}.`);
  else inform(`The secret ${secret} is complete. Nothing was changed.`);
  if (kept.length > 0) inform(`Unchanged: ${listOf(kept)}.`);
}

const listOf = (names: readonly string[]) => new Intl.ListFormat('en-GB').format(names);

function informOfWarnings({ inform }: Output, warnings: readonly string[]): void {
  for (const warning of warnings) inform(`Note: ${warning}`);
}

/** Names the region, which may be one that `--region` gave to this command only. */
function informOfNextSteps({ inform }: Output, stage: string, region: string): void {
  inform(`
Next, write the settings: the cap on the budgets of all live clusters together, who gets alarms.
  cp settings.example.yml ${fileOf(stage)}
Then deploy:
  npx serverless deploy --stage ${stage} --region ${region}
Then call the API, at the address that the deploy prints, with an API token:
  API=https://…
  curl -s -H 'Authorization: Bearer onebuck_…' "$API/types?region=us-east&budgetUsd=1"`);
}
