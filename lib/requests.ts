import * as z from 'zod/mini';
import type { Fault } from './core/fault.ts';
import { type MicroUsd, parseUsd } from './core/money.ts';
import { AppError } from './errors.ts';

const PAGE_MAX = 100;
/** A spec with the most keys and user data stays well below. */
const BODY_BYTES_MAX = 128 * 1024;
/** A spec has two levels; thousands would overflow the stack of whoever walks through them. */
const LEVELS_MAX = 32;
/** Longer ones are no help, and a header is no place for a document. */
const KEY_CHARACTERS_MAX = 200;

const phases = ['provisioning', 'running', 'deleting', 'deleted', 'failed'] as const;

const wholeNumber = (max: number) =>
  z.pipe(
    z.string().check(z.regex(/^\d{1,9}$/, 'must be a whole number')),
    z.pipe(
      z.transform((text: string) => Number(text)),
      z.number().check(z.gte(1, 'must be at least 1'), z.lte(max, `must be at most ${max}`)),
    ),
  );

const listQuery = z.strictObject({
  status: z.optional(z.enum(phases, `must be one of ${phases.join(', ')}`)),
  limit: z.optional(wholeNumber(PAGE_MAX)),
  cursor: z.optional(z.string()),
});

const typesQuery = z.strictObject({
  vcpus: z.optional(wholeNumber(10_000)),
  memoryMb: z.optional(wholeNumber(100_000_000)),
  region: z.optional(z.string()),
  maxHourlyUsd: z.optional(z.string()),
});

const launchQuery = z.strictObject({
  dryRun: z.optional(z.enum(['true', 'false'], 'must be true or false')),
});

type Query = Readonly<Record<string, string>>;

export function parseListQuery(query: Query) {
  const { status = null, limit = 20, cursor = null } = parse(listQuery, query);
  return { status, limit, cursor };
}

export function parseTypesQuery(query: Query) {
  const { maxHourlyUsd, ...rest } = parse(typesQuery, query);
  if (maxHourlyUsd === undefined) return rest;
  return { ...rest, maxHourly: usd('maxHourlyUsd', maxHourlyUsd) };
}

export const parseLaunchQuery = (query: Query) => ({
  dryRun: parse(launchQuery, query).dryRun === 'true',
});

/** Bodies are JSON whatever their content type says: curl's -d says it is a form. */
export function parseBody(text: string): unknown {
  if (Buffer.byteLength(text) > BODY_BYTES_MAX)
    throw invalid('', `must be below ${BODY_BYTES_MAX} bytes`);
  const body = parseJson(text);
  if (isDeeperThan(LEVELS_MAX, body)) throw invalid('', `must have at most ${LEVELS_MAX} levels`);
  return body;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid('', `must be JSON: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
}

const isDeeperThan = (levels: number, value: unknown): boolean =>
  value !== null &&
  typeof value === 'object' &&
  (levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner)));

export function parseIdempotencyKey(header: string | undefined): string | null {
  if (header === undefined) return null;
  if (/^[\x21-\x7e]+$/.test(header) && header.length <= KEY_CHARACTERS_MAX) return header;
  throw invalid(
    'Idempotency-Key',
    `must be 1 to ${KEY_CHARACTERS_MAX} printable characters without spaces`,
  );
}

/** RFC 7240: `Prefer: wait=10`, in seconds; another preference is none that is known. */
export function parseWaitSeconds(prefer: string | undefined, secondsMax: number): number {
  const wanted = /(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])/.exec(prefer ?? '')?.[1] ?? '0';
  return Math.min(Number(wanted), secondsMax);
}

function usd(path: string, text: string): MicroUsd {
  const parsed = parseUsd(text);
  if (!parsed.ok) throw invalid(path, parsed.fault);
  return parsed.value;
}

function parse<Schema extends z.ZodMiniType>(schema: Schema, input: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.flatMap((issue): Fault[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: key, message: `${key} is not a parameter of this route` }))
      : [{ path: issue.path.join('.'), message: issue.message }],
  );
  throw new AppError('invalid', 'The query has faults; each is listed.', { faults });
}

function invalid(path: string, message: string): AppError {
  const detail = `${path || 'The body'} ${message}.`;
  return new AppError('invalid', detail, { faults: [{ path, message }] });
}
