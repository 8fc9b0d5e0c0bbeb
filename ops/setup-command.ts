import { randomBytes } from 'node:crypto';
import {
  CreateSecretCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { ADMIN } from '../lib/app/read-clusters.ts';
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
  /** From whoever runs this. */
  readonly linodeToken: (question: string) => Promise<string>;
  readonly output: Output;
}

/** Throws, with the usage, on anything else than a request. */
export function parseSetup(args: readonly string[]): SetupRequest {
  const command = npmCommand('setup')
    .description(
      "Makes the deployment's secret, or what is missing in it. The Linode token comes from " +
        'LINODE_TOKEN, from standard input, or is asked for.',
    )
    .requiredOption('--stage <stage>', 'of the deployment', parseDeployedStage(BY_NPM_START))
    .option(...REGION)
    .option('--owner <owner>', 'of the first API token', parseOwner, ADMIN)
    .option('--rotate-linode-token', "puts another token in the place of the secret's")
    .option('--other-account', 'even a token of another Linode account')
    .allowExcessArguments()
    .parse(args, { from: 'user' });
  // Not quoted: it may be the token.
  if (command.args.length > 0) {
    command.error(
      'Only options are taken. If that was a Linode token, revoke it: others can read arguments.',
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

const BY_NPM_START = 'npm start makes the secret of that stage by itself, by LINODE_TOKEN.';

function parseOwner(owner: string): string {
  assertOwner(owner);
  return owner;
}

/** Nothing is changed before Linode has been found to take the token. */
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

  const made = before === null ? await create(client, secretId, complete('{}')) : null;
  const done = made ?? (await fill(client, secretId, complete));
  const region = await client.config.region();
  tellOutcome(output, `${secretId} in ${region}`, { ...done, isNew: made !== null });
  if (done.hasNewOwner) {
    output.tell(
      `The API token of ${owner}, shown this once; the secret has its hash alone. Keep it:`,
    );
    output.print(token);
  }
  tellNext(output, request.stage, region);
}

async function rotate(deps: SetupDeps, request: SetupRequest): Promise<void> {
  const { client, askLinode, linodeToken, output } = deps;
  const secretId = secretIdOf(request);
  const old = replaceableTokenIn((await read(client, secretId)).SecretString ?? '');
  const given = await linodeToken('The new Linode token (not shown): ');
  if (given === old) {
    output.tell(`${secretId} has that very Linode token. Nothing was changed.`);
    return;
  }
  const { account, warnings } = await checkToken(askLinode, given);
  const oldAccount = old === null ? null : await accountOf(askLinode, old);
  const isOther = account !== null && oldAccount !== null && account !== oldAccount;
  if (isOther && !request.mayChangeAccount) {
    throw new Error(
      'The new token is of another Linode account: what lives on the old one could not be destroyed ' +
        'with it.\nTo change accounts, end all clusters first, then give --other-account. Nothing ' +
        'was changed.',
    );
  }
  await edit(client, secretId, (text) => withLinodeToken(text, given));
  tellWarnings(output, warnings);
  output.tell(
    `${secretId} has the new Linode token; nothing else in it was changed. Functions take it up\n` +
      'within 5 minutes: revoke the old one after that, not before.',
  );
}

/** The secret's own, or else one that is asked for; Linode takes it. */
async function usableToken(
  { askLinode, linodeToken, output }: SetupDeps,
  { stage }: SetupRequest,
  secret: string | null,
): Promise<string> {
  const own = secret === null ? null : linodeTokenIn(secret);
  const token = own ?? (await linodeToken('Your Linode token (not shown): '));
  try {
    tellWarnings(output, (await checkToken(askLinode, token)).warnings);
    return token;
  } catch (error) {
    if (own === null || !(error instanceof UnfitToken)) throw error;
    throw new Error(
      `About the Linode token in the secret:\n${error.message}\nTo put another in:\n` +
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

/** Null: somebody else has made it meanwhile. */
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

function tellOutcome(
  { tell }: Output,
  secret: string,
  { added, kept, isNew }: Pick<Completed, 'added' | 'kept'> & { readonly isNew: boolean },
): void {
  if (isNew) tell(`Made the secret ${secret}, with ${listOf(added)}.`);
  else if (added.length > 0) tell(`Added to the secret ${secret}: ${listOf(added)}.`);
  else tell(`The secret ${secret} has all it needs. Nothing was changed.`);
  if (kept.length > 0) tell(`Left as it was: ${listOf(kept)}.`);
}

const listOf = (names: readonly string[]) => new Intl.ListFormat('en-GB').format(names);

function tellWarnings({ tell }: Output, warnings: readonly string[]): void {
  for (const warning of warnings) tell(`Note: ${warning}`);
}

/** The deployment does not look into AWS profiles for the region. */
function tellNext({ tell }: Output, stage: string, region: string): void {
  tell(`
Next, with the most that all live clusters together may cost, and who gets the alarms:
  MAX_OPEN_BUDGET_USD=200 ALARM_EMAIL=you@example.org \\
    npx serverless deploy --stage ${stage} --region ${region}
Then, with the address that it prints and an API token:
  API=https://…
  curl -s -H 'Authorization: Bearer onebuck_…' "$API/types?region=us-east&budgetUsd=1"`);
}
