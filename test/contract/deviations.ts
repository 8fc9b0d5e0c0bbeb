import type {
  Content,
  OpenApiDocument,
  OpenApiOperation,
  OpenApiPath,
  OpenApiSchema,
  Parameter,
} from './openapi.ts';
import { flattened } from './schema.ts';

/*
 * Known differences between Linode's contract, version 4.189.0, and what Linode does. Each has a
 * source: a section of docs/linode.md, or `recorded`, which is a recorded answer of the real API.
 */

export interface Known {
  readonly deviations: readonly Deviation[];
  readonly parameters: readonly ParameterDeviation[];
  readonly gaps: readonly Gap[];
}

export interface Deviation {
  readonly of: keyof typeof MARKS;
  /** The keywords that replace those in the field's schema; null: Linode has no such field. */
  readonly fields: Readonly<Record<string, OpenApiSchema | null>>;
  readonly why: string;
  readonly source: string;
}

/** Parameters of operations that differ from those in the contract. */
export interface ParameterDeviation {
  readonly operations: readonly string[];
  readonly parameters: (was: readonly Parameter[]) => readonly Parameter[];
  readonly why: string;
  readonly source: string;
}

/** A route that Linode has and the contract lacks. */
export interface Gap {
  /** Absent: GET. */
  readonly method?: 'delete' | 'post';
  /** The path, without the API's version. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly answer: (paths: OpenApiDocument['paths']) => OpenApiSchema;
  readonly why: string;
  readonly source: string;
}

/** For each kind of object, a field that only its schema has, by which the schema is found. */
const MARKS = {
  Linode: 'watchdog_enabled',
  'body of a create': 'root_pass',
  type: 'successor',
  region: 'resolvers',
  image: 'vendor',
  event: 'percent_complete',
  account: 'balance_uninvoiced',
  error: 'reason',
} as const;

const nullable = { nullable: true };
const text = { type: 'string' };
const integer = { type: 'integer' };
const idsOrAbsent = { type: 'array', items: integer, mayBeAbsent: true };
const choice = (...values: string[]) => ({ type: 'string', enum: values });
const siteType = choice('core', 'distributed');

const object = (properties: Readonly<Record<string, OpenApiSchema>>) => ({
  type: 'object',
  properties,
});
const label = { type: 'string', pattern: '^[a-zA-Z0-9-]+$', minLength: 1, maxLength: 64 };
const netmask = { type: 'string', format: 'ip/netmask', ...nullable };
/** As in the contract, without the fields of VPCs and of answers. */
const legacyInterface = {
  ...object({
    purpose: choice('public', 'vlan'),
    label: { ...label, ...nullable },
    ipam_address: netmask,
    primary: { type: 'boolean' },
  }),
  required: ['purpose'],
};
const autoAddress = object({ address: choice('auto'), primary: { type: 'boolean' } });
const linodeInterface = object({
  public: object({
    ipv4: object({ addresses: { type: 'array', items: autoAddress } }),
    ipv6: object({}),
  }),
  vlan: { ...object({ vlan_label: label, ipam_address: netmask }), required: ['vlan_label'] },
  vpc: { ...object({ subnet_id: integer, ipv4: { type: 'object' } }), required: ['subnet_id'] },
  default_route: object({ ipv4: { type: 'boolean' }, ipv6: { type: 'boolean' } }),
  firewall_id: { ...integer, ...nullable },
});

const hourlyPrice = { hourly: { type: 'number' }, monthly: { type: 'number', ...nullable } };
const transferPrice = object({
  id: text,
  label: text,
  price: object(hourlyPrice),
  region_prices: { type: 'array', items: object({ id: text, ...hourlyPrice }) },
  transfer: integer,
});

const deviations: readonly Deviation[] = [
  {
    of: 'Linode',
    fields: {
      site_type: siteType,
      'specs.accelerated_devices': integer,
      disk_encryption: choice('enabled', 'disabled'),
      interface_generation: choice('legacy_config', 'linode'),
      maintenance_policy: choice('linode/migrate', 'linode/power_off_on'),
    },
    why: 'newer than the contract',
    source: 'recorded',
  },
  {
    of: 'Linode',
    fields: { locks: { type: 'array', items: text, mayBeAbsent: true } },
    why: 'newer than the contract, and answered only by v4beta',
    source: 'recorded',
  },
  {
    of: 'Linode',
    fields: { 'alerts.system_alerts': idsOrAbsent, 'alerts.user_alerts': idsOrAbsent },
    why: 'newer than the contract, and than some of the recorded answers',
    source: 'recorded',
  },
  {
    of: 'Linode',
    fields: { 'backups.last_successful': nullable },
    why: 'null before the first backup',
    source: 'recorded',
  },
  {
    of: 'body of a create',
    fields: { interface_generation: choice('legacy_config', 'linode') },
    why: 'newer than the contract',
    source: 'creates; recorded',
  },
  {
    of: 'body of a create',
    fields: { interfaces: { items: { oneOf: [legacyInterface, linodeInterface] } } },
    why: 'the newer generation of interfaces is newer than the contract',
    source: 'networks; recorded',
  },
  {
    of: 'body of a create',
    fields: { network_helper: { type: 'boolean' } },
    why: 'newer than the contract',
    source: 'networks',
  },
  {
    of: 'type',
    fields: { accelerated_devices: integer },
    why: 'newer than the contract',
    source: 'recorded',
  },
  {
    of: 'type',
    fields: {
      'price.hourly': nullable,
      'price.monthly': nullable,
      'addons.backups.price.hourly': nullable,
      'addons.backups.price.monthly': nullable,
    },
    why: 'plans of the generation G8 have no monthly price, and none that is known for backups',
    source: 'prices',
  },
  {
    of: 'region',
    fields: { 'site-type': null, site_type: siteType },
    why: 'the contract has a slip of the pen',
    source: 'recorded',
  },
  {
    of: 'region',
    fields: {
      monitors: {
        type: 'object',
        properties: {
          alerts: { type: 'array', items: text },
          metrics: { type: 'array', items: text },
        },
      },
      'placement_group_limits.maximum_linodes_per_flexible_pg': integer,
    },
    why: 'newer than the contract',
    source: 'recorded',
  },
  {
    of: 'image',
    fields: { is_shared: { type: 'boolean' }, image_sharing: { type: 'object', ...nullable } },
    why: 'newer than the contract',
    source: 'recorded',
  },
  {
    of: 'image',
    fields: { regions: nullable, total_size: { mayBeAbsent: true } },
    why: 'only private images have them',
    source: 'recorded',
  },
  {
    of: 'image',
    fields: { description: { minLength: 0 } },
    why: 'the description of a public image is empty',
    source: 'recorded',
  },
  {
    of: 'event',
    fields: {
      details: { type: 'object', mayBeAbsent: true },
      duration: nullable,
      percent_complete: nullable,
      rate: nullable,
      secondary_entity: nullable,
    },
    why: 'null for what has not begun or has no progress; details are newer than the contract',
    source: 'recorded',
  },
  {
    of: 'event',
    fields: { time_remaining: integer, 'secondary_entity.id': { type: ['string', 'integer'] } },
    why: 'numbers, where the contract has text',
    source: 'recorded',
  },
  {
    of: 'account',
    fields: { 'credit_card.expiry': nullable, 'credit_card.last_four': nullable },
    why: 'null where there is no card',
    source: 'recorded',
  },
  {
    of: 'error',
    fields: { field: { mayBeAbsent: true } },
    why: 'left out where the error is about no field',
    source: 'answers-and-errors; recorded',
  },
];

const paging: readonly Parameter[] = [
  { in: 'query', name: 'page', schema: { type: 'integer', minimum: 1 } },
  { in: 'query', name: 'page_size', schema: { type: 'integer', minimum: 25, maximum: 500 } },
];

const parameters: readonly ParameterDeviation[] = [
  {
    operations: ['GET /linode/types', 'GET /regions', 'GET /regions/availability'],
    parameters: (was) => [...was, ...paging],
    why: 'paged like all lists; later contracts say so',
    source: 'lists',
  },
  {
    operations: ['GET /images'],
    parameters: (was) => [...was, { in: 'header', name: 'X-Filter', schema: { type: 'object' } }],
    why: 'filtered by type, as recorded answers and later contracts have it',
    source: 'lists',
  },
  {
    operations: ['GET /networking/vlans'],
    parameters: (was) => [...was, { in: 'header', name: 'X-Filter', schema: { type: 'object' } }],
    why: 'filtered by label and region, as recorded answers and later contracts have it',
    source: 'networks; recorded',
  },
  {
    operations: ['GET /linode/instances'],
    parameters: (was) =>
      was.map((parameter) => (parameter.name === 'X-Filter' ? filterOf(parameter) : parameter)),
    why: 'a filter has fields and operators in one object, of which the contract allows either',
    source: 'lists',
  },
];

function filterOf(parameter: Parameter): Parameter {
  const operators = parameter.schema.oneOf?.[1] ?? {};
  const schema = { ...operators, patternProperties: { '^[^+]': {} } };
  return { ...parameter, schema };
}

const gaps: readonly Gap[] = [
  {
    path: '/network-transfer/prices',
    parameters: paging,
    answer: () =>
      object({
        data: { type: 'array', items: transferPrice },
        page: integer,
        pages: integer,
        results: integer,
      }),
    why: 'newer than the contract; the shape is that of the recorded answer',
    source: 'transfer; recorded',
  },
  {
    path: '/regions/{regionId}',
    parameters: [{ in: 'path', name: 'regionId', required: true, schema: text }],
    answer: (paths) => itemOf(paths, '/regions'),
    why: 'only the list is in the contract; its items are what this answers',
    source: 'lists',
  },
  {
    path: '/regions/{regionId}/availability',
    parameters: [{ in: 'path', name: 'regionId', required: true, schema: text }],
    answer: (paths) => ({ type: 'array', items: itemOf(paths, '/regions/availability') }),
    why: 'only the list of all regions is in the contract; this is a bare list of such items',
    source: 'lists',
  },
  {
    path: '/images/linode/{imageName}',
    parameters: [{ in: 'path', name: 'imageName', required: true, schema: text }],
    answer: (paths) => answerOf(paths, '/images/{imageId}'),
    why: 'the slash in the id of an image need not be encoded',
    source: 'regions-types-and-images',
  },
  {
    path: '/account/events/{eventId}',
    parameters: [{ in: 'path', name: 'eventId', required: true, schema: integer }],
    answer: (paths) => itemOf(paths, '/account/events'),
    why: 'only the list is in the contract; its items are what this answers',
    source: 'recorded',
  },
  {
    path: '/account/settings',
    parameters: [],
    answer: () => ({
      type: 'object',
      properties: {
        managed: { type: 'boolean' },
        network_helper: { type: 'boolean' },
        longview_subscription: { ...text, ...nullable },
        backups_enabled: { type: 'boolean' },
        object_storage: choice('active', 'disabled', 'suspended'),
        interfaces_for_new_linodes: choice(
          'legacy_config_only',
          'legacy_config_default_but_linode_allowed',
          'linode_default_but_legacy_config_allowed',
          'linode_only',
        ),
        maintenance_policy: choice('linode/migrate', 'linode/power_off_on'),
      },
    }),
    why: 'not in the contract; the shape is that of the recorded answer',
    source: 'creates; recorded',
  },
  {
    path: '/networking/firewalls/settings',
    parameters: [],
    answer: () =>
      object({
        default_firewall_ids: object({
          linode: { ...integer, ...nullable },
          nodebalancer: { ...integer, ...nullable },
          public_interface: { ...integer, ...nullable },
          vpc_interface: { ...integer, ...nullable },
        }),
      }),
    why: 'newer than the contract; the shape is that of a recorded answer',
    source: 'networks',
  },
  {
    method: 'delete',
    path: '/networking/vlans/{regionId}/{label}',
    parameters: [
      { in: 'path', name: 'regionId', required: true, schema: text },
      { in: 'path', name: 'label', required: true, schema: label },
    ],
    answer: () => object({}),
    why: 'newer than the contract',
    source: 'networks',
  },
  ...['boot', 'reboot', 'shutdown'].map(
    (call): Gap => ({
      method: 'post',
      path: `/linode/instances/{linodeId}/${call}`,
      parameters: [{ in: 'path', name: 'linodeId', required: true, schema: integer }],
      answer: () => object({}),
      why: 'Onebuck does not use it, and only simulated Linodes that boot have it',
      source: 'linodes',
    }),
  ),
];

export const known: Known = { deviations, parameters, gaps };

/** The contract, corrected by the known differences. */
export function amended(document: OpenApiDocument, corrections: Known): OpenApiDocument {
  const paths = Object.fromEntries(
    Object.entries(document.paths).map(([path, item]) => [
      path,
      amendedPath(path, item, corrections),
    ]),
  );
  const missing = corrections.gaps.map(
    (gap) => [`/{apiVersion}${gap.path}`, pathOf(gap, paths)] as const,
  );
  return { paths: { ...paths, ...Object.fromEntries(missing) } };
}

function amendedPath(path: string, item: OpenApiPath, corrections: Known): OpenApiPath {
  return mapMethods(item, (method, operation) => {
    const { requestBody, responses, parameters: own = [] } = operation;
    const name = `${method.toUpperCase()} ${path.replace('/{apiVersion}', '')}`;
    const others = corrections.parameters.filter(({ operations }) => operations.includes(name));
    return {
      ...operation,
      parameters: others.reduce((was, deviation) => deviation.parameters(was), own),
      ...(requestBody && { requestBody: amendedContent(requestBody, corrections.deviations) }),
      responses: Object.fromEntries(
        Object.entries(responses).map(([status, content]) => [
          status,
          amendedContent(content, corrections.deviations),
        ]),
      ),
    };
  });
}

function mapMethods(
  item: OpenApiPath,
  change: (method: string, operation: OpenApiOperation) => OpenApiOperation,
): OpenApiPath {
  const methods = (['get', 'post', 'put', 'delete'] as const).flatMap((method) => {
    const operation = item[method];
    return operation === undefined ? [] : [[method, change(method, operation)] as const];
  });
  return { ...item, ...Object.fromEntries(methods) };
}

const contentOf = (schema: OpenApiSchema): Content => ({
  content: { 'application/json': { schema } },
});

function amendedContent(content: Content, changes: readonly Deviation[]): Content {
  const { schema } = content.content['application/json'];
  return contentOf(changes.reduce(amendedSchema, schema));
}

/** The schema with the deviation applied to every object of its kind, at any depth. */
function amendedSchema(schema: OpenApiSchema, deviation: Deviation): OpenApiSchema {
  const flat = flattened(schema);
  const { properties, items, oneOf } = flat;
  const inner: OpenApiSchema = {
    ...flat,
    ...(items && { items: amendedSchema(items, deviation) }),
    ...(oneOf && { oneOf: oneOf.map((option) => amendedSchema(option, deviation)) }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, of]) => [name, amendedSchema(of, deviation)]),
      ),
    }),
  };
  if (!Object.hasOwn(properties ?? {}, MARKS[deviation.of])) return inner;
  return Object.entries(deviation.fields).reduce(
    (was, [path, change]) => withField(was, path.split('.'), change),
    inner,
  );
}

function withField(
  schema: OpenApiSchema,
  [name = '', ...deeper]: readonly string[],
  change: OpenApiSchema | null,
): OpenApiSchema {
  const { [name]: was = {}, ...others } = schema.properties ?? {};
  if (deeper.length > 0) {
    return { ...schema, properties: { ...others, [name]: withField(was, deeper, change) } };
  }
  const field = change === null ? {} : { [name]: { ...was, ...change } };
  return { ...schema, properties: { ...others, ...field } };
}

function pathOf(gap: Gap, paths: OpenApiDocument['paths']): OpenApiPath {
  const version = operationOf(paths, '/regions').item.parameters ?? [];
  const { responses } = operationOf(paths, '/regions').get;
  const operation = { responses: { ...responses, 200: contentOf(gap.answer(paths)) } };
  return { parameters: [...version, ...gap.parameters], [gap.method ?? 'get']: operation };
}

function answerOf(paths: OpenApiDocument['paths'], path: string): OpenApiSchema {
  const { responses } = operationOf(paths, path).get;
  return responses['200']?.content['application/json'].schema ?? {};
}

function itemOf(paths: OpenApiDocument['paths'], path: string): OpenApiSchema {
  const { data } = flattened(answerOf(paths, path)).properties ?? {};
  if (data?.items === undefined) throw new Error(`${path} is no list`);
  return data.items;
}

function operationOf(paths: OpenApiDocument['paths'], path: string) {
  const item = paths[`/{apiVersion}${path}`];
  if (item?.get === undefined) throw new Error(`the contract lacks GET ${path}`);
  return { item, get: item.get };
}
