import { createHash, randomBytes, randomUUID } from 'node:crypto';
import {
  GetSecretValueCommand,
  InvalidParameterException,
  PutSecretValueCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { RIGHTS, type Right } from '../lib/core/base/api-token.ts';
import { csvLines } from '../lib/core/base/csv.ts';
import { formatUsd, parseUsd } from '../lib/core/base/money.ts';
import {
  type DurationMs,
  durationMs,
  type EpochMs,
  hours,
  plus,
  toIso,
} from '../lib/core/base/units.ts';
import {
  assertOwner,
  DIGITS_SHOWN,
  type Kept,
  type LimitedToken,
  tokensIn,
  withoutExpired,
  withoutTokens,
  withToken,
} from './api-tokens.ts';
import { npmCommand, parseStage, REGION } from './arguments.ts';
import { readOwners } from './owners-file.ts';

export interface Request {
  readonly command: 'add' | 'import' | 'list' | 'revoke';
  /** For `import` the path of the file of owners; empty for `list`. */
  readonly owner: string;
  readonly digits: string | null;
  readonly stage: string;
  readonly region: string | null;
  readonly force: boolean;
  /** How long a new token works; null: until it is revoked. */
  readonly life: DurationMs | null;
  /** The other limits of a new token. */
  readonly limits: Omit<LimitedToken, 'sha256' | 'expires'>;
}

export interface Output {
  /** Prints the result to stdout: for `add` only the token, so that it can be piped. */
  readonly print: (line: string) => void;
  /** Prints a sentence for the person to stderr. */
  readonly inform: (line: string) => void;
}

export interface TokenWorld extends Output {
  readonly readFile: (path: string) => string;
  readonly now: EpochMs;
}

/** Throws, with the usage, if the arguments are wrong. */
export function parseRequest(args: readonly string[]): Request {
  const program = npmCommand('tokens')
    .description('Adds, lists and revokes API tokens of a deployment.')
    .option('--stage <stage>', 'stage of the deployment; local for npm start', parseStage, 'dev')
    .option(...REGION)
    .option('--force', 'revokes even the last token of admin');
  const requests: Omit<Request, 'stage' | 'region' | 'force'>[] = [];
  const adding = (command: 'add' | 'import') => (owner: string, options: AddOptions) => {
    const { expires = null, may, maxBudget: monthlyUsd } = options;
    if (may === 'manage' && monthlyUsd !== undefined) {
      throw new Error('A token with --max-budget makes no schedules: leave out --may manage.');
    }
    const limits = { ...(may && { may }), ...(monthlyUsd && { monthlyUsd }) };
    requests.push({ command, owner, digits: null, life: expires, limits });
  };
  withLimits(program.command('add <owner>'))
    .description('creates a token and prints it; it can not be shown again')
    .action(adding('add'));
  withLimits(program.command('import <file.csv>'))
    .description(
      'creates a token for each owner of the file, and prints the file with the tokens; a column ' +
        'max-budget goes before the option',
    )
    .action(adding('import'));
  program
    .command('list')
    .description("shows the owners, and the first digits of their tokens' hashes")
    .action(() => void requests.push({ ...UNLIMITED, command: 'list', owner: '', digits: null }));
  program
    .command('revoke <owner> [digits]')
    .description('revokes the token whose hash begins with the digits, or all tokens of the owner')
    .action((owner, digits = null) => {
      requests.push({ ...UNLIMITED, command: 'revoke', owner, digits });
    });
  program.parse(args, { from: 'user' });
  const [request] = requests;
  if (request === undefined) throw new Error('commander ran no command');
  const { stage, region = null, force = false } = program.opts<Options>();
  return { ...request, stage, region, force };
}

const withLimits = (command: Command): Command =>
  command
    .option('--expires <time>', 'the token works for so long, such as 2h or 30d', parseLife)
    .addOption(new Option('--may <right>', 'what the token may do').choices(RIGHTS))
    .option(
      '--max-budget <usd>',
      "launches and extends nothing that brings the owner's month above so much",
      parseAmount,
    );

const UNLIMITED = { life: null, limits: {} };

interface AddOptions {
  readonly expires?: DurationMs;
  readonly may?: Right;
  readonly maxBudget?: string;
}

const UNITS: Readonly<Record<string, DurationMs>> = { h: hours(1), d: hours(24) };

function parseLife(text: string): DurationMs {
  const [, count = '', unit = ''] = /^([1-9]\d{0,3})([hd])$/.exec(text) ?? [];
  const length = UNITS[unit];
  if (length === undefined) throw new InvalidArgumentError('Use hours or days: 2h, 30d.');
  return durationMs(Number(count) * length);
}

function parseAmount(text: string): string {
  const parsed = parseUsd(text);
  if (!parsed.ok) throw new InvalidArgumentError(`It ${parsed.fault}.`);
  return text;
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
  { print, inform, readFile, now }: TokenWorld,
): Promise<void> {
  const { command, owner, stage } = request;
  const secretId = secretIdOf(request);
  switch (command) {
    case 'add': {
      assertOwner(owner);
      const { token, hash } = newApiToken();
      const { expires, tokenOf } = limitsOf(request, now);
      const added = tokenOf(hash);
      await edit(client, secretId, (text) => withToken(withoutExpired(text, now), owner, added));
      inform(`This is a new API token of ${owner}. Keep it: ${secretId} has only its hash, and`);
      inform('nothing can show the token again. Send it as "Authorization: Bearer <token>".');
      inform(`The API accepts it within 5 seconds${expires === null ? '' : `, until ${expires}`}.`);
      print(token);
      return;
    }
    case 'import': {
      const rows = readOwners(readFile(owner)).map((row) => ({ ...row, ...newApiToken() }));
      const { expires, tokenOf } = limitsOf(request, now);
      await edit(client, secretId, (text) =>
        rows.reduce(
          (next, { owner: one, hash, maxBudget }) => {
            assertNew(next, one);
            return withToken(next, one, tokenOf(hash, maxBudget));
          },
          withoutExpired(text, now),
        ),
      );
      const [{ cells } = { cells: {} }] = rows;
      const head = [...Object.keys(cells), 'token'];
      const table = rows.map(({ cells: theirs, token }) => [...Object.values(theirs), token]);
      for (const line of csvLines(head, table)) print(line);
      inform(
        `${rows.length} owners have a new token each${expires === null ? '' : `, until ${expires}`}.`,
      );
      inform(`Keep what was printed: ${secretId} has only the hashes.`);
      return;
    }
    case 'list': {
      const { SecretString = '' } = await read(client, secretId);
      const lines = listed(SecretString, now);
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

/** How to write new tokens with the limits of a request. `maxBudget` goes before the request's. */
function limitsOf({ life, limits }: Request, now: EpochMs) {
  const expires = life === null ? null : toIso(plus(now, life));
  const tokenOf = (sha256: string, maxBudget: string | null = null): string | LimitedToken => {
    const all = {
      ...limits,
      ...(maxBudget !== null && { monthlyUsd: maxBudget }),
      ...(expires !== null && { expires }),
    };
    return Object.keys(all).length > 0 ? { sha256, ...all } : sha256;
  };
  return { expires, tokenOf };
}

/** A second import of the same file would make tokens that nobody asked for. */
function assertNew(text: string, owner: string): void {
  if ((tokensIn(text).get(owner) ?? []).length === 0) return;
  throw new Error(
    `Nothing was changed: ${owner} has a token already. Take the row out, or revoke the token first.`,
  );
}

/** By the prefix people, and tools that search files for secrets, recognize a token. */
export function newApiToken(): { readonly token: string; readonly hash: string } {
  const token = `onebuck_${randomBytes(32).toString('base64url')}`;
  return { token, hash: createHash('sha256').update(token).digest('hex') };
}

function listed(text: string, now: EpochMs): string[] {
  const owners = [...tokensIn(text)].filter(([, tokens]) => tokens.length > 0);
  const width = Math.max(0, ...owners.map(([owner]) => owner.length));
  return owners.map(([owner, tokens]) => {
    const each = tokens.map((token) => shown(token, now));
    return `${owner.padEnd(width)}  ${each.join(' ')}`;
  });
}

/** `1a2b3c4d (may launch, $2.00 a month, until 2026-11-26T02:00:00.000Z)` */
function shown({ sha256, expiresAt, right, monthlyMax }: Kept, now: EpochMs): string {
  const limits = [
    ...(right === 'manage' ? [] : [`may ${right}`]),
    ...(monthlyMax === null ? [] : [`${formatUsd(monthlyMax)} a month`]),
    ...(expiresAt === null
      ? []
      : [`${expiresAt <= now ? 'expired' : 'until'} ${toIso(expiresAt)}`]),
  ];
  const digits = sha256.slice(0, DIGITS_SHOWN);
  return limits.length === 0 ? digits : `${digits} (${limits.join(', ')})`;
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
