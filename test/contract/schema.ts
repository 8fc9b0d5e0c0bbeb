import { isIP, isIPv4 } from 'node:net';
import { Ajv, type ValidateFunction } from 'ajv';
import type { OpenApiSchema } from './openapi.ts';

/** What is sent has no read-only fields; what is answered has no write-only ones but all others. */
export type Direction = 'request' | 'answer';

/** Keywords that mean the same in both. What is not among them is handled below or says nothing. */
const SAME = [
  ...['type', 'enum', 'pattern', 'minLength', 'maxLength', 'minimum', 'maximum'],
  ...['minItems', 'maxItems', 'uniqueItems', 'maxProperties', 'additionalProperties'],
  'patternProperties',
];

/**
 * The JSON Schema for one direction. Linode's contract has no `required` in any answer, and yet
 * each recorded one has every field: null where there is nothing to tell. So all are required.
 */
export function jsonSchema(openApi: OpenApiSchema, direction: Direction): object {
  const schema = flattened(openApi);
  const json: Record<string, unknown> = {};
  for (const keyword of SAME) if (keyword in schema) json[keyword] = schema[keyword];
  if (schema.format && schema.type === 'string') json.format = schema.format;
  if (schema.items) json.items = jsonSchema(itemsOf(schema), direction);
  if (schema.oneOf) json.oneOf = schema.oneOf.map((option) => jsonSchema(option, direction));
  if (schema.properties) Object.assign(json, objectKeywords(schema, direction));
  if (!schema.nullable) return json;
  return { ...json, nullable: true, ...(schema.enum && { enum: [...schema.enum, null] }) };
}

/** Linode writes the format of a list's items beside the list. */
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

/** Each part of an allOf forbids the fields of the others: they only make sense as one. */
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
 * Linode's formats, which are not always OpenAPI's: its times have no zone, and its UUIDs other
 * groups of digits or none: docs/linode.md#linodes, and every recorded answer that has them.
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

/** Linode writes lengths beside types that have none; all else must make sense to ajv. */
const options = { allErrors: true, strictTypes: false, formats } as const;
const ofJson = new Ajv(options);
/** What comes as text, such as a query, counts as the number that it may be meant as. */
const ofText = new Ajv({ ...options, coerceTypes: true });

export const compileForJson = (schema: object): ValidateFunction => ofJson.compile(schema);
export const compileForText = (schema: object): ValidateFunction => ofText.compile(schema);

/** What is wrong with the value, one line each, and one for all items of a list. */
export function faultsOf(validate: ValidateFunction, value: unknown): string[] {
  if (validate(value)) return [];
  const lines = (validate.errors ?? []).map(({ instancePath, message, params }) => {
    const path = instancePath.replaceAll(/\/\d+(?=\/|$)/g, '[]').replaceAll('/', '.');
    const named = params.additionalProperty ?? params.allowedValues?.join(', ');
    return `${path} ${message}${named === undefined ? '' : `: ${named}`}`;
  });
  return [...new Set(lines)];
}
