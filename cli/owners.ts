import { readFileSync } from 'node:fs';
import type { Budget, Owner } from '../client/answers.ts';
import { csvLines } from '../client/csv.ts';
import { dollars } from '../client/money.ts';
import {
  addOwner,
  addToken,
  capIn,
  changeOwner,
  expiryIn,
  getBudget,
  leftWords,
  listOwners,
  type Period,
  revokeOwner,
  revokeToken,
  sharesOf,
  usedWords,
} from '../client/owners.ts';
import { plural } from '../client/plural.ts';
import { fullTime } from '../client/times.ts';
import { type Context, confirm, serverNow, show } from './context.ts';
import { CliError } from './errors.ts';
import { type Block, facts, printable, table } from './format.ts';
import type { Look } from './fuse.ts';
import { patiently } from './patience.ts';

/** How many columns of a bar are within its marks. */
const BAR = 12;

export async function showBudget(context: Context): Promise<void> {
  const api = context.api();
  const [budget, now] = await Promise.all([getBudget(api), serverNow(api)]);
  show(context, budget, () => budgetBlocks(budget, now, context.terminal.look()));
}

/** A bar shows what is spent, then what is open, then what is left. */
export const budgetBlocks = ({ periods }: Budget, nowMs: number, look: Look): Block =>
  facts(
    periods.map((period) => {
      const bar = barOf(period, look);
      const until = `until ${fullTime(period.resetsAt, nowMs)}`;
      const words = `${leftWords(period)}; ${usedWords(period)}; ${until}`;
      return [period.period, bar === null ? words : `${bar} ${words}`];
    }),
  );

function barOf(period: Period, { cells, mark }: Look): string | null {
  const shares = sharesOf(period);
  if (shares === null) return null;
  // Whatever is used takes a cell at least, and only a cap that is used up has none left.
  const cellsOf = (share: number) => Math.ceil(share * BAR - 1e-9);
  const used = Math.min(cellsOf(shares.spent + shares.open), period.leftUsd === 0 ? BAR : BAR - 1);
  const spent = Math.min(used, cellsOf(shares.spent));
  const drawn = cells.burnt.repeat(spent) + cells.paid.repeat(used - spent);
  return `${mark}${drawn.padEnd(BAR, cells.left)}${mark}`;
}

export async function showOwners(context: Context): Promise<void> {
  const owners = await listOwners(context.api());
  show(context, { owners }, () => ownersTable(owners));
}

function ownersTable(owners: readonly Owner[]): Block {
  const rows = owners.map(({ owner, periods, tokens, tokensInSecret, revokedAt }) => [
    printable(owner),
    ...periods.map(({ capUsd, leftUsd, spentUsd, openUsd }) =>
      capUsd === null || leftUsd === null
        ? `${dollars(spentUsd + openUsd)} used`
        : `${dollars(leftUsd)} of ${dollars(capUsd)} left`,
    ),
    revokedAt === null ? tokenWords({ tokens, tokensInSecret }) : 'revoked',
  ]);
  return table(['OWNER', 'DAY', 'WEEK', 'MONTH', 'TOKENS'], rows);
}

function tokenWords({ tokens, tokensInSecret }: Pick<Owner, 'tokens' | 'tokensInSecret'>): string {
  const ids = tokens.map(({ id, may }) => (may === 'manage' ? id : `${id} (${may})`));
  const inSecret = tokensInSecret === 0 ? [] : [`${tokensInSecret} in the secret`];
  return [...ids, ...inSecret].join(', ') || 'none';
}

interface CapOptions {
  readonly dailyCap?: string;
  readonly weeklyCap?: string;
  readonly monthlyCap?: string;
}

interface LimitOptions {
  readonly expires?: string;
  readonly may?: string;
}

/**
 * Adds all or, if one of them is there already, nobody. Each token is printed as soon as it is
 * made: nothing can show it again.
 */
export async function addOwners(
  context: Context,
  named: readonly string[],
  options: CapOptions & LimitOptions & { readonly file?: string },
): Promise<void> {
  const { json, terminal } = context;
  const names = [...named, ...(await namesIn(context, options.file))];
  if (names.length === 0) throw new CliError('usage', 'Give the names of owners, or --file.');
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new CliError('usage', `Nobody was added: ${printable(twice)} is there twice.`);
  }
  const api = context.api();
  const limits = limitsOf(options, await serverNow(api));
  const isLive = ({ revokedAt }: Owner) => revokedAt === null;
  const before = (await listOwners(api)).filter(isLive).map(({ owner }) => owner);
  const known = names.filter((name) => before.includes(name));
  if (known.length > 0) {
    const who = `${known.map(printable).join(', ')} ${known.length === 1 ? 'is' : 'are'}`;
    throw new CliError('failed', `Nobody was added: ${who} there already.`);
  }
  if (!json) terminal.out('owner,token');
  for (const [index, owner] of names.entries()) {
    const body = { owner, ...capsIn(options), token: limits };
    // Where the answer is lost, the owner may have been added; a second try says so.
    const added = await patiently(context, () => addOwner(api, body)).catch((error: unknown) => {
      const rest = names.length - index;
      terminal.note(`${plural(index, 'owner')} added, ${rest} not: from ${printable(owner)} on.`);
      throw error;
    });
    if (json) terminal.out(JSON.stringify(added));
    else terminal.out(csvLines([owner, added.token], []));
  }
  terminal.note('Keep what was printed: Onebuck has only the hashes of the tokens.');
}

/** The column `owner` of a CSV file. */
async function namesIn(
  { terminal }: Context,
  file: string | undefined,
): Promise<readonly string[]> {
  if (file === undefined) return [];
  const text = file === '-' ? await terminal.inputToEnd() : textOf(file);
  const { parse } = await import('csv-parse/sync');
  const records = parse(text, { bom: true, columns: true, trim: true, skip_empty_lines: true });
  const names = (records as Record<string, string>[]).map(({ owner }) => owner);
  if (names.length === 0 || names.includes(undefined)) {
    const wanted = 'a first line that names the columns, one of them owner, and rows below';
    throw new CliError('usage', `${file} must have ${wanted}.`);
  }
  return names.flatMap((name) => name ?? []);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError('usage', `${file} can't be read: ${(error as Error).message}.`);
  }
}

function limitsOf({ expires, may }: LimitOptions, nowMs: number): object {
  const expiresAt = expires === undefined ? null : expiryIn(expires, nowMs);
  if (expires !== undefined && expiresAt === null) {
    throw new CliError('usage', '--expires must be such as 2h, 30d or 2027-03-31.');
  }
  return { expiresAt, ...(may !== undefined && { may }) };
}

const capsIn = ({ dailyCap, weeklyCap, monthlyCap }: CapOptions): object => ({
  ...(dailyCap !== undefined && { dailyCapUsd: capIn(dailyCap) }),
  ...(weeklyCap !== undefined && { weeklyCapUsd: capIn(weeklyCap) }),
  ...(monthlyCap !== undefined && { monthlyCapUsd: capIn(monthlyCap) }),
});

export async function setCaps(context: Context, owner: string, options: CapOptions): Promise<void> {
  const change = capsIn(options);
  if (Object.keys(change).length === 0) {
    throw new CliError(
      'usage',
      'Give at least one cap: --daily-cap, --weekly-cap or --monthly-cap.',
    );
  }
  const changed = await changeOwner(context.api(), owner, change);
  show(context, changed, () => ownersTable([changed]));
}

export async function makeToken(
  context: Context,
  owner: string,
  options: LimitOptions & { readonly monthlyCap?: string },
): Promise<void> {
  const { monthlyCap } = options;
  const api = context.api();
  const body = {
    ...limitsOf(options, await serverNow(api)),
    ...(monthlyCap !== undefined && { monthlyCapUsd: capIn(monthlyCap) }),
  };
  const made = await addToken(api, owner, body);
  if (context.json) context.terminal.out(JSON.stringify(made));
  else context.terminal.out(made.token);
  context.terminal.note(`Keep it: Onebuck has only the hash of the token ${made.id}.`);
}

export async function revoke(
  context: Context,
  owner: string,
  token: string | undefined,
  { yes }: { readonly yes: boolean },
): Promise<void> {
  const api = context.api();
  if (token !== undefined) {
    const question = `Revoke token ${token} of ${owner}? Nobody can use it any more.`;
    await confirm(context, { yes, what: 'revoke', question });
    await revokeToken(api, owner, token);
    show(context, { owner, token }, () => `The token ${printable(token)} is revoked.`);
    return;
  }
  const question =
    `Revoke ${owner}? No token works any more, and nothing is launched, also by schedules. Live ` +
    'clusters go on until their budgets end.';
  await confirm(context, { yes, what: 'revoke', question: printable(question) });
  const revoked = await revokeOwner(api, owner);
  show(context, revoked, () => `${printable(owner)} is revoked.`);
  if (revoked.tokensInSecret === 0) return;
  context.terminal.note(
    `${plural(revoked.tokensInSecret, 'token')} of ${printable(owner)} in the secret can still ` +
      `look: npm run tokens -- revoke ${printable(owner)} takes them away.`,
  );
}
