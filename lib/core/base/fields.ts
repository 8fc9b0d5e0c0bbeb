import * as z from 'zod/mini';
import type { Fault } from './fault.ts';
import { formatUsd, type MicroUsd, type ParsedUsd, parseUsd } from './money.ts';
import { suggestion } from './suggest.ts';

/*
 * What specs, schedules and changes of them have in common as JSON: fields, and messages that follow
 * the path of what they are about ("must be …").
 */

/** So many faults tell enough, and fit into any answer. */
const FAULTS_MAX = 100;
const AMOUNT = 'an amount in US dollars, such as 2.5 or "2.50"';

/** No control characters, no line breaks, and not blank. */
export const NAME = /^(?=.*\S)[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u;

/** Field by field, so that what is fine can be checked further; `what` is "a spec", or the like. */
export function parseFields(
  input: Readonly<Record<string, unknown>>,
  shape: Readonly<Record<string, z.ZodMiniType>>,
  what: string,
): { fine: Record<string, unknown>; faults: Fault[] } {
  const faults: Fault[] = [];
  const fine: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const result = z.safeParse(schema, Object.hasOwn(input, name) ? input[name] : undefined);
    if (result.success) fine[name] = result.data;
    else faults.push(...result.error.issues.map((issue) => faultAt([name, ...issue.path], issue)));
  }
  faults.push(...unknownFields(input, Object.keys(shape), what));
  return { fine, faults: oneForEachPath(faults) };
}

function faultAt(keys: readonly PropertyKey[], { message }: { message: string }): Fault {
  const path = keys.reduce<string>(
    (before, key) => (typeof key === 'number' ? `${before}[${key}]` : `${before}${String(key)}`),
    '',
  );
  return { path, message: `${path} ${message}` };
}

/** The first of each: the later ones are mostly what follows from it. */
export const oneForEachPath = (faults: readonly Fault[]): Fault[] =>
  faults
    .filter(({ path }, index) => faults.findIndex((other) => other.path === path) === index)
    .slice(0, FAULTS_MAX);

export const isObject = (input: unknown): input is Record<string, unknown> =>
  typeof input === 'object' && input !== null && !Array.isArray(input);

export const must = (what: string) => (issue: { readonly input?: unknown }) =>
  issue.input === undefined ? `is required: ${what}` : `must be ${what}`;

export const text = (pattern: RegExp, what: string, description: string) =>
  z.string({ error: must(what) }).check(z.regex(pattern), z.describe(description));

export const wholeNumber = (least: number, most: number, description: string) =>
  z
    .int({ error: must(`a whole number from ${least} to ${most}`) })
    .check(z.gte(least), z.lte(most), z.describe(description));

/** null says the same as leaving it out, so that a spec can be sent again as it was shown. */
export const optional = <T extends z.ZodMiniType>(schema: T) =>
  z._default(z.nullable(schema), null);

/** In US dollars, more than none. */
export const amount = (most: MicroUsd, description: string) =>
  z.pipe(
    z.union([z.number(), z.string()], { error: must(AMOUNT) }).check(z.describe(description)),
    z.transform((value: number | string, context): MicroUsd => {
      const parsed = parseAmount(value, most);
      if (parsed.ok) return parsed.value;
      context.issues.push({ code: 'custom', message: parsed.fault, input: value });
      return z.NEVER;
    }),
  );

function parseAmount(value: number | string, most: MicroUsd): ParsedUsd {
  const parsed = parseUsd(value);
  if (!parsed.ok) return parsed;
  if (parsed.value === 0) return { ok: false, fault: 'must be more than 0' };
  if (parsed.value <= most) return parsed;
  return { ok: false, fault: `must be at most ${formatUsd(most)}` };
}

function unknownFields(input: object, known: readonly string[], what: string): Fault[] {
  const fields = known.map((name) => ({ id: name, label: name }));
  return Object.keys(input)
    .filter((name) => !known.includes(name))
    .slice(0, FAULTS_MAX)
    .map((name) => ({
      path: name,
      message: `"${name}" is no field of ${what}${suggestion(name, fields) || ': leave it out'}`,
    }));
}
