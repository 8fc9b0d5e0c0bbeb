import * as z from 'zod/mini';
import type { Fault } from './fault.ts';
import { formatUsd, type MicroUsd, type ParsedUsd, parseUsd } from './money.ts';
import { suggestion } from './suggest.ts';

/*
 * Schemas and messages of fields that specs, schedules and their changes share. A message reads on
 * from the path of its field: `nodes`, "must be …".
 */

/** The most faults that one answer lists; a longer list would help nobody. */
const FAULTS_MAX = 100;
const AMOUNT = 'an amount in US dollars, such as 2.5';

/** The scripts that write joiners (U+200C and U+200D) within words. */
const JOINING = [
  ...['Arabic', 'Syriac', 'Nko', 'Mongolian', 'Devanagari', 'Bengali', 'Gurmukhi', 'Gujarati'],
  ...['Oriya', 'Tamil', 'Telugu', 'Kannada', 'Malayalam', 'Sinhala', 'Khmer', 'Myanmar'],
].map((script) => `\\p{Script_Extensions=${script}}`);
const LETTER = `[${JOINING.join('')}]`;
const PICTURE = '\\p{Extended_Pictographic}';

/**
 * A joiner where it joins: between letters of a script that joins, after a mark of such a script,
 * or between emoji. Elsewhere it would only make two names look the same.
 */
const JOINER = [
  `(?<=${LETTER})[\\u200c\\u200d](?=${LETTER})`,
  `(?<=(?=${LETTER})\\p{M})[\\u200c\\u200d]`,
  `(?<=[${PICTURE}\\p{Emoji_Modifier}\\ufe0f])\\u200d(?=${PICTURE})`,
].join('|');

/**
 * A name: 1 to 64 characters, not all of them blank, no line breaks, and no control or format
 * characters except joiners.
 */
const NAME = new RegExp(`^(?=.*\\S)(?:[^\\p{C}\\p{Zl}\\p{Zp}]|${JOINER}){1,64}$`, 'u');

/** A pattern for the description that allows more than NAME, and of which generators can make use. */
const NAME_DESCRIBED = '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]{1,64}$';

/**
 * Parses each field by itself, so that the valid fields can be checked further although others are
 * at fault. `subject` names the input in messages, such as `a spec`.
 */
export function parseFields(
  input: Readonly<Record<string, unknown>>,
  shape: Readonly<Record<string, z.ZodMiniType>>,
  subject: string,
): { valid: Record<string, unknown>; faults: Fault[] } {
  const faults: Fault[] = [];
  const valid: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const result = z.safeParse(schema, Object.hasOwn(input, name) ? input[name] : undefined);
    if (result.success) valid[name] = result.data;
    else faults.push(...result.error.issues.map((issue) => faultAt([name, ...issue.path], issue)));
  }
  faults.push(...unknownFields(input, Object.keys(shape), subject));
  return { valid, faults: firstOfEachPath(faults) };
}

function faultAt(keys: readonly PropertyKey[], { message }: { message: string }): Fault {
  const path = keys.reduce<string>((before, key) => {
    if (typeof key === 'number') return `${before}[${key}]`;
    return before === '' ? String(key) : `${before}.${String(key)}`;
  }, '');
  return { path, message: `${path} ${message}` };
}

/** The first fault of each path: later faults of a path mostly follow from the first. */
export const firstOfEachPath = (faults: readonly Fault[]): Fault[] =>
  faults
    .filter(({ path }, index) => faults.findIndex((fault) => fault.path === path) === index)
    .slice(0, FAULTS_MAX);

export const isObject = (input: unknown): input is Record<string, unknown> =>
  typeof input === 'object' && input !== null && !Array.isArray(input);

export const must = (wanted: string) => (issue: { readonly input?: unknown }) =>
  issue.input === undefined ? `is required: ${wanted}` : `must be ${wanted}`;

export const text = (pattern: RegExp, wanted: string, description: string) =>
  z.string({ error: must(wanted) }).check(z.regex(pattern), z.describe(description));

/** The name of a cluster or a schedule. */
export const name = z.string({ error: must('1 to 64 printable characters') }).check(
  z.regex(NAME),
  z.meta({
    description: 'A name of your choice; it need not be unique.',
    override: { pattern: NAME_DESCRIBED },
  }),
);

export const wholeNumber = (least: number, most: number, description: string) =>
  z
    .int({ error: must(`a whole number from ${least} to ${most}`) })
    .check(z.gte(least), z.lte(most), z.describe(description));

/**
 * An optional field. null means the same as absent, so that a client can send a spec back as the
 * API showed it.
 */
export const optional = <T extends z.ZodMiniType>(schema: T) =>
  z._default(z.nullable(schema), null);

/**
 * An amount in US dollars, above 0 and at most `most`: a JSON number, as in every answer, read by
 * `parseUsd`.
 */
export const amount = (most: MicroUsd, description: string) =>
  z.pipe(
    z.number({ error: noNumber }).check(z.describe(description)),
    z.transform((value: number, context): MicroUsd => {
      const parsed = parseAmount(value, most);
      if (parsed.ok) return parsed.value;
      context.issues.push({ code: 'custom', message: parsed.fault, input: value });
      return z.NEVER;
    }),
  );

function noNumber({ input }: { readonly input?: unknown }): string {
  if (typeof input !== 'string') return must(AMOUNT)({ input });
  const parsed = parseUsd(input);
  return parsed.ok ? `must be a JSON number: ${input}, without quotes` : parsed.fault;
}

function parseAmount(value: number, most: MicroUsd): ParsedUsd {
  const parsed = parseUsd(value);
  if (!parsed.ok) return parsed;
  if (parsed.value === 0) return { ok: false, fault: 'must be more than 0' };
  if (parsed.value <= most) return parsed;
  return { ok: false, fault: `must be at most ${formatUsd(most)}` };
}

function unknownFields(input: object, known: readonly string[], subject: string): Fault[] {
  const fields = known.map((name) => ({ id: name, label: name }));
  return Object.keys(input)
    .filter((name) => !known.includes(name))
    .slice(0, FAULTS_MAX)
    .map((name) => ({
      path: name,
      message: `"${name}" is no field of ${subject}${suggestion(name, fields) || ': leave it out'}`,
    }));
}
