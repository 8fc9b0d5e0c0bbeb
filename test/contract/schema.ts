import { isIP, isIPv4 } from 'node:net';
import { Ajv, type ValidateFunction } from 'ajv';
import type { OpenApiSchema } from './openapi.ts';

/**
 * A request has no read-only fields; an answer has no write-only fields, and has all other fields.
 */
export type Direction = 'request' | 'answer';

/**
 * The keywords that mean the same in OpenAPI and in JSON Schema. `jsonSchema` translates some
 * others, and drops those that only document.
 */
const SHARED_KEYWORDS = [
  ...['type', 'enum', 'pattern', 'minLength', 'maxLength', 'minimum', 'maximum'],
  ...['minItems', 'maxItems', 'uniqueItems', 'maxProperties', 'additionalProperties'],
  'patternProperties',
];

/**
 * The JSON Schema for one direction. Linode's contract has no `required` in any answer, although
 * each recorded answer has every field, with null where there is no value. So the schema of an
 * answer requires all fields.
 */
export function jsonSchema(openApi: OpenApiSchema, direction: Direction): object {
  const schema = flattened(openApi);
  const json: Record<string, unknown> = {};
  for (const keyword of SHARED_KEYWORDS) if (keyword in schema) json[keyword] = schema[keyword];
  if (schema.format && schema.type === 'string') json.format = schema.format;
  if (schema.items) json.items = jsonSchema(itemsOf(schema), direction);
  if (schema.oneOf) json.oneOf = schema.oneOf.map((option) => jsonSchema(option, direction));
  if (schema.properties) Object.assign(json, objectKeywords(schema, direction));
  if (!schema.nullable) return json;
  return { ...json, nullable: true, ...(schema.enum && { enum: [...schema.enum, null] }) };
}

/** The schema of a list's items: Linode writes their format into the schema of the list. */
const itemsOf = ({ items = {}, format }: OpenApiSchema): OpenApiSchema =>
  format === undefined ? items : { format, ...items };

function objectKeywords(schema: OpenApiSchema, direction: Direction) {
  const hidden = direction === 'request' ? 'readOnly' : 'writeOnly';
  const fields = Object.entries(schema.properties ?? {}).filter(([, field]) => !field[hidden]);
  const always = fields.filter(([, field]) => !field.mayBeAbsent).map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(
      fields.map(([name, field]) => [name, jsonSchema(field, direction)]),
    ),
    required: direction === 'request' ? (schema.required ?? []) : always,
    additionalProperties: false,
  };
}

/** Merges the parts of an `allOf` into one schema, since each part forbids the others' fields. */
export function flattened({ allOf, ...whole }: OpenApiSchema): OpenApiSchema {
  if (allOf === undefined) return whole;
  const parts = [...allOf.map(flattened), whole];
  const properties = parts.flatMap((part) => Object.entries(part.properties ?? {}));
  const merged: OpenApiSchema = Object.assign({}, ...parts);
  return properties.length === 0
    ? merged
    : { ...merged, properties: Object.fromEntries(properties) };
}

/**
 * The formats as Linode uses them, which differ from OpenAPI's: times have no zone, and UUIDs have
 * other groups of digits or none. Sources: docs/linode.md#linodes, and the recorded answers.
 */
const formats = {
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/,
  uuid: /^([0-9a-f]{40}|[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{16})$/,
  ip: (text: string) => isIP(text) !== 0,
  ipv4: isIPv4,
  'ipv6/128': (text: string) => text.endsWith('/128') && isIP(text.slice(0, -4)) === 6,
  'ip/netmask': /^\S+\/\d+$/,
  'ssh-key': /^\S+ \S+/,
  byte: /^[A-Za-z0-9+/]*={0,2}$/,
  email: /^\S+@\S+$/,
  url: true,
  phone: true,
  password: true,
} as const;

/** `strictTypes` is off because Linode gives lengths to types without a length. */
const options = { allErrors: true, strictTypes: false, formats } as const;
const ofJson = new Ajv(options);
/** Takes text for a number where the schema wants a number: parameters of a path are text. */
const ofText = new Ajv({ ...options, coerceTypes: true });

export const compileForJson = (schema: object): ValidateFunction => ofJson.compile(schema);
export const compileForText = (schema: object): ValidateFunction => ofText.compile(schema);

/** The faults of the value, one line each; equal faults of a list's items are one line. */
export function faultsOf(validate: ValidateFunction, value: unknown): string[] {
  if (validate(value)) return [];
  const lines = (validate.errors ?? []).map(({ instancePath, message, params }) => {
    const path = instancePath.replaceAll(/\/\d+(?=\/|$)/g, '[]').replaceAll('/', '.');
    const named = params.additionalProperty ?? params.allowedValues?.join(', ');
    return `${path} ${message}${named === undefined ? '' : `: ${named}`}`;
  });
  return [...new Set(lines)];
}
