import * as z from 'zod/mini';
import { type ApiToken, RIGHTS, type Right } from '../base/api-token.ts';
import type { Fault } from '../base/fault.ts';
import { amount, isObject, must, parseFields, text } from '../base/fields.ts';
import { type MicroUsd, microUsd } from '../base/money.ts';
import { OWNER_NAME, OWNER_RULE } from '../base/names.ts';
import { type EpochMs, epochMs } from '../base/units.ts';
import type { Period } from '../billing/periods.ts';

/**
 * What the admin has decided about an owner. Who has no record, has the deployment's caps, and only
 * the tokens in the secret.
 */
export interface OwnerRecord {
  readonly owner: string;
  readonly revision: number;
  readonly createdAt: EpochMs;
  readonly caps: OwnCaps;
  readonly tokens: readonly OwnerToken[];
  /** Since when nothing is launched or extended for the owner; null: the owner is not revoked. */
  readonly revokedAt: EpochMs | null;
}

/** `none`: no cap, whatever the deployment's is; null: the deployment's. */
export type OwnCap = MicroUsd | 'none' | null;
export type OwnCaps = Readonly<Record<Period, OwnCap>>;

/** What an owner may spend in a day, a week and a month, UTC; null: no cap. */
export type PeriodCaps = Readonly<Record<Period, MicroUsd | null>>;

export interface OwnerToken extends ApiToken {
  /** The first digits of its hash. */
  readonly id: string;
  readonly createdAt: EpochMs;
}

export const NO_OWN_CAPS: OwnCaps = { day: null, week: null, month: null };

/** Bounds the item of an owner. Expired tokens do not count: a new token takes them away. */
export const TOKENS_MAX = 20;
const ID_DIGITS = 8;

/** The caps that hold for an owner. */
export function capsHolding(own: OwnCaps, byDefault: PeriodCaps): PeriodCaps {
  const holding = (period: Period) => {
    const cap = own[period];
    return cap === 'none' ? null : (cap ?? byDefault[period]);
  };
  return { day: holding('day'), week: holding('week'), month: holding('month') };
}

/** The record with one more token, and without those that have expired; `tooMany`: TOKENS_MAX. */
export function withToken(
  record: OwnerRecord,
  { sha256, expiresAt, right, monthlyMax }: ApiToken,
  now: EpochMs,
): OwnerRecord | 'tooMany' {
  const live = record.tokens.filter((token) => token.expiresAt === null || token.expiresAt > now);
  if (live.length >= TOKENS_MAX) return 'tooMany';
  const id = sha256.slice(0, ID_DIGITS);
  const token = { id, createdAt: now, sha256, expiresAt, right, monthlyMax };
  return { ...record, tokens: [...live, token] };
}

/** How a request may limit a new token. */
export type TokenLimits = Omit<ApiToken, 'sha256'>;

export interface OwnerRequest {
  readonly owner: string;
  readonly caps: OwnCaps;
  readonly token: TokenLimits;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** The largest amount that `parseUsd` takes. */
const CAP_MAX = microUsd(1_000_000_000_000_000);

const ownCap = (period: string) =>
  z.nullable(
    z.union(
      [
        z.literal('none'),
        amount(
          CAP_MAX,
          `The most that the owner's clusters may cost in ${period}, UTC: the bills of ended ones ` +
            'and the budgets of live ones, in US dollars. "none": no cap; null: the cap of the deployment.',
        ),
      ],
      { error: must('an amount in US dollars above 0, such as 2.5, "none" or null') },
    ),
  );

const capFields = {
  dailyCapUsd: ownCap('a day'),
  weeklyCapUsd: ownCap('a week from Monday on'),
  monthlyCapUsd: ownCap('a calendar month'),
};

const tokenFields = {
  expiresAt: z._default(
    z.nullable(
      z.pipe(
        z.iso
          .datetime({ error: must('a time such as 2026-12-24T18:00:00Z, or null') })
          .check(
            z.describe('From then on the token is refused; null: it works until it is revoked.'),
          ),
        z.transform((time) => epochMs(Date.parse(time))),
      ),
    ),
    null,
  ),
  may: z.optional(
    z
      .enum(RIGHTS, { error: must(`one of ${RIGHTS.join(', ')}`) })
      .check(
        z.describe(
          'read: look; launch: also launch, change and destroy clusters; manage: also schedules. By ' +
            'default manage, and launch with monthlyCapUsd.',
        ),
      ),
  ),
  monthlyCapUsd: z._default(
    z.nullable(
      amount(
        CAP_MAX,
        "With this token nothing is launched or extended that would bring its owner's month above " +
          'the amount; null: no limit of its own.',
      ),
    ),
    null,
  ),
};

/** The JSON form of a new token. */
export const tokenRequestSchema = () => z.strictObject(tokenFields);

const ownerName = text(
  OWNER_NAME,
  OWNER_RULE,
  'The name of the owner, whose clusters nobody but the admin sees.',
);

/** The JSON form of a new owner. */
export const ownerRequestSchema = () =>
  z.strictObject({
    owner: ownerName,
    dailyCapUsd: z._default(capFields.dailyCapUsd, null),
    weeklyCapUsd: z._default(capFields.weeklyCapUsd, null),
    monthlyCapUsd: z._default(capFields.monthlyCapUsd, null),
    token: z._default(
      tokenRequestSchema().check(z.describe("How the owner's first token is limited.")),
      { expiresAt: null, monthlyCapUsd: null },
    ),
  });

/** The JSON form of a change of an owner's caps. An absent field stays as it is. */
export const ownerChangeSchema = () =>
  z.strictObject({
    dailyCapUsd: z.optional(capFields.dailyCapUsd),
    weeklyCapUsd: z.optional(capFields.weeklyCapUsd),
    monthlyCapUsd: z.optional(capFields.monthlyCapUsd),
  });

/** Reads a new owner from anything that JSON can hold; finds all faults at once. */
export function parseOwner(input: unknown, now: EpochMs): Parsed<OwnerRequest> {
  if (!isObject(input)) return fault('an owner must be a JSON object');
  const { token: given = {}, ...others } = input;
  const { token: _, ...shape } = ownerRequestSchema().shape;
  const { valid, faults } = parseFields(others, shape, 'an owner');
  const token = parseToken(given, now);
  const all = [...faults, ...(token.ok ? [] : token.faults.map((found) => within('token', found)))];
  if (!token.ok || all.length > 0) return { ok: false, faults: all };
  const { owner, ...caps } = valid as Partial<Given> as Given & { readonly owner: string };
  return { ok: true, value: { owner, caps: withGiven(NO_OWN_CAPS, caps), token: token.value } };
}

const within = (name: string, { path, message }: Fault): Fault => ({
  path: path === '' ? name : `${name}.${path}`,
  message: path === '' ? message : `${name}.${message}`,
});

/** Reads a change of caps; `value` makes the new caps of the present ones. */
export function parseOwnerChange(input: unknown): Parsed<(caps: OwnCaps) => OwnCaps> {
  if (!isObject(input)) return fault('a change must be a JSON object');
  const { shape } = ownerChangeSchema();
  const { valid, faults } = parseFields(input, shape, 'a change of an owner');
  if (faults.length > 0) return { ok: false, faults };
  if (Object.values(valid).every((value) => value === undefined)) {
    return fault(`a change must have at least one of ${Object.keys(shape).join(', ')}`);
  }
  return { ok: true, value: (caps) => withGiven(caps, valid as Given) };
}

/** Reads the limits of a new token; finds all faults at once. */
export function parseToken(input: unknown, now: EpochMs): Parsed<TokenLimits> {
  if (!isObject(input)) return fault('a token must be a JSON object');
  const { valid, faults } = parseFields(input, tokenFields, 'a token');
  // `valid` holds, under each field's name, the output of the field's schema.
  const {
    expiresAt = null,
    may,
    monthlyCapUsd: monthlyMax = null,
  } = valid as {
    expiresAt?: EpochMs | null;
    may?: Right;
    monthlyCapUsd?: MicroUsd | null;
  };
  const further = [
    ...(expiresAt !== null && expiresAt <= now
      ? [{ path: 'expiresAt', message: 'expiresAt must be in the future' }]
      : []),
    // A schedule's launches bear no token: they would pass the limit.
    ...(may === 'manage' && monthlyMax !== null
      ? [{ path: 'may', message: 'may must be launch or read where there is a monthlyCapUsd' }]
      : []),
  ];
  if (faults.length + further.length > 0) return { ok: false, faults: [...faults, ...further] };
  const right = may ?? (monthlyMax === null ? 'manage' : 'launch');
  return { ok: true, value: { expiresAt, right, monthlyMax } };
}

interface Given {
  readonly dailyCapUsd?: OwnCap;
  readonly weeklyCapUsd?: OwnCap;
  readonly monthlyCapUsd?: OwnCap;
}

function withGiven(caps: OwnCaps, given: Given): OwnCaps {
  const { dailyCapUsd: day, weeklyCapUsd: week, monthlyCapUsd: month } = given;
  return {
    day: day === undefined ? caps.day : day,
    week: week === undefined ? caps.week : week,
    month: month === undefined ? caps.month : month,
  };
}

const fault = (message: string) => ({ ok: false, faults: [{ path: '', message }] }) as const;
