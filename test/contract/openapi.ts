/** Linode's description of its API, as far as it is read here. It has no references. */
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
  /** By status; `default` is an error's. */
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

/** A schema as OpenAPI 3.0 writes it: close to JSON Schema, but not the same. */
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
  /** Not of OpenAPI but ours: a field that an answer may lack. */
  mayBeAbsent?: boolean;
  /** Not of OpenAPI either: any field of such a name. */
  patternProperties?: Readonly<Record<string, OpenApiSchema>>;
  [keyword: string]: unknown;
}>;
