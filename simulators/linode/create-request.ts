import { ApiError, type ErrorItem, notSimulated } from './api-error.ts';
import { imagesOf, regions, types } from './catalogue.ts';
import {
  generationErrors,
  type Networking,
  networkingErrors,
  networkingOf,
  refuseOtherInterfaces,
} from './interfaces.ts';
import { isObject } from './json.ts';
import type { SimulatorSettings } from './settings.ts';

/** The body of POST /linode/instances, checked and with its defaults filled in. */
export interface CreateRequest extends Networking {
  readonly type: string;
  readonly region: string;
  readonly image: string | null;
  /** null: the API composes a label from the id. */
  readonly label: string | null;
  readonly tags: readonly string[];
  readonly group: string;
  readonly backupsEnabled: boolean;
  readonly diskEncryption: string;
  readonly maintenancePolicy: string;
  // The API never shows the fields below.
  readonly booted: boolean;
  readonly rootPass: string | null;
  readonly authorizedKeys: readonly string[];
  readonly authorizedUsers: readonly string[];
  /** Base64, as the client sent it. */
  readonly userData: string | null;
}

type Body = Readonly<Record<string, unknown>>;
type CreateSettings = Pick<
  SimulatorSettings,
  | 'regionsWithout'
  | 'interfacesForNewLinodes'
  | 'networkHelper'
  | 'defaultFirewall'
  | 'privateImages'
>;

/** Throws one ApiError with all errors of the body, as the API answers with all of them. */
export function createRequest(body: Body, settings: CreateSettings): CreateRequest {
  refuseUnknownFields(body, createFields);
  refuseOtherInterfaces(body);
  const errors = createErrors(body, settings);
  if (errors.length > 0) throw new ApiError(400, ...errors);

  const image = text(body.image);
  const networking = networkingOf(body, settings);
  return {
    ...networking,
    type: text(body.type) ?? '',
    region: text(body.region) ?? '',
    image,
    label: text(body.label),
    tags: [...new Set(texts(body.tags))],
    group: text(body.group) ?? '',
    backupsEnabled: body.backups_enabled === true,
    diskEncryption: text(body.disk_encryption) ?? 'enabled',
    maintenancePolicy: text(body.maintenance_policy) ?? 'linode/migrate',
    // Without an image there is nothing to boot from, and nothing boots without an interface.
    booted: image !== null && networking.interfaces.length > 0 && body.booted !== false,
    rootPass: text(body.root_pass),
    authorizedKeys: texts(body.authorized_keys),
    authorizedUsers: texts(body.authorized_users),
    userData: isObject(body.metadata) ? text(body.metadata.user_data) : null,
  };
}

const createFields = new Set([
  ...['type', 'region', 'image', 'label', 'tags', 'group', 'booted', 'backups_enabled'],
  ...['root_pass', 'authorized_keys', 'authorized_users', 'metadata', 'firewall_id'],
  ...['swap_size', 'boot_size', 'disk_encryption', 'interface_generation', 'maintenance_policy'],
  ...['interfaces', 'network_helper'],
]);

/**
 * Throws if the body has a field that the simulator does not know. If the simulator ignored unknown
 * fields, a test could pass that fails against the real API.
 */
export function refuseUnknownFields(body: Body, known: ReadonlySet<string>): void {
  const unknown = Object.keys(body).filter((name) => !known.has(name));
  if (unknown.length > 0) throw notSimulated(`the field ${unknown.join(', ')} of this call`);
}

function createErrors(body: Body, settings: CreateSettings): ErrorItem[] {
  return [
    ...typeErrors(body.type),
    ...regionErrors(body.region),
    ...imageErrors(body, settings),
    ...(isAbsent(body.label) ? [] : labelErrors(body.label)),
    ...passwordErrors(body.root_pass),
    ...keyErrors(body.authorized_keys),
    ...listErrors(body.authorized_users, 'authorized_users'),
    ...credentialErrors(body),
    ...(isAbsent(body.tags) ? [] : tagsErrors(body.tags)),
    ...userDataErrors(body, settings),
    ...['booted', 'backups_enabled'].flatMap((field) => booleanErrors(body[field], field)),
    ...['swap_size', 'boot_size'].flatMap((field) => integerErrors(body[field], field)),
    ...choiceErrors(body.disk_encryption, 'disk_encryption', ['enabled', 'disabled']),
    ...generationErrors(body, settings),
    ...networkingErrors(body, settings),
    ...capabilityErrors(body, settings),
    ...policyErrors(body.maintenance_policy),
    ...groupErrors(body.group),
  ];
}

function typeErrors(value: unknown): ErrorItem[] {
  if (isAbsent(value)) return [{ reason: 'type is required', field: 'type' }];
  if (typeof value === 'string' && types.has(value)) return [];
  return [{ reason: 'A valid plan type by that ID was not found', field: 'type' }];
}

function regionErrors(value: unknown): ErrorItem[] {
  if (isAbsent(value)) return [{ reason: 'region is required', field: 'region' }];
  return typeof value === 'string' && regions.has(value) ? [] : [notValid('region')];
}

/** Linode's words for a plan that is too small are not known. */
function imageErrors({ image, type }: Body, settings: CreateSettings): ErrorItem[] {
  if (isAbsent(image)) return [];
  const found = typeof image === 'string' ? imagesOf(settings).get(image) : undefined;
  if (found === undefined) return [notValid('image')];
  const disk = typeof type === 'string' ? (types.get(type)?.disk ?? null) : null;
  if (disk === null || found.size <= disk) return [];
  const reason = `The image needs ${found.size} MB of disk, and the plan has ${disk} MB`;
  return [{ reason, field: 'image' }];
}

/**
 * Linode's documentation contradicts itself: its pattern demands a letter first, while its prose
 * allows a digit first but demands a letter or a digit last. The simulator demands both
 * (docs/linode.md#labels-and-tags).
 */
export function labelErrors(value: unknown): ErrorItem[] {
  const field = 'label';
  if (typeof value !== 'string') return [notValid(field)];
  if (value.length < 3 || value.length > 64) {
    return [{ reason: 'Length must be 3-64 characters', field }];
  }
  if (/^[a-zA-Z]((?!--|__|\.\.)[a-zA-Z0-9-_.])*[a-zA-Z0-9]$/.test(value)) return [];
  return [
    {
      reason:
        'Label must begin with a letter, end with a letter or digit, and hold nothing but ' +
        'letters, digits, dashes, underscores and periods, none of the last three doubled',
      field,
    },
  ];
}

function passwordErrors(value: unknown): ErrorItem[] {
  const field = 'root_pass';
  if (isAbsent(value)) return [];
  if (typeof value !== 'string') return [notValid(field)];
  if (value.length >= 7 && value.length <= 128) return [];
  return [{ reason: 'Length must be 7-128 characters', field }];
}

function keyErrors(value: unknown): ErrorItem[] {
  const errors = listErrors(value, 'authorized_keys');
  if (errors.length > 0) return errors;
  return texts(value).flatMap((key, index) => {
    if (KEY_LINE.test(key)) return [];
    const reason =
      `SSH Key ${index + 1} key-type must be ssh-dss, ssh-rsa, ecdsa-sha2-nistp, ssh-ed25519, or ` +
      'sk-ecdsa-sha2-nistp256.';
    return [{ reason, field: 'authorized_keys' }];
  });
}

/** The simulator looks at the type only; Linode also reads the blob. */
const KEY_LINE =
  /^(ssh-dss|ssh-rsa|ecdsa-sha2-nistp\d+|ssh-ed25519|sk-ecdsa-sha2-nistp256\S*) \S+[^\n\r]*$/;

/** A Linode with an image needs a password or a key, so that somebody can log in. */
function credentialErrors(body: Body): ErrorItem[] {
  if (isAbsent(body.image)) return [];
  const given =
    text(body.root_pass) !== null ||
    texts(body.authorized_keys).length > 0 ||
    texts(body.authorized_users).length > 0;
  if (given) return [];
  return [{ reason: 'Must provide valid root_pass, authorized_keys, or authorized_users' }];
}

export function tagsErrors(value: unknown): ErrorItem[] {
  const errors = listErrors(value, 'tags');
  if (errors.length > 0 || texts(value).every(isTag)) return errors;
  return [{ reason: 'Length must be 3-50 characters', field: 'tags' }];
}

export const isTag = (label: string): boolean => label.length >= 3 && label.length <= 50;

/** Whether the region has what the interfaces need. */
function capabilityErrors(body: Body, settings: CreateSettings): ErrorItem[] {
  const { interfaceGeneration, interfaces } = networkingOf(body, settings);
  const needed = [
    ...(interfaces.some(({ purpose }) => purpose === 'vlan') ? ['Vlans'] : []),
    ...(interfaceGeneration === 'linode' ? ['Linode Interfaces'] : []),
  ];
  return needed
    .filter((capability) => settings.regionsWithout[capability]?.includes(`${body.region}`))
    .map((capability) => ({
      reason: `The region does not support ${capability}`,
      field: 'interfaces',
    }));
}

/** docs/linode.md#user-data; Linode's descriptions give three other limits. */
const USER_DATA_BYTES_MAX = 16_384;

function userDataErrors(
  body: Body,
  settings: Pick<SimulatorSettings, 'regionsWithout' | 'privateImages'>,
): ErrorItem[] {
  const field = 'metadata.user_data';
  if (isAbsent(body.metadata)) return [];
  if (!isObject(body.metadata)) return [notValid('metadata')];
  const data = body.metadata.user_data;
  if (isAbsent(data)) return [];
  if (typeof data !== 'string' || !isBase64(data)) return [notValid(field)];
  const errors: ErrorItem[] = [];
  if (Buffer.byteLength(data, 'base64') > USER_DATA_BYTES_MAX) {
    errors.push({ reason: `Length must be at most ${USER_DATA_BYTES_MAX} bytes decoded`, field });
  }
  // The real API accepted user data for a Linode without an image.
  const image = typeof body.image === 'string' ? imagesOf(settings).get(body.image) : undefined;
  if (image !== undefined && !image.capabilities.includes('cloud-init')) {
    errors.push({ reason: 'The image does not support cloud-init', field });
  }
  const { region } = body;
  if (typeof region === 'string' && settings.regionsWithout.Metadata?.includes(region)) {
    errors.push({ reason: 'The region does not support Metadata', field });
  }
  return errors;
}

const isBase64 = (value: string): boolean =>
  value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value);

export function policyErrors(value: unknown): ErrorItem[] {
  const field = 'maintenance_policy';
  if (choiceErrors(value, field, ['linode/migrate', 'linode/power_off_on']).length === 0) return [];
  return [{ reason: 'Unsupported maintenance policy slug format.', field }];
}

export function groupErrors(value: unknown): ErrorItem[] {
  return isAbsent(value) || typeof value === 'string' ? [] : [notValid('group')];
}

function booleanErrors(value: unknown, field: string): ErrorItem[] {
  return isAbsent(value) || typeof value === 'boolean' ? [] : [notValid(field)];
}

function integerErrors(value: unknown, field: string): ErrorItem[] {
  return isAbsent(value) || Number.isSafeInteger(value) ? [] : [notValid(field)];
}

function choiceErrors(value: unknown, field: string, choices: readonly unknown[]): ErrorItem[] {
  return isAbsent(value) || choices.includes(value) ? [] : [notValid(field)];
}

function listErrors(value: unknown, field: string): ErrorItem[] {
  if (isAbsent(value)) return [];
  const isList = Array.isArray(value) && value.every((item) => typeof item === 'string');
  return isList ? [] : [notValid(field)];
}

const notValid = (field: string): ErrorItem => ({ reason: `${field} is not valid`, field });
const isAbsent = (value: unknown): boolean => value === undefined || value === null;
const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
