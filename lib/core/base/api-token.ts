import * as z from 'zod/mini';
import { type MicroUsd, parseUsd } from './money.ts';
import { type EpochMs, epochMs } from './units.ts';

/**
 * What a token may be used for, each including those before it. `read`: to look, except at
 * passwords. `launch`: also to launch, change and destroy clusters. `manage`: also schedules.
 */
export const RIGHTS = ['read', 'launch', 'manage'] as const;
export type Right = (typeof RIGHTS)[number];

/** An API token as the secret has it: only its hash, and how it is limited. */
export interface ApiToken {
  /** SHA-256 of the token in lower-case hex. */
  readonly sha256: string;
  /** From then on the API refuses the token; null: it takes the token until it is revoked. */
  readonly expiresAt: EpochMs | null;
  readonly right: Right;
  /**
   * With this token nothing is launched or extended that would bring its owner's live budgets and
   * the bills of the calendar month, UTC, above the amount; null: no limit of its own. Such a token
   * never has the right `manage`.
   */
  readonly monthlyMax: MicroUsd | null;
}

const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/));

const amount = z.pipe(
  z.unknown(),
  z.transform((given, context): MicroUsd => {
    const parsed = parseUsd(given);
    if (parsed.ok) return parsed.value;
    context.issues.push({ code: 'custom', message: parsed.fault, input: given });
    return z.NEVER;
  }),
);

const instant = z.pipe(
  z.iso.datetime(),
  z.transform((text) => epochMs(Date.parse(text))),
);

const limited = z.pipe(
  z.strictObject({
    sha256: hash,
    expires: z.optional(instant),
    may: z._default(z.enum(RIGHTS), 'manage'),
    monthlyUsd: z.optional(amount),
  }),
  z.transform(
    ({ sha256, expires = null, may, monthlyUsd = null }): ApiToken => ({
      sha256,
      expiresAt: expires,
      // A schedule's launches bear no token: they would pass the limit.
      right: monthlyUsd !== null && may === 'manage' ? 'launch' : may,
      monthlyMax: monthlyUsd,
    }),
  ),
);

const unlimited = z.pipe(
  hash,
  z.transform(
    (sha256): ApiToken => ({ sha256, expiresAt: null, right: 'manage', monthlyMax: null }),
  ),
);

/**
 * An API token in the secret: the hash, or an object with the hash and the limits `expires` (ISO
 * 8601), `may` and `monthlyUsd`. A limit of another name is a fault: it must not be passed over.
 */
export const apiTokenSchema = z.union([unlimited, limited]);
