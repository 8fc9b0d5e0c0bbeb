/** The parts of Linode's OpenAPI document that the tests read. The document has no `$ref`. */
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, OpenApiPath>>;
}

export type Method = 'get' | 'post' | 'put' | 'delete';

export type OpenApiPath = { readonly parameters?: readonly Parameter[] } & {
  readonly [method in Method]?: OpenApiOperation;
};

export interface OpenApiOperation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content;
  /** The answers by their status; `default` is the form of every error. */
  readonly responses: Readonly<Record<string, Content>>;
}

export interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly required?: boolean;
  readonly schema: OpenApiSchema;
}

export interface Content {
  readonly content: { readonly 'application/json': { readonly schema: OpenApiSchema } };
}

/** A schema of OpenAPI 3.0, which differs from JSON Schema in places such as `nullable`. */
export type OpenApiSchema = Readonly<{
  type?: string | readonly string[];
  format?: string;
  properties?: Readonly<Record<string, OpenApiSchema>>;
  required?: readonly string[];
  items?: OpenApiSchema;
  allOf?: readonly OpenApiSchema[];
  oneOf?: readonly OpenApiSchema[];
  enum?: readonly unknown[];
  nullable?: boolean;
  readOnly?: boolean;
  writeOnly?: boolean;
  title?: string;
  /** A keyword of these tests, not of OpenAPI: an answer may lack the field. */
  mayBeAbsent?: boolean;
  /** A keyword of JSON Schema, not of OpenAPI: fields whose name matches the pattern. */
  patternProperties?: Readonly<Record<string, OpenApiSchema>>;
  [keyword: string]: unknown;
}>;
